"""Preferences from one format to another: the same question and answers, or a refusal that names the field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.formats.reading import line_of, read_lines
from tests.formats.test_fixtures import fixture, one_line

from tamis.errors import InputError
from tamis.formats import FORMATS, encode, name_of

PREFERENCES = sorted(name for name, form in FORMATS.items() if form.kind == "preferences")
WRITABLE = [name for name in PREFERENCES if FORMATS[name].write is not None]
USER = {"role": "user", "content": "q"}
GOOD = {"role": "assistant", "content": "good"}
BAD = {"role": "assistant", "content": "bad"}
PAIR = {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD], "score_chosen": 8.5}
LIKED = {"prompt": "q", "completion": "good", "label": True}
TOOLS = {**PAIR, "tools": [{"type": "function", "function": {"name": "f"}}]}
SYSTEM = {**PAIR, "prompt": [{"role": "system", "content": "s"}, USER]}


def converted(row: dict[str, Any], source: str, target: str) -> Any:
    [line] = encode(read_lines([line_of(row)], source).rows, target)
    return msgspec.json.decode(line)


def said(row: dict[str, Any]) -> list[Any]:
    """What a canonical row says, without the ways of spelling it."""
    sides = [row[name] for name in ("prompt", "chosen", "rejected")]
    fields = ("role", "content", "reasoning", "train")
    calls = [
        [(call["name"], call["arguments"]) for call in message["tool_calls"] or ()]
        for side in sides
        for message in side
    ]
    texts = [[[message[field] for field in fields] for message in side] for side in sides]
    return [texts, calls, row["chosen_score"], row["rejected_score"]]


@pytest.mark.parametrize("target", WRITABLE)
@pytest.mark.parametrize("source", PREFERENCES)
def test_a_row_says_the_same_in_another_format_or_is_refused(source: str, target: str) -> None:
    for raw in fixture(source).rows:
        read = read_lines([one_line(raw)], source)
        try:
            [line] = encode(read.rows, target)
        except InputError:
            continue
        assert name_of(msgspec.json.decode(line)) == target
        again = read_lines([line], target)
        assert again.unreadable.to_pylist() == []
        assert said(again.rows.to_pylist()[0]) == said(read.rows.to_pylist()[0])


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("trl_preference", {"prompt": "q", "chosen": "good", "rejected": "bad"}),
        (
            "openai_dpo",
            {
                "input": {"messages": [USER]},
                "preferred_output": [GOOD],
                "non_preferred_output": [BAD],
            },
        ),
        (
            "hh_rlhf",
            {
                "chosen": "\n\nHuman: q\n\nAssistant: good",
                "rejected": "\n\nHuman: q\n\nAssistant: bad",
            },
        ),
        (
            "llamafactory_preference",
            {
                "conversations": [{"from": "human", "value": "q"}],
                "chosen": {"from": "gpt", "value": "good"},
                "rejected": {"from": "gpt", "value": "bad"},
            },
        ),
        ("chat_template_preference", {"messages": [USER], "chosen": GOOD, "rejected": BAD}),
        ("ms_swift_preference", {"messages": [USER, GOOD], "rejected_response": "bad"}),
        (
            "alpaca_preference",
            {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"},
        ),
        (
            "argilla_preference",
            {"instruction": "q", "chosen_response": "good", "rejected_response": "bad"},
        ),
        (
            "llamafactory_v1_preference",
            {
                "chosen_messages": [
                    {**message, "content": [{"type": "text", "value": message["content"]}]}
                    for message in (USER, GOOD)
                ],
                "rejected_messages": [
                    {**message, "content": [{"type": "text", "value": message["content"]}]}
                    for message in (USER, BAD)
                ],
            },
        ),
    ],
)
def test_one_question_with_two_answers_fits_every_shape_of_pairs(
    target: str, written: dict[str, Any]
) -> None:
    # the row comes from Intel's shape, so that nothing of the target's own spelling is left in it
    row = {"question": "q", "chosen": "good", "rejected": "bad", "score_chosen": 8.5}
    assert converted(row, "intel_preference", target) == {**written, "score_chosen": 8.5}


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("ms_swift_kto", {"messages": [USER, GOOD], "label": True}),
        ("messages_kto", {"messages": [USER, GOOD], "kto_tag": True}),
        ("alpaca_kto", {"instruction": "q", "input": "", "output": "good", "kto_tag": True}),
        (
            "llamafactory_kto",
            {
                "conversations": [
                    {"from": "human", "value": "q"},
                    {"from": "gpt", "value": "good"},
                ],
                "kto_tag": True,
            },
        ),
    ],
)
def test_one_liked_answer_fits_every_shape_of_feedback(
    target: str, written: dict[str, Any]
) -> None:
    assert converted(LIKED, "kto", target) == written


@pytest.mark.parametrize(
    ("row", "source", "target", "reason"),
    [
        (LIKED, "kto", "trl_preference", "rejected: expected an answer, got none"),
        (LIKED, "kto", "openai_dpo", "rejected: expected an answer, got none"),
        (PAIR, "trl_preference", "kto", "chosen, rejected: this format holds one answer, got 2"),
        (TOOLS, "trl_preference", "hh_rlhf", "tools: this format has no place for it"),
        (TOOLS, "trl_preference", "intel_preference", "tools: this format has no place for it"),
        (SYSTEM, "trl_preference", "hh_rlhf", r"prompt\[0\].role: expected user or assistant"),
        (
            {**PAIR, "input": "mine"},
            "trl_preference",
            "icr_preference",
            "meta.input: this format writes a `input` of its own",
        ),
        (
            {**PAIR, "chosen": [{**GOOD, "content": "a\n\nHuman: b"}]},
            "trl_preference",
            "hh_rlhf",
            r"chosen\[0\].content: holds the beginning of a turn",
        ),
        (
            {**PAIR, "chosen": [GOOD, GOOD]},
            "trl_preference",
            "llamafactory_preference",
            "chosen: expected one message, got 2",
        ),
        (
            {"prompt": [USER], "completion": [GOOD, GOOD], "label": True},
            "kto",
            "llamafactory_kto",
            "chosen: this format takes the last message for the answer",
        ),
    ],
)
def test_what_a_format_of_preferences_cannot_hold_is_refused(
    row: dict[str, Any], source: str, target: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        converted(row, source, target)


def test_a_repeated_prompt_text_follows_the_message_it_repeats() -> None:
    row = {"prompt": "q", "chosen": [USER, GOOD], "rejected": [USER, BAD]}
    rows = read_lines([line_of(row)], "trl_preference").rows.to_pylist()
    rows[0]["prompt"][0]["content"] = "clearer"
    write = FORMATS["trl_preference"].write
    assert write is not None
    written = write(rows[0])
    assert written["prompt"] == "clearer"
    assert written["chosen"][0]["content"] == "clearer"


def test_a_prompt_text_that_no_message_repeats_stays_with_the_author() -> None:
    row = {"prompt": "another", "chosen": [USER, GOOD], "rejected": [USER, BAD]}
    [read] = read_lines([line_of(row)], "trl_preference").rows.to_pylist()
    assert [message["content"] for message in read["prompt"]] == ["q"]
    assert msgspec.json.decode(read["meta"])["prompt"] == "another"


def test_a_score_that_is_no_finite_number_stays_with_the_author() -> None:
    lines = [
        b'{"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": 1e400}',
        b'{"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": "high"}',
    ]
    read = read_lines(lines, "trl_preference").rows.to_pylist()
    assert [row["chosen_score"] for row in read] == [None, None]
    assert [row["meta"] for row in read] == ['{"score_chosen":1e400}', '{"score_chosen":"high"}']
