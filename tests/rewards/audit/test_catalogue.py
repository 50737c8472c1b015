"""The catalogue as data: how much there is, and that every row says what it must."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files

import pytest

from tamis.rewards.audit.rows import (
    answer_question,
    attack_messages,
    attack_question,
    load_attacks,
    load_controls,
    load_honest,
    load_pairs,
    load_twins,
)

NAMES = ("attacks", "controls", "honest", "pairs", "twins")


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


def test_attacks_are_200_in_60_families() -> None:
    attacks = load_attacks()
    assert len(attacks) >= 200
    assert len({row.family for row in attacks}) >= 60


def test_a_family_of_attacks_has_several_different_members() -> None:
    families = Counter(row.family for row in load_attacks())
    assert {name for name, count in families.items() if count < 2} == set()
    tries = [
        (row.family, row.prompt, row.response, repr((row.reference, row.tool_calls, row.policy)))
        for row in load_attacks()
    ]
    assert [row[0] for row, times in Counter(tries).items() if times > 1] == []


def test_every_attack_expects_something_and_says_who_decides() -> None:
    for row in load_attacks():
        said = row.expected
        assert said.at_most is not None or said.ungradable or said.judge, row.id
        assert row.prompt and row.decided_by and row.tries and row.mend, row.id
        assert "\n" not in row.decided_by + row.tries + row.mend, row.id


def test_an_attack_that_is_not_credited_is_not_its_own_reference() -> None:
    for row in load_attacks():
        if row.expected.at_most == 0.0 and row.reference is not None and row.reference.answer:
            assert row.response.strip() != row.reference.answer.strip(), row.id


def test_no_attack_is_also_an_honest_answer() -> None:
    honest = {(row.prompt, row.response) for row in load_honest()}
    assert [row.id for row in load_attacks() if (row.prompt, row.response) in honest] == []


def test_json_text_in_attacks_is_json() -> None:
    for row in load_attacks():
        for text in (row.tools, row.parameters):
            assert text is None or json.loads(text), row.id
        if row.kind == "tool_calls":
            assert row.reference is not None and row.tools is not None
            for call in json.loads(row.reference.answer or ""):
                assert set(call) == {"name", "arguments"}, row.id


def test_an_attack_becomes_a_question_and_a_message() -> None:
    row = next(row for row in load_attacks() if row.kind == "tool_calls")
    question = attack_question(row)
    assert question.prompt[0].content == row.prompt
    assert question.tools == row.tools and question.reference == row.reference
    assert attack_messages(row)[0].tool_calls == row.tool_calls


def test_an_honest_answer_becomes_a_question() -> None:
    row = load_honest()[0]
    question = answer_question(row)
    assert question.reference is not None and question.reference.answer == row.answer


def test_every_kind_of_attack_but_judges_and_lengths_has_controls() -> None:
    attacked = {row.kind for row in load_attacks()} - {"judge", "length", "numeric"}
    assert attacked <= {row.kind for row in load_controls()}


def test_a_control_is_no_attack_and_says_why_it_is_good() -> None:
    attacks = [(row.prompt, row.response, row.reference, row.tool_calls) for row in load_attacks()]
    for row in load_controls():
        assert (row.prompt, row.response, row.reference, row.tool_calls) not in attacks, row.id
        assert row.rule and row.at_least > 0.0
        assert attack_question(row).prompt[0].content == row.prompt
