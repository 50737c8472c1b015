"""The exact reader's tools: one level of JSON at a time, nothing bent, nothing lost.

Values stay `msgspec.Raw` (the author's own bytes) until a field asks for a text, a flag or a list.
Each refusal is a RowError `$.path: expected ..., got ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from tamis.errors import RowError

# Spellings that a canonical row cannot say (an alias of a role, a null beside an absent key) are kept
# under this key of `meta` and `extra`, so that writing the same format gives the same JSON values.
MARKER = "_tamis"
MAX_DEPTH = 64
MAX_ROW_BYTES = 1 << 30

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ELEMENTS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_KEY = re.compile(rb'[ \t\r\n]*("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*:[ \t\r\n]*')
_AFTER_VALUE = re.compile(rb"[ \t\r\n]*[,}]")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_NOT_JSON_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")
_NULL = b"null"
_WHOLE_NUMBER = re.compile(rb"-?[0-9]{1,30}")


def open_row(line: bytes) -> dict[str, Raw]:
    """The members of a row's top level.

    Raises: RowError saying why the line is no JSON object, or is not plain enough to be read.
    """
    if not line.strip(b" \t\r\n"):
        raise RowError(
            "$: expected a value, got nothing (the array is not closed, or a comma is stray)"
        )
    if len(line) > MAX_ROW_BYTES:
        raise RowError(f"$: expected at most {MAX_ROW_BYTES} bytes, got {len(line)}")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        wrong = line[error.start]
        raise RowError(f"$: expected UTF-8, got byte 0x{wrong:02x} at {error.start}") from error
    try:
        msgspec.json.decode(line, type=Raw)
        found = _MEMBERS.decode(line)
    except msgspec.ValidationError as error:
        raise RowError(f"$: expected an object, got {kind_of(line.strip())}") from error
    except RecursionError as error:
        raise RowError(f"$: expected at most {MAX_DEPTH} levels, got more") from error
    except msgspec.DecodeError as error:
        raise RowError(f"$: {_malformed(line, str(error))}") from error
    if is_deeper(line, MAX_DEPTH):
        raise RowError(f"$: expected at most {MAX_DEPTH} levels, got more")
    return _without_repeats(line.strip(b" \t\r\n"), found, "$")


def _malformed(line: bytes, message: str) -> str:
    literal = _NOT_JSON_NUMBER.search(_STRING.sub(b'""', line))
    if literal is not None:
        return (
            f"expected JSON, got the literal {literal.group(1).decode()}, which JSON does not have"
        )
    if "surrogate" in message or (b"\\u" in line[-16:] and "truncated" in message):
        return f"expected whole characters, got half of a surrogate pair ({message})"
    if "truncated" in message:
        return "expected a whole row, got the beginning of one (the line is cut)"
    found = message.removeprefix("JSON is malformed: ")
    if found.startswith("expected "):
        return f"{found}, got something else: no JSON"
    article = {"invalid": "an ", "trailing comma": "a "}
    before = next((a for start, a in article.items() if found.startswith(start)), "")
    return f"expected JSON, got {before}{found}"


def is_deeper(raw: bytes, limit: int) -> bool:
    """Whether more than `limit` objects and lists are open at once."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    depth = deepest = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest > limit


def members(raw: Raw | bytes, path: str) -> dict[str, Raw]:
    """The members of an object, in the author's order; a repeated key is a RowError."""
    text = bytes(raw)
    if text[:1] != b"{":
        raise RowError(f"{path}: expected an object, got {kind_of(text)}")
    return _without_repeats(text, _MEMBERS.decode(text), path)


