"""All formats of preferences, in the order detection asks them."""

from __future__ import annotations

from tamis.formats.base import Format
from tamis.formats.preference import (
    alpaca_preference,
    hh_rlhf,
    judged,
    kto,
    llamafactory_v1_preference,
    ms_swift_preference,
    openai_dpo,
    question_pairs,
    ranked,
    trl_preference,
    turn_pairs,
)

# Keys that only preferences have come first, TRL's bare sides and what was ranked last.
PREFERENCES: tuple[Format, ...] = (
    openai_dpo.FORMAT,
    hh_rlhf.FORMAT,
    llamafactory_v1_preference.FORMAT,
    ms_swift_preference.FORMAT,
    *turn_pairs.FORMATS,
    *judged.FORMATS,
    kto.FORMAT,
    alpaca_preference.FORMAT,
    *question_pairs.FORMATS,
    trl_preference.FORMAT,
    *ranked.FORMATS,
)
