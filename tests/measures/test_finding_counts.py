"""FindingCounts: findings of the named checks by severity, and a clear word when there are none."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from tamis.errors import SchemaError
from tamis.measures.finding_counts import FindingCounts
from tamis.schema import FINDINGS


def findings(*severities: str) -> list[dict[str, str]]:
    return [{"rule": "a/b", "severity": s, "path": "messages", "message": ""} for s in severities]


def test_findings_are_counted_by_severity_over_the_named_checks() -> None:
    one = [findings("error", "info"), [], findings("warning", "warning"), findings("error")]
    two = [[], [], findings("error"), findings("error", "error")]
    columns = {"one_findings": pa.array(one, FINDINGS), "two_findings": pa.array(two, FINDINGS)}
    op = FindingCounts(checks=("one", "two"))
    assert op.reads == ("one_findings", "two_findings")
    batch = pa.record_batch(columns)
    found = op(batch)
    assert found.schema == op.adds()
    assert found.to_pydict() == {
        "n_errors": [1, 0, 1, 3],
        "n_warnings": [0, 0, 2, 0],
        "n_infos": [1, 0, 0, 0],
    }
    assert op(batch.slice(2, 2)).equals(found.slice(2, 2))
    assert op(batch.slice(0, 0)).num_rows == 0
    assert pickle.loads(pickle.dumps(op)) == op


def test_a_missing_or_wrong_column_is_named() -> None:
    batch = pa.record_batch({"id": ["a"], "two_findings": [1]})
    with pytest.raises(SchemaError, match="one_findings: expected a column of findings"):
        FindingCounts(checks=("one",))(batch)
    with pytest.raises(SchemaError, match="two_findings: expected a list of findings, got int64"):
        FindingCounts(checks=("two",))(batch)
