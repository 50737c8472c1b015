"""Preferences: `chosen` and `rejected` as texts or message lists, after a `prompt` or a shared start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import roles_are, take_text, turn
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Message, Preference

_SIDES = ("chosen", "rejected")
TRANSCRIPT = "\n\nHuman:"


def matches(row: Mapping[str, Any]) -> bool:
    """`chosen` and `rejected` are both texts or both lists, like `prompt` when there is one."""
    for kind in (str, list):
        if all(isinstance(row.get(side), kind) for side in _SIDES):
            prompt = row.get("prompt")
            is_transcript = kind is str and str(row["chosen"]).startswith(TRANSCRIPT)
            return (prompt is None or isinstance(prompt, kind)) and not is_transcript
    return False


def parse(rest: dict[str, Raw]) -> Preference:
    """One row. Without `prompt`, the messages both lists start with are the prompt."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    if "chosen" in rest and exact.is_list(rest["chosen"]):
        prompt, chosen, rejected = _lists(rest, marker)
    else:
        chosen = turn("assistant", take_text(rest, "chosen"))
        rejected = turn("assistant", take_text(rest, "rejected"))
        has_prompt = "prompt" in rest and not exact.is_null(rest["prompt"])
        prompt = turn("user", take_text(rest, "prompt")) if has_prompt else []
    scores = {side: _take_score(rest, f"score_{side}", marker) for side in _SIDES}
    return Preference(
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
        chosen_score=scores["chosen"],
        rejected_score=scores["rejected"],
        tools=tools,
        meta=exact.rest_text(rest, marker, "$"),
    )


def _lists(
    rest: dict[str, Raw], marker: dict[str, object]
) -> tuple[list[Message], list[Message], list[Message]]:
    if "rejected" not in rest:
        raise RowError("$.rejected: expected a list, got nothing (the key is missing)")
    chosen = parse_messages(rest.pop("chosen"), "$.chosen")
    rejected = parse_messages(rest.pop("rejected"), "$.rejected")
    if "prompt" in rest and not exact.is_null(rest["prompt"]):
        marker["prompt"] = "list"
        return parse_messages(rest.pop("prompt"), "$.prompt"), chosen, rejected
    marker["prompt"] = "shared"
    n_shared = 0
    # each side keeps at least one message: the answer itself
    while n_shared < min(len(chosen), len(rejected)) - 1 and chosen[n_shared] == rejected[n_shared]:
        n_shared += 1
    return chosen[:n_shared], chosen[n_shared:], rejected[n_shared:]


def _take_score(rest: dict[str, Raw], key: str, marker: dict[str, object]) -> float | None:
    raw = rest.get(key)
    if raw is None or bytes(raw)[:1] not in b"-0123456789":
        return None
    score = float(bytes(raw))
    if not math.isfinite(score):
        return None
    # the number as its author spelled it
    marker[key] = rest.pop(key)
    return score


def write(row: Row) -> dict[str, Any]:
    """Texts for a bare question and two bare answers, else lists."""
    rest, marker = exact.split_rest(row["meta"])
    shape = bytes(marker.get("prompt", b'"texts"'))
    prompt, chosen, rejected = row["prompt"], row["chosen"], row["rejected"]
    sides_are_bare = roles_are(chosen, "assistant") and roles_are(rejected, "assistant")
    written: dict[str, Any] = {}
    if shape == b'"texts"' and sides_are_bare and (not prompt or roles_are(prompt, "user")):
        written = {"chosen": chosen[0]["content"], "rejected": rejected[0]["content"]}
        if prompt:
            written["prompt"] = prompt[0]["content"]
    elif shape == b'"shared"':
        written = {
            "chosen": write_messages([*prompt, *chosen]),
            "rejected": write_messages([*prompt, *rejected]),
        }
    else:
        written = {name: write_messages(row[name]) for name in ("prompt", *_SIDES)}
    for side in _SIDES:
        _put_score(written, f"score_{side}", row[f"{side}_score"], marker)
    put_tools(written, row["tools"], marker, AS_LIST)
    return {**written, **rest}


def _put_score(
    written: dict[str, Any], key: str, score: float | None, marker: dict[str, Raw]
) -> None:
    if score is None:
        return
    if not math.isfinite(score):
        raise InputError(f"{key}: expected a finite number, got {score}")
    raw = marker.get(key)
    written[key] = raw if raw is not None and float(bytes(raw)) == score else score


FORMAT = Format(
    name="trl_preference",
    kind="preferences",
    about="prompt, chosen and rejected, as texts or as message lists; the prompt may be implicit",
    matches=matches,
    parse=parse,
    write=write,
)
