"""`calibrate`: rates are (right, drawn) with an interval, failures are no answers, calls are never lost."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, LLMError, RecipeError
from tamis.llm.scripted import Answers, Fault, Script, ScriptedServer, scripted_server
from tamis.verbs.common import Result
from tamis.verbs.rl import Sampling

from .files import FORMATS, names_in, quiet, read_lines, rows_in, table, write_rows

RIGHT, WRONG = "The answer is 7.", "The answer is 8."
SCRIPT = Script(
    replies=(
        Answers(contains="always", answers=[RIGHT]),
        Answers(contains="never", answers=[WRONG]),
        Answers(contains="half", answers=[RIGHT, WRONG]),
        Answers(contains="cut", answers=[RIGHT], finish_reason="length"),
    )
)
# Questions and their references; the fifth has none that is a number.
QUESTIONS = [
    ("always", "7"),
    ("never", "7"),
    ("half of it", "7"),
    ("cut short", "7"),
    ("half, but seven?", "seven"),
    ("half again", "7"),
]
GRADED = len(QUESTIONS) - 1


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(SCRIPT) as running:
        yield running


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rows = [{"question": text, "answer": f"#### {answer}"} for text, answer in QUESTIONS]
    return write_rows(tmp_path / "q.jsonl", rows)


def calibrated(
    source: Path, server: ScriptedServer, n: int = 8, *, seed: int = 0, **options: Any
) -> Result:
    """The questions calibrated in the folder `rl` beside them."""
    sampling = Sampling(n=n, base_url=server.url, model="m", concurrency=4)
    common = quiet(source.parent / "rl", seed=seed)
    return tamis.calibrate([str(source)], sampling=sampling, common=common, **options)


def rates(run: Path | str | None) -> dict[str, dict[str, Any]]:
    """What was measured of each question, dropped ones too, by its line."""
    return {row["id"].partition(":")[2]: row for row in table(run, "facts/0")}


def test_a_rate_is_stored_as_right_and_drawn_with_its_interval(
    questions: Path, server: ScriptedServer
) -> None:
    measured = rates(calibrated(questions, server).run)
    assert len(measured) == len(QUESTIONS)
    assert [measured[line]["n_correct"] for line in "124"] == [8, 0, 0]
    assert measured["4"]["n_truncated"] == 8
    for line, row in measured.items():
        if line == "5":
            continue
        c, n = row["n_correct"], row["n_sampled"]
        assert (n, row["pass_rate"]) == (8, c / n)
        # Wilson's interval, written out
        centre, z2 = (c + 1.96**2 / 2) / (n + 1.96**2), 1.96**2
        half = 1.96 / (n + z2) * math.sqrt(c * (n - c) / n + z2 / 4)
        assert row["pass_rate_low"] == pytest.approx(max(0, centre - half), abs=1e-4)
        assert row["pass_rate_high"] == pytest.approx(min(1, centre + half), abs=1e-4)


def test_every_answer_is_stored_with_its_score_and_they_add_up_to_the_rates(
    questions: Path, server: ScriptedServer
) -> None:
    result = calibrated(questions, server)
    rollouts = table(result.run, "rollouts")
    right: Counter[str] = Counter()
    for row in rollouts:
        is_cut = row["finish_reason"] == "length"
        text = row["messages"][0]["content"]
        assert row["score"]["value"] == (1.0 if text == RIGHT and not is_cut else 0.0)
        right[row["question_id"]] += row["score"]["value"] == 1.0
    assert len(rollouts) == len(server.calls) == 8 * GRADED
    for line, row in rates(result.run).items():
        assert right[f"q.jsonl:{line}"] == row["n_correct"]


def test_a_question_that_cannot_be_graded_is_not_asked_and_never_a_rate_of_0(
    questions: Path, server: ScriptedServer
) -> None:
    result = calibrated(questions, server, band="0:1")
    row = rates(result.run)["5"]
    assert (row["n_sampled"], row["pass_rate"], row["pass_rate_low"]) == (0, None, None)
    assert row["ungradable_reason"] == "the reference `seven` is not a number"
    assert not [body for body in server.bodies if "seven" in body["messages"][-1]["content"]]
    assert result.dropped_by == {"pass_rate not measured": 1}
    [section] = json.loads((Path(str(result.run)) / "report.json").read_bytes())["sections"]
    [told] = section["pass_rates"]
    assert (told["questions"], told["unmeasured"], told["ungradable"]) == (GRADED, 1, 0)
    assert told["passes"]["n"] == told["answers"] == 8 * GRADED


@pytest.mark.parametrize("band", ["0.2:0.8", "0.8:1", "0:0", "0.5:0.5"])
def test_the_band_keeps_the_questions_inside_its_bounds(
    band: str, questions: Path, server: ScriptedServer
) -> None:
    result = calibrated(questions, server, band=band)
    low, high = (float(bound) for bound in band.split(":"))
    measured = rates(result.run)
    inside = {
        line
        for line, row in measured.items()
        if row["pass_rate"] is not None and low <= row["pass_rate"] <= high
    }
    kept = {row["id"].partition(":")[2] for row in rows_in(result.output, ["id"])}
    assert kept == inside
    assert result.counts["kept"] == len(inside)
    dropped = {row["id"].partition(":")[2]: row for row in table(result.run, "ledger/decisions")}
    assert dropped.keys() == measured.keys() - inside
    for line, row in dropped.items():
        assert json.loads(row["evidence"])["value"] == measured[line]["pass_rate"]


def test_kept_questions_are_exported_as_they_came(questions: Path, server: ScriptedServer) -> None:
    result = calibrated(questions, server)
    output = questions.parent / "rl.jsonl"
    tamis.export([str(result.output)], to="gsm8k", common=quiet(output))
    kept = {row["id"] for row in rows_in(result.output, ["id"])}
    rows = enumerate(read_lines(questions), start=1)
    assert kept
    assert read_lines(output) == [row for line, row in rows if f"q.jsonl:{line}" in kept]


def test_more_draws_ask_only_the_new_ones_and_another_band_asks_nothing(
    questions: Path, server: ScriptedServer
) -> None:
    few = {row["id"]: row for row in table(calibrated(questions, server, 8).run, "rollouts")}
    assert len(server.calls) == 8 * GRADED
    more = {row["id"]: row for row in table(calibrated(questions, server, 12).run, "rollouts")}
    assert len(server.calls) == 12 * GRADED == len({call.key for call in server.calls})
    assert few.items() <= more.items()
    assert calibrated(questions, server, 12, band="0:1").counts["kept"] == GRADED
    assert calibrated(questions, server, 12, band="0:1").already_finished
    assert calibrated(questions, server, 4).counts["parsed"] == len(QUESTIONS)
    assert len(server.calls) == 12 * GRADED


def test_another_seed_or_temperature_shares_no_answer(
    questions: Path, server: ScriptedServer
) -> None:
    calibrated(questions, server, 2)
    calibrated(questions, server, 2, seed=1)
    assert len({call.key for call in server.calls}) == len(server.calls) == 4 * GRADED
    sampling = Sampling(n=2, base_url=server.url, model="m", temperature=0.1)
    tamis.calibrate([str(questions)], sampling=sampling, common=quiet(questions.parent / "rl"))
    assert len({call.key for call in server.calls}) == 6 * GRADED


# The seventh call fails in a way no other try may mend; what is in flight then is at most 4 calls.
FAULTS = {
    "refused": Fault(kind="status", every=7, status=400, message="no such template"),
    "gone for long": Fault(kind="status", every=7, status=503, retry_after=4000),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_fails_leaves_a_run_that_goes_on(
    name: str, questions: Path, server: ScriptedServer
) -> None:
    server.script = msgspec.structs.replace(SCRIPT, faults=(FAULTS[name],))
    with pytest.raises(LLMError, match=f"llm {server.url}: ") as caught:
        calibrated(questions, server, 4)
    assert (caught.value.exit_code, str(caught.value).count("\n")) == (4, 0)
    assert not (questions.parent / "rl/manifest.json").exists()
    assert 7 <= len(server.calls) <= 7 + 4
    server.script = SCRIPT
    result = calibrated(questions, server, 4)
    assert result.counts["parsed"] == len(QUESTIONS)
    answered = [call.key for call in server.calls if call.fault is None]
    assert len(set(answered)) == 4 * GRADED
    assert len(answered) <= 4 * GRADED + 4


def test_calls_that_fail_for_a_moment_are_asked_again_and_change_no_rate(
    questions: Path, server: ScriptedServer
) -> None:
    undisturbed = rates(calibrated(questions, server, 4).run)
    moments = (
        Fault(kind="status", every=3, status=429, retry_after=0),
        Fault(kind="status", every=5, status=503, retry_after=0),
    )
    (questions.parent / "rl").rename(questions.parent / "before")
    server.script = msgspec.structs.replace(SCRIPT, faults=moments)
    assert rates(calibrated(questions, server, 4).run) == undisturbed
    assert {call.fault for call in server.calls} == {None, "status"}


def test_exit_code_4_is_one_line_and_the_run_goes_on_with_no_key_in_any_file(
    questions: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    command = (
        "calibrate",
        "q.jsonl",
        "-n",
        "4",
        "--base-url",
        server.url,
        "--model",
        "m",
        "-o",
        "rl",
    )
    server.script = msgspec.structs.replace(SCRIPT, faults=(FAULTS["refused"],))
    done = run_tamis(*command, cwd=questions.parent)
    assert done.returncode == 4, said(done)
    [line] = said(done).splitlines()[-1:]
    assert line.startswith(f"tamis: llm {server.url}: 400: ")
    assert "no such template" in line
    server.script = SCRIPT
    assert calibrated(questions, server, 4).counts["parsed"] == len(QUESTIONS)
    assert len({call.key for call in server.calls}) == 4 * GRADED
    assert {headers["authorization"] for headers in server.headers} == {"Bearer sk-very-secret"}
    files = [path for path in (questions.parent / "rl").rglob("*") if path.is_file()]
    assert [path for path in files if b"sk-very-secret" in path.read_bytes()] == []


@pytest.mark.parametrize("band", ["0.8:0.2", "20:80", "half", "0.2", "-1:1"])
def test_a_band_that_is_none_is_refused_before_anyone_is_asked(
    band: str, questions: Path, server: ScriptedServer
) -> None:
    with pytest.raises(RecipeError, match="expected LOW:HIGH from 0 to 1"):
        calibrated(questions, server, band=band)
    assert server.calls == []
    assert names_in(questions.parent) == ["q.jsonl"]


def test_model_and_server_go_together(questions: Path) -> None:
    for sampling, reason in (
        (Sampling(base_url="http://127.0.0.1:1"), "name the model too, with --model"),
        (Sampling(model="m"), "give its server too, with --base-url"),
    ):
        with pytest.raises(RecipeError, match=reason):
            tamis.calibrate([str(questions)], sampling=sampling, common=quiet("rl"))


def test_conversations_are_no_questions(tmp_path: Path, server: ScriptedServer) -> None:
    source = write_rows(tmp_path / "pool.jsonl", [FORMATS["openai"]])
    with pytest.raises(InputError, match="no input holds questions; they hold conversations"):
        calibrated(source, server)
    assert names_in(tmp_path) == ["pool.jsonl"]


def test_the_recipe_of_a_calibration_asks_the_same_model(
    questions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    out = calibrated(questions, server)
    sampling = Sampling(n=8, base_url=server.url, model="m", concurrency=4)
    recipe = str(tmp_path / "c.yaml")
    common = quiet(tmp_path / "again", recipe_out=recipe)
    tamis.calibrate([str(questions)], sampling=sampling, common=common)
    again = tamis.run(recipe, common=quiet(tmp_path / "again"))
    assert again.counts == out.counts and rates(again.run).keys() == rates(out.run).keys()
    for line, measured in rates(again.run).items():
        assert measured["pass_rate"] == rates(out.run)[line]["pass_rate"]
