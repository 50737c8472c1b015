"""Writes `report.json` and `report.html`, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tamis.errors import StoreError
from tamis.reports.html import render


def write_report(report: dict[str, object], folder: Path) -> tuple[Path, Path]:
    """Write a report's two files into `folder` and return their paths (json, html).

    Each is written under a temporary name first, so a reader never sees half a file.
    Raises:  StoreError when the folder cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    # the page is rendered from the very bytes that are published
    page = render(msgspec.json.decode(text))
    paths = folder / "report.json", folder / "report.html"
    for path, content in zip(paths, (text, page.encode("utf-8")), strict=True):
        _replace(path, content)
    return paths


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: expected a folder to write to, got {error.strerror}; name another with -o"
        ) from error
