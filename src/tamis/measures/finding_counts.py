"""How many findings of each severity a row has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import SchemaError
from tamis.op import Measure


class FindingCounts(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The findings of some checks, counted by severity: what a Keep bounds.

    Reads:   `<check>_findings` of each check named in `checks`.
    Adds:    n_errors, n_warnings, n_infos  int32, never null.
    Cost:    Arrow and numpy only.
    Source:  our own.
    Raises:  SchemaError if a column is missing or holds no findings.
    """

    checks: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:  # type: ignore[override]
        """The findings columns of the checks."""
        return tuple(f"{check}_findings" for check in self.checks)

    def adds(self) -> pa.Schema:
        """Three counts."""
        names = ("n_errors", "n_warnings", "n_infos")
        return pa.schema([pa.field(name, pa.int32()) for name in names])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Count a batch."""
        counts = {
            name: np.zeros(len(batch), dtype=np.int64) for name in ("error", "warning", "info")
        }
        for column in self.reads:
            if column not in batch.schema.names:
                raise SchemaError(
                    f"{column}: expected a column of findings, got none; run the check first"
                )
            findings = batch.column(column)
            if not pa.types.is_list(findings.type):
                raise SchemaError(f"{column}: expected a list of findings, got {findings.type}")
            rows = pc.list_parent_indices(findings).to_numpy()
            severities = pc.struct_field(pc.list_flatten(findings), "severity")
            for severity in counts:
                is_one = pc.fill_null(pc.equal(severities, severity), False)
                found = rows[is_one.to_numpy(zero_copy_only=False)]
                counts[severity] += np.bincount(found, minlength=len(batch))
        return pa.record_batch(
            [pa.array(c, type=pa.int32()) for c in counts.values()], schema=self.adds()
        )
