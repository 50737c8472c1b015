"""The steps of `tamis reward run`: grade rollouts that somebody already has, and count what came out.

`score_rollouts` gives every rollout the score of its question's reward, or a score without a value that
says why there is none; `score_values` turns scores into columns that a Keep can bound; `score_counts`
sums them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pyarrow as pa

from tamis.calibrate.awaiting import awaited
from tamis.calibrate.grading import CUT, cut_score, is_right
from tamis.calibrate.lanes import in_one_lane
from tamis.calibrate.question_book import Found, QuestionBook, open_book
from tamis.errors import RewardError
from tamis.op import Measure, Rewrite, Rewritten, Use
from tamis.records import Message, Question, RewardSpec, Rollout, Score
from tamis.rewards import Reward, load_reward
from tamis.schema import CHANGES, SCORE

NO_ANSWER = "rollout has no assistant message"
NO_REWARD = "question names no reward"
UNKNOWN_REWARD = "question names a reward that cannot be used"
UNGRADABLE_QUESTION = "question cannot be graded"
UNGRADABLE_ANSWER = "answer cannot be graded"
SANDBOX = "sandbox failed"
UNGRADABLE = "ungradable"
# the flag of a score that is none because code could not be run, and run again, in the sandbox
_SANDBOX_FAILED = "sandbox_failure"

_READS = ("question_id", "messages", "model", "sample", "finish_reason", "score", "meta")


class _Place(msgspec.Struct, kw_only=True):
    """One rollout of a batch on its way to a score."""

    row: dict[str, Any]
    question: Question | None = None
    reward: Reward | None = None
    score: Score | None = None


class ScoreRollouts(Rewrite, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The score of each rollout, by the reward its question names or by `reward` for all.

    `questions` is a data set folder and `fingerprint` its own. `question_id` becomes the id of the
    question that was found. A rollout that cannot be graded gets a score without a value, never 0: the
    reason says the cause and, behind a colon, the detail. An answer cut at its token limit
    (`finish_reason` is length) is wrong, as in a calibration. Scores that the rows brought are
    replaced, and stand in the ledger.

    Reads:   question_id, messages, model, sample, finish_reason, score, meta (for the text asked).
    Adds:    nothing; `edited` is set and CHANGES rows stand for a new score and a new question id.
             Rules: reward/score, reward/question-id.
    Cost:    that of the rewards; a row object for each rollout. Code runs on one core for each worker
             process.
    Source:  our own.
    Raises:  InputError when the questions are not those of the fingerprint; RewardError for an unknown
             `reward`; SandboxError when code cannot be run here.
    """

    questions: str
    fingerprint: str
    reward: RewardSpec | None = None

    reads: ClassVar[tuple[str, ...]] = _READS
    uses: ClassVar[tuple[Use, ...]] = ("sandbox",)

    def __call__(self, batch: pa.RecordBatch) -> Rewritten:
        """Grade a batch."""
        book = open_book(self.questions, self.fingerprint)
        places = [self._placed(row, book) for row in batch.to_pylist()]
        _grade([place for place in places if place.score is None])
        return _rewritten(batch, places)

    def _placed(self, row: dict[str, Any], book: QuestionBook) -> _Place:
        found: Found = book.find(row["question_id"] or "", row["meta"])
        place = _Place(row=row, question=found.question)
        if found.question is None:
            place.score = _none(found.cause, found.detail)
            return place
        if not any(message["role"] == "assistant" for message in row["messages"] or ()):
            place.score = _none(NO_ANSWER)
            return place
        spec = self.reward or found.question.reward
        if spec is None:
            place.score = _none(NO_REWARD)
            return place
        try:
            place.reward = load_reward(spec)
        except RewardError as error:
            if self.reward is not None:
                raise
            place.score = _none(UNKNOWN_REWARD, str(error))
            return place
        reason = place.reward.ungradable(found.question)
        if reason is not None:
            place.score = _none(UNGRADABLE_QUESTION, reason)
        return place


def _none(cause: str, detail: str = "") -> Score:
    return Score(value=None, reason=f"{cause}: {detail}" if detail else cause, flags=(UNGRADABLE,))


