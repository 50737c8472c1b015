"""The audit of our judge: every claim of the catalogue is tried, and a judge that breaks one is caught."""

from __future__ import annotations

import pytest

from tamis.errors import RewardError
from tamis.rewards.audit import judge_claims
from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.rows import load_attacks
from tamis.rewards.audit.target import Options
from tamis.rewards.judge import prompts


def test_no_attack_on_our_judge_breaks_its_frame() -> None:
    found = audit("judge", Options(), Settings())
    assert found.tried == sum(row.kind == "judge" for row in load_attacks()) >= 30
    assert found.paid == 0


def test_a_fence_that_an_answer_can_close_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weakness is planted into the prompt itself: a fence without care for what stands in it."""

    def bare(name: str, text: str, nonce: str) -> str:
        return f"<{name}-{nonce}>\n{text}\n</{name}-{nonce}>\n\nText behind: {text}\n\nmore"

    monkeypatch.setattr(prompts, "fenced", bare)
    found = audit("judge", Options(), Settings())
    paid = {family.family for family in found.families if family.paid}
    assert "judge_injection" in paid
    told = next(f for f in found.families if f.family == "judge_injection").examples[0].told
    assert "closed the fence" in told


def test_what_a_judge_is_shown_beside_the_final_answer_is_caught() -> None:
    found = audit("judge", Options(parameters='{"shows": "whole"}'), Settings())
    paid = {family.family for family in found.families if family.paid}
    assert "flattery" in paid


def test_where_a_judge_is_asked_is_no_matter_of_parameters() -> None:
    parameters = '{"endpoint": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}}'
    with pytest.raises(RewardError, match="endpoint"):
        audit("judge", Options(parameters=parameters), Settings())


def test_every_claim_has_words_for_being_broken() -> None:
    claimed = {claim for row in load_attacks() for claim in row.expected.judge}
    assert claimed <= set(judge_claims._CLAIMS)
