"""Split `assert` lines: what the candidate works out, and how its value is judged.

In `assert sorted(f([3, 1], key=lambda x: -x)) == [1, 3]` the candidate's process gets
`f([3, 1], key=lambda x: -x)` and nothing else; the rest becomes a `Shape`, decided in the trusted
process. An assert of any other form is left to the judge.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Set as AbstractSet
from typing import Literal

import msgspec

from tamis.rewards.code.expected import NotLiteralError, expected_value
from tamis.rewards.code.python_text import BUILTINS, bound_names, names_read, parse, source_of

# fmt: off
Relation = Literal[
    "truth", "==", "!=", "is", "is not", "<", "<=", ">", ">=",
    "in", "not in", "holds", "lacks", "isclose", "isinstance",
]
Wrap = Literal[
    "", "sorted", "sorted_down", "set", "frozenset", "len", "list", "tuple", "abs", "round",
    "distance",
]
_COMPARISONS: dict[type[ast.cmpop], Relation] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}
_MIRRORED: dict[Relation, Relation] = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "in": "holds", "not in": "lacks",
}
_ORDERED = frozenset({"<", "<=", ">", ">="})
_PLAIN_WRAPS: dict[str, Wrap] = {
    "sorted": "sorted", "set": "set", "frozenset": "frozenset", "len": "len", "list": "list",
    "tuple": "tuple", "abs": "abs",
}
# fmt: on
# Wraps whose result is compared for equality only; the others are numbers.
_COLLECTIONS = frozenset({"sorted", "sorted_down", "set", "frozenset", "list", "tuple"})
_CHECKED_TYPES = frozenset(
    {"int", "float", "complex", "bool", "str", "bytes", "bytearray", "list", "tuple", "dict"}
    | {"set", "frozenset"}
)
_LOOKED_INTO = (list, tuple, deque, set, frozenset, dict, str, range)
_UNFIT_FOR_ARGUMENTS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


class Shape(msgspec.Struct, frozen=True):
    """How a claimed value is judged: `wrap(value) relation expected`, perhaps negated.

    `number` is the digits of `round` or the number a `distance` is measured from; `rel_tol` and
    `abs_tol` belong to `isclose`.
    """

    relation: Relation
    expected: object = None
    wrap: Wrap = ""
    number: int | float | None = None
    rel_tol: float = 1e-9
    abs_tol: float = 0.0
    is_negated: bool = False


def asks_own_code(shape: Shape) -> bool:
    """Whether a shape asks an object of the answer's own class for more than what it equals."""
    return shape.wrap != "" or shape.relation == "truth"


class Split(msgspec.Struct, frozen=True):
    """An assert in two parts: source text for the candidate, a shape for the trusted process."""

    call: str
    shape: Shape
    call_names: frozenset[str]


class _NotSplitError(Exception):
    """The assert is of no known form."""


def one_assert(text: str) -> ast.expr | None:
    """The expression of a text that is one `assert` and nothing else."""
    tree = parse(text)
    if isinstance(tree, str):
        return None
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
        return tree.body[0].test
    return None


def split_assert(test: ast.expr, *, entry_point: str, shadowed: AbstractSet[str]) -> Split | None:
    """The two parts of an assert's expression; None when it is for the judge.

    `shadowed` are builtins that the task itself redefines: nothing is known about those.
    """
    if names_read(test) & shadowed:
        return None
    try:
        subject, shape = _shape(test, entry_point)
    except (_NotSplitError, NotLiteralError):
        return None
    source = source_of([subject])
    if source is None:
        return None
    return Split(source, shape, frozenset(names_read(subject)))


def _shape(test: ast.expr, entry: str) -> tuple[ast.expr, Shape]:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        subject, shape = _shape(test.operand, entry)
        return subject, msgspec.structs.replace(shape, is_negated=not shape.is_negated)
    if is_candidate(test, entry):
        return test, Shape("truth")
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(test.left, test.ops[0], test.comparators[0], entry)
    if isinstance(test, ast.Call):
        return _called(test, entry)
    raise _NotSplitError


def _comparison(
    left: ast.expr, op: ast.cmpop, right: ast.expr, entry: str
) -> tuple[ast.expr, Shape]:
    relation = _COMPARISONS[type(op)]
    if entry in names_read(right):
        left, right = right, left
        relation = _MIRRORED.get(relation, relation)
    subject, wrap, number = _subject(left, entry)
    expected = expected_value(right)
    if relation in ("is", "is not") and not (wrap == "" and _is_singleton(right)):
        raise _NotSplitError
    if relation in ("in", "not in", "holds", "lacks") and wrap:
        raise _NotSplitError
    if relation in ("in", "not in") and not isinstance(expected, _LOOKED_INTO):
        raise _NotSplitError
    if relation in _ORDERED and (wrap in _COLLECTIONS or not isinstance(expected, int | float)):
        raise _NotSplitError
    return subject, Shape(relation, expected, wrap, number)


