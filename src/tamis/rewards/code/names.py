"""Whose names are whose: what the tests call, what the task gives, what must stay with the judge."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from tamis.rewards.code.python_text import bound_names, names_read, open_names, parse, source_of

# Tests may use these without importing them: the author's own solution did.
_MODULES = sys.stdlib_module_names | {"np", "numpy", "pd", "solution"}


def called_names(tree: ast.AST, *, own: AbstractSet[str] = frozenset()) -> set[str]:
    """The open names that are called, directly or as `name(...).method(...)`.

    `own` are names that count as open although they are builtins: a task may ask for its own `sum`.
    """
    free = _free(tree, own)
    return {root for node in ast.walk(tree) if (root := _called(node)) in free and root}


def outermost_calls(tree: ast.AST, *, own: AbstractSet[str] = frozenset()) -> set[str]:
    """Those of the called names whose call is no argument of another such call."""
    free = _free(tree, own)
    found: set[str] = set()
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        root = _called(node)
        if root is not None and root in free:
            found.add(root)
        else:
            todo.extend(ast.iter_child_nodes(node))
    return found


def _free(tree: ast.AST, own: AbstractSet[str]) -> set[str]:
    return open_names(tree) | (names_read(tree) & own)


def find_entry_point(
    trees: Sequence[ast.Module], *, given: AbstractSet[str], solution: str | None, prompt: str
) -> str | None:
    """The function under test, read off the tests; None when they call nothing.

    Of the called names that the task does not give itself, those the reference solution defines as
    functions go first, then those that the most tests call, that the prompt names, that are outermost.
    """
    own = functions_of(solution)
    calls = Counter(name for tree in trees for name in called_names(tree, own=own) - given)
    outer = Counter(name for tree in trees for name in outermost_calls(tree, own=own) - given)
    words = set(re.findall(r"\w+", prompt))
    return min(
        calls,
        key=lambda name: (name not in own, -calls[name], name not in words, -outer[name], name),
        default=None,
    )


def imported_entry_point(code: str) -> str | None:
    """The one name that test code takes `from solution import ...`, or leaves open; None if not just one."""
    tree = parse(code)
    if isinstance(tree, str):
        return None
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "solution"
        for alias in node.names
    }
    names = imported or called_names(tree)
    return names.pop() if len(names) == 1 else None


def imports_of(trees: Iterable[ast.Module]) -> str:
    """The import statements of these modules, as source text."""
    return (
        source_of(
            statement
            for tree in trees
            for statement in tree.body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            and not imports_solution(statement)
        )
        or ""
    )


def statements_to_give(
    setup: ast.Module,
    *,
    kept: AbstractSet[str],
    entries: AbstractSet[str],
    needed: AbstractSet[str] = frozenset(),
) -> tuple[list[ast.stmt], set[str]]:
    """The set-up statements that run before the answer's code, and the names that stay with the judge.

    `kept` are names that tests use on their expected side: what binds one of them, whatever reads one that
    is not given, and the functions and values that such code reads (a table of answers, the steps of an
    oracle) are not given either, but for what the reference solution reads (`needed`). Nor are asserts, and
    what calls the answer's `entries`, which are not there yet. Imports hold no values and are always given.
    """
    imports = [node for node in setup.body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in setup.body if node not in imports]
    bound = bound_names(others)
    classes = {node.name for node in others if isinstance(node, ast.ClassDef)}
    held = (set(kept) & bound) | set(entries)
    n_held = -1
    while n_held != len(held):
        n_held = len(held)
        for node in others:
            read = names_read(node)
            if (bound_names([node]) | read) & held:
                held |= bound_names([node]) | ((read & bound) - classes - needed)
    given = [
        node
        for node in setup.body
        if node in imports
        or not (isinstance(node, ast.Assert) or (bound_names([node]) | names_read(node)) & held)
    ]
    return given, held - bound_names(imports) - entries


def _called(node: ast.AST) -> str | None:
    """The name that a call is a call of; None for functions of modules. A module itself is never called."""
    if not isinstance(node, ast.Call):
        return None
    inner: ast.expr = node
    while isinstance(inner, ast.Call | ast.Attribute | ast.Subscript):
        outer, inner = inner, inner.func if isinstance(inner, ast.Call) else inner.value
    if not isinstance(inner, ast.Name) or (
        inner.id in _MODULES and not isinstance(outer, ast.Call)
    ):
        return None
    return inner.id


def functions_of(solution: str | None) -> set[str]:
    """The functions that a code defines at its top level."""
    tree = parse(solution or "")
    if isinstance(tree, str):
        return set()
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def without_solution(tree: ast.Module) -> ast.Module:
    """The module without its imports of the answer: what those bind is the answer's, not the task's."""
    return ast.Module([node for node in tree.body if not imports_solution(node)], [])


def imports_solution(statement: ast.stmt) -> bool:
    """Whether this is `from solution import ...` or `import solution`."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "solution"
    names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
    return names == ["solution"]
