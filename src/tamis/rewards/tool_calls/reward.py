"""The tool-call reward: are the calls of an answer the accepted ones, no fewer and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

from tamis.records import Message, Question, Rollout, Score
from tamis.rewards.answers import TextReward, zero
from tamis.rewards.tool_calls.given import Given, given_calls
from tamis.rewards.tool_calls.matching import Strings, mismatch, n_matched, n_matched_in_order
from tamis.rewards.tool_calls.wanted import MAX_CALLS, Task, task_of

_NOTHING = {"accuracy": 0.0, "precision": 0.0, "recall": 0.0}
_DENIED = ("too_long", "unfinished_think", "fabricated_result")


class ToolCallsReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when an answer makes exactly the accepted calls, each as often as wanted, else 0.

    Calls are a rollout's structured ones, or those its text writes behind the last think block in a
    dialect of `text.tools`; prose, code and tool results are no calls. All assistant messages count. A
    call matches by its tool and all its arguments, typed: 1, "1" and true differ, 1.0 is 1 only where the
    tool's schema says `number` or `integer`, as JSON Schema has it. An argument may be left out where its accepted values hold `""`, and
    may be added where it is the schema's default. A call that cannot be read, with unnamed arguments or a
    key twice, is a call too many. Where no call is wanted, any call scores 0, and so does silence.

    `score="f1"` pays for the share of calls instead, extra ones counting against it. `ordered` lets only
    calls in the wanted order match. `strings="loose"` compares texts without case, blanks and ` ,./-_*^`, as
    BFCL does. An unfinished reasoning, more than 64 calls, and a tool result that the answer writes
    itself (`fabricated_result`) score 0.

    The reference is `answer`: a JSON list of `{"name", "arguments"}`, or of BFCL's `{tool: {argument:
    [accepted, ...]}}`; `[]` where no call is wanted. Without one, or with a call of a tool that the question
    does not offer, it cannot be graded. Parts: accuracy, precision, recall.
    """

    score_as: Literal["all", "f1"] = msgspec.field(default="all", name="score")
    ordered: bool = False
    strings: Strings = "exact"
    name: ClassVar[str] = "tool_calls"
    version: ClassVar[str] = "2"

    def ungradable(self, question: Question) -> str | None:
        """Why the accepted calls, or the tools, cannot be read; None when they can."""
        return task_of(question).problem

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> from tamis.records import Reference
        >>> asked = Question(prompt=[], reference=Reference(answer='[{"add": {"a": [1]}}]'))
        >>> ToolCallsReward().score("<tool_call>add(a=1)</tool_call>", asked).value
        1.0
        """
        return self._score([Message(role="assistant", content=answer)], question)

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from all its assistant messages."""
        return [
            self._score(rollout.messages, question)
            for rollout, question in zip(rollouts, questions, strict=True)
        ]

    def _score(self, messages: Sequence[Message], question: Question) -> Score:
        task = task_of(question)
        if task.problem is not None:
            return Score(value=None, reason=task.problem)
        given = given_calls(messages, task.tools)
        shown = ", ".join(call.name or "?" for call in given.calls)[:200] or None
        for flag in _DENIED:
            if flag in given.flags:
                told = flag.replace("_", " ")
                return zero(told, *given.flags, parts=dict(_NOTHING), answer=shown)
        if len(given.calls) > MAX_CALLS:
            return zero("too many calls", *given.flags, "too_many_calls", parts=dict(_NOTHING))
        if not task.calls:
            return _none_wanted(given, shown)
        return self._compared(given, task, shown)

    def _compared(self, given: Given, task: Task, shown: str | None) -> Score:
        found = [
            [
                mismatch(call, wanted, tools=task.tools, strings=self.strings)
                for wanted in task.calls
            ]
            for call in given.calls
        ]
        n_given, n_wanted = len(given.calls), len(task.calls)
        count = n_matched_in_order if self.ordered else n_matched
        n_right = count(n_given, n_wanted, lambda g, w: found[g][w] is None)
        accuracy = float(n_right == n_given == n_wanted)
        value = accuracy if self.score_as == "all" else 2 * n_right / (n_given + n_wanted)
        told = f"{n_right} of {n_wanted} calls right"
        if n_given > n_right:
            told += f", {n_given - n_right} too many"
        return Score(
            value=value,
            parts={
                "accuracy": accuracy,
                "precision": n_right / n_given if n_given else 0.0,
                "recall": n_right / n_wanted,
            },
            reason=told if accuracy else f"{told}; {_why(found)}",
            answer=shown,
            flags=given.flags,
        )


def _none_wanted(given: Given, shown: str | None) -> Score:
    if given.calls:
        flags = (*given.flags, "unwanted_call")
        return zero("a call where none is wanted", *flags, parts=dict(_NOTHING), answer=shown)
    if not given.says_something:
        return zero("no answer", *given.flags, "no_answer", parts=dict(_NOTHING))
    return Score(
        value=1.0,
        parts=dict.fromkeys(_NOTHING, 1.0),
        reason="no call, as wanted",
        flags=given.flags,
    )


def _why(found: Sequence[Sequence[str | None]]) -> str:
    """The first thing that keeps a call of the right tool from matching, or that no call does."""
    reasons = [why for row in found if None not in row for why in row if why is not None]
    near = [why for why in reasons if not why.endswith("is not called")]
    return [*near, *reasons, "no call"][0][:200]
