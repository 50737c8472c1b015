"""What the formats of preferences share: scores, the start of two sides, and the author's own keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.systems import is_top_system, system_message
from tamis.records import Message, Preference

SIDES = ("chosen", "rejected")
# TRL's and Zephyr's word first: it is the one that is written when no author said another.
_SCORES = {
    "chosen": ("score_chosen", "chosen_score", "chosen_rating", "chosen_avg_rating"),
    "rejected": ("score_rejected", "rejected_score", "rejected_rating", "rejected_avg_rating"),
}
_BLANK = (b"null", b'""', b"[]")


class Sides(NamedTuple):
    """What was asked and both answers; one of these is empty where a single answer was judged."""

    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]


def preference(
    sides: Sides, rest: dict[str, Raw], marker: dict[str, object], tools: str | None = None
) -> Preference:
    """A row with its scores, the author's other keys, and what a canonical row cannot say."""
    chosen_score, rejected_score = (_take_score(rest, _SCORES[side], marker) for side in SIDES)
    return Preference(
        prompt=sides.prompt,
        chosen=sides.chosen,
        rejected=sides.rejected,
        chosen_score=chosen_score,
        rejected_score=rejected_score,
        tools=tools,
        meta=exact.rest_text(rest, marker, "$"),
    )


def take(rest: dict[str, Raw], key: str, expected: str) -> Raw:
    """A member that must be there, taken out of `rest`; RowError says what was expected."""
    if key not in rest:
        raise RowError(f"$.{key}: expected {expected}, got nothing (the key is missing)")
    return rest.pop(key)


def _take_score(
    rest: dict[str, Raw], keys: Sequence[str], marker: dict[str, object]
) -> float | None:
    """A finite number under a word in use; anything else stays in `rest`."""
    for key in keys:
        score = number(rest[key]) if key in rest else None
        if score is not None:
            # the number as its author spelled it
            marker[key] = rest.pop(key)
            return score
    return None


def number(raw: Raw) -> float | None:
    """A finite number; None for anything else."""
    written = bytes(raw)
    if written[:1] not in b"-0123456789":
        return None
    value = float(written)
    return value if math.isfinite(value) else None


def put_scores(written: dict[str, Any], row: dict[str, Any], marker: dict[str, Raw]) -> None:
    """The scores of a row under their author's words, in their spelling while they are unchanged."""
    for side, keys in _SCORES.items():
        score = row[f"{side}_score"]
        if score is None:
            continue
        if not math.isfinite(score):
            raise InputError(f"{side}_score: expected a finite number, got {score}")
        key = next((one for one in keys if one in marker), keys[0])
        raw = marker.get(key)
        written[key] = raw if raw is not None and float(bytes(raw)) == score else score


def take_system(rest: dict[str, Raw], messages: list[Message]) -> list[Message]:
    """The messages after the system text at the top level of a row, where there is one.

    A blank or null text is no message, and neither is one beside a system message: both stay in
    `rest`.
    """
    raw = rest.get("system")
    if raw is None or bytes(raw) in _BLANK or not exact.is_text(raw):
        return messages
    if messages and messages[0].role == "system":
        return messages
    return [system_message(exact.text(rest.pop("system"), "$.system")), *messages]


def put_system(written: dict[str, Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A system message that stood at the top level goes back there; the messages after it."""
    if not messages or not is_top_system(messages[0]):
        return messages
    written["system"] = messages[0]["content"]
    return messages[1:]


def repeat(rest: dict[str, Raw], prompt: list[Message], marker: dict[str, object]) -> None:
    """Takes a `prompt` text out of `rest` that repeats a user message of the prompt, and marks which."""
    text = exact.text(rest["prompt"], "$.prompt") if _has_text(rest, "prompt") else None
    for place, message in enumerate(prompt):
        if text is not None and message.role == "user" and message.content == text:
            marker["repeats"] = place
            rest.pop("prompt", None)


def _has_text(rest: dict[str, Raw], key: str) -> bool:
    return key in rest and exact.is_text(rest[key])


def put_repeat(
    written: dict[str, Any], prompt: list[dict[str, Any]], marker: dict[str, Raw]
) -> None:
    """The `prompt` text from the message that it repeats, as that now is."""
    if "repeats" not in marker:
        return
    place = msgspec.json.decode(marker["repeats"], type=int)
    if place < len(prompt) and prompt[place]["content"] is not None:
        written["prompt"] = prompt[place]["content"]


def split_shared(chosen: list[Message], rejected: list[Message]) -> Sides:
    """The messages both sides start with, and what is left of each side: at least its last message."""
    n_shared = 0
    while n_shared < min(len(chosen), len(rejected)) - 1 and chosen[n_shared] == rejected[n_shared]:
        n_shared += 1
    return Sides(chosen[:n_shared], chosen[n_shared:], rejected[n_shared:])


def answers_start(messages: Sequence[Message] | Sequence[dict[str, Any]]) -> int:
    """How many messages stand before the answer: all up to the last one of the user.

    Without one, the system messages at the beginning. Source: ms-swift 4.6.0,
    template/template_inputs.py, where a rejected response replaces what follows the last user turn.
    """
    roles = [one["role"] if isinstance(one, dict) else one.role for one in messages]
    if "user" in roles:
        return len(roles) - roles[::-1].index("user")
    n_system = 0
    while n_system < len(roles) and roles[n_system] == "system":
        n_system += 1
    return n_system


def need_both(row: dict[str, Any]) -> None:
    """InputError when a row has only one side, which a comparison cannot hold."""
    for side in SIDES:
        if not row[side]:
            raise InputError(f"{side}: expected an answer, got none: this format compares two")


def need_apart(row: dict[str, Any]) -> None:
    """InputError when both sides start alike, in a format that takes such a start for the prompt."""
    chosen, rejected = row["chosen"], row["rejected"]
    if min(len(chosen), len(rejected)) > 1 and chosen[0] == rejected[0]:
        raise InputError(
            "chosen, rejected: start with the same message, which this format takes for the prompt; "
            "move it there"
        )


def only_message(row: dict[str, Any], side: str) -> dict[str, Any]:
    """The one message of a side; InputError where it has more or none."""
    if len(row[side]) != 1:
        raise InputError(f"{side}: expected one message, got {len(row[side])}")
    message: dict[str, Any] = row[side][0]
    return message


def take_flag(rest: dict[str, Raw], key: str) -> bool:
    """A true or false that must be there, taken out of `rest`."""
    written = bytes(take(rest, key, "true or false"))
    if written not in (b"true", b"false"):
        raise RowError(f"$.{key}: expected true or false, got {exact.kind_of(written)}")
    return written == b"true"


def judged(prompt: list[Message], answer: list[Message], *, is_liked: bool) -> Sides:
    """One answer that was liked (`chosen`) or not (`rejected`)."""
    return Sides(prompt, answer, []) if is_liked else Sides(prompt, [], answer)


def judged_side(row: dict[str, Any]) -> str:
    """The side that has the only answer of a row; InputError where both have one, or none has."""
    found = [side for side in SIDES if row[side]]
    if len(found) != 1:
        raise InputError(f"chosen, rejected: this format holds one answer, got {len(found)}")
    return found[0]


def word(marker: dict[str, Raw], key: str) -> str | None:
    """A text in a marker, None where it has none."""
    return msgspec.json.decode(marker[key], type=str) if key in marker else None
