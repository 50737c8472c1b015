from __future__ import annotations
from collections.abc import Mapping, Sequence
from typing import Any
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind


def replay(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> list[RowVerdict]:
    return []
