"""Copies of clean rows: exact ones, and edited ones at a known similarity."""

from __future__ import annotations

import random

import msgspec

from tamis.demo.conversations import jaccard, shingles
from tamis.demo.planting import answer_places, text_at, with_content
from tamis.records import Conversation

_BEFORE = {
    "en": ["Hello! ", "Hi there, ", "One more thing: ", "Good morning. ", "Please help: ", "Me again. "],
    "zh": ["你好，", "请问，", "再问一下：", "早上好。", "麻烦你，", "又是我。"],
}  # fmt: skip
_BEHIND = {
    "en": [" I hope this helps.", " Tell me how it goes.", " Does that answer your question?", " Ask again if anything is unclear."],
    "zh": ["希望对你有帮助。", "有结果告诉我一声。", "还有疑问就接着问。", "这样清楚吗？"],
}  # fmt: skip
_LEAST, _MOST = 0.75, 0.99
_TRIES = 60


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """An edited copy and its word 3-gram and 5-gram Jaccard similarity to the original."""

    row: Conversation
    similarity_3: float
    similarity_5: float


def exact_copy(row: Conversation, key: str) -> Conversation:
    """The same messages under another id."""
    return msgspec.structs.replace(row, id=key)


def near_copy(rng: random.Random, row: Conversation, key: str) -> Copy | None:
    """A lightly reworded copy with both similarities in [0.75, 0.99]; None when the row is too short."""
    for _ in range(_TRIES):
        edited = _reworded(rng, row)
        three = jaccard(shingles(row), shingles(edited))
        five = jaccard(shingles(row, width=5), shingles(edited, width=5))
        if five >= _LEAST and three <= _MOST:
            return Copy(
                row=msgspec.structs.replace(edited, id=key),
                similarity_3=round(three, 4),
                similarity_5=round(five, 4),
            )
    return None


def _reworded(rng: random.Random, row: Conversation) -> Conversation:
    """One or two small changes: an opening before a question, a closing behind an answer."""
    language = "zh" if row.id.startswith("zh") else "en"
    edited = row
    for _ in range(rng.choice([1, 1, 2])):
        if rng.random() < 0.5:
            places = [p for p, m in enumerate(edited.messages) if m.role == "user"]
            place = rng.choice(places)
            text = rng.choice(_BEFORE[language]) + text_at(edited, place)
        else:
            places = answer_places(edited)
            if not places:
                continue
            place = rng.choice(places)
            text = text_at(edited, place) + rng.choice(_BEHIND[language])
        edited = with_content(edited, place, text).row
    return edited
