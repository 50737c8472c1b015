"""self-instruct seeds: an instruction and `instances` of input and output. Only read.

Source: yizhongw/self-instruct, data/seed_tasks.jsonl (Wang et al. 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Branch, Format
from tamis.formats.plain import take_text, turn
from tamis.records import Conversation


def matches(row: Mapping[str, Any]) -> bool:
    """`instruction` is a text and `instances` a list of objects."""
    instances = row.get("instances")
    are_objects = isinstance(instances, list) and all(isinstance(one, dict) for one in instances)
    return are_objects and isinstance(row.get("instruction"), str)


def parse(rest: dict[str, Raw]) -> Conversation | Sequence[Branch]:
    """A conversation for each instance; an `input` with text stands below the instruction."""
    instruction = take_text(rest, "instruction")
    if "instances" not in rest:
        raise RowError("$.instances: expected a list, got nothing (the key is missing)")
    instances = exact.elements(rest.pop("instances"), "$.instances")
    if not instances:
        raise RowError("$.instances: expected at least one instance, got none")
    found = [
        _conversation(instruction, instance, f"$.instances[{place}]", rest)
        for place, instance in enumerate(instances)
    ]
    if len(found) == 1:
        return found[0]
    return [Branch(str(place), conversation) for place, conversation in enumerate(found)]


def _conversation(instruction: str, raw: Raw, path: str, rest: dict[str, Raw]) -> Conversation:
    instance = exact.members(raw, path)
    below = take_text(instance, "input", path)
    asked = turn("user", f"{instruction}\n{below}" if below else instruction)
    answered = turn("assistant", take_text(instance, "output", path))
    meta = exact.rest_text({**rest, **instance}, {}, "$")
    return Conversation(messages=[*asked, *answered], meta=meta)


FORMAT = Format(
    name="self_instruct_seeds",
    kind="conversations",
    about="self-instruct seeds: instruction and instances of input and output",
    matches=matches,
    parse=parse,
)
