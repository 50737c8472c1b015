"""The supported formats, one line each, in the order detection asks them."""

from __future__ import annotations

from tamis.errors import InputError
from tamis.formats import (
    alpaca,
    gsm8k,
    openai,
    prompt_completion,
    sharegpt,
    trl_preference,
)
from tamis.formats.base import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (trl_preference, openai, sharegpt, alpaca, prompt_completion, gsm8k)
}


def get_format(name: str) -> Format:
    """The format of this name; InputError lists those there are."""
    if name not in FORMATS:
        raise InputError(f"format `{name}`: expected one of {', '.join(sorted(FORMATS))}")
    return FORMATS[name]
