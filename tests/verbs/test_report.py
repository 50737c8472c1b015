"""`report`: its numbers are those of the runs' own files, and fit the published schema."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import tamis
import tamis.reports
from tamis.errors import InputError
from tamis.llm.scripted import Answers, Script, scripted_server
from tamis.verbs.rl import Sampling

from .faults import FINE, MENDED, PLANTED
from .files import FORMATS, Row, quiet, table, talk, write_rows

SCHEMA = json.loads((Path(tamis.reports.__file__).parent / "report.schema.json").read_bytes())
LETTER = "The ferry crosses the wide river twice each day, carrying apples, letters and goats to "
RUNS = ["imported", "checked", "fixed", "unique.jsonl.run", "best.jsonl.run", "rl"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of each verb that reads rows, side by side."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [FINE, *(row for row, *_ in PLANTED.values()), *(row for row, *_ in MENDED)]
    rows += [talk("Who?", LETTER * 2 + place) for place in ("town", "town", "church", "market")]
    raw = write_rows(folder / "raw/pool.jsonl", rows)
    with raw.open("a") as file:
        file.write("oh no\n{\n")
    write_rows(folder / "raw/questions.json", [FORMATS["gsm8k"]] * 3)
    pool, data = str(raw), str(folder / "imported")
    tamis.import_([str(folder / "raw")], to="conversations", common=quiet(data))
    tamis.check([pool], common=quiet(folder / "checked"))
    tamis.fix([data], common=quiet(folder / "fixed"))
    where = "assistant_chars > 20"
    tamis.dedup([pool], near=0.6, common=quiet(folder / "unique.jsonl", where=where))
    tamis.select([pool], n=4, common=quiet(folder / "best.jsonl"))
    script = Script(replies=(Answers(answers=["The answer is 7.", "It is 8."]),))
    with scripted_server(script) as server:
        sampling = Sampling(n=4, base_url=server.url, model="m")
        questions = [str(folder / "raw/questions.json")]
        tamis.calibrate(questions, sampling=sampling, common=quiet(folder / "rl"))
    return folder


def stored(run: Path) -> tuple[Row, Row]:
    """The section of a run's own report, and the run's manifest."""
    [section] = json.loads((run / "report.json").read_bytes())["sections"]
    return section, json.loads((run / "manifest.json").read_bytes())


@pytest.mark.parametrize("name", RUNS)
def test_every_run_writes_a_report_that_fits_the_published_schema(name: str, runs: Path) -> None:
    report = json.loads((runs / name / "report.json").read_bytes())
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    page = (runs / name / "report.html").read_text()
    assert "<script" not in page
    assert report["title"] in page


@pytest.mark.parametrize("name", RUNS)
def test_counts_are_those_of_the_manifest_and_add_up(name: str, runs: Path) -> None:
    section, manifest = stored(runs / name)
    counts = section["counts"]
    assert counts == manifest["counts"]
    assert counts["read"] == counts["parsed"] + counts["unreadable"]
    assert counts["parsed"] + counts["made"] == counts["kept"] + counts["dropped"]
    assert [rule["holds"] for rule in section["sums"]] == [True] * 3
    for count in ("read", "unreadable"):
        assert sum(one[count] for one in section["inputs"]) == counts[count]
    assert {r["reason"]: r["count"] for r in section["dropped_by"]} == manifest["dropped_by"]
    assert sum(reason["count"] for reason in section["dropped_by"]) == counts["dropped"]
    assert sum(reason["count"] for reason in section["unreadable"]) == counts["unreadable"]


@pytest.mark.parametrize("name", RUNS)
def test_each_step_takes_in_what_the_one_before_it_gave(name: str, runs: Path) -> None:
    section, _ = stored(runs / name)
    steps, counts = section["steps"], section["counts"]
    assert [step["rows_in"] for step in steps] == [
        *[counts["parsed"]] * bool(steps),
        *(step["rows_out"] for step in steps[:-1]),
    ]
    for step in steps:
        lost = sum(reason["count"] for reason in step["dropped"])
        assert step["rows_in"] - step["rows_out"] == lost
    assert not steps or steps[-1]["rows_out"] == counts["kept"]


def test_findings_are_counted_as_the_stored_table_has_them(runs: Path) -> None:
    section, manifest = stored(runs / "checked")
    findings = section["checks"]["findings"]
    counted = Counter(row["rule"] for row in table(runs / "checked", "findings"))
    assert {rule["rule"]: rule["findings"] for rule in findings["rules"]} == counted
    assert counted == manifest["findings"]
    assert findings["total"] == counted.total() >= len(PLANTED)


def test_edits_and_clusters_are_counted_as_the_ledger_has_them(runs: Path) -> None:
    section, _ = stored(runs / "fixed")
    edits = Counter(row["rule"] for row in table(runs / "fixed", "ledger/changes"))
    assert {change["rule"]: change["changes"] for change in section["changes"]} == edits
    assert len(edits) == len(MENDED)
    unique = runs / "unique.jsonl.run"
    section, _ = stored(unique)
    decisions = table(unique, "ledger/decisions")
    for step in section["steps"]:
        lost = Counter(row["reason"] for row in decisions if row["step"] == step["step"])
        assert {reason["reason"]: reason["count"] for reason in step["dropped"]} == lost
    assert lost.keys() == {"exact_duplicate", "near_duplicate"}
    assert [cluster["step"] for cluster in section["clusters"]] == ["near_duplicates"]


def test_what_was_set_aside_and_what_was_not_checked_is_named(runs: Path) -> None:
    section, _ = stored(runs / "imported")
    assert [one["name"] for one in section["set_aside"]] == ["questions.json"]
    section, manifest = stored(runs / "checked")
    gaps = [gap["what"] for gap in section["not_checked"]]
    assert {gap["what"] for gap in manifest["not_checked"]} <= set(gaps)
    assert len(gaps) == len(set(gaps))


def test_several_runs_make_one_report_of_a_section_each_in_the_order_asked(
    runs: Path, tmp_path: Path
) -> None:
    asked = [str(runs / name) for name in reversed(RUNS)]
    page = tmp_path / "all.html"
    result = tamis.report(asked, title="All of it", common=quiet(page))
    report: dict[str, Any] = json.loads((tmp_path / "all.json").read_bytes())
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    assert report["title"] == "All of it"
    assert result.output == result.body["report"] == str(page)
    assert report["sections"] == [stored(runs / name)[0] for name in reversed(RUNS)]
    text = page.read_text()
    assert all(section["title"] in text for section in report["sections"])
    assert "All of it" in text


def test_a_report_made_again_is_the_same(runs: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        tamis.report([str(runs / "checked")], common=quiet(tmp_path / name))
    one, two = tmp_path / "one", tmp_path / "two"
    assert (one / "report.html").read_bytes() == (two / "report.html").read_bytes()
    assert (one / "report.json").read_bytes() == (runs / "checked/report.json").read_bytes()


def test_an_output_stands_for_its_run_and_anything_else_is_refused(
    runs: Path, tmp_path: Path
) -> None:
    result = tamis.report([str(runs / "best.jsonl")], common=quiet(tmp_path / "page.html"))
    [section] = json.loads(Path(result.body["numbers"]).read_bytes())["sections"]
    assert (section["command"], section["counts"]["kept"]) == ("select", 4)
    with pytest.raises(InputError, match="expected a run folder or an output made by Tamis"):
        tamis.report([str(runs / "raw")], common=quiet(tmp_path / "page.html"))
