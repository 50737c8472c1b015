"""Progress on stderr: a bar with rate and time left on a terminal, else a line every 30 seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

LINE_EVERY_S = 30.0


class Progress:
    """Counts finished shards and rows of one pass; prints nothing when `quiet`."""

    def __init__(self, label: str, shards: int, *, quiet: bool = False) -> None:
        self._label = label
        self._shards = shards
        self._quiet = quiet
        self._done = self._rows = 0
        self._started = self._last = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty() and self._shards > 1:
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.TextColumn("{task.fields[rate]}"),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._label, total=self._shards, rate="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, rows: int) -> None:
        """One more shard with `rows` rows is done."""
        self._done += 1
        self._rows += rows
        now = time.monotonic()
        rate = f"{self._rows / max(now - self._started, 1e-9):,.0f} rows/s"
        if self._bar is not None:
            self._bar.update(self._task, advance=1, rate=rate)
        elif not self._quiet and now - self._last >= LINE_EVERY_S:
            self._last = now
            print(
                f"{self._label}: {self._done} of {self._shards} shards, {self._rows:,} rows, {rate}",
                file=sys.stderr,
                flush=True,
            )
