"""What the loader scripts share reads rows as they were written."""

from __future__ import annotations

import json
from pathlib import Path

from tamis.export.loaders.verdicts import read_rows


def test_a_text_with_other_line_ends_is_one_row(tmp_path: Path) -> None:
    rows = [{"text": "a\u2028b\u2029c\x85d"}, {"text": "e"}]
    path = tmp_path / "train.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    assert read_rows(path) == rows