def _is_singleton(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _subject(node: ast.expr, entry: str) -> tuple[ast.expr, Wrap, int | float | None]:
    """What the candidate works out, and what is done to its value before the comparison."""
    if is_candidate(node, entry):
        return node, "", None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
        raise _NotSplitError
    name, inner = node.func.id, node.args[0]
    if name == "abs" and len(node.args) == 1 and isinstance(inner, ast.BinOp):
        return _distance(inner, entry)
    if not is_candidate(inner, entry):
        raise _NotSplitError
    if name == "round" and len(node.args) <= 2 and not node.keywords:
        return inner, "round", _digits(node.args[1]) if len(node.args) == 2 else None
    if name == "sorted" and len(node.args) == 1 and _is_reversed(node.keywords):
        return inner, "sorted_down", None
    if name in _PLAIN_WRAPS and len(node.args) == 1 and not node.keywords:
        return inner, _PLAIN_WRAPS[name], None
    raise _NotSplitError


def _distance(node: ast.BinOp, entry: str) -> tuple[ast.expr, Wrap, int | float | None]:
    """`abs(f(x) - 2.5)`, either way round."""
    here, there = node.left, node.right
    if is_candidate(there, entry):
        here, there = there, here
    if not (isinstance(node.op, ast.Sub) and is_candidate(here, entry)):
        raise _NotSplitError
    return here, "distance", _number(there)


def _digits(node: ast.expr) -> int:
    number = _number(node)
    if not isinstance(number, int) or abs(number) > 100:
        raise _NotSplitError
    return number


def _number(node: ast.expr) -> int | float:
    value = expected_value(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NotSplitError
    return value


def _is_reversed(keywords: list[ast.keyword]) -> bool:
    return (
        len(keywords) == 1
        and keywords[0].arg == "reverse"
        and isinstance(keywords[0].value, ast.Constant)
        and keywords[0].value.value is True
    )


def _called(test: ast.Call, entry: str) -> tuple[ast.expr, Shape]:
    name = ast.unparse(test.func)
    if name in ("math.isclose", "isclose"):
        return _isclose(test, entry)
    if len(test.args) == 0 or not is_candidate(test.args[0], entry) or test.keywords:
        raise _NotSplitError
    if name == "bool" and len(test.args) == 1:
        return test.args[0], Shape("truth")
    if name == "isinstance" and len(test.args) == 2:
        kinds = test.args[1].elts if isinstance(test.args[1], ast.Tuple) else [test.args[1]]
        names = tuple(kind.id for kind in kinds if isinstance(kind, ast.Name))
        if len(names) == len(kinds) and _CHECKED_TYPES.issuperset(names):
            return test.args[0], Shape("isinstance", names)
    raise _NotSplitError


def _isclose(test: ast.Call, entry: str) -> tuple[ast.expr, Shape]:
    if len(test.args) != 2:
        raise _NotSplitError
    here, there = test.args
    if not is_candidate(here, entry):
        here, there = there, here
    tolerances = {keyword.arg or "": float(_number(keyword.value)) for keyword in test.keywords}
    if not is_candidate(here, entry) or not tolerances.keys() <= {"rel_tol", "abs_tol"}:
        raise _NotSplitError
    if min(tolerances.values(), default=0.0) < 0:
        raise _NotSplitError
    return here, Shape(
        "isclose",
        _number(there),
        rel_tol=tolerances.get("rel_tol", 1e-9),
        abs_tol=tolerances.get("abs_tol", 0.0),
    )


def is_candidate(node: ast.expr, entry: str) -> bool:
    """Whether the candidate can work the expression out without learning what is expected of it.

    That is a call of the entry point, with items, attributes and calls without arguments behind it
    (`f(x)[0]`, `f(x).strip()`): behind it, an argument might be the expected value. Only a class may be
    called on: `Solution().f(x)`.
    """
    chain: list[ast.expr] = []
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        chain.append(node)
        node = node.func if isinstance(node, ast.Call) else node.value
    if not (isinstance(node, ast.Name) and node.id == entry):
        return False
    calls = [link for link in chain if isinstance(link, ast.Call)]
    may_call_on = entry[:1].isupper()
    if not calls or not (may_call_on or all(not _arguments(call) for call in calls[:-1])):
        return False
    return all(_is_self_contained(link) for link in chain)


def is_call_of(node: ast.expr, called: str) -> bool:
    """Whether the expression is one call of `called`, with self-contained arguments."""
    return (
        isinstance(node, ast.Call) and ast.unparse(node.func) == called and _is_self_contained(node)
    )


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_self_contained(link: ast.expr) -> bool:
    inner = _arguments(link) if isinstance(link, ast.Call) else []
    if isinstance(link, ast.Subscript):
        inner = [link.slice]
    return not any(
        isinstance(part, _UNFIT_FOR_ARGUMENTS) for argument in inner for part in ast.walk(argument)
    )


def names_outside_calls(tree: ast.AST, entries: AbstractSet[str]) -> set[str]:
    """The names a test uses otherwise than to call the candidate: what is expected may hang on them."""
    found: set[str] = set()
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        if not (isinstance(node, ast.expr) and any(is_candidate(node, name) for name in entries)):
            todo.extend(ast.iter_child_nodes(node))
    return found


def shadowed_builtins(*trees: ast.Module) -> set[str]:
    """The builtins that these modules redefine."""
    return bound_names(statement for tree in trees for statement in tree.body) & BUILTINS
