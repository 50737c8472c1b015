"""What a handover was: the rows written, what was verified of them, and what stayed behind."""

from __future__ import annotations

import msgspec

from tamis.export.proof import Proof
from tamis.export.verify import Verified


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed over: the rows written, what was verified, and what stayed behind."""

    n_rows: int
    verified: Verified
    flattened: dict[str, int]
    own_keys: dict[str, int]
    proof: Proof | None = None
    proof_problem: str | None = None
    ungradable: dict[str, int] = {}
