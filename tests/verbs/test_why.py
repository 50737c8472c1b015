"""`why` and `show`: whatever was read has an account, in this run and in those before it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError

from .files import names_in, quiet, read_lines, talk

LONG = (
    "The ferry crosses the wide river twice each day from early spring until the ice comes back, "
    "carrying apples, letters, goats and the children of three villages to the only school in town"
)
WAGES = "Bakers earn by the loaf and the hour"
# Each line of the pool, its id, and what must be said of it (all of these words, in this order).
FATES: list[tuple[str, str, list[str]]] = [
    (json.dumps(talk("What crosses the river?", f"{LONG}.", id="best")), "best", ["kept"]),
    (
        json.dumps(talk("What crosses the river?", f"{LONG}.", id="copy")),
        "copy",
        ["dropped by step `near_duplicates`: exact_duplicate", "because of pool.jsonl:best"],
    ),
    (
        json.dumps(talk("What crosses the river?", f"{LONG} too.", id="edit")),
        "edit",
        ["near_duplicate", "because of pool.jsonl:best", '"shared":', '"threshold":0.8'],
    ),
    (
        json.dumps(talk("Is it so?", "<think>Perhaps it is, who can tell.", id="open")),
        "open",
        [
            "error think-tags/unpaired at messages[1].content",
            "dropped by step `keep`: n_errors above 0",
            '"rules": ["think-tags/unpaired"]',
        ],
    ),
    (
        json.dumps(talk("Who bakes?", f"{WAGES}.  ", id="ends")),
        "ends",
        [
            "changed by safe_fixes (safe-fixes/blank-ends) at messages[1].content: '  ' -> ''",
            "kept",
        ],
    ),
    (
        json.dumps(talk("What of it?", "<think>It is open and has an end. \r\n", id="both")),
        "both",
        ["changed by safe_fixes", "error think-tags/unpaired", "dropped by step `keep`"],
    ),
    ('{"id": "cut", "messages": [{"role": "user', "7", ["could not be read", "the line is cut"]),
    ("[1, 2]", "8", ["could not be read", "bytes "]),
    (
        json.dumps(talk("Who bakes?", f"{WAGES}!", id="ends")),
        "ends@9",
        ["warning input/duplicate-key at id: line 9 brings a key", "because of pool.jsonl:ends,"],
    ),
    (
        json.dumps(talk("Where do goats sleep in winter?", "In the dry barn.")),
        "10",
        ["dropped by step `diverse_top_k`: beyond_target", '{"kept":2,"asked":2}'],
    ),
    (
        json.dumps(
            talk(
                "What then crosses the river?",
                "Only in the summer months, and never by night.",
                id="near",
            )
        ),
        "near",
        [
            "dropped by step `diverse_top_k`: too_similar",
            "because of pool.jsonl:best",
            '"similarity":',
        ],
    ),
]
RECIPE = """
version: 1
inputs: [{source}]
steps:
  - safe_fixes
  - think_tags
  - finding_counts: {{checks: [think_tags]}}
  - keep: {{column: n_errors, at_most: 0}}
  - lengths
  - near_duplicates
  - diverse_top_k: {{k: 2, score: assistant_chars, max_similarity: 0.8}}
outputs: {{path: {output}}}
"""


def write_pool(path: Path) -> Path:
    """The lines above as a file."""
    path.write_text("".join(f"{line}\n" for line, _, _ in FATES))
    return path


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return write_pool(tmp_path / "pool.jsonl")


@pytest.fixture(scope="module")
def vetted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pool after fixes, a check, a keep, dedup and a choice, in one recipe."""
    folder = tmp_path_factory.mktemp("vetted")
    pool, output = write_pool(folder / "pool.jsonl"), folder / "sft.jsonl"
    (folder / "vet.yaml").write_text(RECIPE.format(source=pool, output=output))
    tamis.run(str(folder / "vet.yaml"), common=quiet())
    return output


def account(run: Path, key: str) -> str:
    """What `why` prints of a row of the pool."""
    return "\n".join(tamis.why(str(run), f"pool.jsonl:{key}").lines)


def test_every_line_that_was_read_has_an_account_of_its_fate(vetted: Path) -> None:
    for line, key, fate in FATES:
        told = account(vetted, key)
        at = [told.find(words) for words in fate]
        assert -1 not in at, (key, told)
        assert at == sorted(at), (key, told)
        assert ("came from pool.jsonl, line" in told) == ("could not be read" not in told), line


def test_those_said_to_be_kept_are_those_in_the_output(vetted: Path) -> None:
    kept = {key for _, key, _ in FATES if account(vetted, key).endswith("\n  kept")}
    assert kept == {row["id"] for row in read_lines(vetted)} == {"best", "ends"}


