"""Preference rows for the demo: a right worked sum against a wrong or an unhelpful answer."""

from __future__ import annotations

import random
from typing import Any

from tamis.demo.plain_scenes import draw_sum
from tamis.demo.wording import word

_UNHELPFUL = {
    "en": ["It depends on many things.", "You can work that out with a pen and paper.", "Quite a lot, I would say.", "The numbers speak for themselves."],
    "zh": ["这要看具体情况。", "自己算一下就知道了。", "大概不少吧。", "数字已经很清楚了。"],
}  # fmt: skip


def demo_preferences(seed: int, n: int) -> list[dict[str, Any]]:
    """`n` rows with `prompt`, `chosen` and `rejected` as message lists; the chosen answer is right."""
    rng = random.Random(f"tamis demo preferences {seed}")
    rows = []
    for number in range(1, n + 1):
        language = rng.choice(["en", "en", "zh"])
        template, slots = draw_sum(rng, language)
        chosen = word(rng, rng.choice(template["a"]), **slots)
        if rng.random() < 0.5:
            name = template["result"]
            wrong = slots | {name: slots[name] + rng.choice([1, 2, 10, 20])}
            rejected = word(rng, rng.choice(template["a"]), **wrong)
        else:
            rejected = rng.choice(_UNHELPFUL[language])
        question = word(rng, rng.choice(template["q"]), **slots)
        rows.append(
            {
                "id": f"{language}-p{number:03d}",
                "prompt": [{"role": "user", "content": question}],
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
            }
        )
    return rows
