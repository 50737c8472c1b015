"""The pass rate of questions: ask the current policy n times each, grade, keep (c, n)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec
import pyarrow as pa

from tamis.calibrate.grading import Graded, grade
from tamis.errors import RewardError
from tamis.llm.local import MODEL_NAME
from tamis.llm.together import ask_all
from tamis.llm.types import Asker, ChatRequest
from tamis.op import Measure, Use
from tamis.records import Message, Question, RewardSpec
from tamis.rewards import Reward, load_reward
from tamis.schema import ROLLOUT_FIELDS
from tamis.text.schemas import chat_tools, list_tools

_ROLLOUTS = pa.list_(pa.struct(ROLLOUT_FIELDS))
_ADDS = pa.schema(
    [
        pa.field("n_sampled", pa.int32()),
        pa.field("n_correct", pa.int32()),
        pa.field("n_ungradable", pa.int32()),
        pa.field("n_truncated", pa.int32()),
        pa.field("pass_rate", pa.float64()),
        pa.field("pass_rate_low", pa.float64()),
        pa.field("pass_rate_high", pa.float64()),
        pa.field("ungradable_reason", pa.string()),
        pa.field("rollouts", _ROLLOUTS),
    ]
)


class PassRate(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often a model answers each question rightly: right draws of graded draws, with its interval.

    Each question is asked `n` times at `temperature`; only the completion is graded, by the reward the
    question names (or `reward`, for all). A draw passes by its *accuracy*, not by a shaped total; one
    cut at `max_tokens` is wrong. A question that cannot be graded is not asked.

    The tools a question offers are offered to the model, and its calls are graded as the server reads them.
    `preface` are messages put before each prompt (worked questions, an answer format); `system` is a
    shorter way to one system message. A rate says something only of this model, preface and sampling.
    `model` is the name the server knows it by (default: the local model).

    Reads:   prompt, reward, reference, tools.
    Adds:    n_sampled, n_correct, n_ungradable, n_truncated  int32, never null;
             pass_rate  float64 in [0, 1], n_correct / (n_sampled - n_ungradable), null when none graded;
             pass_rate_low, pass_rate_high  float64, its 95 % Wilson interval, null with it;
             ungradable_reason  string, null when the question was asked;
             rollouts  list of rollouts with their scores, empty when not asked.
    Cost:    n model calls a question; finished calls are stored and never asked twice.
    Source:  rejection by pass rate as in Skywork-OR1 and DAPO; Wilson 1927 for the interval.
    Raises:  LLMError when the model fails; RewardError for an unknown reward.
    """

    model: str = MODEL_NAME
    n: Annotated[int, msgspec.Meta(ge=1)] = 16
    temperature: Annotated[float, msgspec.Meta(ge=0)] = 0.7
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 512
    seed: int = 0
    system: str | None = None
    preface: tuple[Message, ...] = ()
    reward: RewardSpec | None = None

    reads: ClassVar[tuple[str, ...]] = ("prompt", "reward", "reference", "tools")
    uses: ClassVar[tuple[Use, ...]] = ("llm",)

    def adds(self) -> pa.Schema:
        """Counts, rate, interval and rollouts."""
        return _ADDS

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Refused: a pass rate needs a model."""
        raise RewardError("pass_rate: asks a model; call `ask_batch` with one")

    async def ask_batch(self, batch: pa.RecordBatch, llm: Asker) -> pa.RecordBatch:
        """Ask all questions of the batch at once, as far as the model's limits allow, and grade them."""
        questions = _questions(batch)
        rewards = [self._reward_of(question) for question in questions]
        reasons = [
            _not_asked(question, reward)
            for question, reward in zip(questions, rewards, strict=True)
        ]
        asked = [place for place, reason in enumerate(reasons) if reason is None]
        requests = [request for place in asked for request in self._requests(questions[place])]
        completions = await ask_all(llm, requests)
        graded = [Graded(reason=reason) for reason in reasons]
        for order, place in enumerate(asked):
            draws = slice(order * self.n, (order + 1) * self.n)
            reward = rewards[place]
            assert reward is not None  # `_not_asked` has sorted these out
            graded[place] = await grade(
                questions[place], reward, requests[draws], completions[draws]
            )
            # grading is the only long work between awaits: let other calls breathe
            await asyncio.sleep(0)
        return _columns(graded)

    def _reward_of(self, question: Question) -> Reward | None:
        spec = self.reward or question.reward
        if spec is None or not spec.name:
            return None
        try:
            return load_reward(spec)
        except RewardError as error:
            raise RewardError(f"question {question.id}: {error}") from error

    def _requests(self, question: Question) -> list[ChatRequest]:
        before = list(self.preface)
        if self.system is not None:
            before.insert(0, Message(role="system", content=self.system))
        messages = (*before, *question.prompt)
        tools = _offered_tools(question)
        return [
            ChatRequest(
                model=self.model,
                messages=messages,
                tools=tools,
                temperature=self.temperature,
                top_p=self.top_p,
                max_tokens=self.max_tokens,
                seed=self.seed,
                sample=sample,
            )
            for sample in range(self.n)
        ]


def _questions(batch: pa.RecordBatch) -> list[Question]:
    # row objects are fine here: each row costs n model calls
    columns = {name: batch.column(name).to_pylist() for name in ("id", *PassRate.reads)}
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [msgspec.convert(_without_nulls(row), Question) for row in rows]


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the record has it: a null prompt is no messages, a null reward name is no reward."""
    reward = row["reward"]
    has_reward = reward is not None and reward["name"] is not None
    return {**row, "prompt": row["prompt"] or [], "reward": reward if has_reward else None}


def _not_asked(question: Question, reward: Reward | None) -> str | None:
    if not any(message.content or message.parts for message in question.prompt):
        return "the prompt is empty"
    if reward is None:
        return "the question names no reward"
    if question.tools is not None and (problem := list_tools(question.tools).problem) is not None:
        return f"the tools cannot be read: {problem}"
    return reward.ungradable(question)


def _offered_tools(question: Question) -> str | None:
    """The tools as they are sent; None where there is none: servers refuse an empty list of them."""
    if question.tools is None or not list_tools(question.tools).written:
        return None
    return chat_tools(question.tools)


def _columns(graded: Sequence[Graded]) -> pa.RecordBatch:
    bounds = [one.bounds for one in graded]
    values: dict[str, list[Any]] = {
        "n_sampled": [one.n_sampled for one in graded],
        "n_correct": [one.n_correct for one in graded],
        "n_ungradable": [one.n_ungradable for one in graded],
        "n_truncated": [one.n_truncated for one in graded],
        "pass_rate": [one.pass_rate for one in graded],
        "pass_rate_low": [low for low, _ in bounds],
        "pass_rate_high": [high for _, high in bounds],
        "ungradable_reason": [one.reason for one in graded],
        "rollouts": [[_row(rollout) for rollout in one.rollouts] for one in graded],
    }
    arrays = [pa.array(values[field.name], type=field.type) for field in _ADDS]
    return pa.RecordBatch.from_arrays(arrays, schema=_ADDS)


def _row(rollout: Any) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(rollout)
    score = row["score"]
    row["score"] = {**score, "parts": msgspec.json.encode(score["parts"]).decode()}
    return {field.name: row[field.name] for field in ROLLOUT_FIELDS}
