"""Values and outputs as people read them in the reason of a score: short, whatever their size."""

from __future__ import annotations

from itertools import islice, zip_longest
from reprlib import Repr

from tamis.rewards.code.split import Shape

_CHARS, _ITEMS, _DEPTH = 60, 6, 3
_BRACKETS = {
    "list": "[]",
    "tuple": "()",
    "set": "{}",
    "frozenset": "{}",
    "deque": "[]",
}
_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = _DEPTH, _CHARS, _CHARS


def show_mismatch(shape: Shape, raw: object) -> str:
    """What a test wanted of a value, and the value that was claimed, on the wire.

    >>> show_mismatch(Shape("==", [1, 2], "sorted"), ["list", [3, ["tuple", [1, None]]]])
    'expected sorted == [1, 2], got [3, (1, None)]'
    """
    wanted = "a true value"
    if shape.relation != "truth":
        words = (shape.wrap, shape.relation, show_value(shape.expected))
        wanted = " ".join(word for word in words if word)
    return f"expected {'not ' if shape.is_negated else ''}{wanted}, got {show_claim(raw)}"


def show_value(value: object) -> str:
    """A value of ours, cut in the middle."""
    try:
        return _cut(_SHORT.repr(value))
    except ValueError:  # more digits than Python writes down
        return "a number too long to show"


def show_claim(raw: object, depth: int = _DEPTH) -> str:
    """A claimed value, as Python writes it where it is a plain one; claims are read, never rebuilt.

    >>> show_claim(["dict", [["a", ["set", [1]]]]])
    "{'a': {1}}"
    """
    if not isinstance(raw, list) or len(raw) < 2 or not isinstance(raw[0], str):
        return show_value(raw)
    tag, held = raw[0], raw[1]
    if tag == "dict" and isinstance(held, list):
        pairs = [pair for pair in islice(held, _ITEMS) if isinstance(pair, list) and len(pair) == 2]
        inner = [f"{show_claim(k, depth - 1)}: {show_claim(v, depth - 1)}" for k, v in pairs]
        return _bracketed("{}", inner if depth else [], n=len(held))
    if tag in _BRACKETS and isinstance(held, list):
        items = islice(held, _ITEMS if depth else 0)
        return _bracketed(
            _BRACKETS[tag], [show_claim(item, depth - 1) for item in items], n=len(held)
        )
    if tag == "object":
        return _cut(f"an object of class {show_value(held)}")
    return _cut(f"{tag} {show_value(held)}")


def show_difference(printed: str, expected: str) -> str:
    """The first line in which two outputs differ, and what was expected there.

    >>> show_difference("1\\n3\\n", "1\\n2\\n")
    "line 2: expected '2', got '3'"
    """
    pairs = zip_longest(expected.split("\n"), printed.split("\n"))
    for number, (wanted, given) in enumerate(pairs, start=1):
        if (wanted or "").rstrip() != (given or "").rstrip():
            told = "no line" if given is None else show_value(given)
            return f"line {number}: expected {'no line' if wanted is None else show_value(wanted)}, got {told}"
    return "white space"


def _bracketed(brackets: str, items: list[str], *, n: int) -> str:
    more = ["..."] if n > len(items) else []
    return _cut(f"{brackets[0]}{', '.join([*items, *more])}{brackets[1]}")


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS else f"{text[: _CHARS - 20]}...{text[-17:]}"
