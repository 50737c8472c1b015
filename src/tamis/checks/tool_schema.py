"""Tool calls against the tools on offer: declared, with arguments their JSON Schema accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.checks.declared_tools import Arguments, DeclaredTools, declared_tools
from tamis.checks.tagged import (
    Indexes,
    call_counts,
    of_assistants,
    read_messages,
    simple_bodies,
)
from tamis.columns import FindingsBuilder, FlatMessages, flat_messages
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS
from tamis.text.dialects import ParsedCall, arguments_object, read_json
from tamis.text.excerpts import excerpt, printable
from tamis.text.tag_table import texts_with_calls, texts_with_lists
from tamis.text.tools import ToolBlock, pythonic_block, tool_blocks

UNDECLARED = Rule(
    id="tool-schema/undeclared-tool",
    severity="error",
    dimension="correctness",
    summary="A call of a tool that the conversation does not offer.",
    fix="Offer the tool in `tools`, or call one that is offered.",
    good="tools: add; call: add(a=1, b=2)",
    bad="tools: add; call: multiply(a=1, b=2)",
)
REFUSED = Rule(
    id="tool-schema/arguments-refused",
    severity="error",
    dimension="correctness",
    summary="Arguments that the tool's JSON Schema refuses.",
    fix="Give every required argument, each with its declared type.",
    good="a: integer; call: add(a=1)",
    bad='a: integer; call: add(a="one")',
)
NOT_OBJECT = Rule(
    id="tool-schema/arguments-not-object",
    severity="error",
    dimension="format",
    summary="Arguments of a call that are not a JSON object.",
    fix="Write the arguments as one JSON object.",
    good='"arguments": "{\\"a\\": 1}"',
    bad='"arguments": "a = 1"',
)
UNKNOWN_ARGUMENT = Rule(
    id="tool-schema/unknown-argument",
    severity="warning",
    dimension="correctness",
    summary="An argument the tool does not declare (its schema does not forbid it either).",
    fix="Remove the argument, or declare it.",
    good="add declares a, b; call: add(a=1, b=2)",
    bad="add declares a, b; call: add(a=1, b=2, c=3)",
)
UNREADABLE = Rule(
    id="tool-schema/unreadable-tools",
    severity="error",
    dimension="format",
    summary="The `tools` of a conversation are not a JSON list of named tools.",
    fix="Write `tools` as a JSON list of {name, description, parameters}.",
    good='[{"name": "now", "parameters": {"type": "object"}}]',
    bad="now()",
)
INVALID_SCHEMA = Rule(
    id="tool-schema/invalid-schema",
    severity="warning",
    dimension="format",
    summary="A tool's parameters are not a usable JSON Schema: its calls cannot be checked.",
    fix="Mend the schema; references must stay inside it.",
    good='{"type": "object", "properties": {"a": {"type": "integer"}}}',
    bad='{"type": "object", "properties": {"a": {"$ref": "https://elsewhere/a.json"}}}',
)
MAX_PER_CALL = 3


class Place(NamedTuple):
    """Where a call stands: the text that holds it, what of it to show, and the body to point at."""

    text: str | None
    start: int = 0
    end: int = 0
    body: tuple[int, int] | None = None

    def said(self) -> dict[str, object]:
        """What a finding says of the place."""
        shown = None if self.text is None else excerpt(self.text, self.start, self.end)
        if self.body is None:
            return {"excerpt": shown}
        return {"start": self.body[0], "end": self.body[1], "excerpt": shown}


class Call(NamedTuple):
    """One call wherever it was found; `arguments` None when they are no object."""

    row: int
    path: str
    name: str
    arguments: dict[str, Any] | None
    positional: tuple[Any, ...]
    is_text: bool
    place: Place


class ToolSchema(Measure, frozen=True, kw_only=True):
    """Calls of undeclared tools, and arguments that the declared JSON Schema refuses.

    Structured `tool_calls` and calls in text, in all seven dialects, are checked alike; XML values are
    text and count as the type the schema wants. A conversation without `tools` declares nothing and
    is not checked for undeclared tools; an empty list declares that there are none.
    References in a schema are never fetched.

    Reads:   messages, tools.
    Adds:    tool_schema_findings  list of findings, never null.
    Source:  JSON Schema (2020-12 unless `$schema` says otherwise); type names of BFCL are understood.
    Cost:    each distinct `tools` text and each distinct schema is compiled once.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages", "tools")
    rules: ClassVar[tuple[Rule, ...]] = (
        UNDECLARED,
        REFUSED,
        NOT_OBJECT,
        UNKNOWN_ARGUMENT,
        UNREADABLE,
        INVALID_SCHEMA,
    )

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("tool_schema_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Check every call of the batch against its row's tools."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        offered = _offered(batch.column("tools"))
        for row, tools in offered.items():
            _report_tools(found, row, tools)
        doubtful = _doubtful(flat, offered)
        for call in [*_structured_calls(flat), *_written_calls(flat, doubtful, offered)]:
            known = offered.get(call.row)
            if not _is_fine(call, known, call.is_text):
                _report_call(found, call, known)
        return pa.record_batch([found.column()], schema=self.adds())


def _offered(column: pa.Array) -> dict[int, DeclaredTools]:
    """Row → its tools, for rows that have any; each distinct text is read once."""
    if column.null_count == len(column):
        return {}
    distinct = column.dictionary_encode()
    texts = distinct.dictionary.to_pylist()
    indices = distinct.indices.to_pylist()
    used = {index for index in indices if index is not None}
    read = {index: declared_tools(texts[index]) for index in used if texts[index].strip()}
    return {row: read[index] for row, index in enumerate(indices) if index in read}


def _structured_calls(flat: FlatMessages) -> Iterator[Call]:
    places = np.flatnonzero(call_counts(flat) > 0)
    lists = pc.struct_field(flat.values, "tool_calls").take(pa.array(places))
    counts = call_counts(flat)[places].tolist()
    calls = lists.flatten()
    names = pc.struct_field(calls, "name").to_pylist()
    arguments = pc.struct_field(calls, "arguments").to_pylist()
    at = 0
    for place, count in zip(places.tolist(), counts, strict=True):
        row, position = int(flat.owner[place]), int(flat.position[place])
        for n in range(count):
            path = f"messages[{position}].tool_calls[{n}]"
            value = _structured_arguments(arguments[at])
            yield Call(row, path, names[at] or "", value, (), False, Place(arguments[at]))
            at += 1


def _structured_arguments(text: str | None) -> dict[str, Any] | None:
    if text is None or not text.strip():  # a call without arguments
        return {}
    try:
        return arguments_object(read_json(text))
    except ValueError:
        return None


def _doubtful(flat: FlatMessages, offered: dict[int, DeclaredTools]) -> Indexes:
    """Assistant messages that may hold calls, without those whose calls are plainly fine."""
    table = flat.tags
    with_tools = np.isin(flat.owner, list(offered))
    may_hold_calls = texts_with_calls(table) | (texts_with_lists(table) & with_tools)
    tagged = of_assistants(flat, np.flatnonzero(may_hold_calls))
    if not len(tagged):
        return tagged
    owners, bodies = simple_bodies(table)
    fine = set(owners)
    for place, row, parsed in zip(owners, flat.owner[owners].tolist(), bodies, strict=True):
        tools = offered.get(row)
        is_text = parsed.dialect == "xml"
        if not all(_is_fine(call, tools, is_text) for call in parsed.calls):
            fine.discard(place)
    return np.setdiff1d(tagged, list(fine))


def _is_fine(call: ParsedCall | Call, offered: DeclaredTools | None, is_text: bool) -> bool:
    """Whether there is nothing to report of this call."""
    if call.arguments is None:
        return False
    if offered is None or offered.problem is not None:
        return True
    declared = offered.tools.get(call.name)
    if declared is None or call.positional:
        return False
    if declared.validator is None:
        return True
    return not _refusals(call.arguments, declared, is_text) and (
        declared.is_open or call.arguments.keys() <= declared.properties.keys()
    )


def _written_calls(
    flat: FlatMessages, messages: Indexes, offered: dict[int, DeclaredTools]
) -> Iterator[Call]:
    for message in read_messages(flat, messages):
        path = f"messages[{message.position}].content"
        for block in _blocks(message.content, offered.get(message.row)):
            body = (block.body_start, block.body_end)
            place = Place(message.content, block.start, block.end, body)
            for call in block.calls:
                is_text = block.dialect == "xml"
                yield Call(
                    message.row, path, call.name, call.arguments, call.positional, is_text, place
                )


def _blocks(content: str, offered: DeclaredTools | None) -> list[ToolBlock]:
    """The blocks of a message; a bare list of calls counts where the row offers one of the tools."""
    blocks = tool_blocks(content)
    if blocks or offered is None:
        return blocks
    bare = pythonic_block(content, offered.tools)
    return [] if bare is None else [bare]


def _report_tools(found: FindingsBuilder, row: int, offered: DeclaredTools) -> None:
    if offered.problem is not None:
        found.report(row, UNREADABLE, "tools", printable(offered.problem))
    for name, arguments in offered.tools.items():
        if arguments.problem is not None:
            said = printable(f"{name[:80]}: {arguments.problem}")
            found.report(row, INVALID_SCHEMA, "tools", said)


def _report_call(found: FindingsBuilder, call: Call, offered: DeclaredTools | None) -> None:
    if call.arguments is None:
        said = f"{printable(call.name[:80])}: the arguments are not a JSON object"
        found.report(call.row, NOT_OBJECT, _arguments_path(call), said, **call.place.said())
    if offered is None or offered.problem is not None:
        return
    declared = offered.tools.get(call.name)
    if declared is None:
        known = ", ".join(sorted(offered.tools)[:5]) or "none"
        said = (
            f"`{printable(call.name[:80])}` is not offered; the tools are: {printable(known[:120])}"
        )
        found.report(call.row, UNDECLARED, call.path, said, **call.place.said())
    elif call.arguments is not None and declared.validator is not None:
        _report_arguments(found, call, call.arguments, declared)


def _report_arguments(
    found: FindingsBuilder, call: Call, given: dict[str, Any], declared: Arguments
) -> None:
    name = printable(call.name[:80])
    path = _arguments_path(call)
    arguments = dict(zip(declared.properties, call.positional, strict=False)) | given
    if len(call.positional) > len(declared.properties) > 0:
        said = (
            f"{name}: {len(call.positional)} unnamed arguments, {len(declared.properties)} declared"
        )
        found.report(call.row, REFUSED, path, said, **call.place.said())
    refusals = _refusals(arguments, declared, call.is_text)
    for said in refusals[:MAX_PER_CALL]:
        found.report(call.row, REFUSED, path, printable(f"{name}: {said}"), **call.place.said())
    unknown = (
        [] if declared.is_open else [key for key in arguments if key not in declared.properties]
    )
    for key in unknown[:MAX_PER_CALL]:
        said = printable(f"{name} declares no `{key[:80]}`")
        found.report(call.row, UNKNOWN_ARGUMENT, path, said, **call.place.said())


def _refusals(arguments: dict[str, Any], declared: Arguments, is_text: bool) -> list[str]:
    """What the schema refuses, in its own order; text values are tried in the types the schema names."""
    if declared.validator.is_valid(arguments):
        return []
    if is_text:
        typed = {
            key: _typed(value, declared.properties.get(key, frozenset()))
            for key, value in arguments.items()
        }
        every = {key: _typed(value, frozenset({"object"})) for key, value in arguments.items()}
        if declared.validator.is_valid(typed) or declared.validator.is_valid(every):
            return []
        arguments = typed
    return [_said(error) for error in declared.validator.iter_errors(arguments)]


def _typed(value: Any, types: frozenset[str]) -> Any:
    """A text value as JSON, when the schema names types and text is not among them."""
    if not isinstance(value, str) or not types or "string" in types:
        return value
    try:
        return read_json(value.strip().lower() if types == {"boolean"} else value)
    except ValueError:
        return value


def _said(error: Any) -> str:
    where = ".".join(str(step) for step in error.instance_path)
    return f"{where}: {error.message}"[:160] if where else str(error.message)[:160]


def _arguments_path(call: Call) -> str:
    return call.path if call.path.endswith("content") else f"{call.path}.arguments"
