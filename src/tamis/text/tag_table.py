"""The tags and markers of very many texts at once, read from their bytes, and the texts that are plainly sound.

The exact readers (`think`, `tools`) look at one text at a time; they cost microseconds a text. Most
tagged texts are simple: every tag is spelled right and is followed by its own partner. That much is seen
here in whole arrays, so that only the others are read one by one. Being called sound here means that
the exact reader would find nothing; not being called so means nothing.

All offsets are bytes into the joined UTF-8 of the texts. Not imported by the other files of this package,
which work without numpy.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Indexes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_TAGS = (b"<think>", b"</think>", b"<tool_call>", b"</tool_call>")
OPEN_THINK, CLOSE_THINK, OPEN_CALL, CLOSE_CALL = range(4)
# the forgiving spelling of `tags._TAG`, in bytes
_ANY_SPELLING = re.compile(
    rb"<[ \t]{0,2}/?[ \t]{0,2}(?:think|tool[-_ ]?call)[ \t]{0,2}>", re.IGNORECASE
)
# `marked_calls`' two markers; a regular expression of one literal is the fastest search of a buffer
_MISTRAL = re.compile(rb"\[TOOL_CALLS\]")
_LLAMA = b"<|python_tag|>"
_LONGEST = 24
_MOST_BLANKS = 8


class TagTable(NamedTuple):
    """Tags of all texts in order.

    texts:   (n_bytes,) uint8, the UTF-8 of all texts one after another
    offsets: (n_texts + 1,) int64 into `texts`
    code:    (n_tags,) int64, `OPEN_THINK` ... `CLOSE_CALL`; only tags in the right spelling
    start:   (n_tags,) int64, first byte of each tag; `end` is the byte behind it
    owner:   (n_tags,) int64, the text of each tag
    odd:     indexes of texts that hold a tag in another spelling
    marked:  indexes of texts that hold a marker of tool calls, `[TOOL_CALLS]` or `<|python_tag|>`
    """

    texts: Bytes
    offsets: Indexes
    code: Indexes
    start: Indexes
    end: Indexes
    owner: Indexes
    odd: Indexes
    marked: Indexes


class Bodies(NamedTuple):
    """What stands between the tags of simple tool calls: bytes `start:end`, in text `owner`."""

    owner: Indexes
    start: Indexes
    end: Indexes


def read_table(texts: Bytes, offsets: Indexes) -> TagTable:
    """Find the tags of all texts."""
    first, last = int(offsets[0]), int(offsets[-1])
    places = np.flatnonzero(texts[first:last] == ord("<")) + first
    marked = _marked(texts, offsets, places)
    places = places[_begins_like_tag(texts, places, last)] if len(places) else places
    code = _codes(texts, places, last)
    owner = np.searchsorted(offsets, places, side="right") - 1
    # a spelling that runs over the end of its text is none
    length = np.array([len(tag) for tag in _TAGS], dtype=np.int64)[code]
    code[(code >= 0) & (places + length > offsets[owner + 1])] = -1
    odd = [
        place
        for place in np.flatnonzero(code < 0).tolist()
        if _ANY_SPELLING.match(texts[places[place] : places[place] + _LONGEST].tobytes())
    ]
    known = code >= 0
    starts = places[known]
    return TagTable(
        texts,
        offsets,
        code[known],
        starts,
        starts + length[known],
        owner[known],
        owner[odd],
        marked,
    )


def tagged_texts(table: TagTable) -> Flags:
    """(n_texts,) bool: texts that hold a tag in any spelling, mentions included."""
    return texts_with(table, OPEN_THINK, CLOSE_THINK, OPEN_CALL, CLOSE_CALL)


def texts_with(table: TagTable, *codes: int) -> Flags:
    """(n_texts,) bool: texts that hold one of the tags, or any tag in an odd spelling."""
    found = _none(table)
    for code in codes:
        found[table.owner[table.code == code]] = True
    found[table.odd] = True
    return found


def texts_with_calls(table: TagTable) -> Flags:
    """(n_texts,) bool: texts that hold a tool-call tag, any tag in an odd spelling, or a marker."""
    found = texts_with(table, OPEN_CALL, CLOSE_CALL)
    found[table.marked] = True
    return found


def texts_with_lists(table: TagTable) -> Flags:
    """(n_texts,) bool: texts that may be nothing but a list: they begin with `[`, or with a blank."""
    begin, end = table.offsets[:-1], table.offsets[1:]
    found = end > begin
    letter = table.texts[begin[found]]
    found[found] = (letter == ord("[")) | (letter <= ord(" "))
    return found


def paired_texts(table: TagTable) -> Flags:
    """(n_texts,) bool: each opening tag is followed by its own closing tag, and no spelling is odd."""
    counts = np.bincount(table.owner, minlength=len(table.offsets) - 1)
    first = (np.cumsum(counts) - counts)[table.owner]
    is_second = (np.arange(len(table.owner)) - first) % 2 == 1
    opens = (table.code == OPEN_THINK) | (table.code == OPEN_CALL)
    before = np.concatenate([[-1], table.code[:-1]])
    fits = np.where(is_second, ~opens & (table.code == before + 1), opens)
    paired: Flags = (counts > 0) & (counts % 2 == 0)
    paired[table.owner[~fits]] = False
    paired[table.odd] = False
    return paired


def sound_thinks(table: TagTable) -> Flags:
    """(n_texts,) bool: paired texts whose think blocks have a body and, at the text's end, an answer."""
    sound = paired_texts(table)
    opens = np.flatnonzero(table.code == OPEN_THINK)
    # in paired texts the partner is the next tag; the others are no longer in question
    ends = np.append(table.start, table.offsets[-1])[opens + 1]
    sound[table.owner[opens[~_has_word(table.texts, table.end[opens], ends)]]] = False
    is_last = np.ones(len(table.owner), dtype=bool)
    is_last[:-1] = table.owner[1:] != table.owner[:-1]
    last = np.flatnonzero(is_last & (table.code == CLOSE_THINK))
    answered = _has_word(table.texts, table.end[last], table.offsets[table.owner[last] + 1])
    sound[table.owner[last[~answered]]] = False
    return sound


