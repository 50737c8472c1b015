"""`dedup`: what is dropped is like a row that stays, judged by its true similarity and not by luck."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

import tamis
from tamis.errors import RecipeError, SchemaError

from .files import FORMATS, Row, names_in, quiet, read_lines, table, talk, write_rows

WORDS = (
    "river copper lantern market window engine orchard paper signal winter garden ladder".split()
)


def pool(n_families: int, *, seed: int = 0) -> list[Row]:
    """Families of conversations: one original, a copy, and edits of it from one word to half of all."""
    draws = random.Random(seed)
    rows: list[Row] = []
    for family in range(n_families):
        question = " ".join(draws.choices(WORDS, k=8)) + "?"
        words = [*draws.choices(WORDS, k=draws.choice([3, 12, 40])), f"end{family}"]
        rows.append(talk(question, " ".join(words)))
        rows.append(talk(question, " ".join(words)))
        for n_edits in (1, 2, 4, len(words) // 2):
            edited = [*words]
            for _ in range(n_edits):
                edited[draws.randrange(len(edited))] = draws.choice(WORDS)
            rows.append(talk(question, " ".join(edited)))
    draws.shuffle(rows)
    return [{"id": f"k{place}", **row} for place, row in enumerate(rows)]


def similarity(left: Row, right: Row) -> float:
    """The Jaccard similarity of windows of five words, roles being words too; said in plain sets."""

    def windows(row: Row) -> set[tuple[str, ...]]:
        words = []
        for message in row["messages"]:
            words += [f"<{message['role']}>", *re.findall(r"\w+", message["content"].lower())]
        padded = [*[""] * 4, *words, *[""] * 4]
        return {tuple(padded[at : at + 5]) for at in range(len(padded) - 4)}

    a, b = windows(left), windows(right)
    return len(a & b) / len(a | b)


def contents(row: Row) -> list[str]:
    """What a row says, without its key."""
    return [message["content"] for message in row["messages"]]


def dropped_by_key(run: Path | str | None) -> dict[str, Row]:
    """The decisions that dropped a row, by the row's own key."""
    decisions = table(run, "ledger/decisions")
    return {row["id"].partition(":")[2]: row for row in decisions if row["copies"] == 0}


@pytest.mark.parametrize("near", [0.5, 0.8, 1.0])
def test_each_dropped_row_names_a_kept_peer_that_is_truly_that_near(
    near: float, tmp_path: Path
) -> None:
    rows = {row["id"]: row for row in pool(12)}
    source = write_rows(tmp_path / "pool.jsonl", rows.values())
    result = tamis.dedup([str(source)], near=near, common=quiet(tmp_path / "unique.jsonl"))
    kept = {row["id"] for row in read_lines(tmp_path / "unique.jsonl")}
    dropped = dropped_by_key(result.run)
    assert kept | dropped.keys() == rows.keys()
    assert not kept & dropped.keys()
    assert len(dropped) >= 12
    for key, decision in dropped.items():
        peer = decision["peer_id"].partition(":")[2]
        truth = similarity(rows[key], rows[peer])
        evidence = json.loads(decision["evidence"])
        assert peer in kept
        assert decision["score"] == pytest.approx(truth, abs=1e-4)
        assert truth >= near - 1e-4
        assert evidence["shared"] / evidence["total"] == pytest.approx(truth)
        assert evidence["threshold"] == near
        is_copy = contents(rows[key]) == contents(rows[peer])
        assert (decision["reason"] == "exact_duplicate") == is_copy


def test_no_two_kept_rows_are_within_the_threshold(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(12))
    tamis.dedup([str(source)], common=quiet(tmp_path / "unique.jsonl"))
    kept = read_lines(tmp_path / "unique.jsonl")
    pairs = [
        (a["id"], b["id"]) for a in kept for b in kept if a is not b and similarity(a, b) >= 0.8
    ]
    assert pairs == []


@pytest.mark.parametrize("near", [0.6, 0.9])
def test_dedup_of_its_own_output_drops_nothing(near: float, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(12))
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    tamis.dedup([str(source)], near=near, common=quiet(once))
    result = tamis.dedup([str(once)], near=near, common=quiet(twice))
    assert result.counts["dropped"] == 0
    assert twice.read_bytes() == once.read_bytes()


def measured(run: Path) -> dict[str, tuple[int, int]]:
    """Which files hold what was measured, and whether they are still the same files."""
    files = [*(run / "passes/0/sketch").glob("*"), run / "passes/0/select/pairs.arrow"]
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def test_a_higher_threshold_is_decided_over_what_was_measured(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(12))
    unique, run = tmp_path / "unique.jsonl", tmp_path / "unique.jsonl.run"
    first = tamis.dedup([str(source)], near=0.6, common=quiet(unique, shard_bytes=4096))
    before = measured(run)
    assert len(before) > 3
    again = tamis.dedup([str(source)], near=0.9, common=quiet(unique, shard_bytes=4096))
    assert measured(run) == before
    fresh = tamis.dedup([str(source)], near=0.9, common=quiet(tmp_path / "fresh.jsonl"))
    assert first.counts["kept"] < again.counts["kept"] == fresh.counts["kept"]
    assert unique.read_bytes() == (tmp_path / "fresh.jsonl").read_bytes()
    assert dropped_by_key(run) == dropped_by_key(fresh.run)


