"""From a recipe to passes: everything between two Selects streams through the rows once.

A pass is plain data that a worker process receives: the steps to run on each batch, the Select whose
sketch is taken at its end, and the exact schema of everything it writes.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec
import pyarrow as pa

from tamis import catalogue
from tamis.engine.where import WhereHolds
from tamis.errors import RecipeError, SchemaError
from tamis.op import Keep, Measure, Op, Select
from tamis.recipe import Recipe
from tamis.schema import FINDINGS, ROWS, Kind

# Measured columns that are stored exploded, one row an element, and do not travel with the rows.
ROLLOUTS_COLUMN = "rollouts"


RowsTo = Literal["dataset", "file", "nowhere"]


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One streaming pass: its steps, the Select it ends in, and the schemas of what it writes."""

    index: int
    kind: Kind
    steps: tuple[tuple[str, Op], ...]
    select: tuple[str, Select] | None
    data_schema: pa.Schema
    facts_schema: pa.Schema
    writes_data: bool

    @property
    def asks_models(self) -> bool:
        """Whether a step talks to a model, so that the pass runs in the parent's event loop."""
        return any(catalogue.shape_of(op) == "model" for _, op in self.steps)

    @property
    def runs_code(self) -> bool:
        """Whether a step runs untrusted code, so that the pass never runs in the parent process."""
        return any("sandbox" in getattr(op, "uses", ()) for _, op in self.steps)


def travels(field: pa.Field) -> bool:
    """Whether a measured column stays with the rows (findings and rollouts are stored apart)."""
    return bool(field.type != FINDINGS and field.name != ROLLOUTS_COLUMN)


def is_scalar(field: pa.Field) -> bool:
    """Whether a column is one plain value a row, and so belongs to the facts."""
    return not pa.types.is_nested(field.type)


def plan(recipe: Recipe, kind: Kind, schema: pa.Schema, *, rows_to: RowsTo) -> list[Pass]:
    """Cut a recipe into passes over rows of `schema`; every mistake in column names is found here.

    A pass that ends in a Select always writes its rows. After it, a data set needs one pass more to
    apply the choice; a file does not, its writer does that.
    """
    operators = [*_where_steps(recipe, schema), *recipe.operators()]
    passes: list[Pass] = []
    steps: list[tuple[str, Op]] = []
    columns = schema
    for name, op in operators:
        _check_reads(name, op, kind, columns)
        if isinstance(op, Select):
            passes.append(_pass(len(passes), kind, steps, (name, op), columns))
            steps = []
            columns = passes[-1].data_schema
        else:
            steps.append((name, op))
            columns = _after(columns, op)
    if steps or not passes or rows_to == "dataset":
        last = _pass(len(passes), kind, steps, None, columns)
        passes.append(msgspec.structs.replace(last, writes_data=rows_to != "nowhere"))
    return passes


def _pass(
    index: int,
    kind: Kind,
    steps: list[tuple[str, Op]],
    select: tuple[str, Select] | None,
    after: pa.Schema,
) -> Pass:
    row_columns = set(ROWS[kind].names)
    data = pa.schema([field for field in after if field.name in row_columns or travels(field)])
    measured = [f for f in after if f.name not in row_columns and travels(f) and is_scalar(f)]
    return Pass(
        index=index,
        kind=kind,
        steps=tuple(steps),
        select=select,
        data_schema=data,
        facts_schema=pa.schema([pa.field("id", pa.string()), *measured]),
        writes_data=True,
    )


def _after(columns: pa.Schema, op: Op) -> pa.Schema:
    if not isinstance(op, Measure):
        return columns
    for field in op.adds():
        at = columns.get_field_index(field.name)
        columns = columns.append(field) if at < 0 else columns.set(at, field)
    return columns


def _check_reads(name: str, op: Op, kind: Kind, columns: pa.Schema) -> None:
    if isinstance(op, Measure):
        taken = [field.name for field in op.adds() if field.name in ROWS[kind].names]
        if taken:
            raise SchemaError(
                f"step `{name}` adds `{taken[0]}`, which rows of kind {kind} have already; "
                "give the column another name"
            )
    wanted = [*op.reads]
    if isinstance(op, Select):
        wanted += [*op.verify_reads, *op.decide_reads]
    for column in wanted:
        if column not in columns.names:
            maker = maker_of(column)
            hint = (
                f"; put `{maker}` before it"
                if maker
                else f"; rows of kind {kind} have {', '.join(columns.names)}"
            )
            raise SchemaError(f"step `{name}` reads `{column}`, which is not there{hint}")
    if isinstance(op, Keep):
        _check_number(name, op.column, columns)
        _check_bounds(name, op)
        for column in op.texts:
            _check_text(name, column, columns)
    if isinstance(op, Select):
        for column in op.decide_reads:
            _check_number(name, column, columns)


def _check_number(name: str, column: str, columns: pa.Schema) -> None:
    kind = columns.field(column).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise SchemaError(f"step `{name}`: `{column}` is {kind}, expected a number")


def _check_text(name: str, column: str, columns: pa.Schema) -> None:
    if not pa.types.is_string(columns.field(column).type):
        raise SchemaError(
            f"step `{name}`: `{column}` is {columns.field(column).type}, expected a text"
        )


def _check_bounds(name: str, op: Keep) -> None:
    bounds = [bound for bound in (op.at_least, op.at_most) if bound is not None]
    if not bounds:
        raise RecipeError(f"step `{name}`: give `at_least`, `at_most` or both")
    if any(math.isnan(bound) for bound in bounds):
        raise RecipeError(f"step `{name}`: expected a number as bound, got nan")
    if bounds != sorted(bounds):
        raise RecipeError(
            f"step `{name}`: at_least {op.at_least:g} is above at_most {op.at_most:g}; nothing could be kept"
        )


def maker_of(column: str) -> str | None:
    """The built-in measure that adds `column`, if one does."""
    if column.endswith("_findings"):
        check = column.removesuffix("_findings")
        return check if check in catalogue.CHECKS else None
    for name in ("lengths", "turns", "language", "opener", "finding_counts"):
        options = {"checks": list(catalogue.CHECKS)} if name == "finding_counts" else {}
        measure = catalogue.make(name, options)
        if isinstance(measure, Measure) and column in measure.adds().names:
            return name
    return None


def _where_steps(recipe: Recipe, schema: pa.Schema) -> list[tuple[str, Op]]:
    if recipe.where is None:
        return []
    words = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", recipe.where)))
    steps: list[tuple[str, Op]] = []
    for name in ("lengths", "turns", "language", "opener"):
        measure: Any = catalogue.make(name, {})
        added = set(measure.adds().names)
        if words & added - set(schema.names) and set(measure.reads) <= set(schema.names):
            steps.append((f"where:{name}", measure))
            schema = _after(schema, measure)
    reads = tuple(sorted(words & {f.name for f in schema if is_scalar(f)}))
    if not reads:
        scalars = [f.name for f in schema if is_scalar(f)]
        raise RecipeError(
            f"--where {recipe.where!r}: names no known column; known: {', '.join(scalars)}"
        )
    holds = WhereHolds(expression=recipe.where, columns=reads)
    keep = Keep(column="where_holds", at_least=1, reason=f"not where {recipe.where}")
    return [*steps, ("where_holds", holds), ("where", keep)]
