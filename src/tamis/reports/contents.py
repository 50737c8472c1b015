"""What `report.json` holds, as typed structs; `report.schema.json` is generated from them.

Rates lie in [0, 1]. `null` means not measured or not stated, never zero. Everything is already counted
and binned: no list grows with the number of rows.
"""

from __future__ import annotations

import msgspec

from tamis.errors import SchemaError
from tamis.reports.run_folder import RunCommand, RunGap, RunInput, RunModel
from tamis.reports.score_numbers import ScoreNumber

SCHEMA_VERSION = 1


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`count` of `n`, as a rate with its 95 % Wilson interval; the three are null when n is 0."""

    count: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many rows came, stayed and left; the sum rules hold between them.

    read = parsed + unreadable; parsed + made = kept + dropped; written = sum of copies over kept.
    """

    read: int
    unreadable: int
    parsed: int
    made: int
    kept: int
    dropped: int
    written: int


class SumRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule the counts obey, spelled out with the run's numbers."""

    rule: str
    numbers: str
    holds: bool


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why rows left, with how many left for it."""

    reason: str
    count: int


class Dropped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dropped row shown as an illustration: its peer is the kept row it was compared with."""

    id: str
    reason: str
    peer_id: str | None
    score: float | None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of the run: rows in, rows out, why rows left, how many were edited."""

    step: str
    op: str
    shape: str
    rows_in: int
    rows_out: int
    changed: int
    repeated: int
    dropped: list[Reason]
    examples: list[Dropped]
    seconds: float | None
    options: str


class Found(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One finding shown as an illustration; `found` counts findings of its rule in that row."""

    id: str
    path: str
    message: str
    excerpt: str | None
    found: int


class RuleFindings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule and what it found; `rows` is how many rows it hit, of those it looked at."""

    rule: str
    severity: str
    dimension: str
    summary: str
    fix: str
    good: str
    bad: str
    findings: int
    rows: Rate
    worst: list[Found]


class Findings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the checks found; `rows` is the share of rows with at least one finding."""

    total: int
    rows: Rate
    by_severity: dict[str, int]
    rows_by_severity: dict[str, Rate]
    rules: list[RuleFindings]


class CleanRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that ran and found nothing; `at_most` is the upper 95 % bound of its true rate."""

    rule: str
    severity: str
    dimension: str
    summary: str
    n: int
    at_most: float | None


class Checks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The checks of a run: what they found and which rules found nothing."""

    findings: Findings
    clean: list[CleanRule]


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One edit shown as an illustration: the piece of text before and after it."""

    id: str
    path: str
    before: str
    after: str


class RuleChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of change and how often it was made."""

    step: str
    rule: str
    changes: int
    rows: int
    examples: list[Edit]


class UnreadableRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row that could not be read: where it is, why, and how it begins."""

    file: str
    line: int | None
    byte_offset: int | None
    reason: str
    start: str


class UnreadableReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reason for which rows could not be read, numbers in it left out."""

    reason: str
    count: int
    examples: list[UnreadableRow]


class Bin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bar: values `low` <= x < `high` (the last bin includes `high`); `kept` of them stayed.

    A null `low` or `high` means no bound on that side.
    """

    label: str
    low: float | None
    high: float | None
    count: int
    kept: int | None


class NumberColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured number over all rows: exact quantiles and a binned picture."""

    name: str
    title: str
    unit: str
    measured_in: str
    n: int
    nulls: int
    estimated: bool
    mean: float
    smallest: float
    quantiles: dict[str, float]
    largest: float
    bins: list[Bin]


class WordColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured word (or list of words) over all rows: the commonest values and the rest."""

    name: str
    title: str
    measured_in: str
    n: int
    nulls: int
    lists: bool
    distinct: int
    values: list[Bin]
    others: int


class UnchartedColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured column that has no picture, and why."""

    name: str
    measured_in: str
    reason: str


class Distributions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every scalar column the run measured."""

    numbers: list[NumberColumn]
    words: list[WordColumn]
    uncharted: list[UnchartedColumn]


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of a duplicate cluster; `similarity` is to the kept row and null for that row itself."""

    id: str
    kept: bool
    similarity: float | None
    reason: str | None
    evidence: str | None


class Cluster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that say the same; `size` counts the kept one too, `members` shows some of them."""

    kept_id: str
    size: int
    opening: str | None
    members: list[Member]


class Clusters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The duplicate clusters of one step, the largest shown."""

    step: str
    op: str
    threshold: float | None
    clusters: int
    dropped: int
    rows: Rate
    sizes: list[Bin]
    pairs: int | None
    similarities: list[Bin]
    largest: list[Cluster]


class QuestionRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question: right answers of graded ones, with the interval of its pass rate."""

    id: str
    passes: Rate
    kept: bool | None


class IdList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some ids of many."""

    count: int
    ids: list[str]


class Informative(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of groups of `group` answers with both right and wrong ones, as expected.

    `all` is over every question with enough answers, `band` over those inside the band.
    """

    group: int
    questions: int
    all: float
    band: float | None


class PassRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pass rates of the questions of a calibration."""

    measured_in: str
    questions: int
    unmeasured: int
    answers: int
    ungradable: int | None
    truncated: int | None
    passes: Rate
    band_low: float | None
    band_high: float | None
    in_band: Rate | None
    surely_in_band: int | None
    widest: float | None
    answers_each: list[Bin]
    bins: list[Bin]
    shown: list[QuestionRate]
    never: IdList
    always: IdList
    informative: list[Informative]


class SummaryTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table a Summary made, its first rows as text."""

    step: str
    columns: list[str]
    rows: list[list[str | None]]
    n_rows: int


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run: what came, what left and why, what was found, and what was not looked at.

    `only_looks` is true for a command that writes no rows.
    """

    name: str
    title: str
    command: str
    kind: str
    only_looks: bool
    tamis_version: str
    seed: int | None
    started: str | None
    finished: str | None
    seconds: float | None
    summary: list[str]
    counts: Counts
    sums: list[SumRule]
    dropped_by: list[Reason]
    inputs: list[RunInput]
    set_aside: list[RunInput]
    models: list[RunModel]
    steps: list[Step]
    unreadable: list[UnreadableReason]
    checks: Checks | None
    changes: list[RuleChanges]
    clusters: list[Clusters]
    pass_rates: list[PassRates]
    scores: list[ScoreNumber] = []
    distributions: Distributions
    tables: list[SummaryTable]
    not_checked: list[RunGap]
    next: list[RunCommand]
    recipe: str


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of one or more runs."""

    schema_version: int
    title: str
    tamis_version: str
    sections: list[Section]


def read_report(report: dict[str, object]) -> Report:
    """The plain data of a `report.json` as typed structs.

    Raises:  SchemaError when it is not a report, or one of another version.
    """
    version = report.get("schema_version")
    if version != SCHEMA_VERSION:
        raise SchemaError(
            f"report: expected schema_version {SCHEMA_VERSION}, got {version!r}; "
            "make the report again from its run folder"
        )
    try:
        return msgspec.convert(report, Report)
    except msgspec.ValidationError as error:
        raise SchemaError(f"report: {error}; make the report again from its run folder") from error


def report_schema() -> bytes:
    """The JSON Schema (2020-12) of `report.json`, as the text of `report.schema.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tamis report",
        **msgspec.json.schema(Report),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"
