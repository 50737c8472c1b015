"""Where the names of a test code come from: itself, the task's trusted code, or the candidate.

In this order: what the test code defines; the entry points the job offers, always the candidate's;
Python's builtins; the task's reference code; modules of the standard library; the candidate. So nothing
a candidate defines can stand in for what the test or the task means, but for its own entry points.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Iterable
from typing import Any, Final

from tamis.sandbox.asserts import BUILTIN_NAMES, defined_names
from tamis.sandbox.prepared import Needs
from tamis.sandbox.proxies import SolutionModule
from tamis.sandbox.session import Session
from tamis.sandbox.shared_classes import is_plain
from tamis.sandbox.solution import new_module

_ALIASES: Final = {"np": "numpy"}
_SOLUTION_MODULES: Final = ("solution", "candidate")


def scope_of(
    needs: Needs,
    session: Session,
    *,
    entry: Iterable[str],
    reference_code: str | None,
    candidate_setup: str = "",
) -> dict[str, Any]:
    """The globals a test code runs in. Raises what the reference code raises.

    Plain classes that the candidate's own set-up defines, too, are shared: their objects cross as values.
    """
    for name in _SOLUTION_MODULES:
        sys.modules[name] = SolutionModule(session)  # type: ignore[assignment]
    scope: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    offered = set(entry)
    missing = {
        name
        for name in needs.free
        if name in offered or (name not in BUILTIN_NAMES and not name.startswith("__tamis_"))
    }
    session.expects_stop = needs.expects_stop
    classes = defined_classes(candidate_setup) - offered
    trusted = _reference_names(reference_code, (missing | classes) - offered)
    shared = {name: trusted[name] for name in classes if is_plain(trusted.get(name))}
    if shared:
        session.share(shared)
    for name in missing - offered:
        if name in trusted:
            scope[name] = trusted[name]
        elif name in sys.stdlib_module_names or _ALIASES.get(name) in sys.modules:
            scope[name] = importlib.import_module(_ALIASES.get(name, name))
    wanted = sorted((missing | offered) - scope.keys())
    if wanted:
        scope.update(session.names(wanted))
    return scope


def defined_classes(code: str) -> set[str]:
    """The names of the classes that a code defines at its top level, each perhaps in a `try` of its own."""
    if not code:
        return set()
    body = ast.parse(code).body
    tried = [inner for node in body if isinstance(node, ast.Try) for inner in node.body]
    return {node.name for node in [*body, *tried] if isinstance(node, ast.ClassDef)}


def _reference_names(code: str | None, wanted: set[str]) -> dict[str, Any]:
    """What the task's own code defines of these names; it is only run if it defines one."""
    if not code or not wanted:
        return {}
    tree = ast.parse(code)
    found = wanted & set(defined_names(tree))
    if not found:
        return {}
    # in sys.modules: dataclasses look their module up there
    reference = vars(new_module("reference", code))
    exec(compile(tree, "reference.py", "exec", dont_inherit=True), reference)
    return {name: reference[name] for name in found if name in reference}
