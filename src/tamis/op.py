"""The five shapes of operators: Measure, Summary, Rewrite, Keep, Select.

Every operator is a frozen struct that refuses unknown options, so that a recipe is its plain data.
Operators are pure: no network, clock or global randomness unless `uses` says so, nothing heavy in a
field (models and indexes come from cached loaders keyed by the field values). They are given a batch
with `id` and the columns in `reads`, nothing else. Those that run untrusted code say `uses = ("sandbox",)`
and run in worker processes only, which an interrupt ends at once.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
import pyarrow as pa

from tamis.llm.types import Asker
from tamis.records import Rule

Use = Literal["llm", "sandbox"]


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some columns of a batch in, only new columns out, the same number of rows in the same order."""

    reads: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[Use, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()
    version: ClassVar[int] = 1

    def adds(self) -> pa.Schema:
        """Exactly the columns that come back, whatever the options."""
        raise NotImplementedError

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch. An operator with `uses = ("llm",)` has `ask_batch` instead."""
        raise NotImplementedError

    async def ask_batch(self, batch: pa.RecordBatch, llm: Asker) -> pa.RecordBatch:
        """Measure a batch by asking a model; runs in the parent's one event loop."""
        raise NotImplementedError


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mergeable sketches of all rows in, one table of numbers out; never decisions."""

    reads: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A partial table for one batch, small whatever the batch's size."""
        raise NotImplementedError

    def merge(self, sketches: pa.Table) -> pa.Table:
        """Concatenated sketches in, one sketch table of the same schema out; associative."""
        raise NotImplementedError

    def finish(self, sketch: pa.Table) -> pa.Table:
        """The merged sketch in, the table that people and reports read out."""
        raise NotImplementedError


class Rewritten(msgspec.Struct, frozen=True):
    """What a Rewrite gives back: all rows, edited or not, and one CHANGES row for each edit."""

    rows: pa.RecordBatch
    changes: pa.RecordBatch


class Rewrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rows in, the same rows out with some texts mended, none lost; each edit is a CHANGES row.

    The batch holds `id`, `edited` and the columns in `reads`; the same columns come back, `edited`
    true where a row changed. `step` of the changes is left null: the engine knows it.
    """

    reads: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[tuple[Use, ...]] = ()
    version: ClassVar[int] = 1

    def __call__(self, batch: pa.RecordBatch) -> Rewritten:
        """Mend a batch."""
        raise NotImplementedError


class Select(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A choice among rows that looks at them together: sketch, candidates, verify, decide.

    `reads` are the columns `sketch` sees, `verify_reads` those of the rows `verify` sees,
    `decide_reads` the fact columns `decide` sees beside the sketch. Sketch tables, facts and pairs are
    row-aligned by ordinal. Results do not depend on row order: ties are broken by `id`.
    Re-thresholding runs only `decide`, over stored facts and pairs.
    """

    version: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns `sketch` sees beside `id`."""
        raise NotImplementedError

    @property
    def verify_reads(self) -> tuple[str, ...]:
        """Columns of the rows `verify` sees; empty when there is nothing to verify."""
        return ()

    @property
    def decide_reads(self) -> tuple[str, ...]:
        """Fact columns `decide` sees, beside `id` and the sketch."""
        return ()

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`id` and a few small columns per row."""
        raise NotImplementedError

    def candidates(self, sketch: pa.Table) -> pa.Table:
        """PAIRS that might be alike (similarity null), every true pair with the stated recall."""
        raise NotImplementedError

    def verify(self, pairs: pa.RecordBatch, rows: pa.Table) -> pa.RecordBatch:
        """PAIRS with their true similarity and evidence; `left` and `right` index into `rows`."""
        raise NotImplementedError

    def reuses(self, stored: Select) -> bool:
        """Whether the sketches and pairs that `stored` made hold all this operator needs."""
        return self == stored

    def decide(self, facts: pa.Table, pairs: pa.Table) -> pa.Table:
        """DECISIONS, one row for every row of `facts` in its order; `step` is left null."""
        raise NotImplementedError


class Keep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keep the rows whose `column` lies within the bounds; the rule is data, not code.

    A null value is "not measured", never a number: `nulls` says what becomes of such rows. `reason`
    is what the ledger says of a dropped row; by default the column and the bound it missed. Where rows
    are dropped for causes of their own, `reason_column` and `detail_column` name texts that say them.

    Reads:   the one column, and the columns of texts.
    Raises:  SchemaError if a column is missing or not of its type.
    """

    column: str
    at_least: float | None = None
    at_most: float | None = None
    nulls: Literal["drop", "keep"] = "drop"
    reason: str | None = None
    reason_column: str | None = None
    detail_column: str | None = None
    version: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[str, ...]:
        """The column it looks at, and those that say why."""
        return (self.column, *self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of texts that say why a row is dropped."""
        return tuple(c for c in (self.reason_column, self.detail_column) if c is not None)


Op = Measure | Summary | Rewrite | Keep | Select
