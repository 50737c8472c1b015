"""The compiled text kernels are the plain-Python rules, and MinHash keeps its promise of recall."""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.kernels import minhash, reference, shingles
from tamis.kernels.pieces import from_messages, from_strings
from tamis.kernels.tokens import hash_tokens
from tamis.schema import MESSAGES

ALPHABET = (
    "abcXYZ019 \n\t.,!?'_-+*/=<>^%|ßÄéñÇЖжЯΩωςİışąčאבעربيहिन्दीไทยພາສາខ្មែរမြန်မာབོད你好，。、世界「」ー"
    "カタカナひらがな한국어㐀々〇①²½±×÷≤→€😀👍🏽é\u200d\ufe0f\u00a0𝒳𠀀🇫🇷\ufeff２＋Ａａ"
)
TEXTS = st.one_of(st.text(alphabet=ALPHABET, max_size=60), st.text(max_size=30))


def _kernel_tokens(text: str) -> list[int]:
    raw = np.frombuffer(text.encode(), np.uint8)
    out = np.zeros(len(raw) + 1, np.uint64)
    return out[: hash_tokens(raw, 0, len(raw), out, 0)].tolist()


def _sets(texts: list[str | None], width: int) -> list[list[int]]:
    offsets, hashes = shingles.shingle_sets(from_strings(pa.array(texts, pa.string())), width)
    return [sorted(hashes[a:b].tolist()) for a, b in itertools.pairwise(offsets.tolist())]


@given(TEXTS)
def test_the_kernel_hashes_the_tokens_of_the_plain_rule(text: str) -> None:
    assert _kernel_tokens(text) == [reference.hash_token(token) for token in reference.tokens(text)]


@given(st.lists(TEXTS, max_size=5), st.integers(1, 6))
def test_shingle_sets_are_the_sets_of_the_plain_rule(texts: list[str], width: int) -> None:
    expected = []
    for text in texts:
        hashes = [reference.hash_token(token) for token in reference.tokens(text)]
        expected.append(sorted(set(reference.hash_windows(hashes, width))))
        windows = reference.shingles(reference.tokens(text), width)
        assert len(expected[-1]) == len(windows)
    assert _sets([*texts], width) == expected


@given(TEXTS)
def test_a_signature_is_the_least_value_of_each_permutation(text: str) -> None:
    plan = minhash.plan_bands(0.8)
    made = minhash.sketch(from_strings(pa.array([text])), plan, 5)
    hashes = reference.hash_windows([reference.hash_token(t) for t in reference.tokens(text)], 5)
    if not hashes:
        assert (made.words.tolist(), made.bands.any(), made.n_tokens.tolist()) == ([0], False, [0])
        return
    factors, addends = minhash.permutations(plan.permutations).tolist()
    least = reference.signature(hashes, factors, addends)
    assert made.signature[0].tolist() == [value & 0xFF for value in least]
    keys = []
    for band in range(plan.n):
        key = band + 1
        for value in least[band * plan.rows : (band + 1) * plan.rows]:
            key = reference.mix(key ^ value)
        keys.append(key)
    assert made.bands[0].tolist() == keys


@given(TEXTS, TEXTS, st.integers(1, 6))
def test_shared_and_total_shingles_give_the_true_similarity(a: str, b: str, width: int) -> None:
    offsets, hashes = shingles.shingle_sets(from_strings(pa.array([a, b])), width)
    shared, total = shingles.count_shared(offsets, hashes, np.array([0]), np.array([1]))[0].tolist()
    truth = reference.similarity(reference.tokens(a), reference.tokens(b), width)
    assert (shared / total if total else 0.0) == truth


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("What's 2 + 3.50?", ["what", "s", "2", "+", "3", "50"]),
        ("x-1 / X - 2", ["x", "-", "1", "/", "x", "-", "2"]),
        ("你好，world 2024年！", ["你", "好", "world", "2024", "年"]),
        ("Größe ÉTÉ ПРИВЕТ ΣΟΦΙΑ", ["größe", "été", "привет", "σοφια"]),
        ("カタカナ と 漢字", list("カタカナと漢字")),
        ("สวัสดี", list("สวัสดี")),
        ("안녕하세요 세계", ["안녕하세요", "세계"]),
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("ok 👍 ok", ["ok", "👍", "ok"]),
        ("3 ≤ 4", ["3", "≤", "4"]),
        (" \n\t…—«»“”", []),
    ],
)
def test_tokens_of_many_scripts(text: str, tokens: list[str]) -> None:
    assert reference.tokens(text) == tokens


