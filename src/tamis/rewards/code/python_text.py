"""Python text as syntax: parsed, never run. Which names it binds, which it leaves open."""

from __future__ import annotations

import ast
import builtins
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache

BUILTINS = frozenset(dir(builtins)) - {"_"}

# The parser warns about `"\d"` in a stranger's text: neither the caller's concern nor, where warnings
# are errors, a syntax error. The filter matches this file name only.
_FILE = "<untrusted text>"
# An answer's code is parsed for several questions in a row. Of longer texts each thread keeps the last tree only.
_SHORT = 20_000
_last = threading.local()
# Python before 3.12 takes quadratic time for the braces of one f-string: a minute for 190 kB of `{a}`.
_BRACES_TIMES_CHARS = 20_000_000
_F_STRINGS = [
    re.compile(rf"(?=[fF][rR]?{mark}((?:{plain}|\\[\s\S])*))")
    for mark, plain in (
        ("'''", r"[^'\\]|'(?!'')"),
        ('"""', r'[^"\\]|"(?!"")'),
        ("'", r"[^'\\\n]"),
        ('"', r'[^"\\\n]'),
    )
]
_SILENT = ("ignore", None, Warning, re.compile(re.escape(_FILE) + r"\Z"), 0)

_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def parse(text: str) -> ast.Module | str:
    """The syntax tree, or one line saying where and why the text is not Python.

    The tree may be shared: nobody may change it.
    """
    if len(text) <= _SHORT:
        return _parse_once(text)
    if getattr(_last, "text", None) != text:
        _last.text, _last.tree = text, _parse(text)
    tree: ast.Module | str = _last.tree
    return tree


@lru_cache(maxsize=16)
def _parse_once(text: str) -> ast.Module | str:
    return _parse(text)


def _parse(text: str) -> ast.Module | str:
    if warnings.filters[:1] != [_SILENT]:
        warnings.filterwarnings("ignore", category=Warning, module=_SILENT[3].pattern)
    if _is_endless(text):
        return "line 1: an f-string of too many fields"
    try:
        return ast.parse(text, filename=_FILE)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        # null bytes, lone surrogates, integers of 5,000 digits; nesting beyond the parser's own limits
        return f"line 1: {error or type(error).__name__}"


def _is_endless(text: str) -> bool:
    """Whether an f-string of the text would take too long to parse; strings are found where any may begin."""
    if text.count("{") * len(text) <= _BRACES_TIMES_CHARS:
        return False
    bodies = (found[1] for kind in _F_STRINGS for found in kind.finditer(text))
    return any(body.count("{") * len(body) > _BRACES_TIMES_CHARS for body in bodies)


def module_of(text: str) -> ast.Module:
    """The syntax tree of text that has been parsed before."""
    tree = parse(text)
    assert isinstance(tree, ast.Module), tree
    return tree


def bound_names(statements: Iterable[ast.AST]) -> set[str]:
    """The names that these statements bind in their own scope (inside `if`, `try`, `for`, ... too).

    >>> sorted(bound_names(ast.parse("import a.b, c as d\\ndef f(x): y = 1").body))
    ['a', 'd', 'f']
    """
    found: set[str] = set()
    todo = list(statements)
    while todo:
        node = todo.pop()
        found.update(_binds(node))
        if not isinstance(node, _Scope | ast.Lambda | _Comprehension):
            todo.extend(ast.iter_child_nodes(node))
    return found


def open_names(tree: ast.AST) -> set[str]:
    """The names read that are neither builtin nor bound anywhere in the tree: somebody must supply them.

    >>> sorted(open_names(ast.parse("y = [g(x) for x in range(z)]")))
    ['g', 'z']
    """
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        bound.update(_binds(node))
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
    return read - bound - BUILTINS


def names_read(tree: ast.AST) -> set[str]:
    """Every name the tree mentions, bound or not."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def source_of(nodes: Iterable[ast.AST]) -> str | None:
    """Source text of these nodes, a line each; None when they are too deep or too big to write down."""
    try:
        return "\n".join(ast.unparse(node) for node in nodes)
    except (ValueError, RecursionError):
        return None


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _Scope):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
