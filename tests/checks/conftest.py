"""A batch out of plain conversations, for the tests of checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from tamis.op import Measure
from tamis.schema import MESSAGES

Conversation = Sequence[dict[str, Any]] | None
FindRules = Callable[..., list[list[str]]]
Find = Callable[..., list[list[dict[str, Any]]]]


def batch_of(conversations: Sequence[Conversation], tools: Sequence[str | None]) -> pa.RecordBatch:
    """One row a conversation, with the columns every check of messages and tools reads."""
    ids = [f"row:{row}" for row in range(len(conversations))]
    return pa.record_batch(
        {
            "id": pa.array(ids, pa.string()),
            "messages": pa.array(conversations, MESSAGES),
            "tools": pa.array(list(tools) or [None] * len(ids), pa.string()),
        }
    )


@pytest.fixture
def find() -> Find:
    """Findings of each conversation, as dicts; asserts that slices of the batch say the same."""

    def _find(
        check: Measure, *conversations: Conversation, tools: Sequence[str | None] = ()
    ) -> list[list[dict[str, Any]]]:
        batch = batch_of(conversations, tools)
        whole = check(batch)
        assert whole.schema == check.adds()
        found: list[list[dict[str, Any]]] = whole.column(0).to_pylist()
        apart = [check(batch.slice(row, 1)).column(0).to_pylist()[0] for row in range(len(found))]
        assert apart == found
        return found

    return _find


@pytest.fixture
def find_rules(find: Find) -> FindRules:
    """The rule ids found in each conversation, in order."""

    def _find_rules(
        check: Measure, *conversations: Conversation, tools: Sequence[str | None] = ()
    ) -> list[list[str]]:
        found = find(check, *conversations, tools=tools)
        return [[finding["rule"] for finding in row] for row in found]

    return _find_rules
