"""The files of a run folder: one run at a time writes them, and a finished run knows what it wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tamis.dataset import MANIFEST, NOTE
from tamis.errors import StoreError

LOCK = ".lock"
OUTPUT = "output"
# written again by whoever looks at a run, or only needed to go on with it
_CALLS = ("calls.sqlite", "calls.sqlite-wal", "calls.sqlite-shm")
_NOT_LISTED = ("passes", "staged", "report.json", "report.html", *_CALLS, LOCK, NOTE, MANIFEST)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the lock ends with the process, however that ends.

    Raises: StoreError when another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{folder}: another run is writing there; wait for it, or choose another output"
            ) from error
        yield
    finally:
        os.close(handle)


def sizes(folder: Path, output: str | None) -> dict[str, int]:
    """Bytes of every file that a finished run vouches for, by its path in the folder; and of its output."""
    found = {}
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder)
        if file.is_file() and place.parts[0] not in _NOT_LISTED:
            found[place.as_posix()] = file.stat().st_size
    if output is not None:
        found |= {f"{OUTPUT}/{name}": file.stat().st_size for name, file in _output_files(output)}
    return found


def _output_files(output: str) -> list[tuple[str, Path]]:
    """The files of an output that is a file or a folder, by their names in it."""
    place = Path(output)
    if place.is_file():
        return [("", place)]
    inside = sorted(file for file in place.rglob("*") if file.is_file())
    return [(file.relative_to(place).as_posix(), file) for file in inside]


def are_in_place(folder: Path, listed: Mapping[str, int], output: str | None) -> bool:
    """Whether all these files are there, as large as they were."""
    for name, size in listed.items():
        file = folder / name
        if output is not None and name.startswith(f"{OUTPUT}/"):
            inside = name.removeprefix(f"{OUTPUT}/")
            file = Path(output) / inside if inside else Path(output)
        if not file.is_file() or file.stat().st_size != size:
            return False
    return True
