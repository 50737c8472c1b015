"""A question in a trainer's format keeps its reward and its whole reference, or is refused by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from tests.formats.reading import line_of, read_lines
from tests.formats.test_fixtures import fixture, one_line

from tamis.errors import InputError
from tamis.formats import FORMATS, encode
from tamis.formats.columns import RowColumns
from tamis.records import Message, Question, Reference, RewardSpec

FULL = Question(
    id="a.jsonl:7",
    prompt=[
        Message(role="system", content="Be brief."),
        Message(role="user", content="1+1?", name="Ann"),
    ],
    reward=RewardSpec(name="numeric", parameters='{"last_number": true}'),
    reference=Reference(
        answer="2", solution="1+1=2", tests='{"style":"stdin","cases":[]}', rubric="[1.0]"
    ),
    tools='[{"type":"function","function":{"name":"f"}}]',
    meta='{"level":1.0,"subject":"sums"}',
)
EMPTY = Question(id="a.jsonl:8", prompt=[Message(role="user", content="Say hi.")])
MATH = RewardSpec(name="math")
PLAIN_KEYS = ("prompt", "reward", "reference", "tools")


def canonical(question: Question) -> pa.RecordBatch:
    """The question as a row of no format at all."""
    columns = RowColumns("questions")
    columns.append(question)
    arrays = columns.arrays()
    arrays["id"] = pa.array([question.id])
    arrays["format"] = pa.array(["none"])
    return pa.record_batch(arrays)


def through(question: Question, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The canonical row before and after it was written in a format and read again."""
    before = canonical(question)
    read = read_lines(encode(before, name), name)
    assert read.unreadable.to_pylist() == []
    return before.to_pylist()[0], read.rows.to_pylist()[0]


