"""All formats of questions, in the order detection asks them, in three groups."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.question import gsm8k

# Shapes that no row of another kind has: asked before everything else.
STRUCTS: tuple[Format, ...] = ()
# Questions with answers, whose keys say more than those of a pair of texts: asked before pairs.
ANSWERED: tuple[Format, ...] = (gsm8k.FORMAT,)
# A prompt alone: asked when nothing else fits.
PROMPTS: tuple[Format, ...] = ()
