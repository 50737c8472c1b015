"""What a fork server is to become: written by the parent, read by the fork server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a fork server is to become. `mechanisms` are those that must hold, or it refuses to serve.

    `side` says which roles its children play. `layout` is given where the fork server cannot see for itself what it has loaded (bwrap: no /proc).
    """

    tier: str
    side: Literal["candidate", "judge"] = "candidate"
    mechanisms: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    package_folders: tuple[str, ...] = ()
    workdir_bytes: int | None = None
    layout: tuple[tuple[str, ...], ...] | None = None
    control_fd: int = -1
    parent_fd: int = -1

    def as_json(self) -> str:
        """The plan as the argument of the boot line."""
        return json.dumps(asdict(self))


def read_plan(text: str) -> Plan:
    """The plan behind its JSON."""
    given: dict[str, Any] = json.loads(text)
    return Plan(**{name: _as_tuples(value) for name, value in given.items()})


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(one) for one in value) if isinstance(value, list) else value
