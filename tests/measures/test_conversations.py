"""Lengths, Turns, Language and Opener of a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.measures.language import Language, language_of
from tamis.measures.lengths import Lengths
from tamis.measures.opener import Opener, opening_words
from tamis.measures.turns import Turns

Measured = Callable[..., list[dict[str, Any]]]
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "你好😀"},
    {"role": "assistant", "content": None, "tool_calls": [{"name": "now", "arguments": "{}"}] * 2},
    {"role": "tool", "content": "12:00"},
    {"role": "assistant", "content": "Noon.", "reasoning": "Twelve"},
]


def test_lengths_count_characters_of_every_text(measure: Measured) -> None:
    nothing = {"chars": 0, "assistant_chars": 0, "user_chars": 0, "estimated_tokens": 0}
    # bytes: 8 + 10 + 4 + 5 + 5 + 6; (4 * 38 + 31) / 20
    assert measure(Lengths(), TALK, None, []) == [
        {"chars": 31, "assistant_chars": 15, "user_chars": 3, "estimated_tokens": 10},
        nothing,
        nothing,
    ]


@pytest.mark.parametrize(
    ("text", "tokens"), [("a" * 400, 100), ("ж" * 400, 180), ("汉" * 400, 260), ("a", 1), ("", 0)]
)
def test_tokens_are_estimated_by_script(measure: Measured, text: str, tokens: int) -> None:
    [found] = measure(Lengths(), [{"role": "user", "content": text}])
    assert found["estimated_tokens"] == tokens


def test_turns_count_messages_replies_and_calls(measure: Measured) -> None:
    tagged = [
        {"role": "user", "content": "<think> <tool_call>"},
        {"role": "assistant", "content": "<think>hm</think><tool_call>\n{}\n</tool_call>"},
    ]
    names = ("n_messages", "turns", "n_tool_calls", "has_system", "has_think")
    rows = [
        (5, 2, 2, True, True),
        (2, 1, 1, False, True),
        (1, 0, 0, False, False),
        (0, 0, 0, False, False),
        (0, 0, 0, False, False),
    ]
    found = measure(Turns(), TALK, tagged, tagged[:1], [], None)
    assert found == [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The library stands by the river and opens every morning.", "en"),
        ("Die Bibliothek steht am Fluss und öffnet jeden Morgen.", "de"),
        ("La bibliothèque se trouve près de la rivière et ouvre chaque matin.", "fr"),
        ("La biblioteca está junto al río y abre todas las mañanas.", "es"),
        ("Библиотека стоит у реки и открывается каждое утро.", "ru"),
        ("图书馆在河边，每天早上开门。", "zh"),
        ("図書館は川のそばにあります。", "ja"),
        ("도서관은 강가에 있습니다.", "ko"),
        ("ห้องสมุดอยู่ริมแม่น้ำ", "th"),
        ("Η βιβλιοθήκη βρίσκεται δίπλα στο ποτάμι.", "el"),
        ("请用 Python 写一个函数 sort_list，返回排序后的列表。", "zh"),
        (
            "Bitte erkläre mir diesen Code genau:\n```python\nfor line in lines: print(line)\n```",
            "de",
        ),
        ("\x00\x07\ufffe The library stands by the river every morning. \U000e0001", "en"),
    ],
)
def test_the_language_is_told_by_script_and_then_by_words(text: str, code: str) -> None:
    found = language_of(text)
    assert found is not None and found[0] == code and 0 < found[1] <= 1


@pytest.mark.parametrize("text", ["", "42", "ok", "1 + 1 = 2", "```\nprint(1)\n```", "😀😀", "?!…"])
def test_too_little_text_has_no_language(text: str) -> None:
    assert language_of(text) is None


def test_language_looks_at_user_and_assistant(measure: Measured) -> None:
    talk = [
        {"role": "system", "content": "You are a kind helper of the library by the river. " * 20},
        {"role": "user", "content": "图书馆什么时候开门？"},
        {"role": "assistant", "content": "早上九点。"},
        {"role": "assistant", "content": None},
    ]
    unknown = {"language": None, "language_confidence": None}
    assert measure(Language(), talk, talk[:1], [], None) == [
        {"language": "zh", "language_confidence": 1.0},
        unknown,
        unknown,
        unknown,
    ]


@given(st.text(max_size=80))
def test_any_text_has_a_language_or_none(text: str) -> None:
    found = language_of(text)
    assert found is None or (len(found[0]) == 2 and 0 < found[1] <= 1)


@pytest.mark.parametrize(
    ("text", "opener"),
    [
        ("Sure! Here is the plan.", "sure here is"),
        ("**Sure!** I’d love to.", "sure i'd love"),
        ("好的，我来帮您看看。", "好的我来帮您"),
        ("Python 是一种语言", "python 是一种语"),
        ("1. Salt 2. Water", "1 salt 2"),
        ("Oui", "oui"),
        ("... !!", None),
        ("", None),
    ],
)
def test_an_opener_is_the_first_words_without_punctuation(text: str, opener: str | None) -> None:
    assert opening_words(text, 3) == opener


def test_the_opener_is_of_the_first_reply_that_says_something(measure: Measured) -> None:
    thinking = [
        {"role": "assistant", "content": "<think>" + "hm " * 200 + "</think>\nYes, it is so."}
    ]
    assert measure(Opener(), TALK, thinking, [{"role": "user", "content": "Hi"}], None) == [
        {"opener": "noon"},
        {"opener": "yes it is"},
        {"opener": None},
        {"opener": None},
    ]
    assert measure(Opener(n_words=1), thinking) == [{"opener": "yes"}]