def _without_repeats(text: bytes, found: dict[str, Raw], path: str) -> dict[str, Raw]:
    """`found` as it is; a decoder keeps the last of repeated keys, so walk the text to see them all."""
    place = 1
    for key, raw in found.items():
        match = _KEY.match(text, place)
        value = bytes(raw)
        spelled = None if match is None else _TEXT.decode(match.group(1))
        after = None
        if match is not None and spelled == key and text.startswith(value, match.end()):
            after = _AFTER_VALUE.match(text, match.end() + len(value))
        if after is None:
            raise RowError(f"{path}: expected each key once, got `{spelled or key}` repeated")
        place = after.end()
    if found and text[place - 1 : place] != b"}":
        match = _KEY.match(text, place)
        repeated = "" if match is None else _TEXT.decode(match.group(1))
        raise RowError(f"{path}: expected each key once, got `{repeated}` repeated")
    return found


def elements(raw: Raw, path: str) -> list[Raw]:
    """The elements of a list."""
    if not is_list(raw):
        raise RowError(f"{path}: expected a list, got {kind_of(bytes(raw))}")
    return _ELEMENTS.decode(raw)


def text(raw: Raw, path: str) -> str:
    """A text."""
    value = bytes(raw)
    if value[:1] != b'"':
        raise RowError(f"{path}: expected text, got {kind_of(value)}")
    return _TEXT.decode(value)


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


OWN_KEYS = ("id", "uuid", "task_id", "question_id", "conversation_id", "prompt_id", "message_id")
_MAX_KEY_CHARS = 256


def own_key(values: Mapping[str, Raw | None], names: tuple[str, ...] = OWN_KEYS) -> str | None:
    """The key a row gives itself: the first of `names` that is a text or a whole number."""
    for name in names:
        raw = values.get(name)
        key = None if raw is None else key_of(bytes(raw))
        if key is not None:
            return key
    return None


def key_of(value: bytes) -> str | None:
    """A short text or a whole number as a row's key, None for anything else."""
    if value[:1] == b'"':
        key = _TEXT.decode(value)
        return key if 0 < len(key) <= _MAX_KEY_CHARS else None
    return value.decode() if _WHOLE_NUMBER.fullmatch(value) else None


def is_null(raw: Raw) -> bool:
    """Whether the author wrote null."""
    return bytes(raw) == _NULL


def is_text(raw: Raw) -> bool:
    """Whether the author wrote a text."""
    return bytes(raw)[:1] == b'"'


def is_list(raw: Raw) -> bool:
    """Whether the author wrote a list."""
    return bytes(raw)[:1] == b"["


def json_text(raw: Raw) -> str:
    """The author's JSON, character by character."""
    return bytes(raw).decode()


def kind_of(value: bytes) -> str:
    """What a JSON value is, in words, with a short excerpt of plain values."""
    first = value[:1]
    if first == b"{":
        return "an object"
    if first == b"[":
        return "a list"
    shown = value[:40].decode(errors="replace") + ("..." if len(value) > 40 else "")
    return f"the text {shown}" if first == b'"' else shown


def object_text(pairs: Iterable[tuple[str, bytes]]) -> str | None:
    """JSON text of an object with these members, values as their author wrote them; None for none."""
    written = [msgspec.json.encode(key) + b":" + value for key, value in pairs]
    return (b"{" + b",".join(written) + b"}").decode() if written else None


def rest_text(rest: dict[str, Raw], marker: dict[str, object], path: str) -> str | None:
    """The keys nobody read, and behind them what a canonical row cannot say; None for neither."""
    if MARKER in rest:
        raise RowError(f"{path}.{MARKER}: this key is reserved, rename it")
    pairs = [(key, bytes(rest[key])) for key in sorted(rest)]
    if marker:
        pairs.append((MARKER, msgspec.json.encode(marker)))
    return object_text(pairs)


def split_rest(extra: str | None) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """`rest_text` undone: the author's keys, and the marker's members."""
    if extra is None:
        return {}, {}
    rest = _MEMBERS.decode(extra)
    marker = rest.pop(MARKER, None)
    return rest, {} if marker is None else _MEMBERS.decode(marker)
