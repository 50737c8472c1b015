"""Which tests a test code holds, found in its source: the trusted parent and the judge count alike.

Parsing is all that happens here; nothing of the test code is evaluated.

`check` code: each static `assert` is one test, in source order, unless it is trivial (names nothing but
builtins, so it tells nothing about a candidate) or steers control flow (inside a `try` that catches).
If the code can fail in other ways too (`raise`, `assert False`, an assert that steers, statements after
the last assert, no assert at all), one more test is added: that the whole check runs to its end.
`unittest` code: each test method of each test case, in the order of unittest's own loader.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

BUILTIN_NAMES: Final = frozenset(vars(builtins))
BEGIN, SEEN, RAISED, ERROR = (
    "__tamis_begin__",
    "__tamis_seen__",
    "__tamis_raised__",
    "__tamis_error__",
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_CATCHES: Final = (ast.Try, ast.TryStar)


@dataclass(frozen=True, slots=True)
class CheckTests:
    """The tests of one check: its counted asserts, and whether running to the end is one more.

    `repeated` are the ids of asserts that may run more than once, in a loop or a function of their own.
    """

    asserts: tuple[ast.Assert, ...]
    repeated: frozenset[int]
    counts_end: bool

    @property
    def n_tests(self) -> int:
        """How many tests the check holds; their ids are 0 to this, the end has the last one."""
        return len(self.asserts) + self.counts_end


def n_tests(code: str, *, style: str) -> int:
    """How many tests a test code of style `check` or `unittest` holds; SyntaxError if it is no Python."""
    if style == "check":
        return find_check_tests(ast.parse(code)).n_tests
    if style == "unittest":
        return len(find_unittest_tests(ast.parse(code)))
    raise ValueError(f"style: expected check or unittest, got {style!r}")


def is_trivial(test: ast.expr) -> bool:
    """Whether a condition names nothing but builtins and literals, so that no candidate can change it.

    >>> is_trivial(ast.parse("len('ab') == 2", mode="eval").body)
    True
    """
    return all(node.id in BUILTIN_NAMES for node in ast.walk(test) if isinstance(node, ast.Name))


def find_check_tests(tree: ast.Module, *, call: str | None = "check") -> CheckTests:
    """The counted asserts of a parsed test code, in source order; `call` is the function to be called."""
    counted: list[ast.Assert] = []
    fails_otherwise = False
    once = {id(node) for node in _run_once(tree, call=call)}
    for node, steers in _statements(tree, steers=False):
        if isinstance(node, ast.Raise):
            fails_otherwise = True
        elif isinstance(node, ast.Assert):
            if is_trivial(node.test):
                fails_otherwise |= isinstance(node.test, ast.Constant) and not node.test.value
            elif steers:
                fails_otherwise = True
            else:
                counted.append(node)
    fails_otherwise |= not counted or _goes_on(tree, counted[-1])
    repeated = frozenset(k for k, node in enumerate(counted) if id(node) not in once)
    return CheckTests(tuple(counted), repeated, fails_otherwise)


def instrument(tree: ast.Module, tests: CheckTests) -> ast.Module:
    """The test code with each counted assert turned into a report of its own, whatever its outcome.

    The names `BEGIN`, `SEEN` and `RAISED` must be functions in its globals: `BEGIN(k)` says whether to
    evaluate assert k now, `SEEN(k, truth)` and `RAISED(k, error)` take the outcome.
    """
    numbers = {id(node): k for k, node in enumerate(tests.asserts)}
    changed: ast.Module = _Reports(numbers).visit(tree)
    return ast.fix_missing_locations(changed)


def find_unittest_tests(tree: ast.Module) -> list[tuple[str, str]]:
    """Class and method of each test of a parsed unittest code, in the order of unittest's loader."""
    classes = {
        node.name: node
        for node, _ in _statements(tree, steers=False)
        if isinstance(node, ast.ClassDef)
    }
    found: list[tuple[str, str]] = []
    for name in sorted(classes):
        if _is_test_case(name, classes, frozenset()):
            methods = _test_methods(name, classes, frozenset())
            found += [(name, method) for method in sorted(methods)]
    return found


