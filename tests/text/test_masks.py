"""Loss masks: which characters a model learns to write, shown between ⟦ and ⟧."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis.errors import TemplateError
from tamis.records import Message, ToolCall
from tamis.text.masks import Masked, mask
from tamis.text.template import Template
from tamis.text.tokenizer import Tokenizer, load_tokenizer
from tamis.text.turns import Unalignable

DATA = Path(__file__).resolve().parent.parent / "data"
ASKED = Message(role="user", content="What is 6 * 7?")
TOLD = Message(role="assistant", content="The answer is 42.")
THANKS = Message(role="user", content="Thank you.")
BYE = Message(role="assistant", content="Hello again.")
TWO_TURNS = [ASKED, TOLD, THANKS, BYE]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(str(DATA / "chat_tokenizer"))


def template(name: str) -> Template:
    return Template(text=(DATA / "chat_templates" / f"{name}.jinja").read_text("utf-8"), label=name)


def masked(
    tokenizer: Tokenizer, messages: list[Message], name: str, tools: str | None = None
) -> Masked:
    found = mask(tokenizer, messages, tools, template=template(name))
    assert isinstance(found, Masked), found
    return found


def shown(found: Masked) -> str:
    """The text with what is trained between ⟦ and ⟧; tokens must cover it without gaps."""
    pieces, inside, written = [], False, 0
    for (start, end), trained in zip(found.offsets, found.trained, strict=True):
        assert start <= written <= end or start == written
        if trained != inside:
            pieces.append("⟦" if trained else "⟧")
            inside = trained
        pieces.append(found.text[max(start, written) : end])
        written = end
    return "".join(pieces) + ("⟧" if inside else "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "chatml",
            "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n"
            "<|im_start|>assistant\n⟦The answer is 42.<|im_end|>\n⟧"
            "<|im_start|>user\nThank you.<|im_end|>\n"
            "<|im_start|>assistant\n⟦Hello again.<|im_end|>\n⟧",
        ),
        (
            "llama3",
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat is 6 * 7?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n⟦The answer is 42.<|eot_id|>⟧"
            "<|start_header_id|>user<|end_header_id|>\n\nThank you.<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n⟦Hello again.<|eot_id|>⟧",
        ),
        (
            "mistral",
            "<s>[INST] What is 6 * 7? [/INST]⟦ The answer is 42.</s>⟧"
            "[INST] Thank you. [/INST]⟦ Hello again.</s>⟧",
        ),
        (
            "gemma",
            "<bos><start_of_turn>user\nWhat is 6 * 7?<end_of_turn>\n"
            "<start_of_turn>model\n⟦The answer is 42.<end_of_turn>\n⟧"
            "<start_of_turn>user\nThank you.<end_of_turn>\n"
            "<start_of_turn>model\n⟦Hello again.<end_of_turn>\n⟧",
        ),
        (
            "chatml_marked",
            "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n"
            "<|im_start|>assistant\n⟦The answer is 42.<|im_end|>⟧\n"
            "<|im_start|>user\nThank you.<|im_end|>\n"
            "<|im_start|>assistant\n⟦Hello again.<|im_end|>⟧\n",
        ),
        (
            "closed_at_the_end",
            "<|user|>\nWhat is 6 * 7?<|end|>\n<|assistant|>\n⟦The answer is 42.<|end|>\n⟧"
            "<|user|>\nThank you.<|end|>\n<|assistant|>\n⟦Hello again.<|end|>\n<|endoftext|>⟧",
        ),
        (
            "without_prompt",
            "<|user|>\nWhat is 6 * 7?<|end|>\n<|assistant|>\n⟦The answer is 42.<|end|>\n⟧"
            "<|user|>\nThank you.<|end|>\n<|assistant|>\n⟦Hello again.<|end|>\n⟧",
        ),
    ],
)
def test_what_the_assistant_writes_is_trained_up_to_where_it_stops(
    tokenizer: Tokenizer, name: str, text: str
) -> None:
    found = masked(tokenizer, TWO_TURNS, name)
    assert shown(found) == text
    assert found.end_of_turn_trained


def test_turns_are_found_where_the_template_drops_earlier_reasoning(tokenizer: Tokenizer) -> None:
    first = Message(role="assistant", content="The answer is 42.", reasoning="6 * 7")
    last = Message(role="assistant", content="Hello again.", reasoning="Be polite.")
    found = masked(tokenizer, [ASKED, first, THANKS, last], "forgetful")
    assert shown(found) == (
        "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n"
        "<|im_start|>assistant\n⟦The answer is 42.<|im_end|>\n⟧"
        "<|im_start|>user\nThank you.<|im_end|>\n"
        "<|im_start|>assistant\n⟦<think>\nBe polite.\n</think>\n\nHello again.<|im_end|>\n⟧"
    )
    assert found.how == "differences"


def test_turns_of_a_tool_loop_before_the_last_question_are_found(tokenizer: Tokenizer) -> None:
    call = [ToolCall(name="weather", arguments='{"city": "Berlin"}')]
    found = masked(
        tokenizer,
        [
            ASKED,
            Message(role="assistant", content="I look.", reasoning="First.", tool_calls=call),
            Message(role="tool", content="18"),
            Message(role="assistant", reasoning="Once more.", tool_calls=call),
            Message(role="tool", content="19"),
            Message(role="assistant", content="It is 19.", reasoning="Done."),
            THANKS,
            BYE,
        ],
        "forgetful",
    )
    called = '\n<tool_call>\n{"name": "weather", "arguments": {"city": "Berlin"}}\n</tool_call>'
    assert shown(found) == (
        "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n"
        f"<|im_start|>assistant\n⟦I look.{called}<|im_end|>\n⟧"
        "<|im_start|>user\n18<|im_end|>\n"
        f"<|im_start|>assistant\n⟦{called}<|im_end|>\n⟧"
        "<|im_start|>user\n19<|im_end|>\n"
        "<|im_start|>assistant\n⟦It is 19.<|im_end|>\n⟧"
        "<|im_start|>user\nThank you.<|im_end|>\n"
        "<|im_start|>assistant\n⟦<think>\n\n</think>\n\nHello again.<|im_end|>\n⟧"
    )


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("llama3", '{"name": "weather", "parameters": {"city": "Berlin"}}<|eot_id|>'),
        ("mistral", '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Berlin"}}]</s>'),
    ],
)
def test_a_call_is_trained_though_the_template_shows_no_content(
    tokenizer: Tokenizer, name: str, turn: str
) -> None:
    call = ToolCall(name="weather", arguments='{"city": "Berlin"}')
    found = masked(
        tokenizer, [ASKED, Message(role="assistant", tool_calls=[call]), THANKS, BYE], name
    )
    assert f"⟦{turn}⟧" in shown(found)


def test_where_a_difference_cannot_be_trusted_nothing_is_guessed(tokenizer: Tokenizer) -> None:
    found = mask(tokenizer, TWO_TURNS, template=template("shouting"))
    assert found == Unalignable("the end of this turn is written in another way in the text", 1)


@pytest.mark.parametrize("name", ["chatml", "chatml_marked", "forgetful"])
def test_a_message_whose_author_says_so_is_not_trained(tokenizer: Tokenizer, name: str) -> None:
    silent = Message(role="assistant", content="The answer is 41.", train=False)
    asked = Message(role="user", content="Is that so?", train=True)
    found = masked(tokenizer, [ASKED, silent, asked, BYE], name)
    before, _, after = shown(found).partition("Is that so?")
    assert ("⟦" in before, after.count("⟦")) == (False, 1)


def test_with_no_message_to_train_nothing_is_trained(tokenizer: Tokenizer) -> None:
    silent = Message(role="assistant", content="The answer is 41.", train=False)
    found = masked(tokenizer, [ASKED, silent], "chatml")
    assert (found.n_trained, found.end_of_turn, found.end_of_turn_trained) == (0, None, False)


def test_a_stop_token_outside_of_the_generation_block_is_told(tokenizer: Tokenizer) -> None:
    found = masked(tokenizer, TWO_TURNS, "stop_outside")
    assert shown(found).endswith("<|im_start|>assistant\n⟦Hello again.⟧<|im_end|>\n")
    assert found.end_of_turn is not None
    assert not found.end_of_turn_trained


def test_the_end_of_turn_is_that_of_the_last_trained_message(tokenizer: Tokenizer) -> None:
    silent = Message(role="assistant", content="Hello again.", train=False)
    found = masked(tokenizer, [ASKED, TOLD, THANKS, silent], "chatml")
    assert found.end_of_turn is not None
    assert found.text[: found.offsets[found.end_of_turn][1]].endswith("The answer is 42.<|im_end|>")


def test_blocks_that_cannot_be_told_apart_are_refused_only_where_it_matters(
    tokenizer: Tokenizer,
) -> None:
    text = "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}{{ messages | length }}"
    odd = Template(text=text, label="odd")
    silent = Message(role="assistant", content="x", train=False)
    assert isinstance(mask(tokenizer, TWO_TURNS, template=odd), Masked)
    assert isinstance(mask(tokenizer, [ASKED, silent], template=odd), Unalignable)


def test_a_generation_block_in_a_macro_is_refused(tokenizer: Tokenizer) -> None:
    text = (
        "{% macro say(m) %}a{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
        "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ say(m) }}{% endfor %}"
    )
    found = mask(tokenizer, TWO_TURNS, template=Template(text=text, label="macro"))
    assert isinstance(found, Unalignable)
    assert "macro" in found.reason


def test_cutting_can_cost_the_end_of_turn(tokenizer: Tokenizer) -> None:
    found = masked(tokenizer, TWO_TURNS, "chatml")
    cut = found.truncated_at(len(found.tokens) - 2)
    assert cut.tokens == found.tokens[:-2]
    assert cut.n_trained == found.n_trained - 2
    assert (found.end_of_turn_trained, cut.end_of_turn_trained) == (True, False)
    assert found.truncated_at(len(found.tokens)) == found


def test_each_token_knows_its_message(tokenizer: Tokenizer) -> None:
    found = masked(tokenizer, TWO_TURNS, "chatml")
    said = ["", "", "", ""]
    for (start, end), owner in zip(found.offsets, found.owner, strict=True):
        said[owner] += found.text[start:end]
    assert said == [
        "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n",
        "<|im_start|>assistant\nThe answer is 42.<|im_end|>\n",
        "<|im_start|>user\nThank you.<|im_end|>\n",
        "<|im_start|>assistant\nHello again.<|im_end|>\n",
    ]


def test_a_token_whose_message_cannot_be_shown_belongs_to_nobody(tokenizer: Tokenizer) -> None:
    first = Message(role="assistant", content="The answer is 42.", reasoning="6 * 7")
    found = masked(tokenizer, [ASKED, first, THANKS, BYE], "forgetful")
    nobodys = [
        found.text[start:end]
        for (start, end), owner in zip(found.offsets, found.owner, strict=True)
        if owner == -1
    ]
    assert "".join(nobodys) == ("<|im_start|>assistant\n<|im_start|>user\nThank you.<|im_end|>\n")


def test_texts_in_other_scripts_are_masked_by_character(tokenizer: Tokenizer) -> None:
    messages = [
        Message(role="user", content="今天天气怎么样？🌦"),
        Message(role="assistant", content="晴天 🌞é"),
    ]
    found = masked(tokenizer, messages, "chatml")
    assert shown(found).endswith("<|im_start|>assistant\n⟦晴天 🌞é<|im_end|>\n⟧")


def test_a_tokenizer_without_a_template_is_masked_with_the_bundled_one(
    tokenizer: Tokenizer,
) -> None:
    found = mask(tokenizer, TWO_TURNS)
    assert isinstance(found, Masked)
    assert (found.template, found.how) == ("bundled: chatml", "markers")
    assert found.end_of_turn_trained


def test_a_conversation_the_template_refuses_is_an_error(tokenizer: Tokenizer) -> None:
    system = Message(role="system", content="Be brief.")
    with pytest.raises(TemplateError, match="the system role has no place here"):
        mask(tokenizer, [system, ASKED, TOLD], template=template("gemma"))