def test_a_lower_threshold_or_another_text_is_measured_anew(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(6))
    unique, run = tmp_path / "unique.jsonl", tmp_path / "unique.jsonl.run"
    tamis.dedup([str(source)], near=0.9, common=quiet(unique))
    before = measured(run)
    lower = tamis.dedup([str(source)], near=0.6, common=quiet(unique))
    assert measured(run).items().isdisjoint(before.items())
    fresh = tamis.dedup([str(source)], near=0.6, common=quiet(tmp_path / "fresh.jsonl"))
    assert dropped_by_key(lower.run) == dropped_by_key(fresh.run)
    before = measured(run)
    tamis.dedup([str(source)], near=0.9, text="user", common=quiet(unique))
    assert measured(run).items().isdisjoint(before.items())


def test_the_order_of_rows_changes_neither_what_is_kept_nor_the_pairs(tmp_path: Path) -> None:
    rows = pool(12)
    outcomes = []
    for turn in range(3):
        source = write_rows(tmp_path / str(turn) / "pool.jsonl", rows)
        result = tamis.dedup([str(source)], near=0.7, common=quiet(tmp_path / f"{turn}.jsonl"))
        kept = sorted(row["id"] for row in read_lines(tmp_path / f"{turn}.jsonl"))
        outcomes.append((kept, dropped_by_key(result.run)))
        random.Random(turn).shuffle(rows)
    assert outcomes[0] == outcomes[1] == outcomes[2]


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("2", "2", "exact_duplicate"),
        ("Yes.", " yes! ", "near_duplicate"),
        ("你好", "你好。", "near_duplicate"),
        ("?!", "?!", "exact_duplicate"),
        ("2", "3", None),
        ("?!", "!?", None),
        ("12 + 30", "12 - 30", None),
        ("ok then", "ok now", None),
    ],
)
def test_short_texts_are_one_only_when_their_words_are(
    left: str, right: str, reason: str | None, tmp_path: Path
) -> None:
    messages = [[{"role": "user", "content": text}] for text in (left, right)]
    rows = [{"id": f"k{place}", "messages": said} for place, said in enumerate(messages)]
    source = write_rows(tmp_path / "pool.jsonl", rows)
    result = tamis.dedup([str(source)], common=quiet(tmp_path / "unique.jsonl"))
    assert {row["reason"] for row in dropped_by_key(result.run).values()} == {reason} - {None}


def test_prefer_keeps_the_row_that_measures_highest(tmp_path: Path) -> None:
    answer = " ".join(random.Random(1).choices(WORDS, k=60))
    rows = [talk("Tell me.", answer + " more" * n, id=f"k{n}") for n in (0, 2, 1)]
    source = write_rows(tmp_path / "pool.jsonl", rows)
    for prefer, kept in ((None, "k0"), ("assistant_chars", "k2")):
        output = tmp_path / f"{prefer}.jsonl"
        result = tamis.dedup([str(source)], prefer=prefer, common=quiet(output))
        assert [row["id"] for row in read_lines(output)] == [kept]
        assert {row["peer_id"] for row in dropped_by_key(result.run).values()} == {
            f"pool.jsonl:{kept}"
        }


def test_text_says_which_side_of_a_conversation_is_compared(tmp_path: Path) -> None:
    rows = [talk("Same question?", "One answer."), talk("Same question?", "Quite another text.")]
    source = write_rows(tmp_path / "pool.jsonl", rows)
    kept = {
        text: tamis.dedup([str(source)], text=text, common=quiet(tmp_path / f"{text}.jsonl")).counts
        for text in ("conversation", "user", "assistant")
    }
    assert {text: counts["kept"] for text, counts in kept.items()} == {
        "conversation": 2,
        "user": 1,
        "assistant": 2,
    }


def test_dropped_by_counts_what_the_ledger_lists(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(8))
    result = tamis.dedup([str(source)], common=quiet(tmp_path / "unique.jsonl"))
    reasons = [row["reason"] for row in dropped_by_key(result.run).values()]
    assert result.dropped_by == {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    assert result.counts["dropped"] == len(reasons)
    assert result.counts["kept"] == len((tmp_path / "unique.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("near", [0.0, -1.0, 1.01, 80.0])
def test_a_threshold_that_is_no_similarity_is_refused(near: float, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "pool.jsonl", pool(1))
    with pytest.raises(RecipeError, match="expected 0 < threshold <= 1") as caught:
        tamis.dedup([str(source)], near=near, common=quiet(tmp_path / "unique.jsonl"))
    assert caught.value.exit_code == 2
    assert names_in(tmp_path) == ["pool.jsonl"]


def test_rows_without_messages_are_refused_by_the_column_they_lack(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "questions.jsonl", [FORMATS["gsm8k"]] * 2)
    with pytest.raises(SchemaError, match="step `near_duplicates` reads `messages`"):
        tamis.dedup([str(source)], common=quiet(tmp_path / "unique.jsonl"))
    assert names_in(tmp_path) == ["questions.jsonl"]
