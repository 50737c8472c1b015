"""Says a run in sentences: what happened, what was not looked at, what to do next."""

from __future__ import annotations

import shlex
from pathlib import PurePath

import msgspec

from tamis.reports.contents import Rate, Section
from tamis.reports.findings import READER
from tamis.reports.run_folder import RunCommand, RunGap, RunInput

_SINGULAR = {
    "conversations": "conversation",
    "questions": "question",
    "preferences": "preference",
    "rollouts": "rollout",
}
_MAX_PATHS = 4
_PARTICIPLES = {
    "import": "Import",
    "check": "Check",
    "fix": "Repair",
    "dedup": "Search for duplicates",
    "select": "Selection",
    "calibrate": "Calibration",
    "reward run": "Grading",
    "reward test": "Gold lint",
    "export": "Export",
    "demo": "Demonstration",
}


def count_noun(n: int, noun: str) -> str:
    """A number with its noun, singular for one; kinds of rows are told apart.

    >>> count_noun(1, "conversations"), count_noun(1200, "findings")
    ('1 conversation', '1,200 findings')
    """
    singular = _SINGULAR.get(noun, noun.removesuffix("s"))
    return f"{n:,} {singular if n == 1 else noun}"


def show_percent(rate: float) -> str:
    """A rate as a percentage, one decimal below ten; a small rate never shows as 0.

    >>> show_percent(0.117), show_percent(0.0004), show_percent(0.0)
    ('12%', '0.04%', '0%')
    """
    percent = rate * 100
    if rate in (0, 1):
        return f"{percent:.0f}%"
    if percent < 0.1:
        return f"{percent:.1g}%" if percent >= 0.001 else "<0.001%"
    if percent < 10:
        return f"{percent:.1f}%"
    # 99.97 must not read as all of them
    return f"{percent:.0f}%" if percent <= 99 else f"{percent:.1f}%"


def show_interval(rate: Rate) -> str:
    """A rate's 95 % interval in words; empty when nothing was looked at.

    >>> show_interval(Rate(count=3, n=16, rate=3 / 16, low=0.066, high=0.43))
    '6.6% to 43%'
    """
    if rate.low is None or rate.high is None:
        return ""
    return f"{show_percent(rate.low)} to {show_percent(rate.high)}"


