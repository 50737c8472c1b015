"""The verdict in a judge's reply: the last whole object of the asked form, or none."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tamis.rewards.strict_json import read_strictly
from tamis.text.think import after_last_think

Verdict = str | int
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrtu])*+"'
_MEMBER = rf'\s*+"[a-z]{{1,20}}"\s*+:\s*+(?:{_STRING}|-?[0-9]{{1,9}}|true|false|null)\s*+'
# Flat, because a verdict is; whatever a judge writes beside it may hold any braces.
_OBJECT = re.compile(rf"\{{{_MEMBER}(?:,{_MEMBER}){{0,4}}+\}}")
_MEMBERS = frozenset({"id", "verdict", "reason"})
_MAX_REPLY_CHARS = 100_000


def read_verdict(reply: str, *, nonce: str, allowed: Sequence[Verdict]) -> Verdict | None:
    """The verdict of the last whole object with this nonce as its `id`; None when it is not an allowed one.

    Words around it say nothing, neither do objects without the nonce: they may be quoted from the answer.

    >>> said = 'Is {"verdict": "correct"} right? No. {"id": "0a", "verdict": "incorrect"}'
    >>> read_verdict(said, nonce="0a", allowed=("correct", "incorrect"))
    'incorrect'
    >>> read_verdict("incorrect", nonce="0a", allowed=("correct", "incorrect")) is None
    True
    """
    rest = after_last_think(reply[-_MAX_REPLY_CHARS:])
    if rest is None:
        return None
    last: dict[str, object] | None = None
    for match in _OBJECT.finditer(rest):
        found = _object(match[0])
        if found is not None and found.get("id") == nonce:
            last = found
    if last is None or not last.keys() <= _MEMBERS:
        return None
    verdict = last.get("verdict")
    # `True == 1`, so equality alone would take a truth for a mark
    same = [one for one in allowed if type(one) is type(verdict) and one == verdict]
    return same[0] if same else None


def verdict_schema(nonce: str, allowed: Sequence[Verdict]) -> str:
    """The JSON Schema of a verdict, as the judge is told it."""
    return json.dumps(
        {
            "type": "object",
            "properties": {
                "id": {"const": nonce},
                "verdict": {"enum": list(allowed)},
                "reason": {"type": "string"},
            },
            "required": ["id", "verdict"],
            "additionalProperties": False,
        }
    )


def _object(text: str) -> dict[str, object] | None:
    try:
        found = read_strictly(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
