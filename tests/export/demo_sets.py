"""The demo's three sets, and one of code, loaded by each trainer's own code: `make test-trainers`.

Not collected by `make test`, which has no trainers: the Makefile names this file, and says in
`TAMIS_TRAINERS` which interpreter has which trainer (`trl=PATH,verl=PATH,...`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import tamis
from tamis.export.targets import TARGETS, get_target
from tamis.recipe import Outputs

from .code_questions import BODY, CHECK, HEAD

SAID = os.environ.get("TAMIS_TRAINERS", "")
PYTHONS = dict(pair.split("=", 1) for pair in SAID.split(",") if pair)
PROVED = [name for name in TARGETS if get_target(name).loader is not None]
PAIRS = [(name, kind) for name in PROVED for kind in get_target(name).shapes]
PAIRS += [(name, "code") for name, kind in PAIRS if kind == "questions"]
# rows in the shape of HumanEval's: a head to be completed, its body, and a check
CODE = [
    {"task_id": f"T/{n}", "prompt": HEAD, "canonical_solution": BODY, "test": CHECK}
    | {"entry_point": "is_square"}
    for n in range(3)
]
# OpenRLHF never shows tools or calls to a template: they become text, as the user must ask for.
FLATTEN = {"openrlhf": ["tools"]}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The three sets of the demo, and one of code."""
    folder = tmp_path_factory.mktemp("demo")
    tamis.demo(recorded=True, common=tamis.Common(output=str(folder / "demo"), quiet=True))
    raw = str(folder / "demo" / "raw")
    quiet = tamis.Common(output=str(folder / "preferences"), quiet=True)
    tamis.import_([raw], to="preferences", common=quiet)
    code = folder / "code.jsonl"
    code.write_text("".join(json.dumps(row) + "\n" for row in CODE), encoding="utf-8")
    return {
        "code": str(code),
        "conversations": str(folder / "demo" / "sft.jsonl"),
        "preferences": str(folder / "preferences"),
        "questions": str(folder / "demo" / "rl.jsonl"),
    }


def test_every_trainer_with_a_loader_has_an_interpreter() -> None:
    assert set(PYTHONS) == set(PROVED)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_trainer_s_own_loader_takes_every_row(
    name: str, kind: str, sets: dict[str, str], tmp_path: Path
) -> None:
    outputs = Outputs(target=name, flatten=FLATTEN.get(name, []), verify=True, python=PYTHONS[name])
    common = tamis.Common(output=str(tmp_path / "out"), quiet=True)
    result = tamis.export([sets[kind]], handover=outputs, common=common)
    handed: dict[str, Any] = result.body["handed"]
    assert handed["proof"] is not None, f"{name} is not installed in {PYTHONS[name]}"
    assert handed["proof"]["verdicts"] == {"accepted": handed["n_rows"]}, handed["proof"]["odd"]
    assert handed["verified"]["replayed"]["verdicts"] == handed["proof"]["verdicts"]
    assert result.exit_code == 0
