"""Plain functions as Measures: named, picklable, checked."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from tamis.errors import RecipeError, SchemaError
from tamis.measures.plain import PerConversation, PerMessage, per_conversation, per_message
from tamis.records import Conversation

Measured = Callable[..., list[dict[str, Any]]]
TALK = [
    {"role": "user", "content": "WHY?"},
    {"role": None, "content": "Because.", "tool_calls": [{"name": "f", "arguments": "{}"}]},
    {"role": "assistant", "content": None},
]


def count_and_source(conversation: Conversation) -> dict[str, Any]:
    calls = sum(len(message.tool_calls or []) for message in conversation.messages)
    return {"n": len(conversation.messages) + calls, "source_name": conversation.source}


def is_shouting(text: str, role: str) -> bool | None:
    return text.isupper() if role == "user" else None


def n_chars(text: str, role: str) -> int:
    return len(text)


def wrong_kind(conversation: Conversation) -> Any:
    return "many"


def wrong_names(conversation: Conversation) -> Any:
    return {"m": 1}


def truth(conversation: Conversation) -> Any:
    return True


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """This file as a module that can be imported by name, as a user's own is."""
    module = ModuleType("plain_functions_of_the_test")
    for function in (count_and_source, is_shouting, n_chars, wrong_kind, wrong_names, truth):
        setattr(module, function.__name__, function)
        monkeypatch.setattr(function, "__module__", module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_function_of_a_conversation_adds_columns(measure: Measured) -> None:
    op = per_conversation(count_and_source, adds={"n": "int64", "source_name": pa.string()})
    assert measure(op, TALK, None) == [
        {"n": 4, "source_name": "here"},
        {"n": 0, "source_name": "here"},
    ]
    named = PerConversation(
        function="plain_functions_of_the_test:count_and_source",
        columns=(("n", "int64"), ("source_name", "string")),
    )
    assert op == named == pickle.loads(pickle.dumps(op))


def test_a_function_of_a_message_adds_a_list_or_a_number(measure: Measured) -> None:
    op = per_message(is_shouting, adds={"shouting": "bool"})
    assert measure(op, TALK, []) == [{"shouting": [True, None, None]}, {"shouting": []}]
    for combine, number in (("sum", 12), ("mean", 6.0), ("max", 8), ("min", 4)):
        combined = per_message(n_chars, adds={"size": "float64"}, combine=combine)
        assert measure(combined, TALK, []) == [{"size": number}, {"size": None}]
    assert isinstance(op, PerMessage)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (wrong_kind, "wrong_kind row row:0: expected `n` as int64, got 'many'"),
        (wrong_names, "wrong_names row row:0: expected the columns n, got m"),
        (truth, "truth row row:0: expected `n` as int64"),
    ],
)
def test_what_does_not_fit_names_function_and_row(
    measure: Measured, function: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(SchemaError, match=reason):
        measure(per_conversation(function, adds={"n": "int64"}), TALK)


def test_a_function_that_workers_cannot_import_is_refused() -> None:
    with pytest.raises(RecipeError, match="define it at the top of a module"):
        per_message(lambda text, role: 1, adds={"n": "int64"})
    with pytest.raises(RecipeError, match="expected `module:name`"):
        per_message("len", adds={"n": "int64"})(pa.record_batch({"id": [], "messages": []}))
    with pytest.raises(RecipeError, match="cannot be imported"):
        per_message("builtins:nothing", adds={"n": "int64"})(
            pa.record_batch({"id": [], "messages": []})
        )
    with pytest.raises(RecipeError, match="expected the name of an Arrow type"):
        per_message("builtins:len", adds={"n": "number"})
