"""The catalogue as data: how much there is, and that every row says what it must."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files

import pytest

from tamis.rewards.audit.rows import load_honest, load_pairs, load_twins

NAMES = ("honest", "pairs", "twins")


def _lines(name: str) -> list[str]:
    text = files("tamis.rewards.audit").joinpath("catalogue", f"{name}.jsonl").read_text("utf-8")
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_json_with_sorted_keys(name: str) -> None:
    for line in _lines(name):
        assert line == json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False)


def test_ids_are_unique_over_all_files() -> None:
    ids = [json.loads(line)["id"] for name in NAMES for line in _lines(name)]
    assert [name for name, times in Counter(ids).items() if times > 1] == []


def test_honest_answers_come_in_34_notations_of_ten_or_more() -> None:
    notations = Counter(row.notation for row in load_honest())
    full = [name for name, count in notations.items() if count >= 10]
    assert len(full) >= 34
    assert len(full) == len(notations)
    assert sum(notations.values()) >= 400


def test_every_notation_has_five_wrong_twins_or_more() -> None:
    honest = {row.notation for row in load_honest() if not row.notation.startswith("say_")}
    twins = Counter(row.notation for row in load_twins())
    assert {name for name in honest if twins[name] < 5} == set()


def test_honest_rows_are_right_and_twins_are_wrong() -> None:
    assert {row.right for row in load_honest()} == {True}
    assert {row.right for row in load_twins()} == {False}


def test_golds_answers_prompts_and_responses_are_not_blank() -> None:
    for row in (*load_honest(), *load_twins()):
        assert row.prompt.strip() and row.answer.strip() and row.response.strip() and row.rule
    for pair in load_pairs():
        assert pair.gold.strip() and pair.answer.strip() and pair.rule


def test_no_response_is_given_two_labels() -> None:
    seen: dict[tuple[str, str, str, str], bool] = {}
    for row in (*load_honest(), *load_twins()):
        key = (row.prompt, row.answer, row.response, repr(row.policy))
        assert seen.setdefault(key, row.right) == row.right, row.id


def test_pairs_are_700_over_30_notations_with_right_and_wrong() -> None:
    pairs = load_pairs()
    assert len(pairs) >= 700
    sides = Counter((pair.notation, pair.equal) for pair in pairs)
    both = [name for name, equal in sides if equal and sides[name, False]]
    assert len(both) >= 30


def test_no_pair_is_in_the_corpus_twice() -> None:
    keys = [(pair.gold, pair.answer, repr(pair.policy)) for pair in load_pairs()]
    assert [key for key, times in Counter(keys).items() if times > 1] == []
