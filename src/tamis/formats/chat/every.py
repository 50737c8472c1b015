"""All formats of conversations, in the order detection asks them, in three groups."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.chat import alpaca, openai, prompt_completion, sharegpt

# Lists of turns.
TURNS: tuple[Format, ...] = (openai.FORMAT, sharegpt.FORMAT)
# Pairs of a question and an answer.
PAIRS: tuple[Format, ...] = (alpaca.FORMAT, prompt_completion.FORMAT)
# Texts without any structure: asked when nothing else fits.
TEXTS: tuple[Format, ...] = ()
