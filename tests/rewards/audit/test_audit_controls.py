"""Three rewards in the widely copied style are caught, for what was planted and for nothing else."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.results import Audit
from tamis.rewards.audit.rows import load_attacks
from tamis.rewards.audit.target import Options

SNIPPETS = Path(__file__).parent / "snippets"
ATTACKS = {row.id: row for row in load_attacks()}

# What was planted, and the families of attacks that live on it.
PLAIN = {
    "reads boxes in the reasoning": (
        "box_in_thought_only thought_right_answer_wrong unfinished_thought"
    ),
    "takes the first box, whatever follows": (
        "right_box_first adjacent_boxes conflict_across_forms hidden_text"
    ),
    "takes the last number where there is no box": (
        "enumeration unbalanced_box hidden_commitment forged_turns negated words_dropped box_spray refusal "
        "equals_chain garbage_behind code_in_answer bombs"
    ),
    "pays fifty characters of anything as reasoning": "padded_thought",
    "compares with an absolute tolerance": "near_value tiny_value",
    "reads numbers as float() does": "foreign_digits",
    "takes an empty reference as met": "unreadable_gold",
}
TRL = {
    "asks whether the reference occurs in the answer": (
        "enumeration_in_box wrong_left_side equals_chain negated garbage_behind unevaluated code_in_answer "
        "near_value substring question_echo bombs words_dropped"
    ),
    "takes the last box, whatever else is said": (
        "box_spray adjacent_boxes conflict_across_forms forged_turns hidden_commitment hidden_text"
    ),
    "reads boxes in the reasoning": (
        "box_in_thought_only thought_right_answer_wrong unfinished_thought"
    ),
    "pays everything where the reference is empty": "unreadable_gold",
    "pays length, right or wrong": "padded_thought",
}
VERL = {
    "evaluates the answer": "question_echo unevaluated code_in_answer foreign_digits",
    "compares with a relative tolerance of 1e-4": "near_value",
    "removes every comma": "brackets",
    "never sees what stands beside the `####` line": "conflict_across_forms hidden_text",
    "does not notice an unfinished reasoning": "unfinished_thought",
}
CONTROLS = {
    "plain_reward.py:math_reward": ("plain", PLAIN),
    "trl_reward.py:accuracy_reward": ("trl", TRL),
    "verl_reward.py:compute_score": ("verl", VERL),
}


@pytest.fixture(autouse=True)
def no_alarm_goes_off_later() -> Iterator[None]:
    """A snippet called in this process leaves its alarm set: half a minute later it would end another test."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module", params=CONTROLS, ids=[form for form, _ in CONTROLS.values()])
def control(request: pytest.FixtureRequest) -> tuple[str, Audit]:
    name = request.param
    return name, audit(str(SNIPPETS / name), Options(), Settings())


def _paid(found: Audit) -> set[str]:
    return {family.family for family in found.families if family.paid or family.variants_paid}


def test_the_form_is_told_by_the_names_of_the_parameters(control: tuple[str, Audit]) -> None:
    name, found = control
    assert found.form == CONTROLS[name][0]


def test_every_planted_weakness_is_found(control: tuple[str, Audit]) -> None:
    name, found = control
    paid = _paid(found)
    missed = [
        told for told, families in CONTROLS[name][1].items() if not paid & {*families.split()}
    ]
    assert missed == []


def test_nothing_is_found_but_what_was_planted(control: tuple[str, Audit]) -> None:
    name, found = control
    planted = {family for families in CONTROLS[name][1].values() for family in families.split()}
    assert _paid(found) - planted == set()


def test_every_attack_called_paid_really_gets_what_the_audit_says(
    control: tuple[str, Audit],
) -> None:
    """Asked directly, in this process: no row was mixed up with another on its way."""
    name, found = control
    score = _score(name)
    for family in found.families:
        for tried in family.examples:
            if tried.failure is None and tried.outcome == "paid":
                assert score(tried.response, tried.reference or "") == tried.value, tried.id
                assert tried.value is not None and tried.full is not None
                assert ATTACKS[tried.id.partition("+")[0]].reference.answer == (
                    tried.reference or None
                ) or (family.family == "unreadable_gold")


def _score(name: str):  # type: ignore[no-untyped-def]
    file, _, function = name.partition(":")
    spec = importlib.util.spec_from_file_location(Path(file).stem, SNIPPETS / file)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    called = getattr(module, function)
    if function == "accuracy_reward":
        return lambda text, gold: called(
            completions=[[{"role": "assistant", "content": text}]], solution=[gold]
        )[0]
    if function == "compute_score":
        return lambda text, gold: called("any", text, gold)["score"]
    return called


def _audit_of(name: str) -> Audit:
    return audit(str(SNIPPETS / name), Options(), Settings(n_variants=0))


def test_form_paid_without_being_right_shows_in_what_wrong_answers_get() -> None:
    base = next(b for b in _audit_of("plain_reward.py:math_reward").baselines if b.kind == "math")
    assert (
        base.wrong == pytest.approx(0.1)
        and base.nothing == 0.0
        and base.right == pytest.approx(1.1)
    )


def test_a_bonus_for_reasoning_while_wrong_is_paid_in_part() -> None:
    families = {f.family: f for f in _audit_of("plain_reward.py:math_reward").families}
    assert families["bonus_while_wrong"].partly > 0 and families["bonus_while_wrong"].paid == 0


def test_pay_for_length_shows_in_right_and_in_wrong_answers() -> None:
    found = _audit_of("trl_reward.py:accuracy_reward")
    assert [effect.of for effect in found.lengths] == ["right", "wrong"]
    assert all(effect.correlation == pytest.approx(1.0) for effect in found.lengths)
    assert all(effect.moved == effect.questions == 12 for effect in found.lengths)


def test_a_lazy_brace_shows_as_references_that_are_not_paid() -> None:
    found = _audit_of("plain_reward.py:math_reward")
    assert found.gold.failed > 0
    assert any("\\frac" in (tried.reference or "") for tried in found.gold.examples)


def test_a_timeout_by_signals_shows_in_threads_only() -> None:
    found = _audit_of("verl_reward.py:compute_score")
    changed = {way.way for way in found.stability if way.changed}
    assert changed == {"in threads"}


def test_a_reward_that_reads_hashes_only_is_attacked_in_hashes() -> None:
    found = _audit_of("verl_reward.py:compute_score")
    assert found.reads == ["hashes"]
    near = next(f for f in found.families if f.family == "near_value")
    assert all("####" in tried.response for tried in near.examples)


def test_the_same_seed_gives_the_same_audit() -> None:
    settings = Settings(seed=3, n_variants=1)
    first, again = (
        audit(str(SNIPPETS / "odd_rewards.py:sound"), Options(), settings) for _ in range(2)
    )
    assert first == again
