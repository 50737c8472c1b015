"""Grade the completions of one question: the completion alone, never the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tamis.calibrate.intervals import wilson
from tamis.llm.types import ChatRequest, Completion
from tamis.records import Message, Question, Rollout, Score
from tamis.rewards import Reward

# the reason to stop that a server gives when an answer met its limit of tokens
CUT = "length"


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What the draws of one question came to; `reason` says why it was not drawn at all."""

    n_sampled: int = 0
    n_correct: int = 0
    n_ungradable: int = 0
    n_truncated: int = 0
    reason: str | None = None
    rollouts: list[Rollout] = []

    @property
    def n_graded(self) -> int:
        """Draws with a verdict: the n of the pass rate."""
        return self.n_sampled - self.n_ungradable

    @property
    def pass_rate(self) -> float | None:
        """Right draws over graded draws; None when none was graded."""
        return self.n_correct / self.n_graded if self.n_graded else None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The 95 % Wilson interval of the pass rate; two None when none was graded."""
        if not self.n_graded:
            return None, None
        interval = wilson(self.n_correct, self.n_graded)
        return interval.low, interval.high


async def grade(
    question: Question,
    reward: Reward,
    requests: Sequence[ChatRequest],
    completions: Sequence[Completion],
) -> Graded:
    """The verdicts on all completions of one question, `completions[i]` answering `requests[i]`.

    A draw passes when the accuracy part of its score is 1 (the value, for rewards without that part).
    A draw cut at `max_tokens` is wrong, whatever it says so far.
    """
    bare = [
        _rollout(question, request, completion)
        for request, completion in zip(requests, completions, strict=True)
    ]
    scores = await reward.score_many(bare, [question] * len(bare))
    verdicts = [
        cut_score(score) if rollout.finish_reason == CUT else score
        for score, rollout in zip(scores, bare, strict=True)
    ]
    return Graded(
        n_sampled=len(bare),
        n_correct=sum(_passes(score) for score in verdicts),
        n_ungradable=sum(score.value is None for score in verdicts),
        n_truncated=sum(rollout.finish_reason == CUT for rollout in bare),
        rollouts=[
            msgspec.structs.replace(rollout, score=score)
            for rollout, score in zip(bare, verdicts, strict=True)
        ],
    )


def _rollout(question: Question, request: ChatRequest, completion: Completion) -> Rollout:
    sampling = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    }
    answer = Message(
        role="assistant",
        content=completion.text,
        reasoning=completion.reasoning,
        tool_calls=completion.tool_calls,
    )
    return Rollout(
        question_id=question.id,
        messages=[answer],
        model=request.model,
        sampling=msgspec.json.encode(sampling).decode(),
        sample=request.sample,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
    )


def cut_score(score: Score) -> Score:
    """The score of an answer that was cut: wrong, whatever it says so far; None stays None."""
    if score.value is None:
        return score
    return Score(
        value=0.0,
        parts={**score.parts, "accuracy": 0.0},
        reason="cut at max_tokens",
        answer=score.answer,
        flags=(*score.flags, "truncated"),
    )


def _passes(score: Score) -> bool:
    if score.value is None:
        return False
    return is_right(score.value, score.parts)


def is_right(value: float, parts: Mapping[str, float]) -> bool:
    """Whether a score says right: by its accuracy, by its value where the reward has no such part."""
    return parts.get("accuracy", value) >= 1.0
