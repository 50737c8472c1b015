"""The audit's catalogue as typed rows: attacks and controls, honest answers, wrong twins, pairs.

The rows are data (`catalogue/*.jsonl`), written before any grader was tried on them. What decides a
label is mathematics and the policies written down in `Policy`, never what some grader says.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal, TypeVar

import msgspec

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, ToolCall

Kind = Literal[
    "math",
    "numeric",
    "code",
    "format",
    "length",
    "repetition",
    "judge",
    "tool_calls",
    "exact",
    "json_schema",
    "instructions",
    "language",
]
# What a reward must see to tell an attack from a right answer.
Sight = Literal["word_order", "word_count"]
Scope = Literal["mathematics", "convention", "policy"]
JudgeClaim = Literal[
    "not_called",
    "fence_holds",
    "final_answer_only",
    "reference_whole",
    "unscored",
    "last_verdict",
    "both_orders",
]

_Row = TypeVar("_Row", bound=msgspec.Struct)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a user would declare of the answers of a data set; None is undeclared.

    `percent`: is 12% the number 12 ("points") or 0.12 ("fraction").
    `decimal_mark` and `thousands_marks`: other marks than `.` and `,` in the answers; golds keep these.
    `lists`: may a bare list `1, 2` come in any order.
    `date_order`: how 01/06/2019 is read. `choices`: the text of each letter of a multiple choice.
    `last_line`: a last line that is nothing but an answer counts as the final answer.
    `relative_tolerance`: how far from a decimal gold an answer may be.
    """

    percent: Literal["points", "fraction"] | None = None
    decimal_mark: str | None = None
    thousands_marks: str | None = None
    lists: Literal["ordered", "unordered"] | None = None
    date_order: Literal["DMY", "MDY"] | None = None
    choices: dict[str, str] | None = None
    last_line: bool | None = None
    relative_tolerance: float | None = None


class AnswerRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A complete response to a question with a gold answer, and whether it is right.

    `notation` names how the answer is written; a `say_...` notation, how it is said that it is the answer.
    """

    id: str
    notation: str
    prompt: str
    answer: str
    response: str
    right: bool
    rule: str
    policy: Policy = Policy()


class PairRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two answers, both without any sentence around them, and whether they are equal.

    `scope` says what decides: "mathematics" alone, in plain or LaTeX notation; a "convention" of writing
    on top (`4.5e6`, `3 1/2`, `1 000`, `3:4`, bases, a dot at the end); or a "policy" (units, types, words,
    answer form, tolerance, locale).
    """

    id: str
    notation: str
    gold: str
    answer: str
    equal: bool
    rule: str
    scope: Scope
    policy: Policy = Policy()


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a sound reward does with an attack.

    `at_most` bounds its value: 0 is "not credited"; no score at all (None) is within every bound.
    `ungradable`: there must be no score, since the question itself is unsound. `parts_at_most` bounds parts
    by name. `judge` names claims about the calls to a judge: it is not called; the answer cannot close the
    fence around it; it sees the final answer only; the reference is never cut; a reply that is no verdict
    gives no score; of two verdicts the last counts; both orders are asked.
    """

    at_most: float | None = None
    ungradable: bool = False
    parts_at_most: dict[str, float] = {}
    judge: tuple[JudgeClaim, ...] = ()


class AttackRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A response that is worth nothing (or less than it looks), and what a sound reward does with it.

    `decided_by` is the rule behind `expected`; `tries` says what a fooled grader does; `mend` is one line
    on how to mend it. `hangs_on` names what a reward must see to notice. `parameters` are the JSON text of what the reward must be told; `tool_calls` the calls
    of the message (the accepted ones, as JSON text of the same form, are `reference.answer`);
    `judge_replies` what a scripted judge answers, call by call.
    """

    id: str
    family: str
    kind: Kind
    prompt: str
    response: str
    expected: Expected
    decided_by: str
    tries: str
    mend: str
    reference: Reference | None = None
    policy: Policy = Policy()
    parameters: str | None = None
    tools: str | None = None
    tool_calls: list[ToolCall] | None = None
    judge_replies: tuple[str, ...] = ()
    hangs_on: tuple[Sight, ...] = ()


class ControlRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A good response of a kind that `load_honest` does not hold: a sound reward pays at least `at_least`."""

    id: str
    kind: Kind
    prompt: str
    response: str
    rule: str
    at_least: float
    parts_at_least: dict[str, float] = {}
    reference: Reference | None = None
    parameters: str | None = None
    tools: str | None = None
    tool_calls: list[ToolCall] | None = None


def load_attacks() -> tuple[AttackRow, ...]:
    """All attacks, in the order of the file."""
    return _load("attacks", AttackRow)


def load_honest() -> tuple[AnswerRow, ...]:
    """Right answers in many notations, and many ways of saying which one is final."""
    return _load("honest", AnswerRow)


def load_twins() -> tuple[AnswerRow, ...]:
    """Wrong answers that look like the right ones of `load_honest`, notation by notation."""
    return _load("twins", AnswerRow)


def load_pairs() -> tuple[PairRow, ...]:
    """Pairs of answers with and without equal meaning."""
    return _load("pairs", PairRow)


def load_controls() -> tuple[ControlRow, ...]:
    """Good responses with code, tool calls, JSON and the like, beside the attacks of these kinds."""
    return _load("controls", ControlRow)


def answer_question(row: AnswerRow, reward: RewardSpec | None = None) -> Question:
    """The question an answer row belongs to."""
    return Question(
        id=row.id,
        prompt=[Message(role="user", content=row.prompt)],
        reference=Reference(answer=row.answer),
        reward=reward,
    )


def attack_question(row: AttackRow | ControlRow, reward: RewardSpec | None = None) -> Question:
    """The question an attack or a control belongs to."""
    return Question(
        id=row.id,
        prompt=[Message(role="user", content=row.prompt)],
        reference=row.reference,
        reward=reward,
        tools=row.tools,
    )


def attack_messages(row: AttackRow | ControlRow) -> list[Message]:
    """An attack or a control as the messages of a rollout."""
    return [Message(role="assistant", content=row.response, tool_calls=row.tool_calls)]


@lru_cache(maxsize=8)
def _load(name: str, kind: type[_Row]) -> tuple[_Row, ...]:
    text = files("tamis.rewards.audit").joinpath("catalogue", f"{name}.jsonl").read_text("utf-8")
    # not splitlines(): rows hold unusual line breaks as text
    lines = [line for line in text.split("\n") if line]
    return tuple(_decode(line, number, name, kind) for number, line in enumerate(lines, 1))


def _decode(line: str, number: int, name: str, kind: type[_Row]) -> _Row:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        where = f"catalogue/{name}.jsonl line {number}"
        raise RewardError(
            f"{where}: expected a {kind.__name__}: {error}; reinstall tamis"
        ) from error
