"""Files of conversations for engine tests: seeded, with copies and faults among them."""

from __future__ import annotations

import json
import random
from pathlib import Path

WORDS = [
    "river",
    "copper",
    "lantern",
    "market",
    "window",
    "engine",
    "orchard",
    "paper",
    "signal",
    "winter",
    "garden",
    "ladder",
    "harbour",
    "pencil",
    "village",
    "summer",
    "bridge",
    "basket",
    "morning",
    "kitchen",
    "station",
    "thunder",
    "velvet",
]


def conversation(rng: random.Random, key: str) -> dict[str, object]:
    """One conversation of two turns; one in ten has an unpaired think tag."""
    answer = " ".join(rng.choice(WORDS) for _ in range(rng.randint(20, 60))) + "."
    if rng.random() < 0.1:
        answer = "<think>" + answer
    question = " ".join(rng.choice(WORDS) for _ in range(12)) + "?"
    return {
        "id": key,
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
    }


def write_conversations(path: Path, n: int, *, seed: int = 0) -> Path:
    """Write `n` conversations; one in eight copies an earlier one, changed by a word or not."""
    rng = random.Random(seed)
    made: list[dict[str, object]] = []
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            if made and rng.random() < 0.125:
                row = json.loads(json.dumps(rng.choice(made)))
                row["id"] = f"k{i}"
                if rng.random() < 0.5:
                    row["messages"][1]["content"] += " " + rng.choice(WORDS) + "."
            else:
                row = conversation(rng, f"k{i}")
            made.append(row)
            file.write(json.dumps(row) + "\n")
    return path
