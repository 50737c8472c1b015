"""Which languages a text is in, by share: its scripts decide where they can, CLD2 where they cannot.

For one text at a time and without numpy; of whole columns, `measures.language` asks the same in arrays.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import msgspec

Script = Literal["latin", "cyrillic", "arabic", "devanagari", "han", "own"]
OWN_SCRIPTS = {
    "ja": ("\u3040-\u30ff", "\u31f0-\u31ff", "\uff66-\uff9d"),
    "ko": ("\u1100-\u11ff", "\u3130-\u318f", "\uac00-\ud7af"),
    "zh": ("\u3400-\u4dbf", "\u4e00-\u9fff", "\uf900-\ufaff"),
    "th": ("\u0e01-\u0e5b",),
    "el": ("\u0370-\u03ff", "\u1f00-\u1fff"),
    "he": ("\u05d0-\u05ea",),
    "hy": ("\u0530-\u058f",),
    "ka": ("\u10a0-\u10ff",),
    "ta": ("\u0b80-\u0bff",),
    "te": ("\u0c00-\u0c7f",),
    "kn": ("\u0c80-\u0cff",),
    "ml": ("\u0d00-\u0d7f",),
    "gu": ("\u0a80-\u0aff",),
    "pa": ("\u0a00-\u0a7f",),
    "bn": ("\u0980-\u09ff",),
    "km": ("\u1780-\u17ff",),
    "lo": ("\u0e80-\u0eff",),
}
"""Scripts that one language of note writes, by ranges; Chinese characters also stand in Japanese text."""

_SHARED = {
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "devanagari": "\u0900-\u097f",
}
_SCRIPTS: dict[str, Script] = {
    **dict.fromkeys(["ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg"], "cyrillic"),
    **dict.fromkeys(["ar", "fa", "ur", "ps", "sd", "ug"], "arabic"),
    **dict.fromkeys(["hi", "mr", "ne", "sa"], "devanagari"),
    **dict.fromkeys(["zh", "ja"], "han"),
}
_OWN_SIGNS = {code: re.compile(f"[{''.join(ranges)}]") for code, ranges in OWN_SCRIPTS.items()}
_ANY_OWN = re.compile(f"[{''.join(map(''.join, OWN_SCRIPTS.values()))}]+")
_SHARED_SIGNS = {name: re.compile(f"[{ranges}]") for name, ranges in _SHARED.items()}
_LETTER = re.compile(r"[^\W\d_]")
_MASKED = re.compile(
    r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+|<[^<>\n]{1,80}>|\\[A-Za-z]+", re.DOTALL
)
# what CLD2 takes for broken UTF-8
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U0010ffff]"
)
_SPELLED_OTHERWISE = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "nb": "no",
    "nn": "no",
    "fil": "tl",
    "cmn": "zh",
}
# a Chinese character says about as much as this many Latin letters
_IDEOGRAPH_LETTERS = 3
# fewer are a name, a formula or a unit in any language
_FEWEST_LETTERS = 8


class Languages(msgspec.Struct, frozen=True):
    """The languages of a text: the share of its letters in each, and in each script; what is unknown is in none.

    `n_letters` counts a Chinese character as three.
    """

    shares: dict[str, float]
    scripts: dict[str, float]
    n_letters: int


def plain_code(language: str) -> str:
    """A language code as it is used here: two letters where there are any, no region.

    >>> plain_code("zh-Hans"), plain_code("iw")
    ('zh', 'he')
    """
    bare = re.split("[-_]", language.lower(), maxsplit=1)[0]
    return _SPELLED_OTHERWISE.get(bare, bare)


def script_of(language: str) -> str:
    """The script of a language: `latin`, `han`, one that several languages share, or the code of its own."""
    return _SCRIPTS.get(language, language if language in OWN_SCRIPTS else "latin")


def languages_of(text: str) -> Languages:
    """The languages of a text without its code, links, tags and LaTeX commands.

    Cost:   linear; one CLD2 call unless scripts say everything.
    Raises: ImportError without pycld2.

    >>> languages_of("今天天气很好").shares
    {'zh': 1.0}
    """
    plain = _MASKED.sub(" ", text)
    by_own = Counter({code: len(signs.findall(plain)) for code, signs in _OWN_SIGNS.items()})
    # Thai and Indic vowel signs are no letters to `re`, so signs of own scripts are counted apart
    rest = _ANY_OWN.sub(" ", plain)
    n_rest = len(_LETTER.findall(rest))
    by_own["zh"] *= _IDEOGRAPH_LETTERS
    # a little kana in a Chinese text is a quotation; in Japanese every fifth sign or more is kana
    if by_own["ja"] and by_own["ja"] * 5 * _IDEOGRAPH_LETTERS >= by_own["zh"]:
        by_own["ja"] += by_own["zh"]
        del by_own["zh"]
    total = by_own.total() + n_rest
    if not total:
        return Languages({}, {}, 0)
    shares = {code: count / total for code, count in by_own.items() if count}
    scripts = dict.fromkeys(["latin", *map(script_of, shares)], 0.0)
    for code, share in shares.items():
        scripts[script_of(code)] += share
    n_shared = 0
    for name, signs in _SHARED_SIGNS.items():
        count = len(signs.findall(rest))
        n_shared += count
        scripts[name] = count / total
    scripts["latin"] = max(0, n_rest - n_shared) / total
    if n_rest >= _FEWEST_LETTERS:
        for code, share in _by_words(rest).items():
            shares[code] = shares.get(code, 0.0) + share * n_rest / total
    return Languages(shares, scripts, total)


def _by_words(text: str) -> dict[str, float]:
    """What CLD2 says of the shares, if it is sure."""
    import pycld2

    readable = _UNREADABLE.sub(" ", text)
    if readable.isupper():
        readable = readable.lower()  # its tables know little of capitals
    try:
        is_reliable, _, found = pycld2.detect(readable.encode("utf-8", "replace"), bestEffort=True)
    except pycld2.error:
        # CLD2 refuses some code points that are valid UTF-8; ASCII it always reads
        is_reliable, _, found = pycld2.detect(readable.encode("ascii", "replace"), bestEffort=True)
    if not is_reliable:
        return {}
    known = [(plain_code(code), percent) for _, code, percent, _ in found if code != "un"]
    total = sum(percent for _, percent in known)
    # spaces and digits belong to no language: the shares are of what was recognised
    return {code: percent / total for code, percent in known if percent > 0}
