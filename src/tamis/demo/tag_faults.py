"""Faults in think and tool-call tags, planted into clean rows."""

from __future__ import annotations

import random

from tamis.demo.planting import (
    Fault,
    Planted,
    answer_places,
    assistant_places,
    text_at,
    with_content,
)
from tamis.records import Conversation

_ASIDES = {
    "en": ["Let me think about what is wanted here.", "I should go through this step by step.", "Short and clear is best.", "What does the reader need to know first?", "Keep the order of the question."],
    "zh": ["先想清楚对方要什么。", "一步一步来。", "回答要简短明了。", "读者最先需要知道什么？", "按照问题的顺序来答。"],
}  # fmt: skip


def _aside(rng: random.Random, row: Conversation) -> str:
    return rng.choice(_ASIDES["zh" if row.id.startswith("zh") else "en"])


def _thinking_text(rng: random.Random, row: Conversation) -> tuple[int, str] | None:
    """An assistant message with a think block; one is written first where the row has none."""
    places = assistant_places(row, containing="</think>")
    if places:
        place = rng.choice(places)
        return place, text_at(row, place)
    places = answer_places(row)
    if not places:
        return None
    place = rng.choice(places)
    return place, f"<think>\n{_aside(rng, row)}\n</think>\n\n{text_at(row, place)}"


def _edit_think(rng: random.Random, row: Conversation, old: str, new: str) -> Planted | None:
    found = _thinking_text(rng, row)
    if found is None:
        return None
    place, text = found
    return with_content(row, place, text.replace(old, new, 1))


def _think_unclosed(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_think(rng, row, "\n</think>", "")


def _think_unopened(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_think(rng, row, "<think>\n", "")


def _think_closed_twice(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_think(rng, row, "</think>", rng.choice(["</think>\n</think>", "</think></think>"]))


def _think_opened_twice(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_think(rng, row, "<think>", rng.choice(["<think>\n<think>", "<think><think>"]))


def _think_reversed(rng: random.Random, row: Conversation) -> Planted | None:
    found = _thinking_text(rng, row)
    if found is None:
        return None
    place, text = found
    turned = text.replace("<think>", "\0", 1).replace("</think>", "<think>", 1)
    return with_content(row, place, turned.replace("\0", "</think>", 1))


def _think_nested(rng: random.Random, row: Conversation) -> Planted | None:
    inner = f"<think>\n{_aside(rng, row)}\n</think>\n"
    return _edit_think(rng, row, "<think>\n", f"<think>\n{inner}")


def _think_crossing(rng: random.Random, row: Conversation) -> Planted | None:
    """The think block closes inside the tool call that it should come before."""
    for place in assistant_places(row, containing="<tool_call>"):
        text = text_at(row, place).replace("\n</think>", "", 1)
        if not text.startswith("<think>"):
            text = f"<think>\n{_aside(rng, row)}\n{text}"
        crossed = text.replace("\n</tool_call>", "\n</think>\n</tool_call>", 1)
        return with_content(row, place, crossed)
    return None


def _call_text(rng: random.Random, row: Conversation) -> tuple[int, str] | None:
    places = assistant_places(row, containing="<tool_call>")
    if not places:
        return None
    place = rng.choice(places)
    return place, text_at(row, place)


def _edit_call(rng: random.Random, row: Conversation, old: str, new: str) -> Planted | None:
    found = _call_text(rng, row)
    if found is None:
        return None
    place, text = found
    return with_content(row, place, text.replace(old, new, 1))


def _call_unopened(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_call(rng, row, "<tool_call>\n", "")


def _call_opened_twice(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_call(rng, row, "<tool_call>\n", "<tool_call>\n<tool_call>\n")


def _call_closed_twice(rng: random.Random, row: Conversation) -> Planted | None:
    return _edit_call(rng, row, "\n</tool_call>", "\n</tool_call>\n</tool_call>")


def _call_unclosed(rng: random.Random, row: Conversation) -> Planted | None:
    """A call left open with more text after it, so that its end cannot be known."""
    found = _call_text(rng, row)
    if found is None:
        return None
    place, text = found
    return with_content(row, place, text.replace("\n</tool_call>", "", 1) + f"\n{_aside(rng, row)}")


TAG_FAULTS: tuple[Fault, ...] = (
    Fault(kind="think-unclosed", severity="error", plant=_think_unclosed, scope="any"),
    Fault(kind="think-unopened", severity="error", plant=_think_unopened, scope="any"),
    Fault(kind="think-closed-twice", severity="error", plant=_think_closed_twice, scope="any"),
    Fault(kind="think-opened-twice", severity="error", plant=_think_opened_twice, scope="any"),
    Fault(kind="think-reversed", severity="error", plant=_think_reversed, scope="any"),
    Fault(kind="think-nested", severity="error", plant=_think_nested, scope="any"),
    Fault(kind="think-crossing", severity="error", plant=_think_crossing),
    Fault(kind="tool-call-unopened", severity="error", plant=_call_unopened),
    Fault(kind="tool-call-unclosed", severity="error", plant=_call_unclosed),
    Fault(kind="tool-call-opened-twice", severity="error", plant=_call_opened_twice),
    Fault(kind="tool-call-closed-twice", severity="error", plant=_call_closed_twice),
)
