"""Reading a clean row and writing it in its own format gives the same JSON values.

`TAMIS_EXAMPLES` sets the number of examples a format, of one to twelve rows each (2,200 make 10,000 rows).
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.reading import exact_value, line_of, read_lines
from tests.formats.strategies import chat, preference, question, rollout
from tests.formats.strategies.parts import own_keys

from tamis.formats import encode, writable

ROWS = {**chat.ROWS, **preference.ROWS, **question.ROWS, **rollout.ROWS}
EXAMPLES = int(os.environ.get("TAMIS_EXAMPLES", "20"))


def test_every_writable_format_has_a_strategy() -> None:
    assert sorted(ROWS) == writable()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_reading_and_writing_back_changes_no_value(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.lists(st.tuples(own_keys, ROWS[name]), min_size=1, max_size=12))
    def holds(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        lines = [line_of({**keys, **row}) for keys, row in rows]
        read = read_lines(lines, name)
        assert read.unreadable.to_pylist() == []
        written = encode(read.rows, name)
        assert [exact_value(line) for line in written] == [exact_value(line) for line in lines]

    holds()
