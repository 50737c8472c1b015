"""The judge reward over real sockets: what it asks, what its verdicts come to, what a failure is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import LLMError, RewardError
from tamis.llm.scripted import Answers, Fault, Script, scripted_server
from tamis.records import Question, RewardSpec
from tamis.rewards import load_reward, score_one
from tamis.rewards.judge import Endpoint, JudgeReward

from .judging import NOWHERE, judged, prompts, question, score_at, scores_at, script_for, verdict

RUBRIC: dict[str, Any] = {
    "items": [
        {"text": "names the capital", "weight": 2},
        {"text": "names the country"},
        {"text": "is rude", "weight": -1},
    ]
}


def rubric(**more: Any) -> Question:
    return question("Tell me of Kenya.", rubric=json.dumps({**RUBRIC, **more}))


def test_the_judge_sees_question_reference_and_final_answer_and_says_right_or_wrong() -> None:
    found, server = judged("Dear expert: \\boxed{Nairobi}", question(), [verdict("correct")])
    assert (found.value, found.parts, found.answer) == (1.0, {"accuracy": 1.0}, "Nairobi")
    found, _ = judged("\\boxed{Mombasa}", question(), [f"Not correct. {verdict('incorrect')}"])
    assert (found.value, found.parts) == (0.0, {"accuracy": 0.0})
    [(system, user)] = prompts(server)
    assert "What is the capital of Kenya?" in user and "Nairobi" in user
    assert "expert" not in system + user and "Nairobi" not in system and "Kenya" not in system
    assert server.bodies[0]["temperature"] == 0.0


def test_equal_answers_are_asked_once_and_score_alike() -> None:
    reward = JudgeReward()
    replies = script_for(reward, "Nairobi", question(), [verdict("correct")])
    with scripted_server(Script(replies=tuple(replies))) as server:
        found = scores_at(server, ["Nairobi", "  Nairobi\r\n", "Nairobi"], question())
        again = scores_at(server, ["Nairobi"], question())
    assert {one.value for one in [*found, *again]} == {1.0}
    assert len(server.calls) == 2


def test_the_order_of_answers_changes_no_score() -> None:
    answers = ["Nairobi", "Mombasa", "", "Kisumu", "the city of Nairobi"]
    words = ["correct", "incorrect", "", "incorrect", "correct"]
    replies = [
        one
        for answer, word in zip(answers, words, strict=True)
        for one in script_for(JudgeReward(), answer, question(), [verdict(word)])
    ]
    with scripted_server(Script(replies=tuple(replies))) as server:
        forward = scores_at(server, answers, question())
        backward = scores_at(server, answers[::-1], question())
        alone = [score_at(server, answer, question()) for answer in answers]
    assert [one.value for one in forward] == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert forward == backward[::-1] == alone


def test_a_reply_without_verdict_is_asked_for_once_more_with_another_nonce() -> None:
    found, server = judged("Nairobi", question(), ["I like it.", verdict("correct")])
    assert found.value == 1.0
    assert len({user for _, user in prompts(server)}) == 2


@pytest.mark.parametrize(
    "reply", ["correct", '{"verdict": "correct"}', "", '{"id": "NONCE", "verdict": "fine"}']
)
def test_a_judge_without_verdict_gives_no_score_and_never_0(reply: str) -> None:
    found, server = judged("Nairobi", question(), [reply, reply])
    assert (found.value, found.parts, found.flags) == (None, {}, ("judge_unreadable",))
    assert len(server.calls) == 2


def test_a_verdict_of_a_reply_that_was_cut_does_not_count() -> None:
    cut = [
        Answers(contains=one.contains, answers=one.answers, finish_reason="length")
        for one in script_for(JudgeReward(), "Nairobi", question(), [verdict("correct")] * 2)
    ]
    with scripted_server(Script(replies=tuple(cut))) as server:
        assert score_at(server, "Nairobi", question()).flags == ("judge_unreadable",)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", every=1, status=500),
        Fault(kind="status", every=1, status=401),
        Fault(kind="drop", every=1),
        Fault(kind="malformed", every=1),
        Fault(kind="slow", every=1, seconds=2.0),
    ],
)
def test_a_server_that_fails_gives_no_score_and_never_0(fault: Fault) -> None:
    with scripted_server(Script(faults=(fault,))) as server:
        endpoint = Endpoint(base_url=server.url, model="judge", retries=0, timeout_s=0.5)
        found = score_at(server, "Nairobi", question(), endpoint=endpoint)
    assert (found.value, found.flags) == (None, ("judge_failed",))
    assert server.url in found.reason


def test_one_failure_leaves_the_other_answers_their_scores() -> None:
    replies = script_for(JudgeReward(), "Nairobi", question(), [verdict("correct")])
    with scripted_server(Script(replies=tuple(replies))) as server:
        found = scores_at(server, ["Mombasa", "Nairobi", "..."], question())
    assert [one.value for one in found] == [None, 1.0, 0.0]


def test_calls_beyond_the_budget_are_not_made() -> None:
    answers = ["Mombasa", "Nairobi", "Kisumu"]
    with scripted_server(Script()) as server:
        endpoint = Endpoint(base_url=server.url, model="judge", max_calls=2)
        first = scores_at(server, answers[:1], question(), endpoint=endpoint, tries=1)
        found = scores_at(server, answers, question(), endpoint=endpoint, tries=1)
    assert first[0].flags == ("judge_unreadable",)
    assert sorted(one.flags for one in found) == [("judge_budget",)] * 2 + [("judge_unreadable",)]
    assert len(server.calls) == 2


def test_tokens_beyond_the_budget_are_not_spent() -> None:
    with scripted_server(Script()) as server:
        endpoint = Endpoint(base_url=server.url, model="judge", max_total_tokens=1)
        found = score_at(server, "Nairobi", question(), endpoint=endpoint)
    assert found.flags == ("judge_budget",) and len(server.calls) == 1


def test_finished_calls_are_kept_where_the_caller_says(tmp_path: Path) -> None:
    replies = script_for(JudgeReward(), "Nairobi", question(), [verdict("correct")])
    with scripted_server(Script(replies=tuple(replies))) as server:
        endpoint = Endpoint(
            base_url=server.url, model="judge", calls=str(tmp_path / "calls.sqlite")
        )
        for _ in range(3):
            assert score_at(server, "Nairobi", question(), endpoint=endpoint).value == 1.0
    assert len(server.calls) == 1


def test_a_grade_is_the_share_of_the_scale() -> None:
    found, server = judged(
        "A poem.",
        question("Write a poem."),
        [verdict(3)],
        mode="scale",
        scale=4,
        criteria="It rhymes.",
    )
    assert (found.value, found.parts) == (0.75, {"quality": 0.75})
    assert "It rhymes." in prompts(server)[0][1]


@pytest.mark.parametrize(
    ("words", "value", "flags"),
    [
        (("first", "second"), 1.0, ()),
        (("second", "first"), 0.0, ()),
        (("tie", "tie"), 0.5, ()),
        (("first", "first"), 0.5, ("order_effect",)),
        (("second", "second"), 0.5, ("order_effect",)),
        (("first", "tie"), 0.5, ("order_effect",)),
    ],
)
def test_a_win_counts_only_in_both_orders(
    words: tuple[str, str], value: float, flags: tuple[str, ...]
) -> None:
    asked = question("Write a line about rain.", answer="Rain, again.")
    found, server = judged("Drip, drop.", asked, [verdict(word) for word in words], mode="pairwise")
    assert (found.value, found.parts, found.flags) == (value, {"preference": value}, flags)
    (_, one), (_, two) = prompts(server)
    assert one.index("Drip, drop.") < one.index("Rain, again.")
    assert two.index("Rain, again.") < two.index("Drip, drop.")


@pytest.mark.parametrize(
    ("met", "value"),
    [((1, 1, 0), 1.0), ((1, 0, 0), 2 / 3), ((1, 1, 1), 2 / 3), ((0, 0, 1), 0.0), ((0, 1, 1), 0.0)],
)
def test_each_item_of_a_rubric_is_judged_alone_and_negative_ones_cost(
    met: tuple[int, ...], value: float
) -> None:
    words = [verdict("met" if one else "not_met") for one in met]
    found, server = judged("Nairobi is in Kenya.", rubric(), words)
    assert found.value == pytest.approx(value)
    assert [found.parts[f"item_{n}"] for n in (1, 2, 3)] == [float(one) for one in met]
    shown = [[item["text"] in user for item in RUBRIC["items"]] for _, user in prompts(server)]
    assert shown == [[True, False, False], [False, True, False], [False, False, True]]


def test_a_rubric_with_one_item_unjudged_gives_no_score() -> None:
    replies = [verdict("met"), "hm", verdict("met"), verdict("met"), "hm"]
    found, _ = judged("Nairobi is in Kenya.", rubric(), replies)
    assert (found.value, found.flags) == (None, ("judge_unreadable",))


def test_a_long_answer_is_cut_and_nothing_else_is() -> None:
    asked = question("q" * 30_000, answer="r" * 15_000)
    found, server = judged("a" * 150_000, asked, [verdict("incorrect")], criteria="c" * 4000)
    assert (found.value, found.flags) == (0.0, ("answer_cut",))
    system, user = prompts(server)[0]
    for whole in ("q" * 30_000, "r" * 15_000, "c" * 4000):
        assert whole in user
    assert "a" * 8000 not in user and "142,000 characters left out" in user
    assert "JSON object" in system and user.rstrip().endswith(".") and "Judge the text" in user


@pytest.mark.parametrize(
    ("asked", "parameters", "why"),
    [
        (Question(prompt=[]), {}, "prompt is empty"),
        (question(tests="[]"), {}, "neither a reference nor criteria"),
        (question(tests="[]"), {"mode": "pairwise"}, "no reference"),
        (question(), {"mode": "rubric"}, "no items"),
        (question(rubric="{"), {}, "rubric is not"),
        (question(rubric='{"points": 1}'), {}, "rubric is not"),
        (question(rubric='{"items": [{"text": " "}]}'), {}, "no text"),
        (question(rubric='{"items": [{"text": "x", "weight": -1}]}'), {}, "positive weight"),
        (question("q" * 40_000, answer="7"), {}, "the prompt has 40,000 characters"),
        (question(answer="r" * 20_000), {}, "the reference has 20,000 characters"),
    ],
)
def test_a_question_that_cannot_be_judged_says_why_and_costs_no_call(
    asked: Question, parameters: dict[str, Any], why: str
) -> None:
    reward = JudgeReward(**parameters)
    found = asyncio.run(score_one(reward, "Nairobi", asked))
    assert found.value is None and why in found.reason
    assert reward.ungradable(asked) == found.reason


def test_the_last_reference_of_several_turns_is_the_reference() -> None:
    asked = question("And then?", rubric='{"references": ["first", "the last"]}')
    assert JudgeReward().ungradable(asked) is None
    [call] = JudgeReward().asked("so", asked, endpoint=NOWHERE)
    assert "the last" in str(call.request.messages[1].content)


def test_a_question_cannot_choose_where_answers_and_keys_are_sent() -> None:
    endpoint = {"base_url": "http://evil.example/v1", "model": "m", "api_key_env": "OPENAI_API_KEY"}
    with pytest.raises(RewardError, match="expected the caller to name it, not the data"):
        load_reward(RewardSpec(name="judge", parameters=json.dumps({"endpoint": endpoint})))


def test_the_model_comes_from_the_environment_where_rewards_are_loaded_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = {"name": "judge", "weight": 0.5, "parameters": {"mode": "correct"}}
    parts = [{"name": "exact"}, judge]
    reward = load_reward(RewardSpec(name="combine", parameters=json.dumps({"parts": parts})))
    replies = script_for(
        JudgeReward(mode="correct"), "Answer: Nairobi", question(), [verdict("correct")]
    )
    with scripted_server(Script(replies=tuple(replies))) as server:
        monkeypatch.setenv("TAMIS_JUDGE", json.dumps({"base_url": server.url, "model": "m"}))
        found = asyncio.run(score_one(reward, "Answer: Nairobi", question()))
    assert found.value == 1.5 and found.parts["judge.accuracy"] == 1.0


def test_without_a_model_or_its_key_nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAMIS_JUDGE", raising=False)
    with pytest.raises(RewardError, match="set TAMIS_JUDGE="):
        asyncio.run(score_one(JudgeReward(), "Nairobi", question()))
    monkeypatch.setenv("TAMIS_JUDGE", '{"url": "x"}')
    with pytest.raises(RewardError, match="environment variable TAMIS_JUDGE: expected JSON like"):
        asyncio.run(score_one(JudgeReward(), "Nairobi", question()))
    keyed = Endpoint(base_url="http://127.0.0.1:1/v1", model="m", api_key_env="NO_SUCH_KEY")
    with pytest.raises(LLMError, match="NO_SUCH_KEY is not set"):
        asyncio.run(score_one(JudgeReward(endpoint=keyed), "Nairobi", question()))
