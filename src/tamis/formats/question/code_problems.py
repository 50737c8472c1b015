"""Coding problems with tests: HumanEval, MBPP, and questions with assert lines.

Source: openai/human-eval (HumanEval.jsonl.gz); dataset card of google-research-datasets/mbpp, full
(text, test_setup_code) and sanitized (prompt, test_imports); open-instruct's code data as of
TIGER-Lab/AceCode-87K (question, test_cases). The tests: docs/design/references.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import no_tools, take_text, turn
from tamis.formats.question.fields import (
    implied_reward,
    not_read_as,
    one_text,
    reference_fields,
    take_texts,
    tests_members,
    tests_text,
    texts,
    with_rest,
)
from tamis.records import Message, Question, Reference, RewardSpec

_REWARD = "code"


def _are_texts(row: Mapping[str, Any], *keys: str) -> bool:
    return all(isinstance(row.get(key), str) for key in keys)


def humaneval_matches(row: Mapping[str, Any]) -> bool:
    """`prompt`, `entry_point` and `test` are texts."""
    return _are_texts(row, "prompt", "entry_point", "test")


def parse_humaneval(rest: dict[str, Raw]) -> Question:
    """One problem: a function's head to be completed, and a `check` that takes the function."""
    prompt = turn("user", take_text(rest, "prompt"))
    for key in ("entry_point", "test"):
        if key not in rest:
            raise RowError(f"$.{key}: expected text, got nothing (the key is missing)")
        exact.text(rest[key], f"$.{key}")
    tests = tests_text("check", entry_point=rest.pop("entry_point"), code=rest.pop("test"))
    solution = _take_solution(rest, "canonical_solution")
    return _question(prompt, Reference(solution=solution, tests=tests), rest, {})


def write_humaneval(row: Row) -> dict[str, Any]:
    """The members of a HumanEval row; tests must be in the style `check`."""
    rest, _ = exact.split_rest(row["meta"])
    reference = _reference(row, "solution", "tests")
    members = tests_members(reference["tests"], "check", "entry_point", "code")
    not_read_as(row, "humaneval", "canonical_solution")
    written: dict[str, Any] = {"prompt": one_text(row)}
    for key, member in (("entry_point", "entry_point"), ("test", "code")):
        raw = members.get(member, Raw(b"null"))
        exact.text(raw, f"reference.tests.{member}")
        written[key] = raw
    _put_solution(written, "canonical_solution", reference)
    return with_rest(written, rest)


def mbpp_matches(row: Mapping[str, Any]) -> bool:
    """`test_list` is a list, beside a `text` or a `prompt`."""
    is_asked = _are_texts(row, "text") or _are_texts(row, "prompt")
    return isinstance(row.get("test_list"), list) and is_asked


def parse_mbpp(rest: dict[str, Raw]) -> Question:
    """One task; `challenge_test_list` and the author's other keys stay as they are."""
    marker: dict[str, object] = {}
    key = "prompt" if "prompt" in rest or "text" not in rest else "text"
    if key == "text":
        marker["asked"] = key
    prompt = turn("user", take_text(rest, key))
    asserts = take_texts(rest, "test_list")
    setup = imports = None
    if "test_setup_code" in rest and exact.is_text(rest["test_setup_code"]):
        setup = rest.pop("test_setup_code")
    if "test_imports" in rest and exact.is_list(rest["test_imports"]):
        imports = take_texts(rest, "test_imports")
    tests = tests_text("asserts", asserts=asserts, setup=setup, imports=imports)
    solution = _take_solution(rest, "code")
    return _question(prompt, Reference(solution=solution, tests=tests), rest, marker)


def write_mbpp(row: Row) -> dict[str, Any]:
    """The members of an MBPP row; tests must be in the style `asserts`."""
    rest, marker = exact.split_rest(row["meta"])
    reference = _reference(row, "solution", "tests")
    not_read_as(row, "mbpp", "code", "test_setup_code", "test_imports")
    written: dict[str, Any] = {"text" if "asked" in marker else "prompt": one_text(row)}
    members = tests_members(reference["tests"], "asserts", "asserts", "setup", "imports")
    written["test_list"] = members.get("asserts", Raw(b"[]"))
    for key, member in (("test_setup_code", "setup"), ("test_imports", "imports")):
        if member in members:
            written[key] = members[member]
    _put_solution(written, "code", reference)
    return with_rest(written, rest)


def asserts_matches(row: Mapping[str, Any]) -> bool:
    """`question` is a text and `test_cases` a list of texts."""
    cases = row.get("test_cases")
    are_texts = isinstance(cases, list) and all(isinstance(case, str) for case in cases)
    return are_texts and _are_texts(row, "question")


def parse_asserts(rest: dict[str, Raw]) -> Question:
    """One question with assert lines; all other keys stay as they are."""
    prompt = turn("user", take_text(rest, "question"))
    tests = tests_text("asserts", asserts=take_texts(rest, "test_cases"))
    return _question(prompt, Reference(tests=tests), rest, {})


def write_asserts(row: Row) -> dict[str, Any]:
    """The members of a row: assert lines without imports or set-up."""
    rest, _ = exact.split_rest(row["meta"])
    members = tests_members(_reference(row, "tests")["tests"], "asserts", "asserts")
    asserts = members.get("asserts", Raw(b"[]"))
    texts(asserts, "reference.tests.asserts")
    return with_rest({"question": one_text(row), "test_cases": asserts}, rest)


def _take_solution(rest: dict[str, Raw], key: str) -> str | None:
    if key in rest and exact.is_text(rest[key]):
        return exact.text(rest.pop(key), f"$.{key}")
    return None


def _put_solution(written: dict[str, Any], key: str, reference: dict[str, str | None]) -> None:
    if reference["solution"] is not None:
        written[key] = reference["solution"]


def _question(
    prompt: list[Message], reference: Reference, rest: dict[str, Raw], marker: dict[str, object]
) -> Question:
    return Question(
        prompt=prompt,
        reward=RewardSpec(name=_REWARD),
        reference=reference,
        meta=exact.rest_text(rest, marker, "$"),
    )


def _reference(row: Row, *held: str) -> dict[str, str | None]:
    no_tools(row)
    implied_reward(row, _REWARD)
    return reference_fields(row, *held)


FORMATS = (
    Format(
        name="humaneval",
        kind="questions",
        about="HumanEval: prompt, entry_point, canonical_solution and a test with check()",
        matches=humaneval_matches,
        parse=parse_humaneval,
        write=write_humaneval,
    ),
    Format(
        name="mbpp",
        kind="questions",
        about="MBPP: text or prompt, code, test_list, test_setup_code or test_imports",
        matches=mbpp_matches,
        parse=parse_mbpp,
        write=write_mbpp,
    ),
    Format(
        name="open_instruct_code",
        kind="questions",
        about="coding questions with assert lines: question and test_cases",
        matches=asserts_matches,
        parse=parse_asserts,
        write=write_asserts,
    ),
)