def list_words(words: list[str]) -> str:
    """Words in a row with commas and a last *and*.

    >>> list_words(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def title_run(command: str, inputs: list[RunInput]) -> str:
    """A title of a run from its command and inputs."""
    first = command.partition(" ")[0]
    what = _PARTICIPLES.get(command) or _PARTICIPLES.get(first) or command.capitalize() or "Run"
    names = [PurePath(i.path).name or i.path for i in inputs]
    if not names:
        return what
    return f"{what} of {names[0]}" if len(names) == 1 else f"{what} of {len(names)} inputs"


def summarize(section: Section) -> list[str]:
    """The run in a few sentences, most important first."""
    parts = [_came_in(section), _left(section), _scored(section), _found(section), _mended(section)]
    parts += [_duplicates(section), _passed(section)]
    return [sentence for sentence in parts if sentence]


def _came_in(section: Section) -> str:
    counts = section.counts
    sentence = f"{count_noun(counts.read, section.kind)} came in"
    if counts.unreadable:
        main = section.unreadable[0].reason if section.unreadable else "reason not stated"
        main = "`" + main.replace("`", "'") + "`"
        often = "mostly: " if len(section.unreadable) > 1 else ""
        sentence += f"; {counts.unreadable:,} could not be read ({often}{main})"
    elif counts.read:
        sentence += ", and every one could be read"
    if counts.made:
        sentence += f". {count_noun(counts.made, section.kind)} were made from them"
    return sentence + "."


def _left(section: Section) -> str:
    counts = section.counts
    if section.only_looks and counts.dropped == 0:
        return ""
    if counts.dropped == 0:
        return f"All {counts.kept:,} were kept." if counts.kept > 1 else ""
    main = [f"{r.count:,} ({r.reason})" for r in section.dropped_by[:3]]
    more = "" if len(section.dropped_by) <= 3 else ", and others for less frequent reasons"
    sentence = f"{counts.kept:,} were kept and {counts.dropped:,} were dropped"
    sentence += f": {list_words(main)}{more}" if main else ""
    if counts.written > counts.kept:
        sentence += f". With repeats {counts.written:,} were written"
    return sentence + "."


def _scored(section: Section) -> str:
    by_what = {score.what: score for score in section.scores if score.name is None}
    value, right = by_what.get("value"), by_what.get("accuracy")
    if value is None or right is None or right.low is None or right.high is None:
        return "No rollout could be graded." if section.command == "reward run" else ""
    interval = f"95% interval {show_percent(right.low)} to {show_percent(right.high)}"
    return (
        f"The {count_noun(right.n, section.kind)} that could be graded are worth {value.mean:.3g} on "
        f"average; {right.count:,} of them are right ({show_percent(right.mean)}, {interval})."
    )


def _found(section: Section) -> str:
    if section.checks is None:
        return ""
    findings, n_clean = section.checks.findings, len(section.checks.clean)
    if findings.total == 0:
        return f"{count_noun(n_clean, 'rules')} looked and found nothing."
    sentence = (
        f"The checks made {count_noun(findings.total, 'findings')} in "
        f"{count_noun(findings.rows.count, section.kind)}"
    )
    if findings.rows.rate is not None:
        sentence += f" ({show_percent(findings.rows.rate)} of {findings.rows.n:,})"
    errors = findings.rows_by_severity["error"].count
    sentence += f"; {errors:,} of them hold an error" if errors else "; none is an error"
    worst = [f"`{r.rule}` ({r.rows.count:,})" for r in findings.rules[:3]]
    most = ["", "The one rule hit is", "The two rules hit are", "The three that matter most are"]
    return f"{sentence}. {most[len(worst)]} {list_words(worst)}."


def _mended(section: Section) -> str:
    n = sum(change.changes for change in section.changes)
    # grading changes every row: its scores are told already
    if n == 0 or section.scores:
        return ""
    main = section.changes[0]
    return f"{count_noun(n, 'changes')} were made, most often `{main.rule}` ({main.changes:,})."


def _duplicates(section: Section) -> str:
    clusters = [c for c in section.clusters if c.clusters]
    return " ".join(
        f"`{c.step}` found {count_noun(c.clusters, 'clusters')} of rows too much alike; "
        f"one row of each was kept and {c.dropped:,} were dropped."
        for c in clusters
    )


def _passed(section: Section) -> str:
    sentences = []
    for rates in section.pass_rates:
        sentence = f"Of {count_noun(rates.answers, 'answers')} to "
        sentence += count_noun(rates.questions, "questions")
        if rates.passes.rate is not None:
            sentence += f", {show_percent(rates.passes.rate)} were right"
        sentence += (
            f"; {rates.never.count:,} were never answered right, {rates.always.count:,} always"
        )
        if rates.in_band is not None:
            sentence += f", and {rates.in_band.count:,} lie in the band that teaches"
        sentences.append(sentence + ".")
    return " ".join(sentences)


def list_gaps(section: Section, unasked: list[str]) -> list[RunGap]:
    """What the run did not look at, beyond what it says itself: a reader should not assume it did.

    `unasked` are ids of rules that exist but did not run.
    """
    gaps = []
    ops = {step.op for step in section.steps}
    if unasked:
        gaps.append(RunGap(what=list_words(unasked), why="these rules exist but did not run"))
    if section.kind == "conversations" and not _has_checks(section):
        gaps.append(RunGap(what="Format and completeness", why="no check ran in this command"))
    if section.kind == "conversations":
        gaps.append(
            RunGap(
                what="Whether the answers are true",
                why="no rule knows facts; people must read some",
            )
        )
    if not section.clusters and not any("dup" in op for op in ops):
        gaps.append(RunGap(what="Duplicates", why="no step compared rows with one another"))
    if not any("contamin" in op or "overlap" in op for op in ops):
        gaps.append(
            RunGap(what="Overlap with evaluation sets", why="no step compared rows with such a set")
        )
    if any(column.estimated for column in section.distributions.numbers):
        gaps.append(
            RunGap(
                what="Exact token counts", why="they are estimated; no model's tokenizer was given"
            )
        )
    return gaps


def _has_checks(section: Section) -> bool:
    """Whether any check looked at the rows, beyond the reader itself."""
    if section.checks is None:
        return False
    found = [rule.rule for rule in section.checks.findings.rules]
    silent = [rule.rule for rule in section.checks.clean]
    return any(not rule.startswith(READER) for rule in found + silent)


def suggest(section: Section, run: str, output: str | None) -> list[RunCommand]:
    """The commands worth running next, for this kind of run and what it found.

    `run` is the run's folder; `output` is where its rows were written, None when they were not.
    """
    command = section.command.partition(" ")[0]
    rows = _quote_paths([output] if output is not None else [i.path for i in section.inputs])
    suggestions = []
    if command == "import" and section.kind == "questions":
        suggestions.append(_command("calibrate", rows, "calibrated", "measure how hard they are"))
    elif command == "import" and section.kind == "conversations":
        suggestions.append(RunCommand(command=f"tamis check {rows}", why="look for faults in rows"))
    elif command == "check":
        if section.checks is not None and section.checks.findings.total:
            why = "make the repairs that lose nothing, each on record"
            suggestions.append(_command("fix", rows, "fixed", why))
        suggestions.append(_command("dedup", rows, "distinct", "drop rows too much alike"))
    elif command == "fix":
        suggestions.append(
            RunCommand(command=f"tamis check {rows}", why="see what is left to mend")
        )
    elif command in ("dedup", "select", "run"):
        suggestions.append(_export(rows, "openai", "sft.jsonl"))
    elif command == "calibrate":
        # whatever the questions were read from: this format holds every reward and reference
        suggestions.append(_export(rows, "verl_rl", "rl.jsonl"))
    dropped = next((d.id for step in section.steps for d in step.examples), None)
    if dropped is not None:
        asked = f"tamis why {shlex.quote(run)} {shlex.quote(dropped)}"
        suggestions.append(RunCommand(command=asked, why="ask why this row left"))
    return suggestions if rows else []


def _command(verb: str, rows: str, output: str, why: str) -> RunCommand:
    return RunCommand(command=f"tamis {verb} {rows} -o {output}", why=why)


def _export(rows: str, shape: str, output: str) -> RunCommand:
    why = "write what was kept in a format that trainers read"
    return RunCommand(command=f"tamis export {rows} --to {shape} -o {output}", why=why)


def _quote_paths(paths: list[str]) -> str:
    """Paths as a shell takes them, at most four."""
    quoted = " ".join(shlex.quote(path) for path in paths[:_MAX_PATHS])
    return quoted + (" …" if len(paths) > _MAX_PATHS else "")


def show_json(plain: object) -> str:
    """Plain data as JSON text, indented for people."""
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
