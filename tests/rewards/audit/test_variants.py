"""Variants change how a response is set and never what it commits to."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rewards.audit.rows import (
    AnswerRow,
    AttackRow,
    answer_question,
    attack_question,
    load_attacks,
    load_honest,
    load_twins,
)
from tamis.rewards.audit.variants import MAX_CHARS, MUTATIONS, vary, vary_all
from tamis.rewards.numeric import NumericReward

NAMES = [mutation.name for mutation in MUTATIONS]
ANSWERS = st.sampled_from(load_honest())
ATTACKS = st.sampled_from(
    [row for row in load_attacks() if row.kind in ("math", "numeric", "code")]
)
SEEDS = st.integers(min_value=0, max_value=2**63)


def _visible(text: str) -> Counter[str]:
    return Counter(sign for sign in text if not sign.isspace())


@given(row=st.one_of(ANSWERS, ATTACKS), seed=SEEDS)
def test_same_seed_and_row_give_the_same_variants(row: AnswerRow | AttackRow, seed: int) -> None:
    assert vary(row, seed=seed) == vary(row, seed=seed)


@given(row=st.one_of(ANSWERS, ATTACKS), seed=SEEDS)
def test_a_variant_keeps_everything_but_its_response_and_id(
    row: AnswerRow | AttackRow, seed: int
) -> None:
    for variant in vary(row, seed=seed):
        kept = {name: getattr(variant, name) for name in row.__struct_fields__}
        told = {name: getattr(row, name) for name in row.__struct_fields__}
        assert kept.pop("id").startswith(f"{told.pop('id')}+")
        assert kept.pop("response") != told.pop("response")
        assert kept == told


@given(row=st.one_of(ANSWERS, ATTACKS), seed=SEEDS)
def test_no_visible_sign_of_the_response_is_lost(row: AnswerRow | AttackRow, seed: int) -> None:
    for variant in vary(row, seed=seed):
        if not variant.id.endswith("+fence-info"):
            assert _visible(row.response) <= _visible(variant.response), variant.id


def test_nothing_changes_in_the_thinking_but_white_space() -> None:
    for row in (*load_attacks(), *load_honest()):
        if "</think>" in row.response:
            thought = row.response[: row.response.rfind("</think>")]
            for variant in vary(row, seed=5):
                assert "".join(variant.response.split()).startswith("".join(thought.split()))


@pytest.mark.parametrize("name", NAMES)
def test_every_mutation_applies_to_some_row(name: str) -> None:
    rows = [*vary_all(load_honest(), seed=1), *vary_all(load_attacks(), seed=1)]
    assert any(row.id.endswith(f"+{name}") for row in rows)


def test_ids_of_variants_are_unique() -> None:
    ids = [row.id for row in vary_all(load_honest(), seed=2)]
    assert len(ids) == len(set(ids))


def test_most_honest_answers_have_seven_variants_or_more() -> None:
    counts = [len(vary(row, seed=3)) for row in load_honest()]
    assert sorted(counts)[len(counts) // 2] >= 7


def test_other_seeds_give_other_variants() -> None:
    row = load_honest()[0]
    assert len({vary(row, seed=seed) for seed in range(8)}) > 4


def test_long_responses_and_other_kinds_have_no_variants() -> None:
    for row in load_attacks():
        if len(row.response) > MAX_CHARS or row.kind not in ("math", "numeric", "code"):
            assert vary(row, seed=4) == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_numeric_reward_takes_every_variant_of_what_it_takes(seed: int) -> None:
    reward = NumericReward()
    for row in load_honest():
        question = answer_question(row)
        if reward.score(row.response, question).value == 1.0:
            for variant in vary(row, seed=seed):
                if "+box-" in variant.id:  # it reads a bare number in a box, and says so
                    continue
                score = reward.score(variant.response, question)
                assert score.value == 1.0, (variant.id, variant.response, score.reason)


@pytest.mark.parametrize("seed", range(3))
def test_the_numeric_reward_pays_no_variant_of_what_it_does_not_pay(seed: int) -> None:
    reward = NumericReward()
    for row in load_twins():
        question = answer_question(row)
        before = reward.score(row.response, question)
        for variant in vary(row, seed=seed):
            if before.value == 0.0:
                assert reward.score(variant.response, question).value == 0.0, variant.id
    for attack in load_attacks():
        question = attack_question(attack)
        before = reward.score(attack.response, question)
        for other in vary(attack, seed=seed):
            if before.value == 0.0:
                assert reward.score(other.response, question).value == 0.0, other.id
