"""The language reward: scripts and words decide, what is too short is not held against an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, RewardSpec, Score
from tamis.rewards import load_reward

TEXTS = {
    "en": "The number of apples is seven, because three and four make seven in all.",
    "de": "Die Anzahl der Äpfel ist sieben, weil drei und vier zusammen sieben ergeben.",
    "fr": "Le nombre de pommes est sept, parce que trois et quatre font sept en tout.",
    "es": "El número de manzanas es siete, porque tres y cuatro suman siete en total.",
    "ru": "Количество яблок равно семи, потому что три и четыре вместе дают семь.",
    "uk": "Кількість яблук дорівнює семи, бо три і чотири разом дають сім, і це все.",
    "zh": "苹果的数量是七个，因为三加四等于七。",
    "ja": "りんごの数は七個です。三と四を足すと七になるからです。",
    "ko": "사과의 개수는 일곱 개입니다. 셋과 넷을 더하면 일곱이기 때문입니다.",
    "ar": "عدد التفاح هو سبعة، لأن ثلاثة وأربعة يساوي سبعة في المجموع.",
    "hi": "सेबों की संख्या सात है, क्योंकि तीन और चार मिलकर सात होते हैं।",
    "th": "จำนวนแอปเปิลคือเจ็ดผล เพราะสามบวกสี่เท่ากับเจ็ด",
    "bn": "আপেলের সংখ্যা সাত, কারণ তিন আর চার মিলে সাত হয়।",
    "el": "Ο αριθμός των μήλων είναι επτά, γιατί τρία και τέσσερα κάνουν επτά.",
}


def score(answer: str, prompt: str = "", **parameters: Any) -> Score:
    reward = load_reward(RewardSpec(name="language", parameters=json.dumps(parameters)))
    asked = Question(prompt=[Message(role="user", content=prompt)] if prompt else [])
    return reward.score(answer, asked)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("said", TEXTS)
def test_each_language_is_its_own_and_no_other(said: str) -> None:
    found = {code: score(TEXTS[said], language=code).value for code in TEXTS}
    assert found == {code: float(code == said) for code in TEXTS}


@pytest.mark.parametrize("said", TEXTS)
def test_without_a_declared_language_it_is_that_of_the_prompt(said: str) -> None:
    assert score(TEXTS[said], prompt=TEXTS[said]).value == 1.0
    other = TEXTS["fr" if said != "fr" else "de"]
    assert score(TEXTS[said], prompt=other).value == 0.0


def test_a_prompt_whose_language_cannot_be_told_is_ungradable() -> None:
    assert score("Seven.", prompt="3 + 4 = ?").value is None
    assert score("Seven.").value is None
    assert score("Seven.", prompt="3 + 4 = ?", language="en").value == 1.0


@pytest.mark.parametrize(
    "answer", ["42", "7 km", "\\boxed{7}", "Paris", "x = 7", "NaCl", "12 km/h < 15 km/h, 3 m/s"]
)
def test_too_little_to_tell_is_not_held_against_an_answer(answer: str) -> None:
    for code in ("en", "de", "ru", "zh"):
        found = score(answer, language=code)
        assert (found.value, found.flags) == (1.0, ("too_short_to_tell",))


def test_a_short_answer_in_a_foreign_script_is_foreign() -> None:
    assert score("你好", language="en").value == 0.0
    assert score("Привет", language="en").value == 0.0
    assert score("Seven is the answer", language="ru").value == 0.0
    assert score("Привет, да", language="de").value == 0.0


def test_what_is_in_no_language_scores_0() -> None:
    assert score("", language="en").value == 0.0
    assert score(" \u200b", language="en").value == 0.0
    assert score("zxq vbn wrtp kjh " * 8, language="en").value == 0.0
    assert score("<think>The answer is", language="en").value == 0.0


def test_code_links_and_tags_are_no_language() -> None:
    code = (
        "```python\nfor number in numbers:\n    print(number)\n```\nhttps://example.com/the/answer"
    )
    assert score(f"{TEXTS['de']}\n{code}", language="de").value == 1.0
    assert score(f"{TEXTS['zh']}\n{code}", language="zh").value == 1.0


def test_a_mixture_is_paid_by_its_share_where_one_asks_for_it() -> None:
    mixed = TEXTS["zh"] + TEXTS["en"]
    found = score(mixed, language="zh", score="share")
    assert 0.2 < (found.value or 0) < 0.8
    assert score(TEXTS["zh"], language="zh", score="share").value == 1.0
    assert score(mixed, language="zh", least_share=0.9).value == 0.0


def test_the_reasoning_can_be_held_to_the_language_too() -> None:
    answer = f"<think>{TEXTS['zh']}</think>{TEXTS['en']}"
    assert score(answer, language="en").value == 1.0
    assert score(answer, language="en", of="thinking").value == 0.0


def test_regions_and_old_codes_are_read_and_nonsense_is_refused() -> None:
    assert score(TEXTS["zh"], language="zh-Hans").value == 1.0
    with pytest.raises(RewardError, match="language"):
        score("a", language="English please")
