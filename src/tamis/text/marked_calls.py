"""Tool calls behind a marker of their own instead of between tags, and bare lists of Python calls.

    mistral   [TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}]    Mistral up to tokenizer v7; JSON only
              [TOOL_CALLS]add[ARGS]{"a": 1}                           since v11; `[ARGS]` is lost in plain decoding
    llama     <|python_tag|>{"name": "add", "parameters": {"a": 1}}   Llama 3.1 and later; several by `;`
              <|python_tag|>brave_search.call(query="x")              its built-in tools, and code to be run
    pythonic  [add(a=1), now()]                                       Llama 3.2 and 4: the whole message

A block ends at the next marker, special token or tag that stands outside the strings of its JSON, or at
the text's end. Strings of Python calls are not looked into: a marker there ends the block.

Everything here is linear in the text. All offsets are characters.
"""

from __future__ import annotations

import builtins
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tamis.text.dialects import (
    ParsedBody,
    ParsedCall,
    arguments_object,
    is_python,
    parse_body,
    parse_json,
    read_json,
)
from tamis.text.tags import Region, is_quoted, outside

MISTRAL = "[TOOL_CALLS]"
LLAMA = "<|python_tag|>"

_MARKER = re.compile(r"\[TOOL_CALLS\]|<\|python_tag\|>")
# `</s>` Mistral, the next four Llama and ChatML; `[/TOOL_CALLS]` is written by some fine-tunes
_ENDING = re.compile(r"</s>|<\|(?:eom_id|eot_id|eot|im_end)\|>|\[/TOOL_CALLS\]")
# The steps through a JSON value: whole strings, brackets, and what JSON never has outside its strings.
# Stopping at a marker there is what keeps very many of them linear.
_STEP = re.compile(
    rf'(?P<string>"(?:[^"\\]|\\.)*+")|(?P<stop>{_MARKER.pattern}|{_ENDING.pattern}|["\\])'
    r"|(?P<open>[\[{])|[\]}]",
    re.DOTALL,
)
_NAMED = re.compile(
    r"""\s*+(?P<name>[^\s\[\]{}<"']++)\s*+(?:\[CALL_ID\][^\s\[\]{}<]*+)?\s*+(?:\[ARGS\])?\s*+(?=\{)"""
)
_LIST_START = re.compile(r"[ \t\r\n]*\[")


class Mark(NamedTuple):
    """One marker as written, at `start:end` of its text."""

    start: int
    end: int


class MarkedBody(NamedTuple):
    """One marker with what it marks: `mark.end:end` is the body, `parsed` what it says.

    Code for Llama's interpreter is no call and no fault: it has neither calls nor a problem.
    """

    mark: Mark
    end: int
    parsed: ParsedBody


def read_marks(text: str, code: Sequence[Region]) -> list[Mark]:
    """The markers of a text in order, without those in the sorted, disjoint `code` or between backticks."""
    found = [Mark(*found.span()) for found in _MARKER.finditer(text)]
    return outside([mark for mark in found if not is_quoted(text, *mark)], code)


def has_marker(text: str) -> bool:
    """Whether a text holds a marker, mentions included."""
    return MISTRAL in text or LLAMA in text


def marked_bodies(text: str, marks: Sequence[Mark], tags: Sequence[int]) -> list[MarkedBody]:
    """Read what stands behind each marker; one inside another's JSON string is part of that string.

    `tags` are the sorted starts of the tool-call tags, which end a block too.
    """
    endings = [found.start() for found in _ENDING.finditer(text)] if marks else []
    cuts = sorted([*(mark.start for mark in marks), *endings, *tags])
    bodies: list[MarkedBody] = []
    place = 0
    for mark in marks:
        if mark.start < place:
            continue
        past_json, parse = _READERS[text[mark.start : mark.end]]
        at = bisect_left(cuts, past_json(text, mark.end))
        place = cuts[at] if at < len(cuts) else len(text)
        bodies.append(MarkedBody(mark, place, parse(text[mark.end : place].strip())))
    return bodies


