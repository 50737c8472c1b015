"""Several rewards as one: weighted, clamped, and paid only where the part that must be right is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from tamis.errors import RewardError
from tamis.records import Question, RewardSpec, Rollout, Score
from tamis.rewards.answers import hash_of
from tamis.rewards.base import Reward, load_reward

Label = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
# A judge costs money and time: whatever needs no model is asked first.
_ASKED_LAST = frozenset({"judge"})
_RIGHT = 1.0


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reward in a combination: its name and parameters, its weight, and what it is called."""

    name: str
    parameters: dict[str, Any] = {}
    weight: float = 1.0
    label: Label | None = None

    @property
    def called(self) -> str:
        """The label, else the reward's name."""
        return self.label or self.name


class CombineReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weighted sum of several rewards, within `at_least` and `at_most`.

    `gate` names the part that judges correctness: where its accuracy (its value, if it has no such part) is
    below 1, it alone is paid. So no format, length or judge pays for a wrong answer. The other parts are
    scored all the same, for statistics, but a model is asked for nothing that is not paid, and always
    last. Without a gate all parts are summed. A weight may be negative, as a penalty; `at_least` is 0 and `at_most` the sum of what the positive weights can give,
    if not set.

    A question cannot be graded when its gate cannot, or any part with a weight (`missing="ungradable"`).
    With `missing="skip"` such parts are left out, and the weights of the others grow so that their sum stays;
    this hangs on the question alone, so all its answers are graded alike. A part that fails to grade one
    answer, as a judge may, leaves that answer without a value: never a 0.

    Parts: accuracy (the gate's, else that of the first part with one), each part's value under its label
    and its own parts behind a dot (`math.accuracy`). Flags stand behind a dot too, `gated` says that the gate
    was shut. Raises: RewardError when no part, an unknown one, or the same label twice is given.
    """

    parts: tuple[Part, ...]
    gate: str | None = None
    at_least: float = 0.0
    at_most: float | None = None
    missing: Literal["ungradable", "skip"] = "ungradable"
    name: ClassVar[str] = "combine"

    def __hash__(self) -> int:
        """Equal rewards hash alike."""
        return hash_of(self)

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together; load each once, so that a fault shows at once."""
        labels = [part.called for part in self.parts]
        if not labels or len(set(labels)) < len(labels):
            raise ValueError("parts: expected one or more, each with a label of its own")
        if any(part.name == self.name for part in self.parts):
            raise ValueError("parts: expected plain rewards, got `combine` within `combine`")
        if self.gate is not None and self.gate not in labels:
            raise ValueError(f"gate: expected one of {', '.join(labels)}, got `{self.gate}`")
        if not all(math.isfinite(part.weight) for part in self.parts):
            raise ValueError("weight: expected a finite number")
        if self.at_most is not None and not self.at_least <= self.at_most:
            raise ValueError(f"at_most: expected {self.at_least:g} or more, got {self.at_most:g}")
        for part in self.parts:
            load_part(part)

    @property
    def version(self) -> str:
        """Its own rules and those of all parts."""
        return "1+" + ",".join(f"{part.name}{load_part(part).version}" for part in self.parts)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value it gives."""
        if self.at_most is not None:
            return self.at_least, self.at_most
        most = sum(part.weight * _most(part) for part in self.parts if part.weight > 0)
        return self.at_least, max(self.at_least, most)

    def ungradable(self, question: Question) -> str | None:
        """Why the question cannot be graded, the part first that says so; None when it can."""
        reasons = {part.called: load_part(part).ungradable(question) for part in self.parts}
        weighted = [part.called for part in self.parts if part.weight] or list(reasons)
        needed = weighted if self.missing == "ungradable" else []
        if all(reasons[label] for label in weighted):
            needed = weighted
        for label in dict.fromkeys([*needed, *([self.gate] if self.gate else [])]):
            if reasons[label] is not None:
                return f"{label}: {reasons[label]}"
        return None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout; each part is asked for all that it concerns at once."""
        reasons = [self.ungradable(question) for question in questions]
        found: list[dict[str, Score]] = [{} for _ in rollouts]
        gradable = [place for place, reason in enumerate(reasons) if reason is None]
        for part in self._in_order():
            reward = load_part(part)
            # a part that some question cannot have is left out there, see `missing`
            places = [p for p in gradable if reward.ungradable(questions[p]) is None]
            if self.gate is not None and part.name in _ASKED_LAST and part.called != self.gate:
                places = [p for p in places if _is_right(found[p].get(self.gate))]
            scores = await reward.score_many(
                [rollouts[place] for place in places], [questions[place] for place in places]
            )
            for place, score in zip(places, scores, strict=True):
                found[place][part.called] = score
        return [
            Score(value=None, reason=reason) if reason is not None else self._combined(scores)
            for reason, scores in zip(reasons, found, strict=True)
        ]

    def _in_order(self) -> list[Part]:
        """The gate, then what needs no model, then what does; each in the order given."""
        return sorted(
            self.parts, key=lambda part: (part.called != self.gate, part.name in _ASKED_LAST)
        )

    def _combined(self, scores: Mapping[str, Score]) -> Score:
        parts, flags = _flattened(scores)
        accuracy = self._accuracy(scores)
        if accuracy is not None:
            parts = {"accuracy": accuracy, **parts}
        is_shut = self.gate is not None and not _is_right(scores.get(self.gate))
        paid = {self.gate: scores[self.gate]} if self.gate is not None and is_shut else scores
        failed = [label for label, score in paid.items() if score.value is None]
        if failed:
            reason = f"{failed[0]}: {scores[failed[0]].reason}"
            return Score(value=None, parts=parts, reason=reason, flags=flags)
        total = self._total(paid, is_shut=is_shut)
        low, high = self.bounds
        told = "; ".join(f"{label} {one.value:g} ({one.reason})" for label, one in paid.items())
        return Score(
            value=min(max(total, low), high),
            parts=parts,
            reason=told[:400],
            answer=next((s.answer for s in scores.values() if s.answer is not None), None),
            flags=(*flags, "gated") if is_shut else flags,
        )

    def _total(self, scores: Mapping[str, Score], *, is_shut: bool) -> float:
        weights = {part.called: part.weight for part in self.parts}
        total = math.fsum(weights[label] * (score.value or 0.0) for label, score in scores.items())
        if self.missing == "ungradable" or is_shut or len(scores) == len(weights):
            return total
        held = math.fsum(abs(weights[label]) for label in scores)
        return total * math.fsum(map(abs, weights.values())) / held if held else total

    def _accuracy(self, scores: Mapping[str, Score]) -> float | None:
        if self.gate is not None:
            return _accuracy_of(scores[self.gate]) if self.gate in scores else None
        in_order = (scores.get(part.called) for part in self.parts)
        return next((s.parts["accuracy"] for s in in_order if s and "accuracy" in s.parts), None)


@lru_cache(maxsize=1024)
def _load(name: str, parameters: str) -> Reward:
    return load_reward(RewardSpec(name=name, parameters=parameters))


def load_part(part: Part) -> Reward:
    """The reward of a part. Raises: RewardError that names the part."""
    try:
        return _load(part.name, msgspec.json.encode(part.parameters, order="sorted").decode())
    except RewardError as error:
        raise RewardError(f"part `{part.called}`: {error}") from error


def _most(part: Part) -> float:
    bounds: tuple[float, float] = getattr(load_part(part), "bounds", (0.0, 1.0))
    return bounds[1]


def _accuracy_of(score: Score) -> float | None:
    return score.parts.get("accuracy", score.value)


def _is_right(score: Score | None) -> bool:
    accuracy = None if score is None or score.value is None else _accuracy_of(score)
    return accuracy is not None and accuracy >= _RIGHT


def _flattened(scores: Mapping[str, Score]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Values and parts of all, and their flags, under the labels of the parts."""
    parts: dict[str, float] = {}
    flags: list[str] = []
    for label, score in scores.items():
        if score.value is not None:
            parts[label] = score.value
        parts |= {f"{label}.{name}": value for name, value in score.parts.items()}
        flags += [f"{label}.{flag}" for flag in score.flags]
    return parts, tuple(flags)
