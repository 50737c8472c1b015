"""Which language a conversation is in."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, FlatMessages
from tamis.op import Measure

_MESSAGE_CHARS = 1000
_TEXT_CHARS = 3000
# scripts that one language of note writes; Chinese characters also stand in Japanese text
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]"),
    "ko": re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "he": re.compile("[\u05d0-\u05ea]"),
    "hy": re.compile("[\u0530-\u058f]"),
    "ka": re.compile("[\u10a0-\u10ff]"),
    "ta": re.compile("[\u0b80-\u0bff]"),
    "te": re.compile("[\u0c00-\u0c7f]"),
    "kn": re.compile("[\u0c80-\u0cff]"),
    "ml": re.compile("[\u0d00-\u0d7f]"),
    "gu": re.compile("[\u0a80-\u0aff]"),
    "km": re.compile("[\u1780-\u17ff]"),
    "lo": re.compile("[\u0e80-\u0eff]"),
}
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+|<[^<>\n]{1,80}>", re.DOTALL)
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


class Language(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The main language of what user and assistant write, without code, links and tags.

    A script that belongs to one language decides (Chinese characters with kana are Japanese); for
    the others CLD2 is asked. Looks at the first 1,000 characters of each message, 3,000 in all.

    Reads:   messages; user and assistant content.
    Adds:    language             string, ISO 639-1; null when there is too little text to tell
             language_confidence  float32 in (0, 1], share of the text in that language; null with it
    Cost:    one CLD2 call a conversation.
    Source:  CLD2 (Riesa and Sites); the script step is our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)

    def adds(self) -> pa.Schema:
        """A code and how sure it is, null together."""
        return pa.schema(
            [pa.field("language", pa.string()), pa.field("language_confidence", pa.float32())]
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch."""
        flat = FlatMessages(batch.column("messages"))
        found = [language_of(text) for text in _texts(flat)]
        columns = [
            pa.array([None if f is None else f[0] for f in found], type=pa.string()),
            pa.array([None if f is None else f[1] for f in found], type=pa.float32()),
        ]
        return pa.record_batch(columns, schema=self.adds())


def _texts(flat: FlatMessages) -> list[str]:
    """The text of each conversation that is looked at."""
    roles = flat.role_codes()
    is_spoken = (roles == ROLES.index("user")) | (roles == ROLES.index("assistant"))
    content = pc.fill_null(flat.text("content"), "")
    content = pc.if_else(pa.array(is_spoken), content, pa.scalar(""))
    short = pc.utf8_slice_codeunits(content, 0, _MESSAGE_CHARS)
    lists = pa.ListArray.from_arrays(pa.array(flat.starts.astype(np.int32)), short)
    return [text[:_TEXT_CHARS] for text in pc.binary_join(lists, "\n").to_pylist()]


def language_of(text: str) -> tuple[str, float] | None:
    """The language of a text and its share in it, or None when one cannot tell.

    >>> language_of("今天天气很好，我们去公园散步吧。")
    ('zh', 1.0)
    >>> language_of("42") is None
    True
    """
    plain = _CODE.sub(" ", text)
    if not plain.isascii():
        by_script = _by_script(plain)
        if by_script is not None:
            return by_script
    return _by_words(plain)


def _by_script(text: str) -> tuple[str, float] | None:
    """The language whose own script fills most of the text."""
    n_letters = len(_LETTER.findall(text))
    if not n_letters:
        return None
    counts = {code: len(script.findall(text)) for code, script in _SCRIPTS.items()}
    n_ideographs = counts["zh"]
    total = n_letters + (_IDEOGRAPH_LETTERS - 1) * n_ideographs
    counts["zh"] *= _IDEOGRAPH_LETTERS
    # a little kana in a Chinese text is a quotation; in Japanese every fifth sign or more is kana
    if counts["ja"] * 5 >= n_ideographs and counts["ja"]:
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    code = max(counts, key=lambda name: (counts[name], name))
    share = min(1.0, counts[code] / total)
    return (code, round(share, 3)) if share > 0.5 else None


def _by_words(text: str) -> tuple[str, float] | None:
    """What CLD2 says, if it is sure."""
    import pycld2

    readable = _UNREADABLE.sub(" ", text)
    if len(_LETTER.findall(readable)) < _FEWEST_LETTERS:
        return None
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
