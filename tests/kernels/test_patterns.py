"""PatternSet: never misses a text that matches, whatever the slice, nulls or engine."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.kernels.patterns import PatternSet, string_buffers

PATTERNS = ("ab[0-9]{2}", "等于|=", "x{3}")
TEXT = st.text(alphabet="abx019= 等于é😀", max_size=12)


def named(patterns: PatternSet, texts: pa.StringArray) -> list[tuple[int, int]]:
    hits = patterns.hits(texts)
    return list(zip(hits.place.tolist(), hits.pattern.tolist(), strict=True))


@given(st.lists(st.none() | TEXT, max_size=8), st.integers(0, 3), st.integers(0, 8))
def test_every_text_that_matches_is_named(
    texts: list[str | None], offset: int, length: int
) -> None:
    array = pa.array(texts, pa.string()).slice(offset, length)
    exact = [
        (place, ordinal)
        for place, text in enumerate(array.to_pylist())
        for ordinal, pattern in enumerate(PATTERNS)
        if text and re.search(pattern, text)
    ]
    by_text = PatternSet(patterns=PATTERNS, engine="re")
    assert named(by_text, array) == exact
    pytest.importorskip("hyperscan")
    at_once = named(PatternSet(patterns=PATTERNS, engine="hyperscan"), array)
    assert set(exact) <= set(at_once)
    assert at_once == sorted(set(at_once))


def test_a_match_over_a_border_is_named_for_the_text_it_ends_in() -> None:
    pytest.importorskip("hyperscan")
    texts = pa.array(["see ab", "12 more", "quiet"])
    assert named(PatternSet(patterns=PATTERNS, engine="hyperscan"), texts) == [(1, 0)]
    assert named(PatternSet(patterns=PATTERNS, engine="re"), texts) == []


@pytest.mark.parametrize("engine", ["hyperscan", "re"])
def test_case_is_ignored_in_every_script_on_request(engine: str) -> None:
    pytest.importorskip("hyperscan")
    patterns = PatternSet(patterns=("как élan",), ignore_case=True, engine=engine)
    assert named(patterns, pa.array(["КАК ÉLAN", "как elan"])) == [(0, 0)]


def test_zero_rows_and_all_nulls_have_no_hits() -> None:
    patterns = PatternSet(patterns=PATTERNS)
    for texts in (pa.array([], pa.string()), pa.nulls(3, pa.string()), pa.array(["", None])):
        assert named(patterns, texts) == []


def test_hits_come_by_place_with_their_patterns() -> None:
    hits = PatternSet(patterns=PATTERNS).hits(pa.array(["xxx = ab12", "none", "="]))
    assert list(hits.by_place()) == [(0, [0, 1, 2]), (2, [1])]


def test_buffers_of_a_slice_start_at_zero() -> None:
    offsets, content = string_buffers(pa.array(["äb", None, "cd", "e"]).slice(1, 2))
    assert (offsets.tolist(), bytes(content)) == ([0, 0, 2], b"cd")


def test_threads_may_scan_at_the_same_time() -> None:
    texts = pa.array(["ab12 " * 20] * 50)
    patterns = PatternSet(patterns=("ab1",))
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: len(patterns.hits(texts).place), range(16)))
    assert counts == [50] * 16


def test_a_pattern_set_pickles() -> None:
    patterns = PatternSet(patterns=PATTERNS, ignore_case=True)
    assert pickle.loads(pickle.dumps(patterns)) == patterns
