"""`import`: any mix of formats and containers becomes one data set, and every line is accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, RecipeError

from .files import FORMATS, KIND_OF, ids_in, names_in, quiet, rows_in, table, talk, write_rows

# A container for each format, so that both are mixed at once.
MIXED = {
    "a.jsonl": "openai",
    "b.json": "sharegpt",
    "c.parquet": "alpaca",
    "deep/d.jsonl.gz": "prompt_completion",
    "deep/e.ndjson.zst": "gsm8k",
    "f.json.gz": "trl_preference",
}
KINDS = ("conversations", "questions", "preferences")
FIVE = [talk(f"Question {i}?", f"Answer {i}.", id=f"k{i}") for i in range(5)]
CONTAINERS = [
    *("a.jsonl", "b.ndjson", "c.json", "d.parquet"),
    *("e.jsonl.gz", "f.json.gz", "g.jsonl.zst", "h.json.zst"),
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of all six formats in six containers, two rows each; one line of one is broken."""
    folder = tmp_path / "mixed"
    for name, form in MIXED.items():
        write_rows(folder / name, [{**FORMATS[form], "id": f"{form}-{i}"} for i in range(2)])
    with (folder / "a.jsonl").open("ab") as file:
        file.write(b'\n{"messages": [{"role": \n')
    return folder


@pytest.mark.parametrize("kind", ["conversations", "questions", "preferences"])
def test_to_takes_the_rows_of_one_kind_and_names_the_files_it_sets_aside(
    kind: str, mixed: Path, tmp_path: Path
) -> None:
    result = tamis.import_([str(mixed)], to=kind, common=quiet(tmp_path / "data"))  # type: ignore[arg-type]
    wanted = {name: form for name, form in MIXED.items() if KIND_OF[form] == kind}
    n_broken = int("a.jsonl" in wanted)
    assert {one["name"]: one["format"] for one in result.body["inputs"]} == wanted
    manifest = json.loads((tmp_path / "data/manifest.json").read_bytes())
    assert {one["name"] for one in manifest["set_aside"]} == MIXED.keys() - wanted.keys()
    assert result.counts == {
        "read": 2 * len(wanted) + n_broken,
        "unreadable": n_broken,
        "parsed": 2 * len(wanted),
        "made": 0,
        "kept": 2 * len(wanted),
        "dropped": 0,
        "written": 2 * len(wanted),
    }
    for count in ("read", "unreadable"):
        assert sum(one[count] for one in manifest["inputs"]) == result.counts[count]
    assert sorted(ids_in(result.output)) == sorted(
        f"{name}:{form}-{i}" for name, form in wanted.items() for i in range(2)
    )


def test_every_container_gives_the_same_messages(tmp_path: Path) -> None:
    for name in CONTAINERS:
        write_rows(tmp_path / "raw" / name, FIVE)
    result = tamis.import_([str(tmp_path / "raw")], common=quiet(tmp_path / "data"))
    rows = rows_in(result.output, ["id", "source", "messages"])
    assert [row["id"] for row in rows] == [f"{c}:k{i}" for c in CONTAINERS for i in range(5)]
    for row in rows:
        written = FIVE[int(row["id"][-1])]["messages"]
        messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        assert messages == written, row["source"]


def test_limit_takes_the_first_rows_of_each_container(tmp_path: Path) -> None:
    for name in CONTAINERS:
        write_rows(tmp_path / "raw" / name, FIVE)
    for shard_bytes in (1, 1 << 20):
        common = quiet(tmp_path / f"data{shard_bytes}", limit=2, shard_bytes=shard_bytes)
        result = tamis.import_([str(tmp_path / "raw")], common=common)
        assert ids_in(result.output) == [f"{c}:k{i}" for c in CONTAINERS for i in range(2)]
        assert result.counts["read"] == 2 * len(CONTAINERS)


