"""The numbers of a report are those of the run's files, whatever way the files are cut."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest

import tamis.reports
from tamis.errors import CountError, InputError, SchemaError, StoreError, TamisError
from tamis.records import Rule
from tamis.reports import build_report, render, report_schema

from .make_run import RULES, make_calibrate_run, make_check_run, write, write_manifest

SCHEMA = Path(tamis.reports.__file__).parent / "report.schema.json"


def table(run: Path, name: str) -> list[dict[str, Any]]:
    """All rows of one table of a run, as plain dictionaries."""
    rows: list[dict[str, Any]] = []
    for path in sorted((run / name).glob("*.arrow")):
        rows += pa.ipc.open_file(str(path)).read_all().to_pylist()
    return rows


def test_the_published_schema_is_fresh() -> None:
    assert SCHEMA.read_bytes() == report_schema()


def test_a_report_validates_against_the_published_schema(report: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(report)))


def test_the_same_rows_in_other_shards_give_the_same_report(tmp_path: Path) -> None:
    runs = [make_check_run(tmp_path / str(n) / "run", shards=n) for n in (1, 2, 5)]
    reports = [build_report(run) for run in runs]
    # only the suggested commands name the folder
    for built in reports:
        built["sections"][0].pop("next")
    assert reports[0] == reports[1] == reports[2]


def test_findings_are_counted_as_a_plain_loop_counts_them(
    sft_run: Path, report: dict[str, Any]
) -> None:
    rows = table(sft_run, "findings")
    findings = report["sections"][0]["checks"]["findings"]
    hit = {rule: {r["id"] for r in rows if r["rule"] == rule} for rule in {r["rule"] for r in rows}}
    assert findings["total"] == len(rows)
    assert findings["rows"]["count"] == len({row["id"] for row in rows})
    assert {r["rule"]: (r["findings"], r["rows"]["count"]) for r in findings["rules"]} == {
        rule: (sum(row["rule"] == rule for row in rows), len(ids)) for rule, ids in hit.items()
    }
    errors = {row["id"] for row in rows if row["severity"] == "error"}
    assert findings["rows_by_severity"]["error"]["count"] == len(errors)


def test_worst_rows_have_the_most_findings_then_the_smallest_id(
    sft_run: Path, report: dict[str, Any]
) -> None:
    rows = table(sft_run, "findings")
    for rule in report["sections"][0]["checks"]["findings"]["rules"]:
        counts = Counter(row["id"] for row in rows if row["rule"] == rule["rule"])
        expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
        assert [(row["id"], row["found"]) for row in rule["worst"]] == expected


def test_rules_come_most_severe_first_and_silent_rules_are_named(report: dict[str, Any]) -> None:
    checks = report["sections"][0]["checks"]
    order = ["error", "warning", "info"]
    places = [order.index(rule["severity"]) for rule in checks["findings"]["rules"]]
    assert places == sorted(places)
    found = {rule["rule"] for rule in checks["findings"]["rules"]}
    silent = {rule["rule"] for rule in checks["clean"]}
    assert found | silent == {rule[0] for rule in RULES} and not found & silent
    assert [round(rule["at_most"], 4) for rule in checks["clean"]] == [0.0164] * len(silent)


def test_every_drop_of_the_ledger_is_in_the_step_that_made_it(
    sft_run: Path, report: dict[str, Any]
) -> None:
    section = report["sections"][0]
    for step in section["steps"]:
        assert step["rows_in"] - step["rows_out"] == sum(r["count"] for r in step["dropped"])
    by_ledger = Counter(row["reason"] for row in table(sft_run, "ledger/decisions"))
    assert {r["reason"]: r["count"] for r in section["dropped_by"]} == dict(by_ledger)


def test_sum_rules_are_spelled_out_and_a_broken_one_says_so(tmp_path: Path) -> None:
    counts = dict.fromkeys(["read", "parsed", "kept", "written"], 3) | {
        "unreadable": 1, "made": 0, "dropped": 0,
    }  # fmt: skip
    write_manifest(tmp_path / "run", "import", "conversations", counts, {})
    sums = build_report(tmp_path / "run")["sections"][0]["sums"]
    assert sums == [
        {"rule": "read = parsed + unreadable", "numbers": "3 = 3 + 1", "holds": False},
        {"rule": "parsed + made = kept + dropped", "numbers": "3 + 0 = 3 + 0", "holds": True},
        {"rule": "written = sum of copies over kept", "numbers": "3 over 3", "holds": True},
    ]


def test_clusters_hold_the_kept_row_and_those_dropped_for_it(
    sft_run: Path, report: dict[str, Any]
) -> None:
    peers = Counter(row["peer_id"] for row in table(sft_run, "ledger/decisions") if row["peer_id"])
    clusters = report["sections"][0]["clusters"][0]
    sizes = sorted(peers.items(), key=lambda pair: (-pair[1], pair[0]))
    assert [(c["kept_id"], c["size"]) for c in clusters["largest"]] == [
        (p, n + 1) for p, n in sizes
    ]
    assert sum(size["count"] for size in clusters["sizes"]) == clusters["clusters"] == len(peers)
    assert sum(bar["count"] for bar in clusters["similarities"]) == clusters["pairs"]
    for cluster in clusters["largest"]:
        first, *others = cluster["members"]
        assert (first["id"], first["kept"]) == (cluster["kept_id"], True)
        similarities = [member["similarity"] for member in others]
        assert similarities == sorted(similarities, reverse=True) and min(similarities) >= 0.8


def test_distributions_count_each_row_once_and_state_nulls(
    sft_run: Path, report: dict[str, Any]
) -> None:
    facts = table(sft_run, "facts/0")
    kept = table(sft_run, "data")
    measured = report["sections"][0]["distributions"]
    assert [column["name"] for column in measured["uncharted"]] == ["embedding"]
    for column in measured["numbers"]:
        values = sorted(f[column["name"]] for f in facts if f[column["name"]] is not None)
        assert (column["n"], column["nulls"]) == (len(values), len(facts) - len(values))
        assert column["quantiles"]["median"] == values[-(-len(values) // 2) - 1]
        assert sum(bar["count"] for bar in column["bins"]) == len(values)
        n_kept = sum(row[column["name"]] is not None for row in kept)
        assert sum(bar["kept"] for bar in column["bins"]) == n_kept
    languages = next(column for column in measured["words"] if column["name"] == "language")
    assert {bar["label"]: bar["count"] for bar in languages["values"]} == dict(
        Counter(f["language"] for f in facts if f["language"] is not None)
    )
    assert (languages["nulls"], languages["others"]) == (1, 0)


def test_pass_rates_are_those_of_the_counts(rl_run: Path, report: dict[str, Any]) -> None:
    facts = table(rl_run, "facts/0")
    rates = report["sections"][1]["pass_rates"][0]
    inside = [f for f in facts if 0.2 <= f["n_correct"] / 16 <= 0.8]
    assert rates["never"]["count"] == sum(f["n_correct"] == 0 for f in facts)
    assert rates["always"]["ids"] == sorted(f["id"] for f in facts if f["n_correct"] == 16)
    assert (rates["band_low"], rates["band_high"]) == (0.2, 0.8)
    assert rates["in_band"]["count"] == len(inside) == sum(bar["kept"] for bar in rates["bins"])
    assert len(rates["bins"]) == 17 and sum(bar["count"] for bar in rates["bins"]) == len(facts)
    assert rates["ungradable"] == sum(f["n_ungradable"] for f in facts)
    # with 16 answers a rate of one half is known to within 0.22
    assert rates["widest"] == pytest.approx(0.22, abs=0.005)


def test_the_informative_share_is_that_of_all_groups_one_could_draw(tmp_path: Path) -> None:
    run = make_calibrate_run(tmp_path / "run", n=9, answers=6)
    expected = []
    for fact in table(run, "facts/0"):
        answers = [1] * fact["n_correct"] + [0] * (6 - fact["n_correct"])
        groups = list(combinations(answers, 4))
        expected.append(sum(len(set(group)) == 2 for group in groups) / len(groups))
    shares = build_report(run)["sections"][0]["pass_rates"][0]["informative"]
    assert [(share["group"], share["questions"]) for share in shares] == [(4, 9)]
    assert shares[0]["all"] == pytest.approx(sum(expected) / 9)


def test_questions_without_a_graded_answer_are_unmeasured_not_zero(tmp_path: Path) -> None:
    run = make_calibrate_run(tmp_path / "run", n=5)
    columns = {
        "id": list("abcde"),
        "n_sampled": pa.array([4, 0, 6, 3, 4], pa.int32()),
        "n_correct": pa.array([0, 0, 2, 0, 1], pa.int32()),
        "n_ungradable": pa.array([0, 0, 2, 3, 2], pa.int32()),
        "n_truncated": pa.array([0, 0, 0, 0, 0], pa.int32()),
        "pass_rate": pa.array([0.0, None, 0.5, None, 0.5]),
    }
    write(run / "facts" / "0" / "00000.arrow", pa.table(columns))
    rates = build_report(run)["sections"][0]["pass_rates"][0]
    assert (rates["questions"], rates["unmeasured"], rates["answers"]) == (3, 2, 10)
    assert rates["never"] == {"count": 1, "ids": ["a"]}
    # counts differ, so bars are tenths with 0 and 1 apart
    assert [bar["label"] for bar in rates["bins"] if bar["count"]] == ["0", "0.5–0.6"]


def test_recorded_answers_are_called_recorded(report: dict[str, Any]) -> None:
    assert report["sections"][1]["models"] == [
        {"step": "pass_rate", "model": "SmolLM2-135M-Instruct", "source": "recorded", "calls": None}
    ]


def test_rules_that_did_not_run_are_named_as_not_checked(sft_run: Path) -> None:
    idle = Rule(id="topics/off", severity="info", dimension="diversity", summary="", fix="")
    gaps = build_report(sft_run, known_rules=[idle])["sections"][0]["not_checked"]
    assert gaps[0]["what"] == "Prompts of images"
    assert {"what": "topics/off", "why": "these rules exist but did not run"} in gaps


def test_without_illustrations_no_row_is_quoted(sft_run: Path) -> None:
    text = json.dumps(build_report(sft_run, n_examples=0), ensure_ascii=False)
    assert "Lisbon" not in text and "<script>" not in text and "好的。" not in text


@pytest.mark.parametrize("kind", ["conversations", "questions", "preferences", "rollouts"])
def test_a_run_over_nothing_still_makes_a_page(tmp_path: Path, kind: str) -> None:
    names = ["read", "unreadable", "parsed", "made", "kept", "dropped", "written"]
    write_manifest(tmp_path / "run", "import", kind, dict.fromkeys(names, 0), {})
    page = render(build_report(tmp_path / "run"))
    assert "This run names no input files" in page and f"<strong>0</strong> {kind} came in" in page


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder made by Tamis"):
        build_report(tmp_path)
    with pytest.raises(StoreError, match="at least one run folder"):
        build_report([])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("findings/00000.arrow", b""),
        ("findings/00000.arrow", b"ARROW1 but not whole"),
        ("rules.json", b"[{"),
        ("manifest.json", b'{"tamis_version": "0.1.0", "command": 3}'),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    run = make_check_run(tmp_path / "run")
    (run / name).write_bytes(content)
    with pytest.raises(TamisError) as caught:
        build_report(run)
    assert str(run) in str(caught.value) and "\n" not in str(caught.value)
    assert not isinstance(caught.value, CountError)


def test_a_page_is_made_of_a_report_of_this_version_only(report: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="expected schema_version 1, got 2"):
        render({**report, "schema_version": 2})
    with pytest.raises(SchemaError, match="unknown field `extra`"):
        render({**report, "extra": 1})
