"""Where an answer commits itself: boxes, `#### n`, "the answer is n"; linear scans, no guessing.

What stands there is read elsewhere: as mathematics in `math/commitments.py`, as texts by the other rewards.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from tamis.rewards.numbers import NUMBER

Source = Literal["boxed", "tagged", "hashes", "phrase", "last_number", "last_line"]

_BOX = re.compile(r"\\(?:boxed|fbox|fboxed)\s*\{")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_HASHES = re.compile(r"^[ \t]*#{4}(?!#)[ \t]*(.*)$", re.MULTILINE)
_TAGGED = re.compile(r"<(/?)answer>", re.IGNORECASE)
_PHRASE = re.compile(
    r"(?:\banswers?\**\s*(?:is|are|:|：|=)|^[ \t]*A\s*[:：]"
    r"|答案\s*(?:是|为|為|[:：]))[ \t*:：]*(?:is\b)?[ \t*:：]*",
    re.IGNORECASE | re.MULTILINE,
)
# Between two numbers, these alone mean a list of candidates, not one answer.
_LIST_GAP = re.compile(
    r"[\s,;|/&()、,\[\]]*(?:(?:or|and|to|either|或者?|和|至)\b)?[\s,;|/&()、\[\]]*", re.IGNORECASE
)
_GLUED = re.compile(r"[0-9][.,:/]$")
_OPERATOR = re.compile(
    r"\s*(?:[+*^×÷<>≤≥=]\s*[0-9A-Za-z(\\$-]|-\s*[0-9(\\]|/\s*[0-9(\\]|\\(?:times|cdot|div|pm)\b)"
)
# A last number further from the end ends nothing; the cap keeps the search quick on floods of digits.
_LAST_CHARS = 2000
# A comma between values: no thin space, none between thousands; and the brackets it may stand in.
_LIST_SIGNS = re.compile(r"[(\[{)\]}]|\\[lr]angle|(?<![\\{]),(?!\\!|(?<=[0-9],)[0-9]{3}(?![0-9]))")
_OPENING = ("(", "[", "{", r"\langle")
# What follows "the answer is" on its line; a longer sentence is not an answer any more.
_PHRASE_CHARS = 400


class Commitment(msgspec.Struct, frozen=True):
    """One place where an answer commits itself: the text there, bare of its mark, and where it starts."""

    text: str
    start: int


class Commitments(msgspec.Struct, frozen=True):
    """All commitments of one form, in order; `broken` when a box or a tag never closes."""

    source: Source | None
    found: list[Commitment]
    broken: bool = False


def find_commitments(text: str) -> Commitments:
    """The commitments of the strongest form present: boxes, else `####` lines, else phrases.

    A stronger form hides the weaker ones. An empty box is no commitment. What a phrase commits to is
    the rest of its line, or the next line when nothing follows; where it ends, its reader says.
    """
    found = boxed(text)
    if found.found or found.broken:
        return found
    found = hashed(text)
    return found if found.found else phrased(text)


def boxed(text: str) -> Commitments:
    """What stands in boxes, by a balanced scan; a box in a box belongs to the outer one."""
    found: list[Commitment] = []
    place = 0
    while (opening := _BOX.search(text, place)) is not None:
        end = _closing_brace(text, opening.end())
        if end is None:
            return Commitments("boxed", found, broken=True)
        if inside := _without_group(text[opening.end() : end].strip()):
            found.append(Commitment(inside, opening.start()))
        place = end + 1
    return Commitments("boxed" if found else None, found)


def _without_group(inside: str) -> str:
    """Without braces around all of it, which set nothing in LaTeX; around a list they may be meant as a set."""
    while inside.startswith("{") and _closing_brace(inside, 1) == len(inside) - 1:
        bare = inside[1:-1].strip()
        if _is_list(bare):
            break
        inside = bare
    return inside


def _is_list(text: str) -> bool:
    """Whether a comma outside all brackets parts it."""
    depth = 0
    for found in _LIST_SIGNS.finditer(text):
        if found[0] == "," and depth == 0:
            return True
        depth += 1 if found[0] in _OPENING else -1 if found[0] != "," else 0
    return False


def hashed(text: str) -> Commitments:
    """What stands behind `####` at the start of a line."""
    found = [
        Commitment(match[1].strip(), match.start())
        for match in _HASHES.finditer(text)
        if match[1].strip()
    ]
    return Commitments("hashes" if found else None, found)


def phrased(text: str) -> Commitments:
    """What follows "answer is", "Answer:", "A:" or 答案是."""
    found = [
        Commitment(_rest_of_line(text, match.end()), match.start())
        for match in _PHRASE.finditer(text)
    ]
    return Commitments("phrase" if found else None, found)


def tagged(text: str) -> Commitments:
    """What stands in `<answer>` blocks; one that never closes, or closes unopened, is broken."""
    if "<" not in text:
        return Commitments(None, [])
    found: list[Commitment] = []
    opened: re.Match[str] | None = None
    for tag in _TAGGED.finditer(text):
        if bool(tag[1]) != (opened is not None):
            return Commitments("tagged", found, broken=True)
        if opened is not None:
            found.append(Commitment(text[opened.end() : tag.start()].strip(), opened.start()))
        opened = None if tag[1] else tag
    broken = opened is not None
    return Commitments("tagged" if found or broken else None, found, broken)


def last_line(text: str) -> Commitments:
    """The last line that is not empty."""
    bare = text.rstrip()
    start = bare.rfind("\n") + 1
    if not bare:
        return Commitments(None, [])
    return Commitments("last_line", [Commitment(bare[start:].strip(), start)])


def last_number(text: str) -> Commitments:
    """The last number with the rest of its line; behind other numbers of a list, the list from there."""
    text, start = text[-_LAST_CHARS:], max(0, len(text) - _LAST_CHARS)
    before: re.Match[str] | None = None
    last: re.Match[str] | None = None
    for match in NUMBER.finditer(text):
        begin = _begin(match)
        if not begin or not re.match(r"[0-9A-Za-z_.]", text[begin - 1]):
            before, last = last, match
    if last is None:
        return Commitments(None, [])
    gap = text[before.end() : last.start()] if before else "."
    begin = _begin(last)
    if before and len(gap) <= 40 and _LIST_GAP.fullmatch(gap):
        begin = _begin(before)
    # `1,2,7` is no number, so its parts were never seen as numbers before the last one
    elif _GLUED.search(text[max(0, begin - 2) : begin]):
        begin -= 2
    line = text[begin:].split("\n", 1)[0]
    return Commitments("last_number", [Commitment(line.strip(), start + begin)])


def _begin(match: re.Match[str]) -> int:
    return match.end() - len(match[0].lstrip())


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    return None


def _rest_of_line(text: str, start: int) -> str:
    rest = text[start : start + _PHRASE_CHARS]
    return rest.split("\n", 1)[0].strip() or rest.strip().split("\n", 1)[0]


def goes_on(text: str, end: int) -> bool:
    """Whether a value that ends at `end` only begins a calculation or a list of candidates."""
    if _OPERATOR.match(text, end):
        return True
    gap = _LIST_GAP.match(text, end)
    place = gap.end() if gap else end
    return place > end and NUMBER.match(text, place) is not None
