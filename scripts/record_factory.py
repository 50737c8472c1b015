"""Record what LLaMA-Factory, axolotl, ms-swift and OpenRLHF do with good and with hostile rows.

Run as `record_factory.py TRAINER --python INTERPRETER`, with the interpreter that has the trainer. The
good rows of `tests/export/factory_rows.py` are exported to `tests/export/good/<trainer>_<kind>/`; each
row of `tests/export/hostile/<trainer>_<kind>.jsonl` is loaded beside the first of them by the trainer's
own loader, before it and behind it, and the worse verdict goes to `tests/export/recordings/`: the proof
that `export/replays` tells the same. Without `--python` only the good folders are written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "export"
LOADERS = ROOT / "src" / "tamis" / "export" / "loaders"
sys.path.insert(0, str(TESTS))

from factory_rows import TARGETS, export  # noqa: E402


def record(trainer: str, kind: str, python: Path) -> dict[str, Any]:
    """What the real loader does with each hostile row, reasons cut to the type of the error."""
    command = [python, LOADERS / f"{trainer}.py", TESTS / "good" / f"{trainer}_{kind}", kind]
    hostile = TESTS / "hostile" / f"{trainer}_{kind}.jsonl"
    done = subprocess.run(
        [*command, "--hostile", hostile], stdout=subprocess.PIPE, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    for row in told["rows"]:
        row["reason"] = row["reason"].partition(":")[0]
    return told


def main() -> int:
    """Write the good folders of one trainer, then its recordings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trainer", choices=sorted(TARGETS))
    parser.add_argument("--python", type=Path)
    given = parser.parse_args()
    target = TARGETS[given.trainer]
    for kind in target.shapes:
        name = f"{given.trainer}_{kind}"
        export(target, kind, TESTS / "good" / name)
        if given.python is not None:
            told = record(given.trainer, kind, given.python)
            path = TESTS / "recordings" / f"{name}.json"
            path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
