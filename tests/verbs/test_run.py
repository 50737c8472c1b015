"""Recipes: every command is one, and the same recipe gives the same bytes however it is run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis import recipe as recipes
from tamis.errors import RecipeError
from tamis.verbs.common import Common, Result

from .faults import MENDED, PLANTED
from .files import FORMATS, names_in, quiet, read_lines, rows_in, table, talk, write_rows
from .test_dedup import pool

Verb = Callable[[list[str], Common], Result]
# Every data command that runs without a model, with options of its own, and the output it makes.
VERBS: dict[str, tuple[Verb, str]] = {
    "import": (lambda inputs, common: tamis.import_(inputs, common=common), "out"),
    "check": (
        lambda inputs, common: tamis.check(
            inputs, checks=["think_tags", "truncated"], common=common
        ),
        "out",
    ),
    "fix": (lambda inputs, common: tamis.fix(inputs, to="sharegpt", common=common), "out.jsonl"),
    "dedup": (
        lambda inputs, common: tamis.dedup(
            inputs, near=0.7, text="assistant", prefer="n_errors", common=common
        ),
        "out.jsonl",
    ),
    "select": (
        lambda inputs, common: tamis.select(
            inputs, n=9, by="chars", max_similarity=0.95, common=common
        ),
        "out.json.gz",
    ),
    "export": (lambda inputs, common: tamis.export(inputs, to="alpaca", common=common), "out.json"),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A pool of copies and edits, a few faults, and lines that cannot be read."""
    planted = [PLANTED[check][0] for check in ("think_tags", "truncated", "private_data")]
    path = write_rows(tmp_path / "pool.jsonl", [*planted, *(row for row, *_ in MENDED), *pool(8)])
    with path.open("a") as file:
        file.write("oh no\n{\n")
    return path


def written(output: Path) -> dict[str, bytes]:
    """The bytes that count as a run's output: the file, or the rows and findings of a folder."""
    if output.is_file():
        return {output.name: output.read_bytes()}
    files = [*output.glob("data/*.arrow"), *output.glob("findings/*.arrow")]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", VERBS)
def test_the_recipe_of_a_command_gives_the_same_bytes(
    name: str, source: Path, tmp_path: Path
) -> None:
    verb, output = VERBS[name]
    with source.open("a") as file:
        # lines beyond the limit that speak against the format
        file.write('{"text": "no chat"}\n' * 100)
    options: dict[str, Any] = {"as_format": "openai", "limit": 40, "where": "chars > 60"}
    direct, other = tmp_path / "direct" / output, tmp_path / "by_recipe" / output
    result = verb([str(source)], quiet(direct, **options))
    assert 0 < result.counts["kept"] < result.counts["read"] == 40
    assert result.dropped_by["not where chars > 60"] > 0
    recipe = tmp_path / "recipe.yaml"
    told = verb([str(source)], quiet(other, recipe_out=str(recipe), **options))
    assert told.run is None
    assert not other.parent.exists()
    again = tamis.run(str(recipe), common=quiet())
    found = written(other)
    if name == "check":
        # run by its recipe, a check writes its rows too
        assert again.counts == {**result.counts, "written": result.counts["kept"]}
        found = {name: content for name, content in found.items() if name.startswith("findings")}
    else:
        assert again.counts == result.counts
    assert found == written(direct)


def test_a_recipe_is_printed_for_a_dash_and_nothing_is_written(
    source: Path, tmp_path: Path
) -> None:
    done = run_tamis("dedup", "pool.jsonl", "-o", "u.jsonl", "--recipe-out", "-", cwd=tmp_path)
    assert (done.returncode, names_in(tmp_path)) == (0, ["pool.jsonl"])
    (tmp_path / "printed.yaml").write_bytes(done.stdout)
    recipe = recipes.load(tmp_path / "printed.yaml")
    assert [step.op for step in recipe.steps] == ["near_duplicates"]
    assert (recipe.inputs, recipe.outputs.path) == (["pool.jsonl"], "u.jsonl")