def simple_calls(table: TagTable) -> Bodies:
    """Bodies of the tool calls of paired texts that hold neither code nor a marker, in order."""
    is_open = table.code == OPEN_CALL
    if not is_open.any():
        nothing = np.empty(0, dtype=np.int64)
        return Bodies(nothing, nothing, nothing)
    simple = paired_texts(table) & ~_texts_with_code(table)
    simple[table.marked] = False
    chosen = np.flatnonzero(is_open & simple[table.owner])
    return Bodies(table.owner[chosen], table.end[chosen], table.start[chosen + 1])


def _marked(texts: Bytes, offsets: Indexes, places: Indexes) -> Indexes:
    """Texts with a marker; `places` are those of every `<`."""
    first, last = int(offsets[0]), int(offsets[-1])
    starts = [found.start() + first for found in _MISTRAL.finditer(texts[first:last].data)]
    for step in (1, 2):
        places = places[texts[np.minimum(places + step, last - 1)] == _LLAMA[step]]
    starts += [at for at in places.tolist() if texts[at : at + len(_LLAMA)].tobytes() == _LLAMA]
    begin = np.array(starts, dtype=np.int64)
    owner = np.searchsorted(offsets, begin, side="right") - 1
    length = np.where(texts[begin] == ord("["), len(b"[TOOL_CALLS]"), len(_LLAMA))
    found: Indexes = np.unique(owner[begin + length <= offsets[owner + 1]])
    return found


def _begins_like_tag(texts: Bytes, places: Indexes, last: int) -> Flags:
    """After `<`, blanks and a slash come `thi` or `too`, in any case."""
    at = places + 1
    for _ in range(5):
        letter = texts[np.minimum(at, last - 1)]
        at += (letter == ord(" ")) | (letter == ord("\t")) | (letter == ord("/"))
    first, second, third = (texts[np.minimum(at + step, last - 1)] | 0x20 for step in range(3))
    think = (second == ord("h")) & (third == ord("i"))
    call = (second == ord("o")) & (third == ord("o"))
    found: Flags = (first == ord("t")) & (think | call)
    return found


def _codes(texts: Bytes, places: Indexes, last: int) -> Indexes:
    """The code of the tag spelled at each place, -1 where none is. Twelve bytes hold every tag."""
    window = texts[np.minimum(places[:, None] + np.arange(12), last - 1)]
    words = [np.ascontiguousarray(part).view(np.uint32)[:, 0] for part in np.hsplit(window, 3)]
    code = np.full(len(places), -1, dtype=np.int64)
    for n, tag in enumerate(_TAGS):
        spelled = np.frombuffer(tag.ljust(12, b"\0"), dtype=np.uint32)
        matters = np.frombuffer((b"\xff" * len(tag)).ljust(12, b"\0"), dtype=np.uint32)
        same = places + len(tag) <= last
        for word, expected, mask in zip(words, spelled, matters, strict=True):
            same &= (word & mask) == expected
        code[same] = n
    return code


def _has_word(texts: Bytes, begin: Indexes, end: Indexes) -> Flags:
    """Whether a visible sign certainly stands in each range, soon after its beginning."""
    at = begin.copy()
    edge = np.maximum(end - 1, 0)
    for _ in range(_MOST_BLANKS):
        letter = texts[np.minimum(at, edge)]
        at += (at < end) & ((letter == ord(" ")) | (letter == ord("\n")) | (letter == ord("\r")))
    letter = texts[np.minimum(at, edge)]
    # printable ASCII, or the first byte of U+4000 to U+9FFF
    visible = ((letter > ord(" ")) & (letter < 0x7F)) | ((letter >= 0xE4) & (letter <= 0xE9))
    found: Flags = (at < end) & visible
    return found


def _texts_with_code(table: TagTable) -> Flags:
    first, last = int(table.offsets[0]), int(table.offsets[-1])
    window = table.texts[first:last]
    ticks = np.flatnonzero((window == ord("`")) | (window == ord("~"))) + first
    found = _none(table)
    found[np.searchsorted(table.offsets, ticks, side="right") - 1] = True
    return found


def _none(table: TagTable) -> Flags:
    return np.zeros(len(table.offsets) - 1, dtype=bool)
