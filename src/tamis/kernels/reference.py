"""Plain-Python twins of the text kernels: slow, short and easy to believe. Tests hold them equal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tamis.kernels.characters import FOLDED, KINDS, SEPARATOR, SINGLE, WORD

_MASK = (1 << 64) - 1


def kind(character: str) -> int:
    """What a character is: `SEPARATOR`, `WORD` or `SINGLE`."""
    code = ord(character)
    if code < 0x10000:
        return int(KINDS[code])
    if code < 0x1F000:
        return WORD
    return SINGLE if code < 0xE0000 else SEPARATOR


def tokens(text: str) -> list[str]:
    """The tokens of a text, case folded.

    >>> tokens("It's 2 + 3.5, 你好!")
    ['it', 's', '2', '+', '3', '5', '你', '好']
    """
    found = []
    word = ""
    for character in text:
        what = kind(character)
        if what == WORD:
            code = ord(character)
            word += chr(FOLDED[code]) if code < len(FOLDED) else character
            continue
        if word:
            found.append(word)
            word = ""
        if what == SINGLE:
            found.append(character)
    return [*found, word] if word else found


def shingles(words: Sequence[str], width: int) -> set[tuple[str, ...]]:
    """All windows of `width` words, the text padded with `width - 1` blanks on either side.

    >>> sorted(shingles(["go", "on"], 2))
    [('', 'go'), ('go', 'on'), ('on', '')]
    """
    if not words:
        return set()
    blanks = [""] * (width - 1)
    padded = [*blanks, *words, *blanks]
    return {tuple(padded[at : at + width]) for at in range(len(words) + width - 1)}


def similarity(left: Sequence[str], right: Sequence[str], width: int) -> float:
    """Jaccard similarity of the shingle sets of two token sequences; 0 when both are empty."""
    a, b = shingles(left, width), shingles(right, width)
    return len(a & b) / len(a | b) if a or b else 0.0


def mix(value: int) -> int:
    """The finaliser of MurmurHash3 on 64 bits."""
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33


def hash_token(token: str) -> int:
    """The 64-bit hash of one token: a step for every run of up to eight ASCII letters and digits (their
    bytes as one number, the first lowest) and for every other character (its code, top bit set)."""
    value = 0xCBF29CE484222325
    for run in re.findall(r"[a-z0-9]{1,8}|.", token, re.DOTALL):
        is_ascii = run.isascii() and run.isalnum()
        number = int.from_bytes(run.encode(), "little") if is_ascii else ord(run) | 1 << 63
        value = (value ^ number) * 0xA0761D6478BD642F & _MASK
        if kind(run[0]) == WORD:
            value ^= value >> 32
    return mix(value)


def hash_windows(hashes: Sequence[int], width: int) -> list[int]:
    """The 64-bit hash of each padded window of token hashes, a blank being 0."""
    if not hashes:
        return []
    blanks = [0] * (width - 1)
    padded = [*blanks, *hashes, *blanks]
    found = []
    for at in range(len(hashes) + width - 1):
        window = 0
        for value in padded[at : at + width]:
            window = (window * 0x9E3779B97F4A7C15 + value) & _MASK
        spread = (window ^ window >> 32) * 0xD6E8FEB86659FD93 & _MASK
        found.append(spread ^ spread >> 32)
    return found


def signature(hashes: Sequence[int], factors: Sequence[int], addends: Sequence[int]) -> list[int]:
    """For each permutation, the least of factor * x + addend over the upper halves x of `hashes`."""
    halves = [value >> 32 for value in hashes]
    return [
        min((factor * half + addend) & 0xFFFFFFFF for half in halves)
        for factor, addend in zip(factors, addends, strict=True)
    ]


def letter_counts(text: str, scripts: Sequence[tuple[int, int, int]]) -> list[int]:
    """Letters of a text, characters beyond ASCII of no script listed, then those of each script.

    Planes from U+32400 on hold no letters and are not counted.

    scripts: (number from 1, first code point, last code point)

    >>> letter_counts("ab é 你", [(1, 0x4E00, 0x9FFF)])
    [4, 1, 1]
    """
    counts = [0] * (2 + max(number for number, _, _ in scripts))
    for character in text:
        code = ord(character)
        counts[0] += re.match(r"[^\W\d_]", character) is not None
        if 0x80 <= code < 0x32400:
            of = [number for number, first, last in scripts if first <= code <= last]
            counts[1 + (of[-1] if of else 0)] += 1
    return counts


def reads_as_english(text: str, own: set[str], shared: set[str]) -> bool:
    """Whether every 40 words of a text hold enough small words of English, and hardly any accents.

    A word of `own` counts 2, one of `shared` 1; 40 words need 12 and three of `own`, a whole text of
    fewer 10 and three.
    """
    words = [word.lower() for word in re.findall("[A-Za-z]+", text)]
    stretches = [words[at : at + 40] for at in range(0, len(words), 40)]
    if len(words) % 40 == 0:
        stretches.append([])
    counts = [(len(s), sum(w in own for w in s), sum(w in shared for w in s)) for s in stretches]
    *whole, (n_last, n_own, n_shared) = counts
    last = 2 * n_own + n_shared
    n_wide = sum(re.match(r"[^\W\d_]", c) is not None and ord(c) >= 0x80 for c in text)
    return (
        all(2 * owned + others >= 12 and owned >= 3 for _, owned, others in whole)
        and last * 40 >= 12 * (n_last - 3)
        and n_own * 40 >= 3 * (n_last - 3)
        and (bool(whole) or (last >= 10 and n_own >= 3))
        and n_wide * 50 <= sum(map(len, words))
    )