@pytest.mark.parametrize("name", VERBS)
def test_a_dry_run_tells_the_plan_and_writes_nothing(
    name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = write_rows(tmp_path / "pool.jsonl.gz", read_lines(write_rows(source, pool(2))))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    verb, output = VERBS[name]
    result = verb([str(packed)], quiet(tmp_path / "there" / output, dry_run=True))
    assert result.run is None
    assert "would read 1 input(s) as conversations:" in result.lines[0]
    assert any("pool.jsonl.gz: openai (confidence 100%)" in line for line in result.lines)
    assert any(line.startswith("pass 1: ") for line in result.lines)
    assert names_in(tmp_path) == ["pool.jsonl", "pool.jsonl.gz", "tmp"]
    assert names_in(tmp_path / "tmp") == []


RECIPE = """
version: 1
inputs: [{raw}]
seed: 5
steps:
  - safe_fixes
  - think_tags
  - truncated
  - finding_counts: {{checks: [think_tags, truncated]}}
  - keep: {{column: n_errors, at_most: 0}}
  - lengths
  - keep: {{column: assistant_chars, at_least: 15, reason: too short}}
  - near_duplicates: {{threshold: 0.8, prefer: assistant_chars}}
  - diverse_top_k: {{k: 12, score: assistant_chars}}
outputs: {{path: {output}, to: openai}}
"""
LEDGER = ["ledger/decisions", "ledger/changes", "ledger/unreadable", "ledger/rows", "findings"]


@pytest.fixture
def recipe(source: Path, tmp_path: Path) -> Path:
    """A recipe with every shape of step over a folder of three files, with clashing keys."""
    raw = tmp_path / "raw"
    write_rows(raw / "more.json.gz", [*pool(4, seed=1), *pool(2, seed=2)])
    write_rows(raw / "plain.jsonl", [FORMATS["alpaca"]] * 3)
    source.rename(raw / "pool.jsonl")
    path = tmp_path / "vet.yaml"
    path.write_text(RECIPE.format(raw=raw, output=tmp_path / "sft.jsonl"))
    return path


def test_workers_and_cuts_change_no_byte_of_the_output_and_no_line_of_the_ledger(
    recipe: Path, tmp_path: Path
) -> None:
    outcomes = []
    ways = [(1, 16 << 20), (2, 5000), (3, 2000)]
    for workers, shard_bytes in ways:
        output = tmp_path / f"{workers}-{shard_bytes}.jsonl"
        common = quiet(output, workers=workers, shard_bytes=shard_bytes)
        result = tamis.run(str(recipe), common=common)
        ledger = {name: table(result.run, name) for name in LEDGER}
        outcomes.append((output.read_bytes(), result.counts, result.dropped_by, ledger))
    first = outcomes[0]
    assert [outcome[0] == first[0] for outcome in outcomes] == [True] * len(ways)
    assert [outcome[1:] == first[1:] for outcome in outcomes] == [True] * len(ways)
    assert first[1]["written"] == 12
    assert {"n_errors above 0", "too short", "near_duplicate"} <= first[2].keys()


def test_workers_and_cuts_change_no_row_of_a_data_set(recipe: Path, tmp_path: Path) -> None:
    outcomes = []
    for workers, shard_bytes in ((1, 16 << 20), (2, 4000)):
        common = quiet(tmp_path / f"data{workers}", workers=workers, shard_bytes=shard_bytes)
        outcomes.append(rows_in(tamis.run(str(recipe), common=common).output))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 12


def test_options_of_the_command_win_over_those_of_the_recipe(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text() + "limit: 7\nwhere: n_messages = 2\n")
    stated = tamis.run(str(recipe), common=quiet(tmp_path / "stated.jsonl"))
    manifests = [json.loads((Path(str(stated.run)) / "manifest.json").read_bytes())]
    common = quiet(tmp_path / "given.jsonl", seed=9, limit=2, where="chars > 0")
    given = tamis.run(str(recipe), common=common)
    manifests.append(json.loads((Path(str(given.run)) / "manifest.json").read_bytes()))
    for manifest, wanted in zip(
        manifests, [(5, 7, "n_messages = 2"), (9, 2, "chars > 0")], strict=True
    ):
        said = manifest["recipe"]
        assert (manifest["seed"], said["limit"], said["where"]) == wanted
    assert (stated.counts["read"], given.counts["read"]) == (7 + 7 + 3, 2 + 2 + 2)
    assert not (tmp_path / "sft.jsonl").exists()


def test_the_same_command_again_does_nothing_until_its_output_is_lost(
    recipe: Path, tmp_path: Path
) -> None:
    first = tamis.run(str(recipe), common=quiet())
    content = (tmp_path / "sft.jsonl").read_bytes()
    again = tamis.run(str(recipe), common=quiet(workers=2))
    assert (first.already_finished, again.already_finished) == (False, True)
    assert again.counts == first.counts
    (tmp_path / "sft.jsonl").unlink()
    assert not tamis.run(str(recipe), common=quiet()).already_finished
    assert (tmp_path / "sft.jsonl").read_bytes() == content


def test_an_input_that_changed_is_read_again(recipe: Path, tmp_path: Path) -> None:
    before = tamis.run(str(recipe), common=quiet())
    added = talk("Is this new?", "It is, and it was not there at all a moment ago, as you can see.")
    with (tmp_path / "raw/pool.jsonl").open("a") as file:
        file.write(json.dumps(added) + "\n")
    after = tamis.run(str(recipe), common=quiet())
    assert not after.already_finished
    assert after.counts["read"] == before.counts["read"] + 1


def test_a_step_used_twice_has_two_names_in_the_ledger(recipe: Path) -> None:
    result = tamis.run(str(recipe), common=quiet())
    reasons = {row["step"]: row["reason"] for row in table(result.run, "ledger/decisions")}
    assert reasons["keep"] == "n_errors above 0"
    assert reasons["keep-2"] == "too short"


MISTAKES = """
version: 2
input: [pool.jsonl]
steps:
  - think_tag
  - near_duplicates: {treshold: 0.8}
  - near_duplicates: {threshold: 80}
  - keep: [n_errors]
  - [lengths, turns]
outputs: [sft.jsonl]
"""


def test_all_mistakes_of_a_recipe_come_together_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "vet.yaml").write_text(MISTAKES)
    done = run_tamis("run", "vet.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    lines = said(done).removeprefix("tamis: ").splitlines()
    expected = [
        "$.input: unknown key; did you mean `inputs`?",
        "$.version: expected 1, got 2",
        "steps[0]: unknown operator `think_tag`; did you mean `think_tags`?",
        "steps[1]: unknown option `treshold` of `near_duplicates`; did you mean `threshold`?",
        "steps[2]: near_duplicates: expected 0 < threshold <= 1, got 80.0",
        "steps[3]: expected options of `keep` as keys and values, got ['n_errors']",
        "steps[4]: expected `name` or `name: {options}`, got ['lengths', 'turns']",
        "$.inputs: expected at least one file, folder or data set",
        "Expected `object`, got `array`, at `$.outputs`",
    ]
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(f"vet.yaml {start}")
    assert names_in(tmp_path) == ["vet.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "expected YAML: "),
        ("- lengths", "expected keys version, inputs, steps, outputs, .*, got list"),
        ("", "expected keys .*, got NoneType"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_line(
    text: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "vet.yaml").write_text(text)
    with pytest.raises(RecipeError, match=reason) as caught:
        tamis.run(str(tmp_path / "vet.yaml"), common=quiet(tmp_path / "out.jsonl"))
    assert str(caught.value).count("\n") == 0
    with pytest.raises(RecipeError, match="cannot be read: No such file"):
        tamis.run(str(tmp_path / "not.yaml"), common=quiet(tmp_path / "out.jsonl"))
