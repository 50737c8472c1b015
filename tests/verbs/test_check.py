"""`check`: findings with rule, severity and place, gates that can be missed, and rows left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tamis
from tamis import catalogue
from tamis.errors import RecipeError, SchemaError
from tamis.verbs.common import Result

from .faults import FINE, PLANTED
from .files import FORMATS, names_in, quiet, table, talk, write_rows

UNPAIRED, REFUSAL = "think-tags/unpaired", "boilerplate/refusal"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A good row, then one row for each check."""
    return write_rows(tmp_path / "raw.jsonl", [FINE, *(row for row, *_ in PLANTED.values())])


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """All checks over a good row and the planted ones."""
    folder = tmp_path_factory.mktemp("planted")
    source = write_rows(folder / "raw.jsonl", [FINE, *(row for row, *_ in PLANTED.values())])
    return tamis.check([str(source)], common=quiet(folder / "checked"))


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Ten rows: one has an error, two others a warning."""
    tags = talk("Is it so?", "<think>Perhaps it is, who knows.")
    refusal = talk("Which way is north?", "I'm sorry, but I cannot help with that request.")
    return write_rows(tmp_path / "pool.jsonl", [*[FINE] * 7, tags, refusal, refusal])


def places(run: Path | str | None) -> list[tuple[Any, ...]]:
    """The findings of a run as (id, rule, severity, path, start, end), sorted."""
    names = ("id", "rule", "severity", "path", "start", "end")
    return sorted((tuple(row[n] for n in names) for row in table(run, "findings")), key=str)


def test_there_is_a_planted_row_for_every_check() -> None:
    assert list(PLANTED) == list(catalogue.CHECKS)


def test_each_planted_fault_is_found_at_its_place_and_the_good_row_is_left_alone(
    checked: Result,
) -> None:
    found = {found[:4] for found in places(checked.run)}
    assert found == {
        (f"raw.jsonl:{line}", rule, severity, path)
        for line, (_, rule, severity, path) in enumerate(PLANTED.values(), start=2)
    }


def test_a_span_holds_what_the_finding_speaks_of(checked: Result) -> None:
    rows = [FINE, *(row for row, *_ in PLANTED.values())]
    spans: dict[str, list[str]] = {}
    for row_id, rule, _, path, start, end in places(checked.run):
        if start is not None:
            assert path == "messages[1].content"
            text = rows[int(row_id.partition(":")[2]) - 1]["messages"][1]["content"]
            spans.setdefault(rule, []).append(text[start:end])
    assert spans[UNPAIRED] == ["<think>"]
    assert spans["tool-call-tags/unpaired"] == ["<tool_call>", "</tool_call>"]
    assert spans["arithmetic/wrong-result"] == ["7 + 8 = 16"]
    assert spans["private-data/email"] == ["jane.doe@corp-mail.com"]


def test_a_found_address_is_masked_wherever_it_is_shown(checked: Result) -> None:
    assert "private-data/email" in "\n".join(checked.lines)
    shown = [*checked.lines, json.dumps(checked.envelope()), checked.renderings["md"]()]
    shown += [(Path(str(checked.run)) / f"report.{kind}").read_text() for kind in ("json", "html")]
    assert [text for text in shown if "jane.doe@" in text] == []


@pytest.mark.parametrize("name", PLANTED)
def test_one_check_finds_its_own_rules_and_the_others_are_named_as_not_checked(
    name: str, planted: Path, tmp_path: Path
) -> None:
    result = tamis.check([str(planted)], checks=[name], common=quiet(tmp_path / "checked"))
    own = {rule.id for rule in catalogue.load(name).rules}
    assert {found[1] for found in places(result.run)} == {PLANTED[name][1]} <= own
    for written in ("manifest.json", "report.json"):
        told = json.loads((tmp_path / "checked" / written).read_bytes())
        gaps = told["not_checked"] if "not_checked" in told else told["sections"][0]["not_checked"]
        left_out = {gap["what"]: gap["why"] for gap in gaps if gap["what"].startswith("check ")}
        assert left_out == {f"check {n}": "left out with --checks" for n in PLANTED if n != name}


def test_all_checks_together_say_no_check_was_left_out(checked: Result) -> None:
    manifest = json.loads((Path(str(checked.run)) / "manifest.json").read_bytes())
    gaps = [gap["what"] for gap in manifest["not_checked"]]
    assert "facts" in gaps
    assert not [gap for gap in gaps if gap.startswith("check ")]


@pytest.mark.parametrize(
    ("gates", "missed"),
    [
        (["error"], ["error"]),
        (["warning"], ["warning"]),
        (["none"], []),
        ([f"{UNPAIRED}:0.1"], []),
        ([f"{UNPAIRED}:0.09"], [f"{UNPAIRED}:0.09"]),
        ([f"{REFUSAL}:0.2"], []),
        ([f"{REFUSAL}:0"], [f"{REFUSAL}:0"]),
        (["none", "error"], ["error"]),
        ([f"{REFUSAL}:0.19", f"{UNPAIRED}:0.5", "error"], [f"{REFUSAL}:0.19", "error"]),
    ],
)
def test_each_missed_gate_is_named_and_one_is_enough_to_fail(
    gates: list[str], missed: list[str], pool: Path, tmp_path: Path
) -> None:
    checks = ["think_tags", "boilerplate"]
    common = quiet(tmp_path / "checked")
    result = tamis.check([str(pool)], checks=checks, gate=gates, common=common)
    assert [one["gate"] for one in result.body["gates_missed"]] == missed
    assert result.exit_code == (1 if missed else 0)


def test_warnings_alone_pass_the_default_gate(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FINE, PLANTED["private_data"][0]])
    result = tamis.check([str(source)], common=quiet())
    assert (result.exit_code, len(result.body["first_findings"])) == (0, 1)
    assert tamis.check([str(source)], gate=["warning"], common=quiet()).exit_code == 1


@pytest.mark.parametrize("gate", ["eror", "think-tags/unpaired:5", ":0.1", "error:0.5%", ""])
def test_a_gate_that_means_nothing_is_refused_before_anything_is_read(
    gate: str, pool: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="expected error, warning, none or RULE:RATE"):
        tamis.check([str(pool)], gate=[gate], common=quiet())
    assert names_in(tmp_path) == ["pool.jsonl"]


def test_a_check_that_is_none_is_refused_with_the_one_that_was_meant(pool: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean `think_tags`"):
        tamis.check([str(pool)], checks=["think_tag"], common=quiet())
    with pytest.raises(RecipeError, match="`lengths` is not a check; checks: role_order"):
        tamis.check([str(pool)], checks=["lengths"], common=quiet())


def test_check_writes_no_rows_and_leaves_its_input_as_it_was(pool: Path, tmp_path: Path) -> None:
    before = (pool.read_bytes(), pool.stat().st_mtime_ns)
    result = tamis.check([str(pool)], common=quiet())
    assert (pool.read_bytes(), pool.stat().st_mtime_ns) == before
    assert names_in(tmp_path) == ["pool.jsonl", "pool.jsonl.check"]
    assert "data" not in names_in(tmp_path / "pool.jsonl.check")
    assert (result.counts["parsed"], result.counts["kept"], result.counts["written"]) == (10, 10, 0)


def test_out_is_where_findings_and_report_go(pool: Path, tmp_path: Path) -> None:
    result = tamis.check([str(pool)], out=str(tmp_path / "elsewhere"), common=quiet())
    assert result.run == str(tmp_path / "elsewhere")
    assert names_in(tmp_path) == ["elsewhere", "pool.jsonl"]
    assert {"findings", "report.html", "report.json"} <= set(names_in(tmp_path / "elsewhere"))


def test_cuts_workers_and_a_data_set_between_change_no_finding(
    checked: Result, planted: Path, tmp_path: Path
) -> None:
    cut = tamis.check([str(planted)], common=quiet(tmp_path / "cut", workers=2, shard_bytes=300))
    tamis.import_([str(planted)], common=quiet(tmp_path / "data"))
    again = tamis.check([str(tmp_path / "data")], common=quiet(tmp_path / "again"))
    assert places(cut.run) == places(checked.run) == places(again.run)
    assert cut.body["findings"] == checked.body["findings"] == again.body["findings"]


def test_counts_by_rule_are_those_of_the_stored_findings(checked: Result) -> None:
    rows = table(checked.run, "findings")
    for rule, counted in checked.body["findings"].items():
        hits = [row for row in rows if row["rule"] == rule]
        assert counted["findings"] == len(hits)
        assert counted["conversations"] == len({row["id"] for row in hits})
        assert {row["severity"] for row in hits} == {counted["severity"]}
    assert sum(one["findings"] for one in checked.body["findings"].values()) == len(rows)


def test_errors_come_first_among_the_first_findings(checked: Result) -> None:
    severities = [row["severity"] for row in checked.body["first_findings"]]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


def test_questions_have_no_messages_to_check(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "questions.jsonl", [FORMATS["gsm8k"]])
    with pytest.raises(SchemaError, match="reads `messages`, which is not there; rows of kind"):
        tamis.check([str(source)], common=quiet())
    assert names_in(tmp_path) == ["questions.jsonl"]
