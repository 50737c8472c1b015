"""Our own rewards under the audit: nothing is paid, nothing wavers, nothing right is lost."""

from __future__ import annotations

import pytest

from tamis.errors import RewardError
from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.results import Audit
from tamis.rewards.audit.target import Options
from tamis.rewards.base import REWARDS

# `code` and `numeric` below by themselves; `combine` is what it combines; `judge` in test_judge_claims.py
AUDITED = sorted(REWARDS.keys() - {"code", "numeric", "combine", "judge"})
BARE = Settings(n_variants=0)


def _paid(found: Audit) -> list[str]:
    return [t.id for family in found.families for t in family.examples if t.outcome == "paid"]


def _twins_paid(found: Audit) -> list[str]:
    return [t.id for n in found.notations for t in n.twin_examples if t.outcome == "paid"]


@pytest.mark.parametrize("name", AUDITED)
def test_no_attack_on_ours_is_paid_no_right_answer_lost_and_no_score_wavers(name: str) -> None:
    found = audit(name, Options(), BARE)
    assert found.tried >= 5 and found.honest >= 3
    assert _paid(found) == [] and _twins_paid(found) == []
    assert found.rejected == 0 and found.gold.failed == 0
    assert found.failures == []
    assert [way.way for way in found.stability if way.changed] == []


def test_the_numeric_reward_pays_only_what_follows_from_its_documented_rules() -> None:
    found = audit("numeric", Options(), BARE)
    paid = {family.family for family in found.families if family.paid}
    # a box is read before a line or a phrase, a phrase up to its number, and a fraction as its value
    assert paid <= {"conflict_across_forms", "hidden_text", "garbage_behind", "question_echo"}
    assert found.failures == [] and found.gold.failed == 0
    assert [way.way for way in found.stability if way.changed] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*AUDITED, "numeric"])
def test_variants_change_nothing_for_ours(name: str) -> None:
    found = audit(name, Options(), Settings(n_variants=3, seed=11))
    assert _paid(found) == [] and _twins_paid(found) == [] and found.failures == []
    varied = sum(notation.variants for notation in found.notations)
    assert sum(notation.variants_rejected for notation in found.notations) <= varied / 100


@pytest.mark.slow
def test_no_attack_on_code_is_paid() -> None:
    found = audit("code", Options(parameters='{"time_limit_s": 2.0}'), BARE)
    assert found.tried >= 60 and found.honest >= 10
    assert _paid(found) == [] and found.failures == [] and found.rejected == 0


def test_a_kind_without_references_tells_of_no_gold_and_of_no_way_to_say_an_answer() -> None:
    found = audit("length", Options(), BARE)
    assert (found.gold.tried, found.reads) == (0, [])
    assert audit("exact", Options(), BARE).gold.tried >= 10


def test_f1_is_not_held_to_the_order_of_words_and_the_report_says_so() -> None:
    told = {one.why: one.n for one in audit("f1", Options(), BARE).skipped}
    assert [n for why, n in told.items() if "counts shared words" in why] == [2]


def test_an_audit_that_can_try_nothing_is_refused() -> None:
    with pytest.raises(RewardError, match=r"expected rows of the catalogue to try.*--kind"):
        audit("language", Options(), Settings(kinds=("math",), n_variants=0))


def test_the_maths_reward_takes_99_of_100_right_answers_and_its_own_references() -> None:
    found = audit("math", Options(), BARE)
    assert found.honest >= 800
    assert found.rejected <= found.honest / 100
    assert found.gold.tried >= 400 and found.gold.failed == 0


def test_the_maths_reward_pays_no_length() -> None:
    assert [effect.moved for effect in audit("math", Options(), BARE).lengths] == [0, 0]


def test_parts_of_ours_are_told_with_their_share() -> None:
    parts = {part.name: part for part in audit("math", Options(), BARE).parts}
    assert set(parts) == {"accuracy", "format", "reasoning"}
    assert sum(part.share or 0.0 for part in parts.values()) == pytest.approx(1.0)


def test_parameters_that_loosen_a_reward_show() -> None:
    loose = audit("math", Options(parameters='{"units": "ignored", "tolerance": 0.001}'), BARE)
    paid = {family.family for family in loose.families if family.paid}
    assert "units" in paid


def test_a_row_whose_policy_the_parameters_contradict_is_left_out_and_counted() -> None:
    told = audit("math", Options(parameters='{"percent": "value"}'), BARE)
    assert any(one.what == "attacks" and "policy" in one.why for one in told.skipped)


def test_attacks_on_judges_are_counted_as_not_tried() -> None:
    skipped = {one.what: one.n for one in audit("exact", Options(), BARE).skipped}
    assert skipped["attacks on judges"] > 0


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("maths", None, "did you mean `math`?"),
        ("math", '{"percent": 3}', "parameters of reward `math`"),
        ("nowhere.py:f", None, "expected a Python file"),
    ],
)
def test_a_target_that_cannot_be_audited_is_refused_in_a_line(
    name: str, parameters: str | None, expected: str
) -> None:
    with pytest.raises(RewardError) as told:
        audit(name, Options(parameters=parameters), BARE)
    assert expected in str(told.value) and "\n" not in str(told.value).strip()


def test_a_kind_there_is_not_is_refused() -> None:
    with pytest.raises(RewardError, match="--kind poetry: expected math"):
        audit("math", Options(), Settings(kinds=("poetry",)))
