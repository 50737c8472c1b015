"""The steps of `tamis reward run` keep the contract of operators, and join rollouts to their questions."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis import catalogue
from tamis.calibrate.grade_rollouts import ScoreRollouts, ScoreValues
from tamis.calibrate.score_counts import ScoreCounts
from tamis.errors import InputError, RewardError
from tamis.recipe import Recipe, Step
from tamis.records import Question, RewardSpec, Rollout, Score
from tamis.rewards import REWARDS
from tamis.sandbox.errors import SandboxError
from tamis.schema import CHANGES, ROLLOUTS

# id, text, reference: two questions with one text and different references, two with the same
QUESTIONS = [
    ("a", "What is 3 + 4?", "7"),
    ("b", "one of two", "1"),
    ("c", "one of two", "2"),
    ("d", "twins", "5"),
    ("e", "twins", "5"),
    ("f", "unreadable", "a few"),
    ("7", "the seventh line has the key 7", "7"),
]
RIGHT, WRONG = "The answer is 7.", "The answer is 8."


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> tamis.Result:
    folder = tmp_path_factory.mktemp("questions")
    rows = [
        {"id": int(key) if key == "7" else key, "question": text, "answer": f"#### {answer}"}
        for key, text, answer in QUESTIONS
    ]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = tamis.Common(output=str(folder / "q"), quiet=True, workers=1)
    return tamis.import_([str(folder / "q.jsonl")], common=common)


@pytest.fixture
def op(questions: tamis.Result) -> ScoreRollouts:
    made = tamis.open_dataset(Path(str(questions.output)))
    return ScoreRollouts(questions=str(made.folder), fingerprint=made.fingerprint)


def rollouts(*rows: dict[str, Any]) -> pa.RecordBatch:
    full = [
        {
            "id": f"r:{place}",
            "source": "r",
            "line": place + 1,
            "edited": False,
            "format": "rollouts",
            "sample": place,
            "model": "m",
            "parents": [],
            "messages": [{"role": "assistant", "content": row.pop("answer", RIGHT)}],
            **row,
        }
        for place, row in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(full, schema=ROLLOUTS)


def graded(op: ScoreRollouts, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    batch = rollouts(*rows)
    done = op(batch.select(["id", "edited", *op.reads]))
    assert done.changes.schema.equals(CHANGES)
    done.rows.validate(full=True)
    return done.rows.to_pylist()


def told(op: ScoreRollouts, *rows: dict[str, Any]) -> list[tuple[str, float | None, str]]:
    """Question, value and the cause of there being none."""
    return [
        (
            row["question_id"],
            row["score"]["value"],
            "" if row["score"]["value"] is not None else row["score"]["reason"].split(": ")[0],
        )
        for row in graded(op, *rows)
    ]


def test_a_question_is_found_by_its_id_its_own_key_or_the_exact_text(op: ScoreRollouts) -> None:
    asked = {"question_id": "elsewhere:1"}
    meta = json.dumps({"question": "What is 3 + 4?"})
    turns = json.dumps({"prompt": [{"role": "user", "content": "What is 3 + 4?"}]})
    system = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 3 + 4?"},
    ]
    request = json.dumps({"responses_create_params": {"input": system}})
    found = told(
        op,
        {"question_id": "q.jsonl:a"},
        {"question_id": "a"},
        {"question_id": "7"},
        {**asked, "meta": meta},
        {**asked, "meta": turns},
        {**asked, "meta": request},
    )
    assert found == [(f"q.jsonl:{key}", 1.0, "") for key in ("a", "a", "7", "a", "a", "a")]


def test_texts_that_are_nearly_those_of_a_question_do_not_find_it(op: ScoreRollouts) -> None:
    texts = ("what is 3 + 4?", "What is 3 + 4? ", "What is 3 + 4", "")
    rows = [{"question_id": "x", "meta": json.dumps({"question": text})} for text in texts]
    rows += [
        {"question_id": "x"},
        {"question_id": ""},
        {"question_id": "x", "meta": '{"question": 7}'},
    ]
    assert told(op, *rows) == [(row["question_id"], None, "question unknown") for row in rows]


def test_a_line_number_is_no_key(op: ScoreRollouts) -> None:
    """`1` may count from 0 or from 1: guessing would grade by another question."""
    assert told(op, {"question_id": "1"}) == [("1", None, "question unknown")]


def test_of_several_questions_none_is_taken_unless_they_are_graded_alike(op: ScoreRollouts) -> None:
    one_of_two = {"question_id": "x", "meta": json.dumps({"question": "one of two"})}
    twins = {
        "question_id": "x",
        "meta": json.dumps({"question": "twins"}),
        "answer": "The answer is 5.",
    }
    assert told(op, one_of_two, twins) == [
        ("x", None, "several questions have this text"),
        ("q.jsonl:d", 1.0, ""),
    ]


def test_what_cannot_be_graded_is_never_a_zero_and_says_its_cause(op: ScoreRollouts) -> None:
    found = told(
        op,
        {"question_id": "f"},
        {"question_id": "a", "messages": []},
        {"question_id": "a", "messages": None},
        {"question_id": "a", "messages": [{"role": "user", "content": RIGHT}]},
        {"question_id": "a", "messages": [{"role": "assistant", "content": None}]},
    )
    no_answer = ("q.jsonl:a", None, "rollout has no assistant message")
    assert found == [
        ("q.jsonl:f", None, "question cannot be graded"),
        no_answer,
        no_answer,
        no_answer,
        ("q.jsonl:a", 0.0, ""),
    ]


def test_an_answer_cut_at_its_limit_is_wrong_as_in_a_calibration(op: ScoreRollouts) -> None:
    [row] = graded(op, {"question_id": "a", "finish_reason": "length"})
    assert (row["score"]["value"], row["score"]["flags"]) == (0.0, ["truncated"])


def test_a_replaced_score_stands_in_the_ledger_and_is_not_seen_by_the_reward(
    op: ScoreRollouts,
) -> None:
    old = {
        "value": 0.25,
        "parts": '{"style":0.5}',
        "reason": "by hand",
        "answer": None,
        "flags": [],
    }
    batch = rollouts({"question_id": "q.jsonl:a", "score": old})
    done = op(batch.select(["id", "edited", *op.reads]))
    [change] = done.changes.to_pylist()
    assert change["rule"] == "reward/score"
    assert json.loads(change["before"]) == {**old, "parts": {"style": 0.5}}
    assert json.loads(change["after"])["value"] == 1.0
    [row] = done.rows.to_pylist()
    assert row["edited"]
    assert row["score"]["parts"] == '{"accuracy":1.0}'


ROWS: list[dict[str, Any]] = [
    {"question_id": "q.jsonl:a"},
    {"question_id": "a", "answer": WRONG},
    {"question_id": "f"},
    {"question_id": "nobody"},
    {"question_id": "a", "answer": "\\boxed{7} or \\boxed{8}"},
    {"question_id": "d", "answer": "\ud7ff\u0000 The answer is 5."},
    {"question_id": "a", "messages": None},
]


def test_grading_twice_is_grading_once(op: ScoreRollouts) -> None:
    first = op(rollouts(*map(dict, ROWS)).select(["id", "edited", *op.reads]))
    again = op(first.rows)
    assert again.changes.num_rows == 0
    assert again.rows.equals(first.rows)


def test_whole_equals_split_equals_permuted(op: ScoreRollouts) -> None:
    batch = rollouts(*map(dict, ROWS * 3)).select(["id", "edited", *op.reads])
    whole = op(batch)
    pieces = [op(batch.slice(at, 4)) for at in range(0, len(batch), 4)]
    assert [row for piece in pieces for row in piece.rows.to_pylist()] == whole.rows.to_pylist()
    assert [c for p in pieces for c in p.changes.to_pylist()] == whole.changes.to_pylist()
    order = np.random.default_rng(1).permutation(len(batch))
    mixed = op(batch.take(pa.array(order)))
    assert mixed.rows.to_pylist() == [whole.rows.to_pylist()[i] for i in order]


def test_no_rows_give_no_rows(op: ScoreRollouts) -> None:
    done = op(rollouts({"question_id": "a"}).select(["id", "edited", *op.reads]).slice(0, 0))
    assert (done.rows.num_rows, done.changes.num_rows) == (0, 0)
    assert done.changes.schema.equals(CHANGES)


def test_other_questions_than_those_of_the_fingerprint_are_refused(op: ScoreRollouts) -> None:
    stale = msgspec.structs.replace(op, fingerprint="another")
    with pytest.raises(InputError, match="its questions have changed; run the command again"):
        graded(stale, {"question_id": "a"})


def test_one_reward_for_all_that_does_not_exist_stops_the_run(op: ScoreRollouts) -> None:
    wrong = msgspec.structs.replace(op, reward=RewardSpec(name="numerik"))
    with pytest.raises(RewardError, match="did you mean `numeric`"):
        graded(wrong, {"question_id": "a"})


@pytest.mark.parametrize("name", sorted(catalogue.REWARDING))
def test_a_step_survives_pickling_and_a_recipe_and_says_what_it_does(
    name: str, op: ScoreRollouts
) -> None:
    options = msgspec.to_builtins(op) if name == "score_rollouts" else {}
    made = catalogue.make(name, options)
    assert pickle.loads(pickle.dumps(made)) == made
    step = Step(op=name, options=msgspec.to_builtins(made))
    assert Recipe(inputs=["x"], steps=[step]).operators()[0][1] == made
    assert all(word in catalogue.describe(name) for word in ("Reads:", "Adds:", "Source:"))


def scores(op: ScoreRollouts) -> pa.RecordBatch:
    done = op(rollouts(*map(dict, ROWS * 5)).select(["id", "edited", *op.reads]))
    return done.rows.select(["id", "score"])


def test_values_and_causes_become_columns(op: ScoreRollouts) -> None:
    batch = scores(op).slice(0, len(ROWS))
    measured = ScoreValues()(batch)
    assert measured.schema.equals(ScoreValues().adds())
    assert measured.column("score_value").to_pylist() == [1.0, 0.0, None, None, 0.0, 1.0, None]
    assert measured.column("score_right").to_pylist() == [1, 0, None, None, 0, 1, None]
    causes = measured.column("ungradable_cause").to_pylist()
    assert causes[2:4] == ["question cannot be graded", "question unknown"]
    assert (
        measured.column("ungradable_detail")[2].as_py() == "the reference `a few` is not a number"
    )
    assert ScoreValues()(batch.slice(0, 0)).schema.equals(ScoreValues().adds())


def test_a_score_without_accuracy_is_right_when_its_value_is_one() -> None:
    rows = [
        {"value": 1.0, "parts": "{}"},
        {"value": 0.9, "parts": '{"style":1.0}'},
        {"value": 0.3, "parts": '{"accuracy":1.0}'},
        {"value": 1.5, "parts": '{"accuracy":0.5}'},
        None,
    ]
    schema = pa.schema([ROLLOUTS.field("id"), ROLLOUTS.field("score")])
    batch = pa.RecordBatch.from_pylist([{"id": "r", "score": row} for row in rows], schema=schema)
    assert ScoreValues()(batch).column("score_right").to_pylist() == [1, 0, 1, 0, None]


def test_the_summary_does_not_depend_on_batches_or_their_order(op: ScoreRollouts) -> None:
    batch, summary = scores(op), ScoreCounts()
    whole = summary.finish(summary.merge(pa.Table.from_batches([summary.sketch(batch)])))
    sketches = [summary.sketch(batch.slice(at, 4)) for at in range(0, len(batch), 4)]
    left = summary.merge(pa.Table.from_batches(sketches[:3]))
    right = summary.merge(pa.Table.from_batches(sketches[:2:-1]))
    assert summary.finish(summary.merge(pa.concat_tables([right, left]))).equals(whole)
    told = {(row["what"], row["name"]): row for row in whole.to_pylist()}
    assert told["value", None]["n"] == 20
    assert (told["accuracy", None]["count"], told["accuracy", None]["mean"]) == (10, 0.5)
    assert told["part", "accuracy"]["mean"] == 0.5
    flagged = told["flag", "conflicting_answers"]
    assert (flagged["count"], flagged["n"], flagged["mean"]) == (5, 20, 0.25)
    assert flagged["low"] < 0.25 < flagged["high"]
    empty = pa.Table.from_batches([summary.sketch(batch.slice(0, 0))])
    assert summary.finish(summary.merge(empty)).num_rows == 0


def test_sums_of_tenths_are_the_same_in_any_order() -> None:
    values = [0.1, 0.2, 0.3, 1e16, -1e16, 0.7]
    schema = pa.schema([ROLLOUTS.field("id"), ROLLOUTS.field("score")])

    def mean(order: list[float]) -> float:
        rows = [{"id": "r", "score": {"value": value, "parts": "{}"}} for value in order]
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        sketch = pa.Table.from_batches([ScoreCounts().sketch(batch)])
        return float(ScoreCounts().finish(sketch).to_pylist()[0]["mean"])

    assert mean(values) == mean(values[::-1]) == mean(sorted(values))


class Fickle(msgspec.Struct, frozen=True, kw_only=True):
    """A reward of somebody else's: what it says is what the answer tells it to say."""

    name: ClassVar[str] = "fickle"
    version: ClassVar[str] = "1"

    def ungradable(self, question: Question) -> str | None:
        return None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        said = [str(rollout.messages[-1].content) for rollout in rollouts]
        if "broken" in said:
            raise SandboxError("no tier holds here")
        none = {
            "failed": Score(value=None, reason="sandbox: it died", flags=("sandbox_failure",)),
            "odd": Score(value=None, reason="nobody knows"),
        }
        return [none.get(text, Score(value=2.5)) for text in said]


def test_a_failure_of_the_sandbox_is_a_cause_of_its_own_and_one_for_all_stops_the_run(
    op: ScoreRollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REWARDS, "fickle", f"{__name__}:Fickle")
    fickle = msgspec.structs.replace(op, reward=RewardSpec(name="fickle"))
    asked = {"question_id": "q.jsonl:a"}
    rows = graded(fickle, *({**asked, "answer": text} for text in ("failed", "odd", "fine")))
    assert [row["score"]["value"] for row in rows] == [None, None, 2.5]
    assert [row["score"]["reason"] for row in rows[:2]] == [
        "sandbox failed: sandbox: it died",
        "answer cannot be graded: nobody knows",
    ]
    with pytest.raises(SandboxError, match="no tier holds here"):
        graded(fickle, {**asked, "answer": "broken"})
