"""Properties that every measure and check of the catalogue keeps."""

from __future__ import annotations

import pickle
import random
import socket
import time
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from tamis import catalogue
from tamis.errors import RecipeError
from tamis.op import Measure
from tamis.recipe import Recipe, Step
from tamis.recipe import _build as build_recipe
from tamis.schema import FINDINGS

from .rows import conversations

OFFLINE = [n for n in (*catalogue.CHECKS, *catalogue.MEASURES) if n != "pass_rate"]
OPTIONS: dict[str, dict[str, Any]] = {"finding_counts": {"checks": list(catalogue.CHECKS)}}


def make(name: str) -> Measure:
    op = catalogue.make(name, OPTIONS.get(name, {}))
    assert isinstance(op, Measure)
    return op


def seen_by(op: Measure, batch: pa.RecordBatch) -> pa.RecordBatch:
    """What the engine shows an operator; findings columns are made by the real checks."""
    columns = {"id": batch.column("id")}
    for name in op.reads:
        if name in batch.schema.names:
            columns[name] = batch.column(name)
        else:
            check = make(name.removesuffix("_findings"))
            columns[name] = check(seen_by(check, batch)).column(name)
    return pa.RecordBatch.from_pydict(columns)


def measured(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    op = make(name)
    return op(seen_by(op, batch))


@pytest.fixture(scope="module")
def batch() -> pa.RecordBatch:
    return conversations()


@pytest.mark.parametrize("name", OFFLINE)
def test_gives_back_exactly_what_it_promised(name: str, batch: pa.RecordBatch) -> None:
    added = measured(name, batch)
    assert added.schema.equals(make(name).adds())
    assert added.num_rows == batch.num_rows
    added.validate(full=True)


@pytest.mark.parametrize("name", OFFLINE)
def test_whole_equals_split_equals_permuted(name: str, batch: pa.RecordBatch) -> None:
    whole = measured(name, batch).to_pylist()
    pieces = [measured(name, batch.slice(at, 7)).to_pylist() for at in range(0, len(batch), 7)]
    assert [row for piece in pieces for row in piece] == whole
    order = np.random.default_rng(1).permutation(len(batch))
    permuted = measured(name, batch.take(pa.array(order))).to_pylist()
    assert permuted == [whole[i] for i in order]


@pytest.mark.parametrize("name", OFFLINE)
def test_no_rows_give_no_rows(name: str, batch: pa.RecordBatch) -> None:
    added = measured(name, batch.slice(3, 0))
    assert added.num_rows == 0
    assert added.schema.equals(make(name).adds())


@pytest.mark.parametrize("name", OFFLINE)
def test_survives_pickling_and_a_recipe(name: str) -> None:
    op = make(name)
    assert pickle.loads(pickle.dumps(op)) == op
    step = Step(op=name, options=msgspec.to_builtins(op))
    assert Recipe(inputs=["x"], steps=[step]).operators()[0][1] == op


@pytest.mark.parametrize("name", catalogue.names())
def test_refuses_an_option_it_does_not_know(name: str) -> None:
    with pytest.raises(RecipeError, match="unknown option `thershold`"):
        catalogue.make(name, {"thershold": 1})


@pytest.mark.parametrize("name", OFFLINE)
def test_touches_no_network_clock_or_global_randomness(
    name: str, batch: pa.RecordBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(name, batch)  # models and kernels load here

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError(f"{name} reached for the outside world")

    for module, attribute in ((time, "time"), (random, "random"), (np.random, "rand")):
        monkeypatch.setattr(module, attribute, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    measured(name, batch)


@pytest.mark.parametrize("name", OFFLINE)
def test_says_what_it_reads_adds_and_comes_from(name: str) -> None:
    said = catalogue.describe(name)
    assert all(word in said for word in ("Reads:", "Adds:", "Source:")), said


@pytest.mark.parametrize("name", catalogue.CHECKS)
def test_findings_name_declared_rules_and_real_places(name: str, batch: pa.RecordBatch) -> None:
    op = make(name)
    rules = {rule.id: rule for rule in op.rules}
    rows = batch.to_pylist()
    for row, findings in zip(rows, measured(name, batch).column(0).to_pylist(), strict=True):
        for found in findings:
            assert found["rule"] in rules
            assert found["severity"] == rules[found["rule"]].severity
            text = text_at(row, found["path"])
            if found["start"] is not None and text is not None:
                assert 0 <= found["start"] <= found["end"] <= len(text)


def text_at(row: dict[str, Any], path: str) -> str | None:
    """The text a path names, None when it names a whole message or row."""
    value: Any = row
    for part in path.replace("]", "").replace("[", ".").split("."):
        if isinstance(value, list):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise AssertionError(f"{path} leads nowhere")
    return value if isinstance(value, str) else None


@pytest.mark.parametrize("name", catalogue.CHECKS)
def test_a_check_adds_one_column_of_findings(name: str) -> None:
    adds = make(name).adds()
    assert adds.names == [f"{name}_findings"]
    assert adds.field(0).type == FINDINGS


def test_a_recipe_with_every_operator_survives_yaml() -> None:
    from tamis import recipe

    steps = [Step(op=name, options=OPTIONS.get(name, {})) for name in OFFLINE]
    text = recipe.dump(Recipe(inputs=["x"], steps=steps))
    import yaml

    mistakes: list[str] = []
    loaded = build_recipe(yaml.safe_load(text), mistakes)
    assert mistakes == []
    assert loaded is not None
    assert loaded.operators() == Recipe(inputs=["x"], steps=steps).operators()
