"""All formats of questions, in the order detection asks them, in three groups."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.question import (
    bfcl,
    code_problems,
    decon,
    gsm8k,
    ifeval,
    math_problems,
    mt_bench,
    multiple_choice,
    nemo_gym,
    open_instruct,
    question_text,
    trl_prompt,
    verifiers,
    verl_rl,
)

# Shapes that no row of another kind has: asked before everything else.
STRUCTS: tuple[Format, ...] = (
    nemo_gym.FORMAT,
    verl_rl.FORMAT,
    open_instruct.FORMAT,
    ifeval.FORMAT,
    bfcl.FORMAT,
    decon.FORMAT,
    *code_problems.FORMATS,
    verifiers.FORMAT,
)
# Questions with answers, whose keys say more than those of a pair of texts: asked before pairs.
ANSWERED: tuple[Format, ...] = (
    gsm8k.FORMAT,
    *multiple_choice.FORMATS,
    *math_problems.FORMATS,
    question_text.FORMAT,
    mt_bench.FORMAT,
)
# A prompt alone: asked when nothing else fits.
PROMPTS: tuple[Format, ...] = (trl_prompt.FORMAT,)