def parse_pythonic(text: str, offered: Collection[str]) -> ParsedBody | None:
    """The calls of a message that is nothing but a list of Python calls; None when it is not one.

    At least one call must be of an offered tool: any other list in brackets is a list.

    >>> parse_pythonic("[add(a=1), now()]", {"add"}).calls[1].name
    'now'
    >>> parse_pythonic("[sin(x), cos(x)]", {"add"}) is None
    True
    """
    if not offered or _LIST_START.match(text) is None:
        return None
    written = text.strip()
    for ending in ("<|eot_id|>", "<|eom_id|>", "<|eot|>"):
        written = written.removesuffix(ending).rstrip()
    parsed = parse_body(written)
    if parsed.dialect != "call" or not any(call.name in offered for call in parsed.calls):
        return None
    return ParsedBody("pythonic", parsed.calls)


def _past_mistral_json(text: str, place: int) -> int:
    """The place behind the JSON of the marker's calls, or `place` itself where none is whole."""
    named = _NAMED.match(text, place)
    return _json_end(text, named.end() if named else place) or place


def _past_llama_json(text: str, place: int) -> int:
    """The place behind the JSON of the marker's calls, or `place` itself where none is whole."""
    return max((end for _, end in _json_series(text, place)), default=place)


def _json_series(text: str, place: int) -> Iterator[Region]:
    """The JSON values at `place`, separated by `;`, as far as they are whole."""
    while True:
        end = _json_end(text, place)
        if end is None:
            return
        yield place, end
        place = _past_blank(text, end)
        if not text.startswith(";", place):
            return
        place += 1


def _json_end(text: str, place: int) -> int | None:
    """The end of the object or list that begins at `place`, by its brackets and strings alone."""
    place = _past_blank(text, place)
    if text[place : place + 1] not in ("{", "["):
        return None
    depth = 0
    for step in _STEP.finditer(text, place):
        if step.lastgroup == "stop":
            return None
        if step.lastgroup != "string":
            depth += 1 if step.lastgroup == "open" else -1
            if depth == 0:
                return step.end()
    return None


def _past_blank(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _mistral(body: str) -> ParsedBody:
    if body.startswith(("{", "[")):
        parsed = parse_json(body)
        return ParsedBody("mistral", parsed.calls, parsed.problem)
    named = _NAMED.match(body)
    if named is None:
        return ParsedBody(
            "mistral", problem="expected a JSON list of calls, or name[ARGS]{...}, after the marker"
        )
    written = body[named.end() :]
    try:
        arguments = arguments_object(read_json(written))
    except ValueError as why:
        return ParsedBody("mistral", problem=f"{named['name'][:80]}: arguments not JSON: {why}")
    return ParsedBody("mistral", (ParsedCall(named["name"], arguments, written),))


def _llama(body: str) -> ParsedBody:
    if body.startswith("{"):
        return _llama_json(body)
    parsed = parse_body(body)
    if parsed.problem is None and parsed.dialect in ("call", "json"):
        calls = tuple(_unwrapped(call) for call in parsed.calls)
        is_code = parsed.dialect == "call" and any(hasattr(builtins, c.name) for c in calls)
        return ParsedBody(None) if is_code else ParsedBody("llama", calls)
    if not body.startswith("[") and is_python(body):
        return ParsedBody(None)
    problem = parsed.problem or "a Python literal, where the marker takes JSON or a Python call"
    return ParsedBody("llama", problem=problem)


def _llama_json(body: str) -> ParsedBody:
    calls: list[ParsedCall] = []
    end = 0
    for start, end in _json_series(body, 0):
        parsed = parse_json(body[start:end])
        if parsed.problem is not None:
            return ParsedBody("llama", problem=parsed.problem)
        calls.extend(parsed.calls)
    if body[end:].strip(" \t\r\n;"):
        return ParsedBody("llama", problem=parse_json(body).problem or "text behind the calls")
    return ParsedBody("llama", tuple(calls))


def _unwrapped(call: ParsedCall) -> ParsedCall:
    """Built-in tools are called as `tool.call(...)`: the tool is what stands before."""
    name = call.name.removesuffix(".call")
    return ParsedCall(name, call.arguments, call.arguments_text, call.positional)


# marker → where its JSON ends, and what its body says
_READERS = {MISTRAL: (_past_mistral_json, _mistral), LLAMA: (_past_llama_json, _llama)}
