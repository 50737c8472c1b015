"""JSON as an answer must write it: one value, no key twice, nothing that is no number, bounded in size."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

# More than any answer that a schema describes; deeper than people nest.
MAX_JSON_CHARS = 100_000
MAX_NESTING = 64
# an open string goes to the end, so that no character is looked at twice
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")


def read_strictly(text: str) -> Any:
    """The value of a text that is JSON and nothing else.

    Raises: ValueError with a short reason: not JSON, a key twice, NaN or Infinity, a number beyond floats,
    half of a surrogate pair, more than MAX_JSON_CHARS characters, or nested deeper than MAX_NESTING.

    >>> read_strictly('{"a": 1}')
    {'a': 1}
    """
    if len(text) > MAX_JSON_CHARS:
        raise ValueError("longer than any honest answer")
    if _nesting(text) > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING}")
    value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
    )
    if _HALF.search(json.dumps(value, ensure_ascii=False)):
        raise ValueError("half of a surrogate pair")
    return value


def _nesting(text: str) -> int:
    """How deep the brackets outside strings go."""
    deepest = depth = 0
    for sign in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if sign in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key `{twice[:40]}` stands there twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(written: str) -> float:
    value = float(written)
    if not math.isfinite(value):
        raise ValueError("a number beyond what floats hold")
    return value
