"""Whether a score hangs on anything but the answer: on repetition, order, company, or the thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import Case
from tamis.rewards.audit.results import Change, Stability
from tamis.rewards.audit.target import Target
from tamis.rewards.audit.weighing import is_same

_CASES = 64
_SHOWN = 5
_REPETITIONS = 3


def measure_stability(
    target: Target, asked: Sequence[tuple[Case, Reply]], *, seed: int
) -> list[Stability]:
    """A seeded sample of answers that were scored before, asked again in five ways."""
    chance = Random(f"{seed} stability")
    scored = [(case, reply) for case, reply in asked if reply.failure is None and not case.alone]
    chosen = chance.sample(scored, k=min(_CASES, len(scored)))
    if not chosen:
        return []
    return [
        _again("asked again", chosen, lambda cases: _repeated(target, cases)),
        _again("in another order", chosen, lambda cases: _shuffled(target, cases, chance)),
        _again("one by one", chosen, lambda cases: [target.ask([case])[0] for case in cases]),
        _again("in threads", chosen, lambda cases: target.ask(cases, in_threads=True)),
        _again("in a new process", chosen, lambda cases: _anew(target, cases)),
    ]


def _again(
    way: str,
    chosen: Sequence[tuple[Case, Reply]],
    ask: Callable[[Sequence[Case]], Sequence[Reply]],
) -> Stability:
    replies = ask([case for case, _ in chosen])
    changed = [
        Change(
            id=case.id,
            response=case.response,
            first=first.value,
            again=again.value,
            told=again.told,
        )
        for (case, first), again in zip(chosen, replies, strict=True)
        if again.failure is not None or not is_same(first.value, again.value)
    ]
    return Stability(way=way, tried=len(chosen), changed=len(changed), examples=changed[:_SHOWN])


def _repeated(target: Target, cases: Sequence[Case]) -> list[Reply]:
    """Several rounds; of each case the reply that differs from its first one, else the last."""
    rounds = [target.ask(cases) for _ in range(_REPETITIONS)]
    chosen = []
    for told in zip(*rounds, strict=True):
        odd = [reply for reply in told if not is_same(reply.value, told[0].value)]
        chosen.append(odd[0] if odd else told[-1])
    return chosen


def _shuffled(target: Target, cases: Sequence[Case], chance: Random) -> list[Reply]:
    places = chance.sample(range(len(cases)), k=len(cases))
    told = target.ask([cases[place] for place in places])
    back = dict(zip(places, told, strict=True))
    return [back[place] for place in range(len(cases))]


def _anew(target: Target, cases: Sequence[Case]) -> list[Reply]:
    target.restart()
    return target.ask(cases)