def test_a_folder_of_several_kinds_becomes_a_data_set_of_each(mixed: Path, tmp_path: Path) -> None:
    result = tamis.import_([str(mixed)], common=quiet(tmp_path / "data"))
    assert names_in(tmp_path / "data") == ["conversations", "preferences", "questions", "staged"]
    table = [line.split() for line in result.lines[: result.lines.index("")]]
    assert table[0] == ["file", "became", "format", "rows", "unreadable"]
    assert ["f.json.gz", "preferences", "trl_preference", "2", "-"] in table
    assert ["deep/e.ndjson.zst", "questions", "gsm8k", "2", "-"] in table
    each = [tamis.open_dataset(tmp_path / "data" / kind).n_rows for kind in KINDS]
    assert result.counts["parsed"] == sum(each) == 2 * (len(table) - 1)
    assert result.counts["read"] == result.counts["parsed"] + 1
    again = tamis.import_([str(mixed)], common=quiet(tmp_path / "data"))
    assert again.already_finished
    assert again.counts == result.counts


def test_a_folder_of_data_sets_is_no_input_but_each_of_them_is(mixed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    tamis.import_([str(mixed)], common=quiet(data))
    with pytest.raises(RecipeError, match="holds the data sets conversations, preferences"):
        tamis.check([str(data)], common=quiet(tmp_path / "check"))
    checked = tamis.check([str(data / "conversations")], common=quiet(tmp_path / "check"))
    assert checked.counts["read"] == tamis.open_dataset(data / "conversations").n_rows


def test_another_verb_asks_for_a_kind_and_leaves_nothing(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        tamis.dedup([str(mixed)], common=quiet(tmp_path / "unique"))
    refusal = str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in refusal
    for words in ("several kinds", "questions: deep/e.ndjson.zst", "preferences: f.json.gz"):
        assert words in refusal
    assert refusal.endswith("make a data set of each first, with tamis import")


def test_a_mixed_file_is_split_by_the_kinds_of_its_rows(tmp_path: Path) -> None:
    names = [name for name in FORMATS for _ in range(2)]
    write_rows(tmp_path / "mixed.jsonl", [FORMATS[name] for name in names])
    result = tamis.import_([str(tmp_path / "mixed.jsonl")], common=quiet(tmp_path / "data"))
    assert result.counts["unreadable"] == 0
    assert result.counts["read"] == len(names)
    for kind in KINDS:
        rows = list(rows_in(tmp_path / "data" / kind))
        wanted = [(i + 1, name) for i, name in enumerate(names) if KIND_OF[name] == kind]
        assert [(row["line"], row["format"]) for row in rows] == wanted


def test_a_stray_row_is_read_by_its_own_format_or_listed(tmp_path: Path) -> None:
    rows = [talk("a", "b") for _ in range(400)]
    rows[100] = FORMATS["sharegpt"]
    rows[110] = FORMATS["trl_preference"]
    rows[120] = {"what": "is this"}
    write_rows(tmp_path / "rows.jsonl", rows)
    result = tamis.import_([str(tmp_path / "rows.jsonl")], common=quiet(tmp_path / "data"))
    assert (result.counts["parsed"], result.counts["unreadable"]) == (398, 2)
    formats = {row["line"]: row["format"] for row in rows_in(tmp_path / "data")}
    assert formats[101] == "sharegpt"
    assert formats[102] == "openai"
    unreadable = table(result.run, "ledger/unreadable")
    assert [(one["line"], one["reason"]) for one in unreadable] == [
        (
            111,
            "$.messages: expected a list, got nothing (the key is missing); "
            "the row looks like trl_preference (preferences)",
        ),
        (121, "$.messages: expected a list, got nothing (the key is missing)"),
    ]


def test_rows_of_a_kind_that_the_sample_did_not_show_are_listed(tmp_path: Path) -> None:
    rows = [FORMATS["alpaca"], FORMATS["gsm8k"], *[FORMATS["alpaca"]] * 300]
    rows += [*[FORMATS["trl_preference"]] * 3, *[FORMATS["alpaca"]] * 1000]
    write_rows(tmp_path / "rows.jsonl", rows)
    result = tamis.import_([str(tmp_path / "rows.jsonl")], common=quiet(tmp_path / "data"))
    assert (result.counts["read"], result.counts["unreadable"]) == (len(rows), 3)
    [told] = {one["reason"] for one in table(tmp_path / "data/conversations", "ledger/unreadable")}
    assert (
        told == "$: expected conversations, got a row that looks like trl_preference (preferences)"
    )


def test_a_named_format_is_the_only_reading_of_a_file(tmp_path: Path) -> None:
    rows = [FORMATS["alpaca"], FORMATS["trl_preference"], FORMATS["gsm8k"]]
    write_rows(tmp_path / "rows.jsonl", rows)
    common = quiet(tmp_path / "data", as_format="alpaca")
    result = tamis.import_([str(tmp_path / "rows.jsonl")], common=common)
    assert (result.counts["read"], result.counts["parsed"]) == (3, 1)
    assert (tmp_path / "data" / "manifest.json").exists()


def test_a_system_text_at_the_top_and_loss_flags_by_any_name_are_read(tmp_path: Path) -> None:
    flags = ['"weight": 0.0', '"loss": false', '"training": false', '"loss_weight": 0']
    lines = [
        f'{{"system": "Top.", "messages": [{{"role": "assistant", "content": "a", {flag}}}]}}'
        for flag in flags
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    tamis.import_([str(tmp_path / "rows.jsonl")], common=quiet(tmp_path / "data"))
    for row in rows_in(tmp_path / "data"):
        assert (row["messages"][0]["role"], row["messages"][0]["content"]) == ("system", "Top.")
        assert row["messages"][1]["train"] is False


def test_an_import_of_nothing_but_broken_rows_is_no_success(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [FORMATS["sharegpt"]])
    common = quiet(tmp_path / "data", as_format="openai")
    result = tamis.import_([str(tmp_path / "rows.jsonl")], common=common)
    assert (result.counts["parsed"], result.exit_code) == (0, 3)


def test_answers_in_another_file_are_joined_by_id(tmp_path: Path) -> None:
    asked = [
        {"id": f"q{i}", "question": [[{"role": "user", "content": "?"}]], "function": []}
        for i in (1, 2)
    ]
    answers = [{"id": "q2", "ground_truth": [{"f": {"a": [1.0]}}]}]
    write_rows(tmp_path / "raw" / "b.json", asked)
    write_rows(tmp_path / "raw" / "b_answers.json", answers)
    result = tamis.import_([str(tmp_path / "raw")], common=quiet(tmp_path / "data"))
    assert result.counts["read"] == 2
    assert "bfcl (1 with answers)" in result.lines[1]
    references = [row["reference"] for row in rows_in(tmp_path / "data")]
    assert references[0] is None or references[0]["answer"] is None
    assert references[1]["answer"] == '[{"f": {"a": [1.0]}}]'


def test_answers_alone_are_refused_and_their_sibling_is_named(tmp_path: Path) -> None:
    write_rows(tmp_path / "b_answers.json", [{"id": "q1", "ground_truth": [{"f": {"a": [1]}}]}])
    with pytest.raises(
        InputError, match=r"give the file they belong to as well, like b\.json"
    ) as told:
        tamis.import_([str(tmp_path / "b_answers.json")], common=quiet(tmp_path / "data"))
    assert told.value.exit_code == 3


def test_a_dry_run_shows_every_kind(mixed: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "data", dry_run=True)
    result = tamis.import_([str(mixed)], common=common)
    told = "\n".join(result.lines)
    for words in ("as conversations", "as questions", "as preferences", "becomes:"):
        assert words in told
    assert names_in(tmp_path) == ["mixed"]


def test_a_format_known_by_sight_is_refused_by_its_name_and_all_files_at_once(
    tmp_path: Path,
) -> None:
    write_rows(tmp_path / "raw/fine.jsonl", FIVE)
    for name in "ab":
        oasst = {"message_id": name, "parent_id": None, "text": "Hi.", "role": "prompter"}
        write_rows(tmp_path / f"raw/{name}.jsonl", [oasst])
    with pytest.raises(InputError) as caught:
        tamis.import_([str(tmp_path / "raw")], common=quiet(tmp_path / "data"))
    lines = str(caught.value).splitlines()
    assert caught.value.exit_code == 3
    assert len(lines) == 2
    for name, line in zip("ab", lines, strict=True):
        assert line.startswith(f"{name}.jsonl: looks like oasst messages")
    assert names_in(tmp_path) == ["raw"]


def test_rows_of_no_known_shape_are_refused_with_their_keys(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [{"colour": "blue", "size": 4}])
    with pytest.raises(InputError, match=r"got rows with keys colour, size; .* --as FORMAT reads"):
        tamis.import_([str(source)], common=quiet(tmp_path / "data"))


def test_as_reads_a_file_that_most_rows_speak_against(tmp_path: Path) -> None:
    rows = [{"text": "not a row of chat"}] * 3 + FIVE
    source = write_rows(tmp_path / "raw.jsonl", rows)
    common = quiet(tmp_path / "data", as_format="openai")
    result = tamis.import_([str(source)], common=common)
    assert (result.counts["parsed"], result.counts["unreadable"]) == (5, 3)
    assert {row["line"] for row in table(result.run, "ledger/unreadable")} == {1, 2, 3}


def test_unreadable_lines_of_a_packed_file_are_placed_in_the_unpacked_bytes(tmp_path: Path) -> None:
    lines = [json.dumps(FIVE[0]).encode(), b"", b"{oh no", json.dumps(FIVE[1]).encode(), b'"hm"']
    plain = b"\n".join(lines)
    (tmp_path / "raw.jsonl.gz").write_bytes(gzip.compress(plain))
    result = tamis.import_([str(tmp_path / "raw.jsonl.gz")], common=quiet(tmp_path / "data"))
    found = table(result.run, "ledger/unreadable")
    assert [(row["file"], row["line"]) for row in found] == [
        ("raw.jsonl.gz", 3),
        ("raw.jsonl.gz", 5),
    ]
    for row in found:
        span = plain[row["byte_offset"] : row["byte_offset"] + row["length"]]
        assert span == row["bytes"] == lines[row["line"] - 1]
    assert result.counts["read"] == 4


def test_keys_that_clash_get_line_numbers_whatever_the_cuts(tmp_path: Path) -> None:
    keys = ["a", "b", "a", "c", "b", "a", "a@3"]
    rows = [talk(f"Say {i}.", f"Said {i}.", id=key) for i, key in enumerate(keys)]
    source = write_rows(tmp_path / "raw.jsonl", rows)
    ids = ["a", "b", "a@3@", "c", "b@5", "a@6", "a@3"]
    for shard_bytes, workers in ((1, 1), (150, 2), (1 << 20, 1)):
        out = tmp_path / f"data{shard_bytes}"
        common = quiet(out, workers=workers, shard_bytes=shard_bytes)
        result = tamis.import_([str(source)], common=common)
        assert ids_in(out) == [f"raw.jsonl:{name}" for name in ids]
        found = table(out, "findings")
        assert [row["id"] for row in found] == [f"raw.jsonl:{n}" for n in ("a@3@", "b@5", "a@6")]
        assert {row["rule"] for row in found} == {"input/duplicate-key"}
        assert "line 3 brings a key that an earlier row has" in found[0]["message"]
        assert result.counts["kept"] == 7


def test_one_key_in_two_files_is_no_clash(tmp_path: Path) -> None:
    for name in ("x/pool.jsonl", "y/pool.jsonl"):
        write_rows(tmp_path / name, FIVE[:1])
    sources = [str(tmp_path / "x/pool.jsonl"), str(tmp_path / "y/pool.jsonl")]
    result = tamis.import_(sources, common=quiet(tmp_path / "data"))
    assert ids_in(result.output) == ["pool.jsonl:k0", "pool.jsonl#2:k0"]
    assert table(result.run, "findings") == []


def test_import_into_a_file_is_refused_with_the_verb_that_does_it(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", FIVE)
    with pytest.raises(RecipeError, match="use `tamis export` to write files"):
        tamis.import_([str(source)], common=quiet(tmp_path / "data.jsonl"))
    assert names_in(tmp_path) == ["raw.jsonl"]


def test_standard_input_is_a_source_like_any_other(tmp_path: Path) -> None:
    keyless = {"messages": FIVE[1]["messages"]}
    sent = "".join(json.dumps(row) + "\n" for row in (FIVE[0], keyless)).encode() + b"oh no\n"
    command = ("import", "-", "-o", "data", "--format", "json")
    done = run_tamis(*command, cwd=tmp_path, stdin=sent)
    assert done.returncode == 0, said(done)
    answer = json.loads(done.stdout)
    assert (answer["counts"]["parsed"], answer["counts"]["unreadable"]) == (2, 1)
    assert ids_in(tmp_path / "data") == ["stdin:k0", "stdin:2"]
    account = tamis.why(str(tmp_path / "data"), "stdin:3").lines
    assert "could not be read" in account[1]
