"""Whole runs: the same result however they are run, counts that add up, ids that stay unique."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tamis.dataset import open_dataset, read_manifest, read_table
from tamis.errors import CountError, RecipeError, SchemaError, StoreError
from tamis.ledger import Counts, why
from tamis.recipe import Step
from tamis.verbs import data
from tamis.verbs.common import Common, Plan, execute
from tamis.verbs.imports import import_

from .rows import write_conversations

STEPS = [
    Step(op="think_tags"),
    Step(op="finding_counts", options={"checks": ["think_tags"]}),
    Step(op="keep", options={"column": "n_errors", "at_most": 0}),
    Step(op="lengths"),
    Step(op="near_duplicates", options={"threshold": 0.8, "prefer": "assistant_chars"}),
    Step(op="diverse_top_k", options={"k": 100, "score": "assistant_chars"}),
]


def vetted(source: Path, output: Path, *, workers: int = 1) -> Path:
    """The output of the whole recipe above."""
    common = Common(output=str(output), workers=workers, shard_bytes=16 << 10, quiet=True)
    execute(Plan(command="run", inputs=[str(source)], steps=STEPS), common)
    return output


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conversations(tmp_path_factory.mktemp("raw") / "pool.jsonl", 600)


def test_the_number_of_workers_changes_nothing(source: Path, tmp_path: Path) -> None:
    outputs = [vetted(source, tmp_path / f"{n}.jsonl", workers=n) for n in (1, 2, 3)]
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in outputs}
    ledgers = {
        read_table(Path(f"{path}.run") / "ledger/decisions/00000.arrow").to_pylist().__repr__()
        for path in outputs
    }
    assert len(hashes) == len(ledgers) == 1
    assert len(outputs[0].read_bytes().splitlines()) == 100


def test_every_row_is_kept_or_has_a_decision_that_says_why(source: Path, tmp_path: Path) -> None:
    output = vetted(source, tmp_path / "out.jsonl")
    run = Path(f"{output}.run")
    kept = {json.loads(line)["id"] for line in output.read_bytes().splitlines()}
    dropped = read_table(run / "ledger/decisions/00000.arrow").to_pylist()
    asked = {json.loads(line)["id"] for line in source.read_bytes().splitlines()}
    assert kept | {row["id"].split(":")[1] for row in dropped} == asked
    assert len(kept) + len(dropped) == len(asked) == 600
    for row in dropped:
        account = why(run, row["id"])[-1]
        assert account.decisions[0]["reason"]
        assert json.loads(account.decisions[0]["evidence"])
        assert account.row is not None
        line = source.read_bytes().splitlines()[account.row["line"] - 1]
        offset, length = account.row["offset"], account.row["length"]
        assert source.read_bytes()[offset : offset + length] == line


def test_kept_rows_keep_their_original_bytes(source: Path, tmp_path: Path) -> None:
    output = vetted(source, tmp_path / "out.jsonl")
    assert set(output.read_bytes().splitlines()) <= set(source.read_bytes().splitlines())


def test_rows_with_one_key_get_names_of_their_own_and_a_finding(tmp_path: Path) -> None:
    source = tmp_path / "raw.jsonl"
    rows = [
        {"id": key, "prompt": f"say {i}", "completion": f"said {i}"} for i, key in enumerate("aab")
    ]
    rows += [
        {"prompt": "no key", "completion": "here"},
        {"id": "a@2", "prompt": "p", "completion": "c"},
    ]
    rows += [{"id": "4", "prompt": "the key 4", "completion": "is a line number too"}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = import_([str(source)], common=Common(output=str(tmp_path / "d"), quiet=True))
    ids = open_dataset(tmp_path / "d").table(["id"]).column("id").to_pylist()
    assert ids == [
        "raw.jsonl:a",
        "raw.jsonl:a@2@",
        "raw.jsonl:b",
        "raw.jsonl:4",
        "raw.jsonl:a@2",
        "raw.jsonl:4@6",
    ]
    found = read_table(tmp_path / "d/findings/00000.arrow").to_pylist()
    assert [(f["id"], f["rule"]) for f in found] == [
        ("raw.jsonl:a@2@", "input/duplicate-key"),
        ("raw.jsonl:4@6", "input/duplicate-key"),
    ]
    assert result.counts["kept"] == 6


def test_a_higher_threshold_is_decided_over_stored_pairs(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    first = data.dedup([str(source)], near=0.7, common=Common(output=str(output), quiet=True))
    pairs = Path(f"{output}.run/passes/0/select/pairs.arrow")
    made = pairs.stat().st_mtime_ns
    again = data.dedup([str(source)], near=0.95, common=Common(output=str(output), quiet=True))
    assert pairs.stat().st_mtime_ns == made
    fresh = data.dedup(
        [str(source)], near=0.95, common=Common(output=str(tmp_path / "fresh.jsonl"), quiet=True)
    )
    assert again.counts == fresh.counts
    assert again.counts["kept"] > first.counts["kept"]
    assert output.read_bytes() == (tmp_path / "fresh.jsonl").read_bytes()


def test_the_same_command_again_does_nothing(source: Path, tmp_path: Path) -> None:
    common = Common(output=str(tmp_path / "d"), quiet=True)
    first = import_([str(source)], common=common)
    again = import_([str(source)], common=common)
    assert not first.already_finished
    assert again.already_finished
    assert again.counts == first.counts


def test_where_keeps_the_rows_it_holds_for_and_limit_reads_no_more(
    source: Path, tmp_path: Path
) -> None:
    common = Common(output=str(tmp_path / "d"), where="chars > 300", limit=100, quiet=True)
    result = import_([str(source)], common=common)
    chars = open_dataset(tmp_path / "d").table(["chars"]).column("chars").to_pylist()
    assert result.counts["parsed"] == 100
    assert min(chars) > 300
    assert result.dropped_by == {"not where chars > 300": 100 - len(chars)}


def test_a_column_that_is_not_there_names_who_adds_it(source: Path, tmp_path: Path) -> None:
    step = Step(op="keep", options={"column": "n_errors", "at_most": 0})
    plan = Plan(command="run", inputs=[str(source)], steps=[step])
    with pytest.raises(SchemaError, match=r"reads `n_errors`.*put `finding_counts` before"):
        execute(plan, Common(output=str(tmp_path / "d"), quiet=True))


def test_counts_that_do_not_add_up_are_our_bug() -> None:
    with pytest.raises(CountError, match="read 3 = parsed 1"):
        Counts(read=3, parsed=1, unreadable=1, kept=1).check(copies=1)
    assert CountError.exit_code == 5


def test_an_output_that_is_not_ours_is_never_touched(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text("precious\n")
    with pytest.raises(StoreError, match="was not made by Tamis"):
        data.dedup([str(source)], common=Common(output=str(mine), quiet=True))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "note.txt").write_text("precious\n")
    with pytest.raises(StoreError, match="not made by Tamis"):
        import_([str(source)], common=Common(output=str(folder), quiet=True))
    with pytest.raises(StoreError, match="is also an input"):
        data.dedup([str(source)], common=Common(output=str(source), quiet=True))
    assert mine.read_text() == "precious\n"


def test_a_recipe_says_all_its_mistakes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("version: 2\nstep: []\ninputs: [x]\nsteps: [think_tag, {lengths: {a: 1}}]\n")
    with pytest.raises(RecipeError) as caught:
        data.run(str(path), common=Common(output=str(tmp_path / "o")))
    said = str(caught.value)
    assert "did you mean `steps`?" in said
    assert "expected 1, got 2" in said
    assert "steps[0]: unknown operator `think_tag`; did you mean `think_tags`?" in said
    assert "unknown option `a` of `lengths`" in said


def test_recipe_out_runs_to_the_same_rows(source: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    direct = tmp_path / "direct.jsonl"
    options = Common(output=str(direct), quiet=True)
    data.dedup([str(source)], common=options)
    asked = Common(output=str(tmp_path / "by_recipe.jsonl"), recipe_out=str(recipe))
    data.dedup([str(source)], common=asked)
    data.run(str(recipe), common=Common(quiet=True))
    assert (tmp_path / "by_recipe.jsonl").read_bytes() == direct.read_bytes()


def test_an_interrupted_folder_does_not_pass_for_finished(source: Path, tmp_path: Path) -> None:
    common = Common(output=str(tmp_path / "d"), quiet=True)
    import_([str(source)], common=common)
    (tmp_path / "d/manifest.json").unlink()
    again = import_([str(source)], common=common)
    assert not again.already_finished
    assert read_manifest(tmp_path / "d")["finished"]
