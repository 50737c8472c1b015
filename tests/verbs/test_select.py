"""`select`: as many rows as asked, best first, none too alike; every other row has a reason."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

import tamis
from tamis.errors import RecipeError, SchemaError

from .files import Row, ids_in, names_in, quiet, read_lines, rows_in, table, talk, write_rows

TOPICS = {
    "sea": "whale harbour tide sailor anchor coral",
    "field": "wheat tractor harvest barn soil plough",
    "sky": "comet telescope orbit planet galaxy star",
    "kitchen": "butter oven recipe dough pepper soup",
    "law": "court judge contract witness appeal clause",
    "music": "violin rhythm chord concert drum singer",
}


def pool(n: int, *, seed: int = 0) -> list[Row]:
    """Questions of six topics, some of them nearly the same, with answers of many lengths."""
    draws = random.Random(seed)
    rows = []
    for place in range(n):
        topic = draws.choice(list(TOPICS.values())).split()
        question = f"Tell me about the {draws.choice(topic)} and the {draws.choice(topic)}."
        answer = " ".join(draws.choices(topic, k=draws.randint(3, 60))) + "."
        rows.append(talk(question, answer, id=f"k{place:03d}"))
    return rows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "pool.jsonl", pool(120))


def decided(run: Path | str | None) -> dict[str, Row]:
    """The decisions of a run by the row's own key."""
    return {row["id"].partition(":")[2]: row for row in table(run, "ledger/decisions")}


def n_answer_chars(row: Row) -> int:
    return len(row["messages"][1]["content"])


def test_exactly_n_rows_are_kept_and_every_other_has_a_reason(source: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "best.jsonl")
    result = tamis.select([str(source)], n=10, max_similarity=0.6, common=common)
    kept = {row["id"] for row in read_lines(tmp_path / "best.jsonl")}
    dropped = decided(result.run)
    every = {row["id"] for row in read_lines(source)}
    assert len(kept) == result.counts["kept"] == result.counts["written"] == 10
    assert kept | dropped.keys() == every
    assert not kept & dropped.keys()
    assert Counter(row["reason"] for row in dropped.values()) == result.dropped_by
    assert result.dropped_by.keys() == {"too_similar", "beyond_target"}


def test_rows_beyond_the_target_measure_no_higher_than_any_kept_row(
    source: Path, tmp_path: Path
) -> None:
    result = tamis.select([str(source)], n=10, common=quiet(tmp_path / "best.jsonl"))
    chars = {row["id"]: n_answer_chars(row) for row in read_lines(source)}
    worst_kept = min(chars[row["id"]] for row in read_lines(tmp_path / "best.jsonl"))
    for key, row in decided(result.run).items():
        if row["reason"] == "beyond_target":
            assert chars[key] <= worst_kept
            assert json.loads(row["evidence"]) == {"kept": 10, "asked": 10}


def test_a_row_too_alike_names_the_kept_row_before_it(source: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "best.jsonl")
    result = tamis.select([str(source)], n=100, max_similarity=0.8, common=common)
    chars = {row["id"]: n_answer_chars(row) for row in read_lines(source)}
    kept = {row["id"] for row in read_lines(tmp_path / "best.jsonl")}
    dropped = decided(result.run)
    assert {row["reason"] for row in dropped.values()} == {"too_similar"}
    for key, row in dropped.items():
        peer = row["peer_id"].partition(":")[2]
        assert peer in kept
        assert chars[peer] >= chars[key]
        assert row["score"] > 0.8
        assert json.loads(row["evidence"])["similarity"] == row["score"]


def test_fewer_than_n_are_kept_when_too_few_differ(source: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "best.jsonl")
    result = tamis.select([str(source)], n=100, max_similarity=0.5, common=common)
    assert 0 < result.counts["kept"] < 100
    assert result.counts["kept"] + result.counts["dropped"] == 120
    assert result.dropped_by == {"too_similar": result.counts["dropped"]}


@pytest.mark.parametrize("by", ["assistant_chars", "n_messages"])
def test_the_same_rows_come_out_whatever_the_workers_cuts_order_and_folder(
    by: str, source: Path, tmp_path: Path
) -> None:
    # all rows have two messages: then it is their ids that rank them
    def best(name: str, **options: int) -> bytes:
        common = quiet(tmp_path / name / "best.jsonl", seed=3, **options)
        tamis.select([str(source)], n=15, by=by, common=common)
        return (tmp_path / name / "best.jsonl").read_bytes()

    first = best("first")
    assert best("again") == first
    assert best("cut", workers=2, shard_bytes=2048) == first
    rows = read_lines(source)
    random.Random(5).shuffle(rows)
    write_rows(source, rows)
    assert sorted(best("shuffled").splitlines()) == sorted(first.splitlines())


def test_rows_that_where_does_not_hold_for_leave_first_and_on_record(
    source: Path, tmp_path: Path
) -> None:
    condition = "assistant_chars < 200 and n_messages = 2"
    common = quiet(tmp_path / "best.jsonl", where=condition)
    result = tamis.select([str(source)], n=10, common=common)
    long = {row["id"] for row in read_lines(source) if n_answer_chars(row) >= 200}
    dropped = decided(result.run)
    assert {k for k, row in dropped.items() if row["step"] == "where"} == long
    assert result.dropped_by[f"not where {condition}"] == len(long)
    kept = read_lines(tmp_path / "best.jsonl")
    assert len(kept) == 10
    assert max(map(n_answer_chars, kept)) < 200


@pytest.mark.parametrize("where", ["nonsense > 3", "chars >", "chars > 'many'"])
def test_a_condition_that_cannot_be_asked_is_one_line(
    where: str, source: Path, tmp_path: Path
) -> None:
    common = quiet(tmp_path / "best.jsonl", where=where)
    with pytest.raises(RecipeError, match="--where") as caught:
        tamis.select([str(source)], n=10, common=common)
    assert (caught.value.exit_code, str(caught.value).count("\n")) == (2, 0)
    assert not (tmp_path / "best.jsonl").exists()


def test_by_ranks_by_any_measured_column(source: Path, tmp_path: Path) -> None:
    result = tamis.select([str(source)], n=5, by="user_chars", common=quiet(tmp_path / "best"))
    longest = max(len(row["messages"][0]["content"]) for row in read_lines(source))
    kept = rows_in(result.output, ["id", "user_chars"])
    assert max(row["user_chars"] for row in kept) == longest
    assert len(ids_in(result.output)) == 5


def test_by_a_column_nothing_measures_is_refused_by_its_name(source: Path, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="reads `quality`, which is not there"):
        tamis.select([str(source)], n=5, by="quality", common=quiet(tmp_path / "best.jsonl"))
    assert names_in(tmp_path) == ["pool.jsonl"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n": 0}, "expected k of 1 or more, got 0"),
        ({"n": 5, "max_similarity": 2.0}, "expected -1 <= max_similarity <= 1, got 2.0"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: dict[str, float], reason: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=reason):
        tamis.select([str(source)], common=quiet(tmp_path / "best.jsonl"), **options)  # type: ignore[arg-type]
    assert names_in(tmp_path) == ["pool.jsonl"]


def test_what_the_choice_did_not_look_at_is_said(source: Path, tmp_path: Path) -> None:
    result = tamis.select([str(source)], n=5, common=quiet(tmp_path / "best.jsonl"))
    manifest = json.loads((Path(str(result.run)) / "manifest.json").read_bytes())
    [gap] = [gap for gap in manifest["not_checked"] if gap["what"] == "quality"]
    assert "ranked by `assistant_chars`" in gap["why"]
