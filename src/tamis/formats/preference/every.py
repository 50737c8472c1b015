"""All formats of preferences, in the order detection asks them."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.preference import trl_preference

PREFERENCES: tuple[Format, ...] = (trl_preference.FORMAT,)
