"""From the tests of a question to a task: which tests count, and who decides each."""

from __future__ import annotations

import ast
import json
from functools import lru_cache

import msgspec

from tamis.errors import RewardError
from tamis.records import Question, Reference
from tamis.rewards.code.assert_plan import assert_task, calls_check, check_values, entry_of_asserts
from tamis.rewards.code.expected import NotLiteralError, expected_value
from tamis.rewards.code.extract import extract_code
from tamis.rewards.code.names import imported_entry_point, statements_to_give, without_solution
from tamis.rewards.code.prompts import preamble, prompt_code, prompt_text
from tamis.rewards.code.python_text import module_of, names_read, parse, source_of
from tamis.rewards.code.split import Shape, is_call_of
from tamis.rewards.code.task import Judged, Programs, Task, ValueTest
from tamis.rewards.code.tests import (
    AssertTests,
    CallCase,
    CallTests,
    CheckTests,
    StdinTests,
    Tests,
    UnittestTests,
    json_value,
    read_tests,
)
from tamis.sandbox.asserts import find_check_tests, find_unittest_tests
from tamis.sandbox.frames import WireError
from tamis.sandbox.outcomes import Call, JudgeTests
from tamis.sandbox.values import Budget, encode

# Arguments travel in a job, which may be far longer than what a candidate may send.
_ARGUMENT_BYTES = 16 << 20


def task_of(question: Question) -> Task | str:
    """The task of a question, or one line why no answer to it can be graded."""
    reference = question.reference or Reference()
    return _task(reference.tests, prompt_text(question), reference.solution)


@lru_cache(maxsize=4096)
def _task(tests_text: str | None, prompt: str, solution: str | None) -> Task | str:
    try:
        tests = read_tests(tests_text)
        task = _built(tests, prompt, solution)
    except RewardError as error:
        return str(error)
    except RecursionError:
        return "reference.tests: expected expressions of a sane depth, got one nested too deeply"
    if not task.paths:
        return "reference.tests: expected a test of the answer, got only trivial ones"
    return task


def _built(tests: Tests, prompt: str, solution: str | None) -> Task:
    entry = _entry_point(tests, prompt, solution)
    code = prompt_code(prompt, entry_point=entry)
    task = Task(
        paths=(),
        entry_point=entry,
        prompt=code,
        setup=preamble(code, entry_point=entry),
        reference=_whole(solution, code, entry),
    )
    if isinstance(tests, StdinTests):
        paths = tuple(f"cases[{at}]" for at in range(len(tests.cases)))
        programs = Programs(tests.cases, tests.checker, tests.compare)
        return msgspec.structs.replace(task, paths=paths, programs=programs)
    if isinstance(tests, UnittestTests):
        return _unittest_task(tests, task)
    if entry is None:
        raise RewardError("reference.tests: expected calls of the answer's function, found none")
    if isinstance(tests, CallTests):
        return _call_task(tests, task)
    if isinstance(tests, CheckTests):
        return _check_task(tests, task)
    return assert_task(tests, task, entry)


def _entry_point(tests: Tests, prompt: str, solution: str | None) -> str | None:
    if isinstance(tests, StdinTests):
        return None
    if tests.entry_point is not None:
        name, _, method = tests.entry_point.partition("().")
        is_method = isinstance(tests, CallTests) and method.isidentifier()
        if not name.isidentifier() or not (is_method or name == tests.entry_point):
            raise RewardError("reference.tests.entry_point: expected the name of a function")
        return name
    if isinstance(tests, AssertTests):
        return entry_of_asserts(tests, prompt=prompt, solution=solution)
    return imported_entry_point(tests.code)


def _whole(solution: str | None, prompt: str, entry: str | None) -> str | None:
    """The reference solution as a module: a body alone goes behind the prompt's head."""
    if not solution or not solution.strip():
        return None
    found = extract_code(solution, entry_point=entry, prompt=prompt)
    return solution if found.code is None else found.code


def _unittest_task(tests: UnittestTests, task: Task) -> Task:
    code = _joined(tests.setup, tests.code)
    listed = find_unittest_tests(module_of(code))
    job: dict[str, object] = {
        "style": "unittest",
        "code": code,
        "entry": [task.entry_point] if task.entry_point else [],
        "functions": task.functions,
        "reference_code": task.trusted_code,
    }
    return _all_judged(task, tuple(f"code:{kind}.{method}" for kind, method in listed), job)


