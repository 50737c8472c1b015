"""Which asserts the trusted process decides, which the judge; what the candidate may see of the set-up."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence

import msgspec

from tamis.rewards.code.names import (
    find_entry_point,
    imports_of,
    outermost_calls,
    statements_to_give,
    without_solution,
)
from tamis.rewards.code.python_text import (
    bound_names,
    module_of,
    names_read,
    open_names,
    parse,
    source_of,
)
from tamis.rewards.code.split import (
    Split,
    asks_own_code,
    names_outside_calls,
    one_assert,
    shadowed_builtins,
    split_assert,
)
from tamis.rewards.code.task import Judged, Task, ValueTest
from tamis.rewards.code.tests import AssertTests, CheckTests
from tamis.sandbox.outcomes import Call, JudgeTests


class PlainCheck(msgspec.Struct, frozen=True):
    """A `check` whose asserts are all decided from values, and the imports its arguments may need."""

    values: tuple[ValueTest, ...]
    imports: str


def entry_of_asserts(tests: AssertTests, *, prompt: str, solution: str | None) -> str | None:
    """The function under test, read off the asserts."""
    trees = [module_of(text) for text in tests.asserts]
    given = bound_names(_setup_of(tests).body)
    return find_entry_point(trees, given=given, solution=solution, prompt=prompt)


def assert_task(tests: AssertTests, task: Task, entry: str) -> Task:
    """The task with a place for each assert that calls the answer's code; the others are trivial."""
    setup = _setup_of(tests)
    trees = [module_of(text) for text in tests.asserts]
    entries = _entries(trees, entry, given=[setup, module_of(task.setup)])
    counted = [at for at, tree in enumerate(trees) if names_read(tree) & entries]
    shadowed = shadowed_builtins(setup)
    found = {at: _split_text(tests.asserts[at], entries, shadowed) for at in counted}
    splits = {at: split for at, split in found.items() if split is not None}
    unsplit = [tree for at, tree in enumerate(trees) if at not in splits]
    outside = {name for tree in unsplit for name in names_outside_calls(tree, entries)}
    solution = parse(task.reference or "")
    needed = open_names(solution) if isinstance(solution, ast.Module) else frozenset()
    shown, held = statements_to_give(setup, kept=outside, entries=entries, needed=needed)
    splits = {at: split for at, split in splits.items() if not split.call_names & held}
    places = {at: place for place, at in enumerate(counted)}
    job = {
        "style": "asserts",
        "setup": "\n".join([*tests.imports, tests.setup]),
        "entry": sorted(entries),
        "functions": task.functions,
        "reference_code": task.trusted_code,
    }

    def for_judge(chosen: Sequence[int]) -> Judged | None:
        texts = [tests.asserts[at] for at in chosen]
        judge = JudgeTests({**job, "tests": texts}, len(texts))
        return Judged(judge, tuple(places[at] for at in chosen)) if texts else None

    return msgspec.structs.replace(
        task,
        paths=tuple(f"asserts[{at}]" for at in counted),
        setup=f"{task.setup}\n{source_of(shown) or ''}",
        values=tuple(
            ValueTest(places[at], Call(expr=split.call), split.shape)
            for at, split in splits.items()
        ),
        judged=for_judge([at for at in counted if at not in splits]),
        fallback=for_judge([at for at, split in splits.items() if asks_own_code(split.shape)]),
        dropped=tuple(f"asserts[{at}]" for at in range(len(trees)) if at not in places),
    )


def check_values(tests: CheckTests) -> PlainCheck | None:
    """The asserts of a `check(candidate)` that is nothing but asserts of known forms; else None."""
    tree = module_of(tests.code)
    check = _check_of(tree)
    if check is None:
        return None
    parameter = check.args.args[0].arg
    rename = _Rename(parameter, tests.entry_point)
    own = bound_names(node for node in tree.body if not _is_import(node))
    parameters = [node.arg for node in ast.walk(check) if isinstance(node, ast.arg)]
    if parameters.count(parameter) > 1:
        return None
    shadowed = shadowed_builtins(tree, module_of(tests.setup)) | {parameter} | own
    values: list[ValueTest] = []
    for statement in check.body:
        if not isinstance(statement, ast.Assert):
            continue
        test = rename.visit(copy.deepcopy(statement.test))  # the tree is shared
        if isinstance(test, ast.Constant) and test.value:
            continue
        split = split_assert(test, entry_point=tests.entry_point, shadowed=shadowed)
        if split is None:
            return None
        values.append(ValueTest(len(values), Call(expr=split.call), split.shape))
    imports = [node for node in (*tree.body, *check.body) if _is_import(node)]
    return PlainCheck(tuple(values), imports_of([ast.Module(imports, [])]))


def calls_check(tree: ast.Module) -> bool:
    """Whether the test code calls its `check` itself, or has none to call."""
    defined = "check" in bound_names(tree.body)
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr)]
    return not defined or any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"
        for call in calls
    )


def _check_of(tree: ast.Module) -> ast.FunctionDef | None:
    """The function `check`, when it is asserts and imports and the module does nothing beside it."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(found) != 1 or found[0].name != "check" or not _takes_one(found[0].args):
        return None
    quiet = [node for node in tree.body if node is not found[0] and not _is_quiet(node)]
    body = [node for node in found[0].body if not (isinstance(node, ast.Assert) or _is_quiet(node))]
    assigned = [node for node in found[0].body if isinstance(node, ast.Assign)]
    return None if quiet or body or assigned or found[0].decorator_list else found[0]


def _takes_one(arguments: ast.arguments) -> bool:
    rest = [*arguments.posonlyargs, *arguments.kwonlyargs]
    return len(arguments.args) == 1 and not rest and not arguments.vararg and not arguments.kwarg


def _is_quiet(node: ast.stmt) -> bool:
    """Imports, constants, docstrings, `pass`: they change no verdict."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return _is_import(node) or isinstance(node, ast.Assign | ast.Pass)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


class _Rename(ast.NodeTransformer):
    """Put one name in the place of another."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """The name under its new name."""
        return ast.Name(self._new, node.ctx) if node.id == self._old else node


def _entries(trees: Sequence[ast.Module], entry: str, *, given: Iterable[ast.Module]) -> set[str]:
    """The entry point, and what tests call that never mention it: tasks may ask for several functions."""
    from_task = {name for tree in given for name in bound_names(tree.body)}
    others = [tree for tree in trees if entry not in names_read(tree)]
    return {entry} | {name for tree in others for name in outermost_calls(tree) - from_task}


def _split_text(text: str, entries: set[str], shadowed: set[str]) -> Split | None:
    test = one_assert(text)
    roots = sorted(names_read(test) & entries) if test is not None else []
    if test is None or not roots:
        return None
    # several: the one whose call is the outermost, which the others must be arguments of
    for root in roots:
        split = split_assert(test, entry_point=root, shadowed=shadowed)
        if split is not None:
            return split
    return None


def _setup_of(tests: AssertTests) -> ast.Module:
    imports = module_of("\n".join(tests.imports))
    return without_solution(ast.Module([*imports.body, *module_of(tests.setup).body], []))
