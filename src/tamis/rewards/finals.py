"""Where an answer commits itself: boxes, `#### n`, "the answer is n"; linear scans, no guessing.

`find_commitments` says where, for every reward; `find_finals` reads what stands there as numbers.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from tamis.rewards.numbers import NUMBER, Number, number_value, read_number

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
_NUMBER_START = re.compile(r"[\s*`]*(?:\\\(|\$(?=[^$\n]{0,80}\$))?\s*")
# Between two numbers, these alone mean a list of candidates, not one answer.
_LIST_GAP = re.compile(
    r"[\s,;|/&()、,\[\]]*(?:(?:or|and|to|either|或者?|和|至)\b)?[\s,;|/&()、\[\]]*", re.IGNORECASE
)
_GLUED = re.compile(r"[0-9][.,:/]$")
_OPERATOR = re.compile(
    r"\s*(?:[+*^×÷<>≤≥=]\s*[0-9A-Za-z(\\$-]|-\s*[0-9(\\]|/\s*[0-9(\\]|\\(?:times|cdot|div|pm)\b)"
)
_CALCULATION = re.compile(r"[0-9+*/×÷·x.,()$ \u2212-]{1,100}=")
_WORD = re.compile(r"\s*\\?(?P<percent>%)?\s*(?P<word>[A-Za-z\u00b0\u4e00-\u9fff]+)?")
# A last number further from the end ends nothing; the cap keeps the search quick on floods of digits.
_LAST_CHARS = 2000
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


class Final(msgspec.Struct, frozen=True):
    """One commitment: the text as written, and the number in it (None: not a readable number)."""

    text: str
    number: Number | None


class Finals(msgspec.Struct, frozen=True):
    """All commitments of the strongest form present, in order; `broken` when a box never closes."""

    source: Source | None
    found: list[Final]
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
    while inside.startswith("{") and "," not in inside:
        if _closing_brace(inside, 1) != len(inside) - 1:
            break
        inside = inside[1:-1].strip()
    return inside


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


def find_finals(text: str, *, last_number: bool) -> Finals:
    """The numbers an answer commits itself to, or (if allowed, and nothing else is there) its last number."""
    places = find_commitments(text)
    if places.source == "phrase":
        return Finals("phrase", [_after_phrase(place.text) for place in places.found])
    if places.source is not None:
        found = [_whole(place.text) for place in places.found]
        return Finals(places.source, found, places.broken)
    if last_number and (last := _last_number(text)) is not None:
        return Finals("last_number", [last])
    return Finals(None, [])


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    return None


def _whole(text: str) -> Final:
    return Final(text.strip()[:200], read_number(text))


def _rest_of_line(text: str, start: int) -> str:
    rest = text[start : start + _PHRASE_CHARS]
    return rest.split("\n", 1)[0].strip() or rest.strip().split("\n", 1)[0]


def _after_phrase(line: str) -> Final:
    """The number directly behind a phrase; words in between, lists and calculations without result are none."""
    begin = _NUMBER_START.match(line)
    rest = line[begin.end() :] if begin else line
    written = rest[:200].strip()
    if (calculation := _CALCULATION.match(rest)) is not None:
        if "=" in rest[calculation.end() :] or read_number(calculation[0][:-1]) is not None:
            return Final(written, None)
        rest = rest[calculation.end() :].lstrip()
    elif (named := re.match(r"[A-Za-z]\s*=\s*", rest)) is not None:
        rest = rest[named.end() :]
    match = NUMBER.match(rest)
    if match is None or goes_on(rest, match.end()):
        return Final(written, None)
    value = number_value(match)
    if value is None:
        return Final(written, None)
    return Final(match[0].strip().rstrip("."), Number(value, _unit_behind(match, rest)))


def goes_on(text: str, end: int) -> bool:
    """Whether a value that ends at `end` only begins a calculation or a list of candidates."""
    if _OPERATOR.match(text, end):
        return True
    gap = _LIST_GAP.match(text, end)
    place = gap.end() if gap else end
    return place > end and NUMBER.match(text, place) is not None


def _unit_behind(match: re.Match[str], text: str) -> str | None:
    if match["currency"]:
        return "dollar" if "$" in match["currency"] else None
    behind = _WORD.match(text, match.end())
    if behind is None:
        return None
    return "percent" if behind["percent"] else (behind["word"] or "").lower() or None


def _last_number(text: str) -> Final | None:
    text = text[-_LAST_CHARS:]
    before: re.Match[str] | None = None
    last: re.Match[str] | None = None
    for match in NUMBER.finditer(text):
        begin = match.end() - len(match[0].lstrip())
        if not begin or not re.match(r"[0-9A-Za-z_.]", text[begin - 1]):
            before, last = last, match
    if last is None:
        return None
    written = last[0].strip().rstrip(".")
    gap = text[before.end() : last.start()] if before else "."
    begin = last.end() - len(last[0].lstrip())
    is_list = len(gap) <= 40 and _LIST_GAP.fullmatch(gap) is not None
    # `1,2,7` is no number, so its parts were never seen as numbers before the last one
    is_list = is_list or _GLUED.search(text[max(0, begin - 2) : begin]) is not None
    value = number_value(last)
    if value is None or is_list or _OPERATOR.match(text, last.end()):
        return Final(written, None)
    return Final(written, Number(value, _unit_behind(last, text)))