def _grade(places: Sequence[_Place]) -> None:
    """Score these rollouts, all of one reward at once."""
    by_reward: dict[int, list[_Place]] = {}
    for place in places:
        by_reward.setdefault(id(place.reward), []).append(place)
    for same in by_reward.values():
        reward = same[0].reward
        questions = [place.question for place in same if place.question is not None]
        assert reward is not None  # places without one, or without a question, have a score already
        rollouts = [_rollout(place.row) for place in same]
        scores = awaited(in_one_lane(reward).score_many(rollouts, questions))
        for place, rollout, score in zip(same, rollouts, scores, strict=True):
            if score.value is None:
                is_ours = _SANDBOX_FAILED in score.flags
                place.score = _none(SANDBOX if is_ours else UNGRADABLE_ANSWER, score.reason)
            else:
                place.score = cut_score(score) if rollout.finish_reason == CUT else score


def _rollout(row: dict[str, Any]) -> Rollout:
    """The rollout as a reward sees it: without the score it had."""
    return Rollout(
        question_id=row["question_id"] or "",
        messages=[msgspec.convert(message, Message) for message in row["messages"]],
        model=row["model"] or "",
        sample=row["sample"] or 0,
        finish_reason=row["finish_reason"],
    )


def _rewritten(batch: pa.RecordBatch, places: Sequence[_Place]) -> Rewritten:
    scores: list[dict[str, Any]] = []
    asked: list[str | None] = []
    edited: list[bool] = []
    changes: list[dict[str, Any]] = []
    for place in places:
        row, score = place.row, score_row(place.score)
        question_id = row["question_id"] if place.question is None else place.question.id
        n_before = len(changes)
        if question_id != row["question_id"]:
            changes.append(_change(row, "question-id", row["question_id"] or "", question_id))
        if score != row["score"]:
            changes.append(_change(row, "score", _told(row["score"]), _told(score)))
        scores.append(score)
        asked.append(question_id)
        edited.append(bool(row["edited"]) or len(changes) > n_before)
    columns = {
        "edited": pa.array(edited, pa.bool_()),
        "question_id": pa.array(asked, pa.string()),
        "score": pa.array(scores, SCORE),
    }
    arrays = [columns.get(f.name, batch.column(f.name)) for f in batch.schema]
    rows = pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
    return Rewritten(rows, pa.RecordBatch.from_pylist(changes, schema=CHANGES))


def score_row(score: Score | None) -> dict[str, Any]:
    """A score as a row of tables holds it; its parts are JSON text."""
    assert score is not None  # every rollout has been graded, or told why not
    row: dict[str, Any] = msgspec.to_builtins(score)
    return {**row, "flags": list(row["flags"]), "parts": _json(row["parts"])}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _told(score: dict[str, Any] | None) -> str:
    """A score as people read it in the ledger; empty for none."""
    if score is None:
        return ""
    return _json({**score, "parts": msgspec.Raw((score["parts"] or "{}").encode())})


def _change(row: dict[str, Any], what: str, before: str, after: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "rule": f"reward/{what}",
        "path": what.replace("-", "_"),
        "start": 0,
        "end": len(before),
        "before": before,
        "after": after,
    }


_VALUES = pa.schema(
    [
        pa.field("score_value", pa.float64()),
        pa.field("score_right", pa.int8()),
        pa.field("ungradable_cause", pa.string()),
        pa.field("ungradable_detail", pa.string()),
    ]
)


class ScoreValues(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a Keep and a report need of scores, one plain value a column.

    A rollout is right when the accuracy part of its score is 1 (its value, for rewards without that part).

    Reads:   score.
    Adds:    score_value  float64, null when there is none;  score_right  int8, 1 or 0, null with it;
             ungradable_cause, ungradable_detail  string, why there is no value; null when there is one.
    Source:  our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("score",)

    def adds(self) -> pa.Schema:
        """The value, whether it is right, and why there is none."""
        return _VALUES

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch."""
        told = [_values(row) for row in batch.column("score").to_pylist()]
        columns = zip(*told, strict=True) if told else ((),) * len(_VALUES)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, _VALUES, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=_VALUES)


def _values(
    score: dict[str, Any] | None,
) -> tuple[float | None, int | None, str | None, str | None]:
    if score is None:
        return None, None, "no score", None
    if score["value"] is None:
        cause, _, detail = (score["reason"] or "no reason given").partition(": ")
        return None, None, cause, detail or None
    return score["value"], int(is_right(score["value"], parts_of(score))), None, None


def parts_of(score: dict[str, Any]) -> dict[str, float]:
    """The parts of a score in a table."""
    return msgspec.json.decode(score["parts"], type=dict[str, float]) if score["parts"] else {}
