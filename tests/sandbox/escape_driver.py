"""Try every escape from one process, the parent, and print what each achieved as JSON. Run by `test_escapes.py`."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hack_suite import Escape, escapes

from tamis.sandbox import Box, Call, Limits, open_sandbox
from tamis.sandbox.values import encode

LIMITS = Limits(time_s=20, memory_bytes=384 << 20, output_bytes=1 << 20)
HALVES = ("the canary that lies in the ", "memory of the parent")
CANARY = "".join(HALVES)
PROGRAMS = ["/bin/true", "/bin/sh", "/usr/bin/env", sys.executable]
STARTED = time.time()


def targets(folder: Path, port: int) -> dict[str, Any]:
    """What the attempts aim at, all of it really there for this user."""
    path = folder / "letter.txt"
    path.write_text("a private letter of the user")
    path.chmod(0o666)
    places = [str(folder), "/tmp", "/var/tmp", "/dev/shm", "/work", "/", os.getcwd()]
    return {
        "pid": os.getpid(),
        "canary": list(HALVES),
        "variable": "PYTHONPATH",
        "path": str(path),
        "folders": [str(folder), "/home", "/etc", "/proc"],
        "places": places,
        "word": f"kept{os.getpid()}",
        "address": ["127.0.0.1", port],
        "abstract": f"tamis-{os.getpid()}",
        "seconds": 300,
        "programs": PROGRAMS,
    }


def allowed_of(escape: Escape) -> list[Any]:
    """What may be found: the clean environment, the standard descriptors and the job's."""
    if "environment" in escape.name:
        names = "PYTHONHASHSEED MALLOC_ARENA_MAX OPENBLAS_NUM_THREADS OMP_NUM_THREADS MKL_NUM_THREADS LANG HOME PWD"
        return [*names.split(), "LC_CTYPE"]
    return [0, 1, 2, 3]


def bytes_of(escape: Escape) -> int:
    """What would be more than allowed."""
    return LIMITS.memory_bytes if "memory" in escape.name else 64 << 20


def attempt(box: Box, escape: Escape, target: dict[str, Any]) -> str:
    """The account of one attempt."""
    own = {**target, "allowed": allowed_of(escape), "bytes": bytes_of(escape)}
    call = Call(entry="attempt", args=(encode(own),))
    outcome = box.solve(escape.source, [call], limits=LIMITS)[0]
    if escape.name == "keep_a_file":  # the second run must not find what the first one kept
        outcome = box.solve(escape.source, [call], limits=LIMITS)[0]
    if escape.name == "flood_output":
        ended = box.program(f"{escape.source}\nattempt({own!r})\n", b"", limits=LIMITS)
        if len(ended.stdout) > LIMITS.output_bytes:
            return "ESCAPED: more output than allowed"
    return str(outcome.raw) if outcome.kind == "value" else f"{outcome.kind}: {outcome.detail}"


def left_behind(target: dict[str, Any]) -> list[str]:
    """Files that an attempt wrote, and the letter if it changed."""
    found = [
        str(path)
        for place in target["places"]
        if os.access(place, os.R_OK)
        for path in Path(place).iterdir()
        if target["word"] in path.name or path.name.startswith("fill")
    ]
    letter = Path(target["path"])
    if (
        letter.read_text() != "a private letter of the user"
        or letter.stat().st_mode & 0o777 != 0o666
    ):
        found.append("the letter was changed")
    return found


def main() -> None:
    """Print the tier, the account of every attempt, and what was left behind."""
    box = open_sandbox(lanes=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        target = targets(Path(folder), server.getsockname()[1])
        abstract.bind("\0" + target["abstract"])
        abstract.listen()
        accounts = {escape.name: attempt(box, escape, target) for escape in escapes()}
        left = left_behind(target)
    print(json.dumps({"tier": box.tier, "accounts": accounts, "left": left}))


if __name__ == "__main__":
    main()