def _check_task(tests: CheckTests, task: Task) -> Task:
    code = _joined(tests.setup, tests.code)
    tree = module_of(code)
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    if not names_read(tree) & (parameters | {tests.entry_point}):
        raise RewardError("reference.tests.code: expected calls of the candidate, found none")
    call = None if calls_check(tree) else "check"
    counted = find_check_tests(tree, call=call)
    paths = tuple(f"code:{node.lineno}" for node in counted.asserts)
    job: dict[str, object] = {
        "style": "check",
        "code": code,
        "entry_point": tests.entry_point,
        "call": call,
        "functions": task.functions,
        "reference_code": task.trusted_code,
    }
    judged = _all_judged(task, paths + (("code",) if counted.counts_end else ()), job)
    plain = check_values(tests)
    if plain is None or len(plain.values) != len(paths):
        return judged
    setup = _joined(task.setup, _for_answers(tests.setup, tests.entry_point), plain.imports)
    return msgspec.structs.replace(
        task, paths=paths, setup=setup, values=plain.values, fallback=judged.judged
    )


def _for_answers(setup: str, entry: str) -> str:
    """The set-up code as far as it can run before the answer's code."""
    tree = without_solution(module_of(setup))
    return source_of(statements_to_give(tree, kept=frozenset(), entries={entry})[0]) or ""


def _joined(*codes: str) -> str:
    return "\n".join(code for code in codes if code.strip())


def _all_judged(task: Task, paths: tuple[str, ...], job: dict[str, object]) -> Task:
    judged = Judged(JudgeTests(job, len(paths)), tuple(range(len(paths))))
    return msgspec.structs.replace(task, paths=paths, judged=judged if paths else None)


def _call_task(tests: CallTests, task: Task) -> Task:
    values = tuple(
        ValueTest(at, _call(case, tests.entry_point, at), Shape("==", _expected(case, at)))
        for at, case in enumerate(tests.cases)
    )
    return msgspec.structs.replace(
        task,
        paths=tuple(f"cases[{at}]" for at in range(len(values))),
        setup=_joined(task.setup, _for_answers(tests.setup, task.entry_point or "")),
        values=values,
    )


def _call(case: CallCase, called: str, at: int) -> Call:
    """The call as wire values; as source text where it is written so, or where a method is called."""
    if case.args_source is not None:
        text = f"{called}({case.args_source})"
        tree = parse(text)
        if isinstance(tree, ast.Module) and len(tree.body) == 1:
            call = tree.body[0]
            if isinstance(call, ast.Expr) and is_call_of(call.value, called):
                return Call(expr=text)
        raise RewardError(
            f"reference.tests.cases[{at}].args_source: expected arguments as Python source"
        )
    try:
        positional = json_value(case.args)
        named = {name: json_value(raw) for name, raw in case.kwargs.items()}
        assert isinstance(positional, list)  # `read_tests` has looked
        if not called.isidentifier():
            given = [*map(repr, positional), f"**{named!r}"]
            return Call(expr=f"{called}({', '.join(given)})")
        budget = Budget(_ARGUMENT_BYTES)
        args = tuple(encode(value, budget=budget) for value in positional)
        kwargs = {name: encode(value, budget=budget) for name, value in named.items()}
    except (WireError, RecursionError) as error:
        raise RewardError(f"reference.tests.cases[{at}].args: {error}") from error
    return Call(entry=called, args=args, kwargs=kwargs)


def _expected(case: CallCase, at: int) -> object:
    if case.expected_source is None:
        try:
            return json_value(case.expected)
        except (json.JSONDecodeError, RecursionError, ValueError) as error:
            raise RewardError(f"reference.tests.cases[{at}].expected: {error}") from error
    tree = parse(f"({case.expected_source}\n)")
    if isinstance(tree, ast.Module) and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        try:
            return expected_value(tree.body[0].value)
        except NotLiteralError:
            pass
    raise RewardError(f"reference.tests.cases[{at}].expected_source: expected a Python literal")
