"""All formats of conversations, in the order detection asks them, in three groups."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.chat import (
    anthropic,
    human_assistant,
    llamafactory_v1,
    oasst,
    openai,
    pairs,
    prompt_completion,
    seeds,
    segments,
    sharegpt,
    stepwise,
    text,
)

# Lists of turns.
TURNS: tuple[Format, ...] = (
    anthropic.FORMAT,
    llamafactory_v1.FORMAT,
    *sharegpt.FORMATS,
    *openai.FORMATS,
    human_assistant.FORMAT,
    segments.FORMAT,
    stepwise.FORMAT,
    oasst.FORMAT,
)
# Pairs of a question and an answer.
PAIRS: tuple[Format, ...] = (seeds.FORMAT, prompt_completion.FORMAT, *pairs.FORMATS)
# Texts without any structure: asked when nothing else fits.
TEXTS: tuple[Format, ...] = (text.FORMAT,)
