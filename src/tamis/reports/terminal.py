"""A report in a few plain lines for the terminal, and as Markdown."""

from __future__ import annotations

from tamis.reports.contents import Rate, Section, read_report
from tamis.reports.visible import visible
from tamis.reports.words import count_noun, show_interval, show_percent

_MAX_RULES = 8
_MAX_REASONS = 3


def summary_lines(report: dict[str, object]) -> list[str]:
    """What a command prints when it ends: counts, why rows left, what was found, what to run next."""
    read = read_report(report)
    lines: list[str] = []
    for section in read.sections:
        if len(read.sections) > 1:
            lines += [*([""] if lines else []), section.title]
        lines += _section_lines(section)
    return [visible(line) for line in lines]


def _section_lines(section: Section) -> list[str]:
    counts = section.counts
    made = f" + {counts.made:,} made" if counts.made else ""
    lines = [
        f"{count_noun(counts.read, section.kind)} read: {counts.parsed:,} parsed{made}, "
        f"{counts.unreadable:,} unreadable; {counts.kept:,} kept, {counts.dropped:,} dropped, "
        f"{counts.written:,} written"
    ]
    lines += [f"  dropped {reason.count:>7,}  {reason.reason}" for reason in section.dropped_by]
    lines += _unread_lines(section)
    lines += _finding_lines(section)
    lines += [
        f"changed {change.changes:,} times: {change.rule} ({count_noun(change.rows, section.kind)})"
        for change in section.changes[:3]
    ]
    lines += [
        f"{clusters.step}: {count_noun(clusters.clusters, 'clusters')}, {clusters.dropped:,} dropped"
        for clusters in section.clusters
    ]
    for rates in section.pass_rates:
        lines.append(
            f"right {_told(rates.passes)} of answers to {count_noun(rates.questions, 'questions')}"
        )
        lines.append(f"  never right {rates.never.count:,}, always right {rates.always.count:,}")
        if rates.in_band is not None:
            lines.append(f"  in the band {rates.in_band.count:,} ({_told(rates.in_band)})")
    lines += [
        f"answers: {model.model}, {model.source or 'source not stated'}" for model in section.models
    ]
    lines += [f"next: {step.command}  # {step.why}" for step in section.next]
    return lines


def _unread_lines(section: Section) -> list[str]:
    shown, rest = section.unreadable[:_MAX_REASONS], section.unreadable[_MAX_REASONS:]
    told = [(reason.count, reason.reason) for reason in shown]
    if rest:
        more = count_noun(len(rest), "more reasons")
        told.append((sum(reason.count for reason in rest), f"for {more}"))
    return [f"  unread  {count:>7,}  {reason}" for count, reason in told]


def _finding_lines(section: Section) -> list[str]:
    if section.checks is None:
        return []
    findings = section.checks.findings
    if findings.total == 0:
        return [f"no findings; {count_noun(len(section.checks.clean), 'rules')} looked"]
    lines = [
        f"{count_noun(findings.total, 'findings')} in {count_noun(findings.rows.count, section.kind)}: "
        + ", ".join(f"{n:,} {severity}" for severity, n in findings.by_severity.items())
    ]
    width = max(len(rule.rule) for rule in findings.rules[:_MAX_RULES])
    lines += [
        f"  {rule.severity:<7} {rule.rows.count:>7,}  {rule.rule:<{width}}  {_told(rule.rows)}"
        for rule in findings.rules[:_MAX_RULES]
    ]
    more = len(findings.rules) - _MAX_RULES
    return [*lines, f"  and {count_noun(more, 'more rules')}"] if more > 0 else lines


def _told(rate: Rate) -> str:
    if rate.rate is None:
        return "none looked at"
    return f"{show_percent(rate.rate)} ({show_interval(rate)}, n = {rate.n:,})"


def markdown(report: dict[str, object]) -> str:
    """The report as Markdown for a pull request: sentences, counts, findings by rule, gaps, commands."""
    read = read_report(report)
    blocks = [f"# {_escape(read.title)}"]
    for section in read.sections:
        blocks += _markdown_section(section, alone=len(read.sections) == 1)
    return visible("\n\n".join(blocks)) + "\n"


def _markdown_section(section: Section, *, alone: bool) -> list[str]:
    blocks = [] if alone else [f"## {_escape(section.title)}"]
    blocks += [_escape(sentence) for sentence in section.summary]
    blocks.append("\n".join(f"- {s.rule}: {s.numbers}" for s in section.sums))
    if section.checks is not None and section.checks.findings.rules:
        rows = [
            f"| {r.severity} | `{r.rule}` | {r.findings:,} | {r.rows.count:,} | {_told(r.rows)} |"
            for r in section.checks.findings.rules
        ]
        head = f"| severity | rule | findings | {section.kind} | share (95 % interval) |"
        blocks.append("\n".join([head, "|---|---|--:|--:|---|", *rows]))
    if section.not_checked:
        gaps = [f"- {_escape(gap.what)}: {_escape(gap.why)}" for gap in section.not_checked]
        blocks.append("\n".join(["Not checked:", "", *gaps]))
    if section.next:
        blocks.append(
            "\n".join(["```sh", *(" ".join(step.command.split()) for step in section.next), "```"])
        )
    return blocks


def _escape(text: str) -> str:
    """Text of rows and files may hold Markdown or HTML: neither may act."""
    escaped = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for character in "`*_[]|#":
        escaped = escaped.replace(character, f"\\{character}")
    return " ".join(escaped.split())