def free_names(trees: Sequence[ast.Module]) -> set[str]:
    """Names that codes running in one scope read, and none of them defines at its top level.

    Builtins are among them, and local variables: a name too many only costs a look-up.
    """
    defined = {name for tree in trees for name in defined_names(tree)}
    names = (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)} - defined


def defined_names(tree: ast.Module) -> Iterator[str]:
    """What statements at the top level bind: definitions, imports, assignments, loop variables."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, _Function | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif not isinstance(node, ast.Lambda):
                if isinstance(node, ast.ExceptHandler) and node.name:
                    yield node.name
                waiting.append(node)


def _statements(node: ast.AST, *, steers: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement under `node` in source order, with whether a handler may catch what it raises."""
    for field, value in ast.iter_fields(node):
        caught = steers or (isinstance(node, _CATCHES) and field == "body" and bool(node.handlers))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.stmt):
                yield child, caught
            if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                inside_function = isinstance(child, _Function | ast.ClassDef)
                yield from _statements(child, steers=caught and not inside_function)


def _run_once(tree: ast.Module, *, call: str | None) -> Iterator[ast.Assert]:
    """Asserts at the top level or in the function `call`, in no loop, if nothing else calls that."""
    reads = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    waiting: list[ast.AST] = [*tree.body] if call not in reads else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assert):
            yield node
        elif isinstance(node, ast.If | ast.With | ast.Try):
            waiting += ast.iter_child_nodes(node)
        elif isinstance(node, _Function) and node.name == call and node in tree.body:
            waiting += node.body


def _goes_on(tree: ast.Module, last: ast.Assert) -> bool:
    """Whether something that may fail follows the last counted assert."""
    harmless = (ast.Assert, ast.Pass, ast.Import, ast.ImportFrom, _Function, ast.ClassDef)
    return any(
        not isinstance(node, harmless)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node, _ in _statements(tree, steers=False)
        if node.lineno > (last.end_lineno or last.lineno)
    )


class _Reports(ast.NodeTransformer):
    def __init__(self, numbers: dict[int, int]) -> None:
        self._numbers = numbers

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        number = self._numbers.get(id(node))
        if number is None:
            return node
        truth = ast.IfExp(node.test, ast.Constant(True), ast.Constant(False))
        seen = ast.Try(
            body=[_call_statement(SEEN, number, truth)],
            handlers=[
                ast.ExceptHandler(
                    ast.Name("BaseException", ast.Load()),
                    ERROR,
                    [_call_statement(RAISED, number, ast.Name(ERROR, ast.Load()))],
                )
            ],
            orelse=[],
            finalbody=[],
        )
        report = ast.If(_call(BEGIN, ast.Constant(number)), [seen], [])
        return ast.copy_location(report, node)


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _call_statement(name: str, number: int, outcome: ast.expr) -> ast.stmt:
    return ast.Expr(_call(name, ast.Constant(number), outcome))


def _base_names(node: ast.ClassDef) -> list[str]:
    return [
        base.attr if isinstance(base, ast.Attribute) else base.id
        for base in node.bases
        if isinstance(base, ast.Attribute | ast.Name)
    ]


def _is_test_case(name: str, classes: dict[str, ast.ClassDef], seen: frozenset[str]) -> bool:
    return any(
        (base.endswith("TestCase") and base not in classes)
        or (base in classes and base not in seen and _is_test_case(base, classes, seen | {name}))
        for base in _base_names(classes[name])
    )


def _test_methods(name: str, classes: dict[str, ast.ClassDef], seen: frozenset[str]) -> set[str]:
    own = {
        node.name
        for node in classes[name].body
        if isinstance(node, _Function) and node.name.startswith("test")
    }
    for base in _base_names(classes[name]):
        if base in classes and base not in seen:
            own |= _test_methods(base, classes, seen | {name})
    return own