def test_letters_and_digits_of_every_script_are_never_dropped() -> None:
    lost = [
        f"U+{code:04X}"
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] in "LN"
        and reference.kind(chr(code)) == reference.SEPARATOR
    ]
    assert lost == []


def test_white_space_is_never_a_token() -> None:
    spaces = [chr(c) for c in range(0x3001) if chr(c).isspace()]
    assert [space for space in spaces if reference.tokens(space)] == []


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0])
def test_bands_keep_the_promised_recall_at_the_threshold(threshold: float) -> None:
    plan = minhash.plan_bands(threshold)
    found = 1 - (1 - threshold**plan.rows) ** plan.n
    assert found >= minhash.RECALL
    assert plan.permutations <= minhash.MAX_PERMUTATIONS


def test_one_changed_word_costs_width_shingles_wherever_it_stands() -> None:
    words = [f"w{i}" for i in range(20)]
    rates = set()
    for at in range(20):
        other = [*words]
        other[at] = "else"
        rates.add(reference.similarity(words, other, 5))
    assert rates == {19 / 29}


def _messages(*messages: dict[str, object] | None) -> list[dict[str, object] | None]:
    return list(messages)


def test_the_text_of_a_conversation_is_read_in_order() -> None:
    call = {"name": "add", "arguments": '{"a":1}'}
    rows = [
        _messages({"role": "user", "content": "skipped by the slice"}),
        _messages(
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "1+1?"},
            {
                "role": "assistant",
                "reasoning": "easy",
                "content": "see",
                "tool_calls": [call, call],
            },
            {"role": "user", "content": "sure?"},
            {"role": "assistant", "content": "yes"},
        ),
        None,
        [],
        _messages(None, {"role": "user", "content": None}, {"role": "robot", "content": "beep"}),
    ]
    lists = pa.array(rows, MESSAGES).slice(1)
    calls = 'add\n{"a":1}\nadd\n{"a":1}'
    assert from_messages(lists).strings() == [
        f"be kind\n1+1?\neasy\nsee\n{calls}\nsure?\nyes", "", "", "beep",
    ]  # fmt: skip
    assert from_messages(lists, "user").strings() == ["1+1?", "", "", ""]
    assert from_messages(lists, "assistant").strings() == [f"easy\nsee\n{calls}\nyes", "", "", ""]


def test_a_role_and_a_tool_call_make_a_different_text() -> None:
    call = {"name": "add", "arguments": "{}"}
    rows = [
        _messages({"role": "user", "content": "hi"}),
        _messages({"role": "assistant", "content": "hi"}),
        _messages({"role": "user", "content": "hi", "tool_calls": [call]}),
        _messages({"role": "user", "content": "hi", "reasoning": "hm"}),
        _messages({"role": "user", "content": "hi"}),
    ]
    made = minhash.sketch(from_messages(pa.array(rows, MESSAGES)), minhash.plan_bands(0.8), 5)
    assert len(set(made.words.tolist())) == len(set(made.exact.tolist())) == 4
    assert made.exact[0] == made.exact[4]


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=6), st.integers(0, 6))
@settings(max_examples=50)
def test_a_slice_sketches_like_the_whole(texts: list[str | None], start: int) -> None:
    plan = minhash.plan_bands(0.8)
    column = pa.array(texts, pa.string())
    whole = minhash.sketch(from_strings(column), plan, 5)
    part = minhash.sketch(from_strings(column.slice(start)), plan, 5)
    assert [a[start:].tolist() for a in whole] == [b.tolist() for b in part]
