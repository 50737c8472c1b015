"""Faults in what is said: wrong sums, cut endings, boilerplate, private data, empty replies."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from tamis.demo import private
from tamis.demo.planting import (
    Fault,
    Plant,
    Planted,
    answer_places,
    text_at,
    with_content,
)
from tamis.demo.wording import content, word
from tamis.records import Conversation

_EQUATION = re.compile(r"(?<![\d.])(\d+) ([-+×*/÷]) (\d+) = (\d+)(?![\d.])")
_HAN_INSIDE = re.compile(r"(?<=[\u4e00-\u9fff])[\u4e00-\u9fff](?=[\u4e00-\u9fff]{2})")
_WORD_INSIDE = re.compile(r"[a-z]{4,}(?= [a-z])")
_COMMA = re.compile(r"[\u4e00-\u9fff]\uff0c")
_JOINT = re.compile(r"\b(?:and|the|of|a|because|which)(?= [a-z])")


def _language(row: Conversation) -> str:
    return "zh" if row.id.startswith("zh") else "en"


def _wrong_number(rng: random.Random, right: int) -> int:
    """A number that a slip of the hand could give, and that differs from the right one."""
    digits = str(right)
    slips = [right + 10, right + 2, right * 10, right + 100]
    if right > 20:
        slips += [right - 10, right - 3]
    if len(digits) > 1 and digits[-1] != digits[-2]:
        slips.append(int(digits[:-2] + digits[-1] + digits[-2]))
    return rng.choice([slip for slip in slips if slip != right])


def _wrong_sum(rng: random.Random, row: Conversation) -> Planted | None:
    """The result of one equation that an assistant wrote is changed."""
    spots = [
        (place, span)
        for place in answer_places(row)
        for span in _EQUATION.finditer(text_at(row, place))
    ]
    if not spots:
        return None
    place, span = rng.choice(spots)
    text = text_at(row, place)
    wrong = str(_wrong_number(rng, int(span.group(4))))
    return with_content(row, place, text[: span.start(4)] + wrong + text[span.end(4) :])


def _last_answer(row: Conversation, *, least: int) -> int | None:
    """Place of the last answer when it closes the row and has at least so many characters."""
    place = len(row.messages) - 1
    if place not in answer_places(row) or len(text_at(row, place)) < least:
        return None
    return place


def _cut_at(rng: random.Random, row: Conversation, joint: re.Pattern[str]) -> Planted | None:
    """The last answer is cut behind a match near its end; None when there is none."""
    place = _last_answer(row, least=40)
    if place is None:
        return None
    text = text_at(row, place).rstrip()
    answer = text.rfind("</think>") + len("</think>") if "</think>" in text else 0
    floor = max(answer + 12, len(text) - (40 if _language(row) == "zh" else 120))
    ends = [found.end() for found in joint.finditer(text, floor, len(text) - 3)]
    return with_content(row, place, text[: rng.choice(ends)]) if ends else None


def _cut_sentence(rng: random.Random, row: Conversation) -> Planted | None:
    """The last answer stops behind some word of its last sentence."""
    pattern = _HAN_INSIDE if _language(row) == "zh" else _WORD_INSIDE
    return _cut_at(rng, row, pattern)


def _cut_on_a_joint(rng: random.Random, row: Conversation) -> Planted | None:
    """The last answer stops where no sentence can end: behind `and`, `the`, a comma."""
    return _cut_at(rng, row, _COMMA if _language(row) == "zh" else _JOINT)


def _cut_fence(rng: random.Random, row: Conversation) -> Planted | None:
    """The last answer stops inside a fenced block of code."""
    place = _last_answer(row, least=40)
    if place is None or "\n```" not in text_at(row, place):
        return None
    text = text_at(row, place)
    closing = text.rindex("\n```")
    opening = text.rindex("```", 0, closing)
    lines = text[opening:closing].split("\n")
    if len(lines) < 3:
        return None
    kept = "\n".join(lines[: rng.randint(2, len(lines))])
    return with_content(row, place, text[:opening] + kept)


def _blame(rng: random.Random, row: Conversation, kind: str) -> str:
    return word(rng, rng.choice(content("blame")[kind][_language(row)]))


def _self_reference(rng: random.Random, row: Conversation) -> Planted | None:
    """A sentence about being a machine is put before or behind an answer."""
    places = [place for place in answer_places(row) if "<think>" not in text_at(row, place)]
    if not places:
        return None
    place = rng.choice(places)
    said, text = _blame(rng, row, "self"), text_at(row, place)
    gap = "" if _language(row) == "zh" else " "
    if rng.random() < 0.7 or text.endswith("```"):
        return with_content(row, place, said + ("\n\n" if "\n" in text else gap) + text)
    return with_content(row, place, text + gap + said)


def _refusal(rng: random.Random, row: Conversation) -> Planted | None:
    """An answer to a harmless question is replaced by a refusal."""
    places = answer_places(row)
    if not places:
        return None
    return with_content(row, rng.choice(places), _blame(rng, row, "refusal"))


def _private(kind: str, draw: Callable[[random.Random], str]) -> Plant:
    def plant(rng: random.Random, row: Conversation) -> Planted | None:
        language = _language(row)
        value = draw(rng)
        said = word(rng, rng.choice(content("blame")["private"][kind][language]), value=value)
        places = [p for p, m in enumerate(row.messages) if m.role == "user"]
        if not places:
            return None
        place = rng.choice(places)
        return with_content(
            row, place, text_at(row, place) + (" " if language == "en" else "") + said
        )

    return plant


def _empty(rng: random.Random, row: Conversation) -> Planted | None:
    places = answer_places(row)
    if not places:
        return None
    return with_content(row, rng.choice(places), rng.choice(["", "", "   ", "\n", " \n\n"]))


def _short(rng: random.Random, row: Conversation) -> Planted | None:
    places = answer_places(row)
    if not places:
        return None
    replies = {
        "en": ["OK.", "Yes.", "Sure.", "Fine.", "Done."],
        "zh": ["好。", "是的。", "嗯。", "可以。"],
    }
    return with_content(row, rng.choice(places), rng.choice(replies[_language(row)]))


TEXT_FAULTS: tuple[Fault, ...] = (
    Fault(kind="wrong-sum", severity="error", plant=_wrong_sum, scope="any"),
    Fault(kind="cut-sentence", severity="info", plant=_cut_sentence, scope="any"),
    Fault(kind="cut-on-a-joint", severity="error", plant=_cut_on_a_joint, scope="any"),
    Fault(kind="cut-fence", severity="error", plant=_cut_fence, scope="any"),
    Fault(kind="self-reference", severity="warning", plant=_self_reference, scope="any"),
    Fault(kind="refusal", severity="warning", plant=_refusal, scope="any"),
    Fault(kind="email", severity="warning", plant=_private("email", private.email), scope="any"),
    Fault(kind="phone", severity="warning", plant=_private("phone", private.phone), scope="any"),
    Fault(kind="card", severity="error", plant=_private("card", private.card), scope="any"),
    Fault(kind="iban", severity="error", plant=_private("iban", private.iban), scope="any"),
    Fault(
        kind="chinese-id",
        severity="error",
        plant=_private("chinese-id", private.chinese_id),
        scope="any",
    ),
    Fault(
        kind="api-key", severity="error", plant=_private("api-key", private.api_key), scope="any"
    ),
    Fault(kind="empty-reply", severity="error", plant=_empty, scope="any"),
    Fault(kind="short-reply", severity="info", plant=_short, scope="any"),
)
