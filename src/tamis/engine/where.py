"""`--where`: an SQL condition over scalar columns, as an ordinary measure."""

from __future__ import annotations

import re

import pyarrow as pa

from tamis.errors import RecipeError
from tamis.op import Measure

_CHANCE = re.compile(
    r"\b(random|setseed|uuid|gen_random_uuid|now|today|current_\w+|get_current_\w+|txid_current|nextval)\s*\(",
    re.IGNORECASE,
)


class WhereHolds(Measure, frozen=True):
    """Whether an SQL condition holds for a row; the Keep after it acts on it.

    Reads:   the scalar columns named in the condition.
    Adds:    where_holds  int8, 1 or 0; an SQL NULL (a null in the row) counts as not holding.
    Raises:  RecipeError when DuckDB cannot read the condition.
    Source:  DuckDB's SQL, without access to files or network.
    """

    expression: str
    columns: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:  # type: ignore[override]
        """The scalar columns named in the condition."""
        return self.columns

    def adds(self) -> pa.Schema:
        """where_holds int8."""
        return pa.schema([pa.field("where_holds", pa.int8())])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask DuckDB row by row of this batch; order is kept."""
        import duckdb

        chance = _CHANCE.search(self.expression)
        if chance is not None:
            raise RecipeError(
                f"--where {self.expression!r}: {chance.group(1)}() differs from run to run; "
                "use --limit, or a condition on the rows"
            )
        with duckdb.connect(config={"enable_external_access": "false", "threads": "1"}) as sql:
            sql.register("batch", pa.Table.from_batches([batch]))
            query = (
                f"select coalesce(({self.expression})::boolean, false)::tinyint as where_holds "
                "from batch"
            )
            try:
                answer = sql.sql(query).arrow()
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise RecipeError(f"--where {self.expression!r}: {reason}") from error
        table = answer.read_all() if isinstance(answer, pa.RecordBatchReader) else answer
        column = table.column("where_holds").combine_chunks()
        if len(column) != batch.num_rows:
            raise RecipeError(f"--where {self.expression!r}: expected a condition on each row")
        return pa.RecordBatch.from_arrays([column], schema=self.adds())
