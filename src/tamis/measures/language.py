"""Which language a conversation is in."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.columns import ROLES, FlatMessages, flat_messages
from tamis.kernels.patterns import string_buffers
from tamis.op import Measure
from tamis.schema import MESSAGES
from tamis.text.languages import OWN_SCRIPTS

_MESSAGE_CHARS = 500
_TEXT_CHARS = 1500
# of Bengali and Gurmukhi script CLD2 says which language it is
_SCRIPTS = {
    code: tuple((ord(span[0]), ord(span[-1])) for span in ranges)
    for code, ranges in OWN_SCRIPTS.items()
    if code not in ("bn", "pa")
}
# a tie goes to the name that is last in the alphabet
_CODES = tuple(sorted(_SCRIPTS, reverse=True))
_JA, _ZH = _CODES.index("ja"), _CODES.index("zh")
_RANGES = tuple(
    (number, first, last) for number, code in enumerate(_CODES, 1) for first, last in _SCRIPTS[code]
)
# `kernels.letters` passes over the same
CODE = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+|<[^<>\n]{1,80}>", re.DOTALL)
# what CLD2 takes for broken UTF-8
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U0010ffff]"
)
_OLD_CODES = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "zh-Hant": "zh",
    "mo": "ro",
    "nb": "no",
    "tl": "tl",
}
# a Chinese character says about as much as this many Latin letters
_IDEOGRAPH_LETTERS = 3
_FEWEST_LETTERS = 8
_LEAST_SHARE = 0.5
_ENGLISH = ("en", 1.0)


class Language(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The main language of what user and assistant write, without code, links and tags.

    A script that belongs to one language decides (Chinese characters with kana are Japanese). Latin
    letters with the small words of English in every stretch of 40 words are English, with confidence
    1; for whatever is left CLD2 is asked. Looks at the first 500 characters of each message, 1,500
    in all.

    Reads:   messages; user and assistant content.
    Adds:    language             string, ISO 639-1; null when there is too little text to tell
             language_confidence  float32 in (0, 1], share of the text in that language; null with it
    Cost:    one pass over the bytes looked at; one CLD2 call where neither script nor words decide.
    Source:  CLD2 (Riesa and Sites); script and word steps are our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)

    def adds(self) -> pa.Schema:
        """A code and how sure it is, null together."""
        return pa.schema(
            [pa.field("language", pa.string()), pa.field("language_confidence", pa.float32())]
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch."""
        found = _languages(flat_messages(batch.column("messages")))
        columns = [
            pa.array([None if f is None else f[0] for f in found], type=pa.string()),
            pa.array([None if f is None else f[1] for f in found], type=pa.float32()),
        ]
        return pa.record_batch(columns, schema=self.adds())


def language_of(text: str) -> tuple[str, float] | None:
    """The language of a text and its share in it, or None when one cannot tell.

    >>> language_of("今天天气很好，我们去公园散步吧。")
    ('zh', 1.0)
    >>> language_of("42") is None
    True
    """
    message = {"role": "user", "content": text}
    return _languages(FlatMessages(pa.array([[message]], type=MESSAGES)))[0]


def _languages(flat: FlatMessages) -> list[tuple[str, float] | None]:
    """Language and confidence of each conversation."""
    from tamis.kernels.letters import character_table, survey

    roles = flat.role_codes()
    content = flat.text("content")
    # a null may still span bytes of the buffer
    is_text = content.is_valid().to_numpy(zero_copy_only=False)
    wanted = ((roles == ROLES.index("user")) | (roles == ROLES.index("assistant"))) & is_text
    offsets, content_bytes = string_buffers(content)
    counts, is_english = survey(
        np.frombuffer(content_bytes, np.uint8),
        offsets.astype(np.int64),
        flat.starts.astype(np.int64),
        wanted,
        character_table(_RANGES),
        (_MESSAGE_CHARS, _TEXT_CHARS, len(_CODES)),
    )
    found = _by_script(counts)
    unsure = []
    for row in np.flatnonzero(counts[:, 0] >= _FEWEST_LETTERS).tolist():
        if found[row] is None:
            if is_english[row]:
                found[row] = _ENGLISH
            else:
                unsure.append(row)
    for row, text in zip(unsure, _texts(flat, wanted, unsure), strict=True):
        found[row] = _by_words(text)
    return found


def _by_script(counts: npt.NDArray[np.int64]) -> list[tuple[str, float] | None]:
    """The language whose own script fills most of each text."""
    found: list[tuple[str, float] | None] = [None] * len(counts)
    rows = np.flatnonzero(counts[:, 2:].any(axis=1) & (counts[:, 0] > 0))
    by_code = counts[rows, 2:]
    n_ideographs = by_code[:, _ZH].copy()
    total = counts[rows, 0] + (_IDEOGRAPH_LETTERS - 1) * n_ideographs
    by_code[:, _ZH] *= _IDEOGRAPH_LETTERS
    # a little kana in a Chinese text is a quotation; in Japanese every fifth sign or more is kana
    kana = by_code[:, _JA]
    is_japanese = (kana > 0) & (kana * 5 >= n_ideographs)
    by_code[is_japanese, _JA] += by_code[is_japanese, _ZH]
    by_code[is_japanese, _ZH] = 0
    best = by_code.argmax(axis=1)
    shares = np.minimum(1.0, by_code.max(axis=1, initial=0) / total)
    for row, code, share in zip(rows.tolist(), best.tolist(), shares.tolist(), strict=True):
        if share > _LEAST_SHARE:
            found[row] = (_CODES[code], round(share, 3))
    return found


def _texts(flat: FlatMessages, wanted: npt.NDArray[np.bool_], rows: list[int]) -> list[str]:
    """What is looked at of some conversations, without code, links and tags."""
    texts = []
    content = flat.text("content")
    for row in rows:
        first, last = int(flat.starts[row]), int(flat.starts[row + 1])
        parts = content.slice(first, last - first).to_pylist()
        heads = []
        left = _TEXT_CHARS
        for part, is_wanted in zip(parts, wanted[first:last].tolist(), strict=True):
            head = part[: min(left, _MESSAGE_CHARS)] if is_wanted else ""
            heads.append(CODE.sub(" ", head))
            left -= len(head)
        texts.append("\n".join(heads))
    return texts


def _by_words(text: str) -> tuple[str, float] | None:
    """What CLD2 says, if it is sure."""
    import pycld2

    readable = _UNREADABLE.sub(" ", text)
    try:
        is_reliable, _, found = pycld2.detect(readable.encode("utf-8", "replace"), bestEffort=True)
    except pycld2.error:
        # CLD2 refuses some code points that are valid UTF-8; ASCII it always reads
        is_reliable, _, found = pycld2.detect(readable.encode("ascii", "replace"), bestEffort=True)
    _, code, percent, _ = found[0]
    code = _OLD_CODES.get(code, code)
    if not is_reliable or len(code) != 2 or code == "un" or percent <= 0:
        return None
    return code, percent / 100
