"""A trainer's own loader over an exported folder, where the trainer is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec

from tamis.errors import InputError, TamisError
from tamis.export.targets.base import Target
from tamis.schema import Kind

_LOADERS = Path(__file__).parent / "loaders"
_MODULES = {"ms-swift": "swift"}
_LONGEST_S = 3600.0
_MOST_ODD = 20


class ProofError(TamisError):
    """A trainer's loader could not be asked, or ended without an answer."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainer's own code did with the rows: its version, how many of each verdict, the odd ones."""

    version: str
    n_rows: int
    verdicts: dict[str, int]
    odd: tuple[str, ...]


def is_installed(target: Target, python: str) -> bool:
    """Whether this interpreter has the trainer."""
    module = _MODULES.get(target.name, target.name)
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        return (
            subprocess.run([python, "-c", look], capture_output=True, check=False).returncode == 0
        )
    except OSError as error:
        raise InputError(f"--python {python}: cannot be run: {error.strerror or error}") from error


def prove(
    folder: Path,
    kind: Kind,
    target: Target,
    *,
    python: str = sys.executable,
    tokenizer: Path | None = None,
) -> Proof | None:
    """Load the folder by the trainer's own code in a process of its own; None where it is not installed.

    Raises: ProofError with the loader's last line when it ends without an answer.
    """
    if target.loader is None or not is_installed(target, python):
        return None
    command = [python, str(_LOADERS / f"{target.loader}.py"), str(folder), kind]
    if tokenizer is not None:
        command += ["--tokenizer", str(tokenizer)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise ProofError(f"{target.name}: its loader took more than {_LONGEST_S:.0f} s") from error
    except json.JSONDecodeError as error:
        last = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise ProofError(
            f"{target.name}: expected its loader to answer, it ended with {done.returncode}: {last}"
        ) from error
    rows = said["rows"]
    odd = [
        f"row {one['row']}: {one['verdict']}: {one['reason']}"
        for one in rows
        if one["verdict"] != "accepted"
    ]
    return Proof(
        version=said["version"],
        n_rows=len(rows),
        verdicts=dict(Counter(one["verdict"] for one in rows)),
        odd=tuple(odd[:_MOST_ODD]),
    )
