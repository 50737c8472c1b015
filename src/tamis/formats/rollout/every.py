"""All formats of rollouts, in the order detection asks them."""

from __future__ import annotations

from tamis.formats.base import Format

ROLLOUTS: tuple[Format, ...] = ()