def test_the_place_of_an_unreadable_line_holds_its_bytes(vetted: Path) -> None:
    content = (vetted.parent / "pool.jsonl").read_bytes()
    for line, key, _ in FATES[6:8]:
        [told] = tamis.why(str(vetted), f"pool.jsonl:{key}").body["accounts"]
        [bad] = told["unreadable"]
        begin, end = bad["byte_offset"], bad["byte_offset"] + bad["length"]
        assert content[begin:end].decode() == line == bad["bytes"]


def test_the_run_folder_and_its_output_tell_the_same(vetted: Path) -> None:
    folder = Path(f"{vetted}.run")
    assert account(vetted, "open") == account(folder, "open")


def test_a_check_is_asked_by_the_file_it_looked_at(pool: Path) -> None:
    tamis.check([str(pool)], common=quiet())
    told = account(pool, "open")
    assert "(tamis check)" in told
    assert "error think-tags/unpaired" in told
    assert told.endswith("kept")


def test_each_run_of_a_chain_adds_its_part_oldest_first(pool: Path, tmp_path: Path) -> None:
    v0, v1, v2, v3 = (tmp_path / name for name in ("v0", "v1", "v2", "v3.jsonl"))
    tamis.import_([str(pool)], common=quiet(v0))
    tamis.fix([str(v0)], common=quiet(v1))
    tamis.dedup([str(v1)], common=quiet(v2))
    result = tamis.select([str(v2)], n=3, max_similarity=1.0, common=quiet(v3))
    commands = {
        key: [told["command"] for told in tamis.why(str(v3), f"pool.jsonl:{key}").body["accounts"]]
        for _, key, _ in FATES
    }
    # a run that read data of ours and kept the row as it was has nothing to add
    assert commands == {
        "best": ["import"],
        "copy": ["import", "dedup"],
        "edit": ["import", "dedup"],
        "open": ["import", "select"],
        "ends": ["import", "fix"],
        "both": ["import", "fix", "select"],
        "7": ["import"],
        "8": ["import"],
        "ends@9": ["import", "dedup"],
        "10": ["import", "select"],
        "near": ["import"],
    }
    dropped = {key for key, runs in commands.items() if runs[-1] in ("dedup", "select")}
    kept = [key for _, key, _ in FATES if key not in dropped | {"7", "8"}]
    assert [row["id"] for row in read_lines(v3)] == kept
    assert result.counts["kept"] == 3
    told = account(v3, "both")
    assert told.index(f"in {v0} ") < told.index(f"in {v1} ") < told.index(f"in {v3}.run ")


@pytest.mark.parametrize(
    ("asked", "meant"), [("pool.jsonl:bst", "pool.jsonl:best"), ("ends@9", "pool.jsonl:ends@9")]
)
def test_an_id_that_is_nearly_one_is_answered_with_those_meant(
    asked: str, meant: str, vetted: Path
) -> None:
    with pytest.raises(InputError, match="no row has the id") as caught:
        tamis.why(str(vetted), asked)
    assert f"did you mean `{meant}`" in str(caught.value)


def test_an_id_like_no_other_is_one_clear_line_on_the_command_line(vetted: Path) -> None:
    done = run_tamis("why", vetted.name, "zzz", cwd=vetted.parent)
    assert (done.returncode, done.stdout) == (3, b"")
    assert said(done) == "tamis: sft.jsonl.run: no row has the id `zzz`"


def test_a_place_without_a_run_is_refused(pool: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a run folder or an output made by Tamis"):
        tamis.why(str(pool), "pool.jsonl:best")
    assert names_in(tmp_path) == ["pool.jsonl"]


def test_show_prints_the_rows_asked_for(pool: Path, tmp_path: Path) -> None:
    tamis.import_([str(pool)], common=quiet(tmp_path / "data"))
    shown = tamis.show(str(tmp_path / "data"), n=2)
    assert [row["id"] for row in shown.body["rows"]] == ["pool.jsonl:best", "pool.jsonl:copy"]
    assert shown.body["n_rows"] == 9
    one = tamis.show(str(tmp_path / "data"), row_id="pool.jsonl:10")
    assert one.lines[:3] == [
        "── pool.jsonl:10",
        "user: Where do goats sleep in winter?",
        "assistant: In the dry barn.",
    ]
    with pytest.raises(InputError, match=r"has no row `pool.jsonl:7`; ask `tamis why"):
        tamis.show(str(tmp_path / "data"), row_id="pool.jsonl:7")
    with pytest.raises(InputError, match="expected a data set folder"):
        tamis.show(str(pool))
