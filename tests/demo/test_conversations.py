import ast
import itertools
import json
import re
import subprocess
import sys

import pytest

from tamis.demo.conversations import clean_conversations, jaccard, shingles
from tamis.demo.plan import DIALECTS
from tamis.records import Conversation

_EQUATION = re.compile(r"(?<![\d.])(\d+) ([-+×*/÷]) (\d+(?:\.\d+)?) = (\d+(?:\.\d+)?)")


@pytest.fixture(scope="module")
def rows() -> list[Conversation]:
    return [row for seed in range(3) for row in clean_conversations(seed, 240)]


def _texts(row: Conversation, role: str) -> list[str]:
    return [m.content or "" for m in row.messages if m.role == role]


def _meta(row: Conversation) -> dict[str, str]:
    meta: dict[str, str] = json.loads(row.meta or "{}")
    return meta


def test_the_same_seed_gives_the_same_rows_in_another_process() -> None:
    program = (
        "from tamis.demo.conversations import clean_conversations as c; import msgspec, hashlib;"
        "print(hashlib.sha256(msgspec.json.encode(c(5, 80))).hexdigest())"
    )
    here, there = (
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    )
    assert here == there


def test_another_seed_gives_other_rows() -> None:
    one, other = clean_conversations(1, 60), clean_conversations(2, 60)
    assert [row.messages for row in one] != [row.messages for row in other]


def test_ids_name_language_and_number() -> None:
    rows = clean_conversations(4, 120)
    assert len({row.id for row in rows}) == 120
    assert all(re.fullmatch(rf"(en|zh)-{n:04d}", row.id) for n, row in enumerate(rows, 1))
    assert 0.4 < sum(row.id.startswith("en") for row in rows) / 120 < 0.8


def test_rows_are_not_near_duplicates_of_one_another() -> None:
    words = [shingles(row) for row in clean_conversations(0, 240)]
    closest = max(jaccard(a, b) for a, b in itertools.combinations(words, 2))
    assert closest < 0.5


def test_every_tool_dialect_and_scene_occurs(rows: list[Conversation]) -> None:
    assert {_meta(row)["dialect"] for row in rows if row.tools} == set(DIALECTS)
    assert len({_meta(row)["scene"] for row in rows}) == 15


def test_no_slot_or_choice_is_left_open(rows: list[Conversation]) -> None:
    for row in rows:
        for message in row.messages:
            text = message.content or ""
            assert "[[" not in text and "]]" not in text
            if _meta(row)["scene"] != "coding":
                assert not re.search(r"\{[a-z_0-9]+\}", text), text


def test_roles_come_in_order(rows: list[Conversation]) -> None:
    for row in rows:
        roles = " ".join(m.role for m in row.messages)
        turn = r"user( assistant( tool)+)* assistant"
        assert re.fullmatch(rf"(system )?{turn}( {turn})*", roles), roles


def test_think_and_call_tags_pair(rows: list[Conversation]) -> None:
    for row in rows:
        for text in _texts(row, "assistant"):
            for tag in ("think", "tool_call"):
                assert text.count(f"<{tag}>") == text.count(f"</{tag}>")


def test_every_equation_is_right(rows: list[Conversation]) -> None:
    seen = 0
    for row in rows:
        for text in _texts(row, "assistant"):
            for left, sign, right, result in _EQUATION.findall(text):
                a, b = int(left), float(right)
                value = {"+": a + b, "-": a - b, "×": a * b, "*": a * b, "/": a / b, "÷": a / b}
                assert value[sign] == pytest.approx(float(result)), text
                seen += 1
    assert seen > 300


def test_every_answer_ends_like_a_sentence(rows: list[Conversation]) -> None:
    for row in rows:
        last = row.messages[-1].content or ""
        assert last.endswith((".", "!", "?", "。", "！", "？")), last
        assert len(last) > 10


def test_structured_calls_fit_their_tools(rows: list[Conversation]) -> None:
    jsonschema = pytest.importorskip("jsonschema_rs")
    for row in rows:
        tools = {
            tool["function"]["name"]: tool["function"] for tool in json.loads(row.tools or "[]")
        }
        for message in row.messages:
            for call in message.tool_calls or []:
                schema = tools[call.name]["parameters"]
                assert jsonschema.is_valid(schema, json.loads(call.arguments))


def test_textual_calls_are_readable_in_their_dialect(rows: list[Conversation]) -> None:
    for row in rows:
        dialect = _meta(row).get("dialect")
        for text in _texts(row, "assistant"):
            for body in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text, re.DOTALL):
                if dialect == "json":
                    assert json.loads(body)["arguments"]
                elif dialect == "literal":
                    assert ast.literal_eval(body)["arguments"]
                elif dialect == "call":
                    assert isinstance(ast.parse(body, mode="eval").body, ast.Call)
                else:
                    assert re.fullmatch(r"<function=\w+>\n.*</function>", body, re.DOTALL)


def test_chinese_text_uses_chinese_punctuation(rows: list[Conversation]) -> None:
    for row in rows:
        for message in row.messages:
            if message.role != "tool" and "```" not in (message.content or ""):
                assert not re.search(r"[\u4e00-\u9fff][,?!;]", message.content or ""), row.id
