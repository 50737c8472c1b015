"""The nouns of Tamis as plain typed records; no Arrow here.

A record is what an edge sees (a format, a reward, a trainer): hot paths work on Arrow batches
(`schema.py`) and never build these. JSON text stays text (`tools`, `meta`, `arguments`, `extra`,
`parts`): Arrow would invent keys, and a float would bend the author's numbers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
Severity = Literal["error", "warning", "info"]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One structured tool call of an assistant message.

    `arguments` is JSON text exactly as the author wrote it; `extra` is JSON text of the keys of the
    call that Tamis does not read, restored on export.
    """

    name: str
    arguments: str
    id: str | None = None
    extra: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `content` keeps the author's exact characters, tags included.

    `reasoning` holds a separate reasoning field (never one cut out of `content`); `train` is the
    author's own loss flag; `parts` is the JSON text of a content list; `extra` is the JSON text of
    an object with every key Tamis does not read.
    """

    role: str
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    train: bool | None = None
    parts: str | None = None
    extra: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """An SFT row: messages, the tools on offer, and the author's other keys (`meta`, JSON text)."""

    messages: list[Message]
    id: str = ""
    source: str = ""
    tools: str | None = None
    meta: str | None = None
    parents: list[str] = []


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a reward compares with: a final answer, a worked solution, tests or a rubric.

    `answer` is a text, or the JSON text of another value; `tests` and `rubric` are JSON text in the styles of
    docs/design/references.md.
    """

    answer: str | None = None
    solution: str | None = None
    tests: str | None = None
    rubric: str | None = None


class RewardSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which reward grades a question: its catalogue name and its parameters as JSON text."""

    name: str
    parameters: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An RL row: a prompt, the tools on offer, the reward that grades answers, and what it needs."""

    prompt: list[Message]
    reward: RewardSpec | None = None
    reference: Reference | None = None
    id: str = ""
    source: str = ""
    tools: str | None = None
    meta: str | None = None
    parents: list[str] = []


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """A preference row: after `prompt`, `chosen` is preferred to `rejected`.

    One of both may be empty: a single answer that was liked (`chosen`) or not (`rejected`).
    """

    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    chosen_score: float | None = None
    rejected_score: float | None = None
    id: str = ""
    source: str = ""
    tools: str | None = None
    meta: str | None = None
    parents: list[str] = []


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What a reward says of one answer.

    `value` is None when the answer is *not gradable* (never 0); `parts` are the named components,
    `accuracy` among them when the reward judges correctness; `answer` is the final answer as read;
    `flags` name suspicious structure (`conflicting_answers`, `unfinished_think`, ...).
    """

    value: float | None
    parts: dict[str, float] = {}
    reason: str = ""
    answer: str | None = None
    flags: tuple[str, ...] = ()


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """One sampled answer to a question, with how it was sampled and what it scored.

    `sampling` is the JSON text of the sampling parameters; token counts are the server's own.
    """

    question_id: str
    messages: list[Message]
    model: str
    sampling: str | None = None
    sample: int = 0
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    score: Score | None = None
    id: str = ""
    source: str = ""
    meta: str | None = None
    parents: list[str] = []


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a check found: the rule, how bad, where, and what mends it.

    `path` is like `messages[3].content`; `start` and `end` are character offsets into that text, or
    None when the finding is about the whole place; `excerpt` is a short piece of the text around it,
    masked where it holds something private.
    """

    rule: str
    severity: Severity
    path: str
    message: str
    start: int | None = None
    end: int | None = None
    fix: str | None = None
    excerpt: str | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a check can report: shown by `tamis check --explain`, by reports and by gates.

    `dimension` is one of the five: correctness, format, completeness, difficulty, diversity (and
    safety for private data). `good` and `bad` are one-line examples for people.
    """

    id: str
    severity: Severity
    dimension: str
    summary: str
    fix: str
    good: str = ""
    bad: str = ""
