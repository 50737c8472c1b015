"""Wrong arithmetic in prose: `5 + 3 = 9`, `<<48/2=25>>`, `20% of 50 = 11`."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.checks.equations import wrong_equations
from tamis.checks.scan import excerpt, message_texts_hit
from tamis.columns import FindingsBuilder, flat_messages
from tamis.kernels.patterns import PatternSet, string_buffers
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS

_WRONG = Rule(
    id="arithmetic/wrong-result",
    severity="error",
    dimension="correctness",
    summary="An equation of plain numbers does not hold",
    fix="Work the calculation again and mend the result and all that follows from it",
    good="12 * 4 = 48",
    bad="12 * 4 = 46",
)
_DROPPED = Rule(
    id="arithmetic/dropped-fraction",
    severity="info",
    dimension="correctness",
    summary="A result was cut to the whole number below without saying so",
    fix="Say that it is rounded down, or give the fraction",
    good="17 / 5 = 3.4, so 3 full boxes",
    bad="19 / 5 = 3",
)


class Arithmetic(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Equations of plain numbers that do not hold, in what the assistant writes.

    Reads `+ - * / ^ × ÷ − ·`, brackets, percentages, currency signs, thousands separators, chains
    (`2*3+4 = 6+4 = 10`), calculator annotations (`<<48/2=24>>`), `等于` and `equals`. A result rounded
    or cut off at the digits shown is right. Let go: code, variables, units that convert, ranges,
    dates, approximations, modulo, anything that continues beyond what was read.

    Reads:   messages; assistant content and reasoning.
    Adds:    arithmetic_findings  FINDINGS; one for each equation that is wrong.
    Cost:    one Hyperscan pass; exact fractions for the texts with an equation that is not plainly right.
    Source:  calculator annotations of GSM8K (Cobbe et al. 2021); the rules are our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (_WRONG, _DROPPED)

    def adds(self) -> pa.Schema:
        """One column of findings."""
        return pa.schema([pa.field("arithmetic_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look at every assistant text of the batch."""
        flat = flat_messages(batch.column("messages"))
        findings = FindingsBuilder(flat.n_rows)
        hits = message_texts_hit(
            flat, _prefilter(), assistant_only=True, pass_over=_are_plainly_right
        )
        for hit in hits:
            for wrong in wrong_equations(hit.text):
                findings.report(
                    hit.row,
                    _DROPPED if wrong.is_floor else _WRONG,
                    hit.path,
                    f"{wrong.left} is {_written(wrong.value)}, not {wrong.right}",
                    start=wrong.start,
                    end=wrong.end,
                    excerpt=excerpt(hit.text, wrong.start, wrong.end),
                )
        return pa.record_batch([findings.column()], schema=self.adds())


def _are_plainly_right(
    texts: pa.StringArray, places: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    # numba is slow to import, and most batches have no equation
    from tamis.kernels.plain_equations import plainly_right

    offsets, content = string_buffers(texts)
    are_right: npt.NDArray[np.bool_] = plainly_right(
        np.frombuffer(content, np.uint8), offsets.astype(np.int64), places
    )
    return are_right


@functools.cache
def _prefilter() -> PatternSet:
    # operand, equals, operand: with a bracket, sign or currency in between at most
    equals = "(?:=|＝|等于|equals|is equal to)"
    before = "(?:[0-9)%}]|\\]|）|％|²|³)"
    after = "(?:[0-9.($<\\[\\\\-]|−|（|€|£|¥|￥|₹|\\*\\*)"
    return PatternSet(patterns=(f"{before} ?(?:\\*\\*)? ?{equals} ?{after}",))


def _written(value: Fraction) -> str:
    """A value for people: whole, or with six digits behind the point at most.

    >>> _written(Fraction(5, 2)), _written(Fraction(1, 3))
    ('2.5', '0.333333…')
    """
    if value.denominator == 1:
        return str(value.numerator)
    rounded = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return rounded if Fraction(rounded) == value else rounded + "…"
