"""The tests of a question: their styles, read from JSON text. See docs/design/references.md."""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from tamis.errors import RewardError
from tamis.rewards.code.python_text import parse

# `null` is a value: absent members of a case hold no text at all.
_ABSENT = msgspec.Raw(b"")

Compare = Literal["exact", "tokens", "floats"]


class CheckTests(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="style", tag="check"
):
    """`code` defines `check(candidate)`; `setup` runs before it."""

    entry_point: str
    code: str
    setup: str = ""


class AssertTests(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="style", tag="asserts"
):
    """Each text of `asserts` is one test; `imports` and `setup` run before each.

    `entry_point` is the function under test; without it, it is read off the asserts.
    """

    asserts: tuple[str, ...]
    setup: str = ""
    imports: tuple[str, ...] = ()
    entry_point: str | None = None


class UnittestTests(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="style", tag="unittest"
):
    """`code` defines `unittest.TestCase` classes; each test method is one test."""

    code: str
    setup: str = ""
    entry_point: str | None = None


class StdinCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a program reads, and what it should print."""

    input: str
    output: str


class StdinTests(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="style", tag="stdin"
):
    """Programs: text in, text out.

    `compare` goes before the reward's own parameter; `checker` is code that defines
    `check(input, output, expected)` for tasks with several right outputs.
    """

    cases: tuple[StdinCase, ...]
    checker: str | None = None
    compare: Compare | None = None


class CallCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call and its result: plain JSON, or Python source for what JSON cannot say (`*_source`).

    `args_source` is what stands between the parentheses of the call: `(1, 2), key=len`.
    """

    args: msgspec.Raw = _ABSENT
    kwargs: dict[str, msgspec.Raw] = {}
    args_source: str | None = None
    expected: msgspec.Raw = _ABSENT
    expected_source: str | None = None


class CallTests(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="style", tag="calls"
):
    """A table of calls of one function; `setup` runs before the candidate's code."""

    entry_point: str
    cases: tuple[CallCase, ...]
    setup: str = ""


Tests = CheckTests | AssertTests | UnittestTests | StdinTests | CallTests
_DECODER: msgspec.json.Decoder[Tests] = msgspec.json.Decoder(Tests)


def read_tests(text: str | None) -> Tests:
    """The tests written in a reference.

    Raises: RewardError, one line, for absent, empty or undecodable tests.
    """
    if text is None or not text.strip():
        raise RewardError("reference.tests: expected tests, got nothing")
    try:
        tests = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RewardError(f"reference.tests: {error}") from error
    for place, written in _codes(tests):
        problem = parse(written)
        if isinstance(problem, str):
            raise RewardError(f"reference.tests.{place}: expected Python, got {problem}")
    if isinstance(tests, CallTests):
        _refuse_unclear(tests)
    if not _n_written(tests):
        raise RewardError("reference.tests: expected at least one test, got none")
    return tests


def json_value(raw: msgspec.Raw) -> object:
    """The value of a piece of JSON text; integers of any size stay whole."""
    return json.loads(bytes(raw))


def _codes(tests: Tests) -> list[tuple[str, str]]:
    """Every piece of Python of the tests, with its place."""
    if isinstance(tests, AssertTests):
        asserts = [(f"asserts[{at}]", text) for at, text in enumerate(tests.asserts)]
        imports = [(f"imports[{at}]", text) for at, text in enumerate(tests.imports)]
        return [*asserts, ("setup", tests.setup), *imports]
    if isinstance(tests, StdinTests):
        return [("checker", tests.checker)] if tests.checker is not None else []
    if isinstance(tests, CallTests):
        return [("setup", tests.setup)]
    return [("setup", tests.setup), ("code", tests.code)]


def _n_written(tests: Tests) -> int:
    if isinstance(tests, AssertTests):
        return len(tests.asserts)
    if isinstance(tests, StdinTests | CallTests):
        return len(tests.cases)
    return 1 if tests.code.strip() else 0


def _refuse_unclear(tests: CallTests) -> None:
    for at, case in enumerate(tests.cases):
        has_args, has_expected = bool(bytes(case.args)), bool(bytes(case.expected))
        if has_args == (case.args_source is not None):
            raise RewardError(
                f"reference.tests.cases[{at}]: expected either `args` or `args_source`"
            )
        if has_args and not isinstance(json_value(case.args), list):
            raise RewardError(f"reference.tests.cases[{at}].args: expected a list")
        if case.args_source is not None and case.kwargs:
            raise RewardError(f"reference.tests.cases[{at}]: `kwargs` belong into `args_source`")
        if has_expected == (case.expected_source is not None):
            raise RewardError(
                f"reference.tests.cases[{at}]: expected either `expected` or `expected_source`"
            )