@pytest.mark.parametrize("question", [FULL, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("name", ["verl_rl", "trl_prompt", "verifiers"])
def test_a_question_comes_back_whole(name: str, question: Question) -> None:
    before, after = through(question, name)
    assert {key: after[key] for key in PLAIN_KEYS} == {key: before[key] for key in PLAIN_KEYS}
    own = dict(msgspec.json.decode(after["meta"] or "{}"))
    own.pop("_tamis", None)
    own.pop("question_id", None)
    assert own == msgspec.json.decode(before["meta"] or "{}")


def test_nemo_gym_keeps_all_but_the_wrapping_of_tools() -> None:
    before, after = through(FULL, "nemo_gym")
    for key in ("prompt", "reward", "reference"):
        assert after[key] == before[key]
    assert after["tools"] == '[{"name":"f"}]'


def test_verl_sees_the_answer_as_ground_truth_and_our_keys_as_text() -> None:
    row = msgspec.json.decode(encode(canonical(FULL), "verl_rl")[0])
    assert row["reward_model"] == {"style": "rule", "ground_truth": "2"}
    own = msgspec.json.decode(row["extra_info"]["tamis"])
    assert own["id"] == "a.jsonl:7"
    assert own["reward"] == {"name": "numeric", "parameters": '{"last_number": true}'}
    assert own["reference"]["solution"] == "1+1=2"


def test_what_export_writes_for_verl_is_read_back() -> None:
    columns = {"question_id": "q", "reward_name": "numeric", "reward_parameters": None}
    row = {
        "data_source": "tamis",
        "prompt": [{"role": "user", "content": "1+1?"}],
        "reward_model": {"style": "rule", "ground_truth": ""},
        "extra_info": {"index": 4, **columns, "reference": '{"solution":"s"}'},
    }
    read = read_lines([line_of(row)], "verl_rl").rows
    [found] = read.to_pylist()
    assert found["reward"] == {"name": "numeric", "parameters": None}
    assert found["reference"]["answer"] is None
    assert found["reference"]["solution"] == "s"
    assert msgspec.json.decode(encode(read, "verl_rl")[0]) == row


def test_what_export_writes_for_trl_is_read_back() -> None:
    row = {
        "prompt": '[{"role":"system","content":"s"}, {"role":"user","content":"1+1?"}]',
        "question_id": "q",
        "reward_name": "numeric",
        "reward_parameters": None,
        "reference": '{"answer":"2"}',
    }
    read = read_lines([line_of(row)], "trl_prompt").rows
    [found] = read.to_pylist()
    assert [message["content"] for message in found["prompt"]] == ["s", "1+1?"]
    assert found["reference"]["answer"] == "2"
    assert msgspec.json.decode(encode(read, "trl_prompt")[0]) == row


def test_a_text_that_looks_like_messages_comes_back_as_a_text() -> None:
    said = '[{"role":"user","content":"1+1?"}]'
    asked = Question(id="x", prompt=[Message(role="user", content=said)], reward=MATH)
    before, after = through(asked, "trl_prompt")
    assert after["prompt"] == before["prompt"]


def test_open_instruct_names_the_verifier_of_the_reward() -> None:
    asked = [Message(role="user", content="q")]
    tests = '{"style":"asserts","asserts":["assert f(1) == 2"]}'
    code = Question(
        prompt=asked, reward=RewardSpec(name="code"), reference=Reference(tests=tests), id="x"
    )
    row = msgspec.json.decode(encode(canonical(code), "open_instruct_rlvr")[0])
    assert (row["dataset"], row["ground_truth"]) == ("code", '["assert f(1) == 2"]')
    before, after = through(code, "open_instruct_rlvr")
    assert (after["reward"], after["reference"]) == (before["reward"], before["reference"])


def test_a_question_of_any_format_is_written_in_any_other_or_refused_with_a_reason() -> None:
    forms = [form for form in FORMATS.values() if form.kind == "questions"]
    n_same = n_refused = 0
    for form in forms:
        for raw in fixture(form.name).rows:
            rows = read_lines([one_line(raw)], form.name).rows
            [before] = rows.to_pylist()
            for target in forms:
                if target.write is None:
                    continue
                try:
                    read = read_lines(encode(rows, target.name), target.name)
                except InputError as error:
                    assert ": " in str(error)
                    n_refused += 1
                    continue
                assert read.unreadable.to_pylist() == []
                [after] = read.rows.to_pylist()
                contents = [[m["content"] for m in row["prompt"]] for row in (before, after)]
                assert contents[0] == contents[1]
                if before["reward"] is not None:
                    assert after["reward"] == before["reward"]
                if before["reference"] is not None:
                    held = {k: v for k, v in before["reference"].items() if v is not None}
                    if target.name in ("gsm8k", "question_text"):
                        held.pop("solution", None)  # gets its `#### answer`
                    assert held.items() <= after["reference"].items()
                else:
                    assert after["reference"] is None
                n_same += 1
    assert n_same > n_refused / 4


CHECK = Reference(tests='{"style":"check","entry_point":"f","code":"x"}')
SAID = Reference(answer="1")


@pytest.mark.parametrize(
    ("changes", "name", "reason"),
    [
        ({}, "gsm8k", "tools: this format has no place"),
        ({"tools": None}, "gsm8k", "reward: this format always means numeric"),
        ({"tools": None, "reward": None}, "gsm8k", r"reference\.tests: this format has no place"),
        (
            {"tools": None, "reward": None, "reference": SAID},
            "gsm8k",
            "prompt: expected one user message, got 2",
        ),
        ({"tools": None, "reward": MATH, "reference": CHECK}, "humaneval", "reward: .* means code"),
        ({"tools": None, "reward": None, "reference": SAID}, "mbpp", r"reference\.answer: "),
        (
            {"tools": None, "reward": None, "reference": CHECK},
            "open_instruct_code",
            r"reference\.tests\.style: .*`asserts`",
        ),
        (
            {"tools": None, "reward": None, "reference": None},
            "ifeval",
            r"reference\.tests: .*got null",
        ),
        ({"tools": None, "reward": None}, "open_instruct_rlvr", "reward: expected one that"),
        ({"tools": None, "reference": None}, "open_instruct_rlvr", "reference: expected an answer"),
        ({"meta": '{"prompt":1}'}, "verl_rl", r"meta\.prompt: this format writes this key itself"),
        ({"meta": '{"extra_info":1}'}, "verl_rl", r"meta\.extra_info: expected an object, got 1"),
        ({"meta": '{"dataset":"mine"}', "tools": None}, "open_instruct_rlvr", r"meta\.dataset: "),
        ({"tools": None, "reward": None, "reference": SAID}, "decon", r"meta\.eval_key: expected"),
    ],
)
def test_what_a_format_cannot_say_is_refused_by_name(
    changes: dict[str, Any], name: str, reason: str
) -> None:
    question = msgspec.structs.replace(FULL, **changes)
    with pytest.raises(InputError, match=f"row a.jsonl:7 to {name}: {reason}"):
        encode(canonical(question), name)
