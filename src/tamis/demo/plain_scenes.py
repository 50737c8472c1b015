"""Scenes without tools: worked sums, and the authored pools (facts, advice, code, lists, writing)."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

from tamis.demo.plan import Plan, Step
from tamis.demo.wording import content, sentence_case, word

_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
POOLS = ("facts", "advice", "coding", "lists", "writing")


def draw_sum(rng: random.Random, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A word problem's template and its slots: drawn numbers, and what follows from them."""
    template = rng.choice(content("sums")[language])
    slots: dict[str, Any] = {
        name: rng.randint(*bounds) for name, bounds in template["draw"].items()
    }
    for name, left, sign, right in template["let"]:
        other = slots[right] if right in slots else int(right)
        slots[name] = _OPERATIONS[sign](slots[left], other)
    slots["x"] = rng.choice(["×", "×", "*"])
    slots["friend"] = rng.choice(content("common")[language]["friends"])
    return template, slots


def sums(rng: random.Random, language: str) -> Plan:
    """A word problem worked out in a think block or in the answer, without a tool."""
    template, slots = draw_sum(rng, language)
    thought = word(rng, rng.choice(template["think"]), **slots) if rng.random() < 0.6 else None
    steps = [
        Step(role="user", text=word(rng, rng.choice(template["q"]), **slots)),
        Step(role="assistant", thought=thought, text=word(rng, rng.choice(template["a"]), **slots)),
    ]
    return Plan(scene="sums", language=language, steps=steps)


def _fact(rng: random.Random, language: str, told: dict[str, Any]) -> list[Step]:
    opener = rng.choice(content("facts")[language]["openers"])
    question = word(rng, told["q"])
    if opener.endswith(", "):
        question = question[:1].lower() + question[1:]
    steps = [
        Step(role="user", text=opener + question),
        Step(role="assistant", text=word(rng, told["a"])),
    ]
    if "follow" in told:
        asked, answered = told["follow"]
        steps += [Step(role="user", text=word(rng, asked)), Step(role="assistant", text=answered)]
    return steps


def _pairs(rng: random.Random, pairs: list[list[str]]) -> list[Step]:
    steps: list[Step] = []
    for question, answer in pairs:
        steps.append(Step(role="user", text=word(rng, question)))
        steps.append(Step(role="assistant", text=word(rng, answer)))
    return steps


def _listing(rng: random.Random, told: dict[str, Any]) -> list[Step]:
    slots = {"days": rng.randint(3, 12), "n": rng.randint(4, 12), "q": "?"}
    points = [word(rng, point, **slots) for point in told["points"]]
    if not told.get("ordered", False):
        rng.shuffle(points)
        points = points[: rng.randint(len(points) - 2, len(points))]
    marks = [f"{place}. " for place in range(1, 10)] if rng.random() < 0.5 else ["- "] * 9
    body = "\n".join(mark + point for mark, point in zip(marks, points, strict=False))
    intro, end = word(rng, rng.choice(told["intro"]), **slots), rng.choice(told["end"])
    return [
        Step(role="user", text=word(rng, told["q"], **slots)),
        Step(role="assistant", text=f"{intro}\n\n{body}\n\n{end}"),
    ]


def _writing(rng: random.Random, language: str, pair: list[str]) -> list[Step]:
    common = content("common")[language]
    slots = {
        "friend": rng.choice(common["friends"]),
        "city": rng.choice(common["cities"]),
        "days": rng.randint(3, 12),
        "ta": rng.choice("他她"),
    }
    return [
        Step(role="user", text=sentence_case(word(rng, pair[0], **slots))),
        Step(role="assistant", text=word(rng, pair[1], **slots)),
    ]


def pool_size(pool: str, language: str) -> int:
    """How many authored pieces a pool holds in a language."""
    return len(_pool(pool, language))


def _pool(pool: str, language: str) -> list[Any]:
    pieces: list[Any] = (
        content(pool)[language]["turns"] if pool == "facts" else content(pool)[language]
    )
    return pieces


def from_pool(rng: random.Random, language: str, pool: str, place: int) -> Plan:
    """The plan around the authored piece at `place` of a pool."""
    piece = _pool(pool, language)[place]
    if pool == "facts":
        steps = _fact(rng, language, piece)
    elif pool == "advice":
        steps = _pairs(rng, piece)
    elif pool == "coding":
        steps = _pairs(rng, [piece])
    elif pool == "lists":
        steps = _listing(rng, piece)
    else:
        steps = _writing(rng, language, piece)
    return Plan(scene=pool, language=language, steps=steps)
