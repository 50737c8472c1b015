"""Clean bilingual agent conversations of our own making, the same for the same seed.

Half come from authored pools (facts, advice, code, lists, letters), half are composed: tool scenes
and worked sums with drawn places, people and numbers. A composed row too close to an earlier one of
its scene is drawn again, so that rows are not near-duplicates of one another; beyond some thousand
rows the scenes run out of room and neighbours come closer.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict

from tamis.demo.plain_scenes import POOLS, from_pool, pool_size, sums
from tamis.demo.plan import DIALECTS, Plan, Step, write_down
from tamis.demo.tool_scenes import TOOL_SCENES
from tamis.demo.wording import content, word
from tamis.records import Conversation

_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_]+")
_CLOSE = 0.4
_TRIES = 40
_LOOK_BACK = 300
_SETTINGS = {
    "weather": "travel",
    "exchange": "travel",
    "trains": "travel",
    "calendar": "office",
    "notes": "office",
    "writing": "office",
    "orders": "shop",
    "stock": "shop",
    "books": "library",
    "facts": "library",
    "sums": "numbers",
    "calculator": "numbers",
    "coding": "code",
    "advice": "home",
    "lists": "home",
}
Shingles = frozenset[tuple[str, ...]]


def clean_conversations(seed: int, n: int) -> list[Conversation]:
    """`n` conversations without a fault; ids are `en-0001`, `zh-0002`, ... in order.

    About 60 % are English. `tools` is JSON text in the OpenAI form; `meta` notes scene, language and
    dialect.
    """
    rng = random.Random(f"tamis demo {seed}")
    pieces = {language: _shuffled_pieces(rng, language) for language in ("en", "zh")}
    earlier: dict[str, list[Shingles]] = defaultdict(list)
    made: list[Conversation] = []
    for number in range(1, n + 1):
        language = "en" if rng.random() < 0.6 else "zh"
        key = f"{language}-{number:04d}"
        if pieces[language] and rng.random() < 0.45:
            pool, place = pieces[language].pop()
            made.append(_written(rng, from_pool(rng, language, pool, place), key))
        else:
            made.append(_composed(rng, language, key, earlier))
    return made


def _shuffled_pieces(rng: random.Random, language: str) -> list[tuple[str, int]]:
    pieces = [(pool, place) for pool in POOLS for place in range(pool_size(pool, language))]
    rng.shuffle(pieces)
    return pieces


def _composed(
    rng: random.Random, language: str, key: str, earlier: dict[str, list[Shingles]]
) -> Conversation:
    """A composed row that is not close to an earlier one of its scene, or the least close drawn."""
    best: tuple[float, Conversation, Shingles] | None = None
    for _ in range(_TRIES):
        scene = rng.choice((*TOOL_SCENES, sums, sums))
        row = _written(rng, scene(rng, language), key)
        words = shingles(row)
        kin = earlier[_family(scene.__name__, language)][-_LOOK_BACK:]
        closeness = max((jaccard(words, other) for other in kin), default=0.0)
        if best is None or closeness < best[0]:
            best = (closeness, row, words)
            name = scene.__name__
        if closeness < _CLOSE:
            break
    assert best is not None
    earlier[_family(name, language)].append(best[2])
    return best[1]


def _family(scene: str, language: str) -> str:
    # The calculator and the plain sums share their word problems.
    return f"{'sums' if scene == 'calculator' else scene} {language}"


def _written(rng: random.Random, plan: Plan, key: str) -> Conversation:
    """The plan with a system prompt, sometimes a closing exchange, written down."""
    common = content("common")[plan.language]
    system = None
    if rng.random() < 0.55:
        date = f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        prompts = common["system"]
        pool = prompts[_SETTINGS[plan.scene]] + prompts["any"]
        system = word(rng, rng.choice(pool), date=date)
    steps = list(plan.steps)
    if rng.random() < 0.12:
        said, answered = rng.choice(common["thanks"])
        steps += [Step(role="user", text=said), Step(role="assistant", text=word(rng, answered))]
    dialect = rng.choice(DIALECTS) if rng.random() < 0.75 else "structured"
    full = Plan(
        scene=plan.scene, language=plan.language, steps=steps, tools=plan.tools, system=system
    )
    return write_down(rng, full, dialect, key=key, schemas=content("tools")["schemas"])


def shingles(row: Conversation, *, width: int = 3) -> Shingles:
    """The row's word `width`-grams (a Chinese character counts as a word), over all its messages."""
    words = [
        found
        for message in row.messages
        if message.content
        for found in _WORD.findall(message.content.lower())
    ]
    return frozenset(zip(*(words[start:] for start in range(width)), strict=False))


def jaccard(left: Shingles, right: Shingles) -> float:
    """Shared share of two shingle sets; 0 when both are empty."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0
