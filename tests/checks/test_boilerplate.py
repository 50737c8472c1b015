"""Boilerplate: stock phrases in eight languages, in the wild wordings the patterns do not spell out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.checks import boilerplate
from tamis.checks.boilerplate import Boilerplate
from tamis.kernels.patterns import PatternSet

FindRules = Callable[..., list[list[str]]]


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}, {"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("AS AN AI LANGUAGE MODEL, I like to keep out of politics.", "self-reference"),
        ("Well, as a large language model I never slept.", "self-reference"),
        ("I’m only a virtual assistant, yet here goes.", "self-reference"),
        ("Being an artificial intelligence, I can't taste soup.", "self-reference"),
        ("I don’t have personal feelings about soup.", "self-reference"),
        ("As of my last knowledge update in 2021, it was open.", "self-reference"),
        ("作为一名人工智能助手，我觉得汤很好。", "self-reference"),
        ("我只是一个AI，没有味觉。", "self-reference"),
        ("Als KI-Sprachmodell habe ich keinen Hunger.", "self-reference"),
        ("Als künstliche Intelligenz habe ich keinen Hunger.", "self-reference"),
        ("En tant qu’intelligence artificielle, je n'ai pas faim.", "self-reference"),
        ("Como modelo de lenguaje, no tengo hambre.", "self-reference"),
        ("Como uma inteligência artificial, não tenho fome.", "self-reference"),
        ("私はAIアシスタントなので、お腹は空きません。", "self-reference"),
        ("Как языковая модель, я не голоден.", "self-reference"),
        ("I'm sorry, but I can’t help with that request.", "refusal"),
        ("I apologize, but I am unable to do so.", "refusal"),
        ("Unfortunately, I cannot provide instructions for this.", "refusal"),
        ("Sorry, I won't write that.", "refusal"),
        ("I must decline this one.", "refusal"),
        ("很抱歉，我无法回答这个问题。", "refusal"),
        ("对不起，我不能帮您做这件事。", "refusal"),
        ("Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.", "refusal"),
        ("Je suis désolé, mais je ne peux pas faire cela.", "refusal"),
        ("Lo siento, pero no puedo hacer eso.", "refusal"),
        ("Desculpe, mas não posso fazer isso.", "refusal"),
        ("申し訳ありませんが、そのご質問にはお答えできません。", "refusal"),
        ("Извините, но я не могу этого сделать.", "refusal"),
        ("Hi! I am ChatGPT.", "provider-identity"),
        ("I was created by the team at OpenAI.", "provider-identity"),
        ("I’m an assistant developed by Anthropic.", "provider-identity"),
        ("我是由阿里云开发的通义千问。", "provider-identity"),
        ("Je m'appelle Claude.", "provider-identity"),
        ("私はChatGPTです。", "provider-identity"),
        ("Hello! How may I assist you today?", "stock-offer"),
        ("Wie kann ich Ihnen heute helfen?", "stock-offer"),
    ],
)
def test_a_stock_phrase_is_found(find_rules: FindRules, text: str, rule: str) -> None:
    assert find_rules(Boilerplate(), said(text)) == [[f"boilerplate/{rule}"]]


@pytest.mark.parametrize(
    "text",
    [
        "The library opens at nine.",
        "She works as an AI researcher at a university.",
        "As an airline pilot he cannot help you with trains.",
        "A language model predicts the next word.",
        "He said “I'm sorry, but I cannot come” and left.",
        'Write: "As an AI language model, I have no body."',
        "他说：「作为一个人工智能，我没有身体。」",
        "> As an AI language model, I have no body.",
        "```\nreply = As an AI language model\n```",
        "Set `as an AI language model` aside.",
        "The model was trained by our own team.",
        "ChatGPT was released in 2022.",
        "You cannot help it if it rains. We can't write everything down.",
        "I'm sorry to hear that you are ill. Rest well.",
        "How can I help my son sleep through the night?",
        "抱歉让您久等了，图书馆九点开门。",
        "我无法忘记那个夏天。",
        "Claude Monet painted water lilies. I am Claudette.",
        "Als Kind kann ich mich daran nicht erinnern.",
        ("The library opens at nine. " * 20) + "In the novel he writes: I am sorry, I cannot come.",
    ],
)
def test_ordinary_talk_is_let_go(find_rules: FindRules, text: str) -> None:
    assert find_rules(Boilerplate(), said(text)) == [[]]


def test_users_may_say_anything_and_reasoning_counts(find: Callable[..., Any]) -> None:
    talk = [
        {"role": "user", "content": "As an AI, what do you eat?"},
        {"role": "assistant", "content": "Nothing.", "reasoning": "Hm. Being just an AI, I fast."},
        {"role": "assistant", "content": None},
    ]
    [[finding]] = find(Boilerplate(), talk)
    assert (finding["path"], finding["start"], finding["severity"]) == (
        "messages[1].reasoning",
        4,
        "error",
    )


def test_a_refusal_behind_a_long_think_block_counts(find_rules: FindRules) -> None:
    text = "<think>" + "Let me see. " * 60 + "</think>Sorry, but I cannot do it."
    assert find_rules(Boilerplate(), said(text)) == [["boilerplate/refusal"]]


def test_one_finding_of_a_rule_for_a_message(find_rules: FindRules) -> None:
    text = (
        "As an AI, I eat nothing. As a chatbot, I sleep never. Sorry, I can't help you with more."
    )
    assert find_rules(Boilerplate(), said(text)) == [
        ["boilerplate/self-reference", "boilerplate/refusal"]
    ]


WORDS = st.sampled_from(
    [
        "as",
        "an",
        "AI",
        "ai",
        "language",
        "model",
        ",",
        ".",
        "I",
        "i'm",
        "I’m",
        "sorry",
        "but",
        "cannot",
        "help",
        "with",
        "作为",
        "一个",
        "人工智能",
        "我",
        "无法",
        "回答",
        "抱歉",
        "，",
        "как",
        "модель",
    ]
)


@given(st.lists(WORDS, max_size=12), st.sampled_from(["", " "]))
def test_the_prefilter_never_hides_a_phrase(words: list[str], space: str) -> None:
    text = space.join(words)
    hits = boilerplate._prefilter().hits(pa.array([text])).pattern.tolist()
    everything = list(range(len(boilerplate._exact())))
    assert boilerplate._phrases(text, hits) == boilerplate._phrases(text, everything)
    without = PatternSet(patterns=boilerplate._prefilter().patterns, ignore_case=True, engine="re")
    by_text = without.hits(pa.array([text])).pattern.tolist()
    assert boilerplate._phrases(text, by_text) == boilerplate._phrases(text, everything)
