"""The four ways tool calls are written between tags, read into names and arguments.

    call     add(a=1, b="x")                                   Python call syntax, several by lines or in a list
    json     {"name": "add", "arguments": {"a": 1}}            Hermes, Qwen; a list of calls; arguments as JSON text
    literal  {'name': 'add', 'arguments': {'a': True}}         the same as a Python literal
    xml      <function=add><parameter=a>1</parameter></function>   Qwen3-Coder; every value is text

Calls behind markers of their own, which have dialects of their own, are read by `marked_calls`.
Reading never runs anything: Python text goes through `ast` and only literals are evaluated.
"""

from __future__ import annotations

import ast
import json
import math
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Dialect = Literal["call", "json", "literal", "xml", "mistral", "llama", "pythonic"]

# What Python's parser and evaluator raise for text that is not a literal. Its own stack limit shows as
# MemoryError or RecursionError; ValueError covers null bytes, lone surrogates and huge integers.
_PYTHON_ERRORS = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError)
JSON_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


class ParsedCall(msgspec.Struct, frozen=True, gc=False):
    """One call as its author wrote it.

    `arguments` is None when they are not an object (`arguments_text` still holds what stands there);
    XML values stay text. `positional` holds unnamed arguments, which only the call syntax has.
    """

    name: str
    arguments: dict[str, Any] | None
    arguments_text: str
    positional: tuple[Any, ...] = ()


class ParsedBody(msgspec.Struct, frozen=True, gc=False):
    """What stands between the tags: the calls, or in `problem` why they cannot be read."""

    dialect: Dialect | None
    calls: tuple[ParsedCall, ...] = ()
    problem: str | None = None


class _Unreadable(Exception):
    """This body is not a call of the dialect tried; the text says why."""


class JsonCall(msgspec.Struct, gc=False):
    """The keys of a call that are read, empty where absent; other keys are allowed."""

    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    parameters: msgspec.Raw = msgspec.Raw()
    function: msgspec.Raw = msgspec.Raw()


def parse_body(body: str) -> ParsedBody:
    """Read the calls of one block's body in whatever dialect it is written.

    >>> parse_body('{"name": "add", "arguments": {"a": 1}}').calls[0].arguments
    {'a': 1}
    """
    text = body.strip()
    dialect: Dialect = "call"
    try:
        if text.startswith("<"):
            dialect = "xml"
            return ParsedBody("xml", _xml_calls(text))
        if text.startswith(("{", "[")):
            dialect = "json"
            return _bracketed(text)
        return ParsedBody("call", _python_calls(text))
    except _Unreadable as why:
        return ParsedBody(dialect, problem=str(why))


def parse_json(body: str) -> ParsedBody:
    """Read the calls of a body that may only be JSON: one call, or a list of calls."""
    try:
        return ParsedBody("json", _json_calls(body.strip()))
    except _Unreadable as why:
        return ParsedBody("json", problem=str(why))
    except JSON_ERRORS as why:
        return ParsedBody("json", problem=f"not JSON: {_reason(why)}")


def read_json(text: str | bytes | msgspec.Raw) -> Any:
    """Decode JSON strictly: no NaN, no trailing text. Raises ValueError with one line of reason."""
    try:
        return msgspec.json.decode(text)
    except JSON_ERRORS as why:
        raise ValueError(_reason(why)) from why


def is_json(text: bytes) -> bool:
    """Whether the text is one JSON value."""
    try:
        msgspec.json.decode(text)
    except JSON_ERRORS:
        return False
    return True


def is_python(text: str) -> bool:
    """Whether the text is Python code, as far as its grammar goes; nothing is run."""
    try:
        _python_tree(text)
    except _Unreadable:
        return False
    return True


def literal_value(body: str) -> Any:
    """The value of a body that is a Python literal. Raises ValueError when it is not one."""
    try:
        return ast.literal_eval(_only_expression(_python_tree(body.strip())))
    except (*_PYTHON_ERRORS, _Unreadable) as why:
        raise ValueError(_reason(why)) from why


def _bracketed(text: str) -> ParsedBody:
    """JSON first; what is not JSON may be a Python literal, or a list of Python calls."""
    try:
        found = _json_calls(text)
    except JSON_ERRORS as why:
        not_json = _reason(why)
    else:
        return ParsedBody("json", found)
    try:
        tree = _python_tree(text)
    except _Unreadable as why:
        raise _Unreadable(f"neither JSON ({not_json}) nor Python ({why})") from why
    expression = _only_expression(tree)
    if isinstance(expression, ast.List) and any(isinstance(e, ast.Call) for e in expression.elts):
        return ParsedBody("call", _calls_of(expression.elts, text))
    return ParsedBody("literal", _literal_calls(expression, not_json))


def _json_calls(text: str) -> tuple[ParsedCall, ...]:
    try:
        if text.startswith("["):
            found = msgspec.json.decode(text, type=list[JsonCall])
        else:
            found = [msgspec.json.decode(text, type=JsonCall)]
    except msgspec.ValidationError as why:
        read_json(text)  # is it JSON at all? then it is a call of the wrong shape
        raise _Unreadable(f"JSON, but not a call: {_reason(why)}") from why
    if not found:
        raise _Unreadable("an empty list of calls")
    return tuple(_json_call(call) for call in found)


def _json_call(call: JsonCall) -> ParsedCall:
    if not call.name and bytes(call.function):
        try:
            call = msgspec.json.decode(call.function, type=JsonCall)
        except msgspec.ValidationError as why:
            raise _Unreadable(f"JSON, but not a call: {_reason(why)}") from why
    if not call.name:
        raise _Unreadable('JSON, but not a call: it has no "name"')
    written = (bytes(call.arguments) or bytes(call.parameters)).decode().strip()
    if not written:
        return ParsedCall(call.name, {}, "")
    return ParsedCall(call.name, arguments_object(read_json(written)), written)


def arguments_object(value: Any) -> dict[str, Any] | None:
    """Arguments as an object: the value itself, or the object its JSON text holds; None if neither.

    Null counts as no arguments.
    """
    if value is None:
        return {}
    if isinstance(value, str):
        try:
            value = read_json(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _literal_calls(expression: ast.expr, not_json: str) -> tuple[ParsedCall, ...]:
    try:
        value = ast.literal_eval(expression)
    except _PYTHON_ERRORS as why:
        raise _Unreadable(f"neither JSON ({not_json}) nor a Python literal") from why
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise _Unreadable("an empty list of calls")
    return tuple(_literal_call(call) for call in calls)


def _literal_call(call: Any) -> ParsedCall:
    if not isinstance(call, dict):
        raise _Unreadable("a Python literal, but not a call")
    if not call.get("name") and isinstance(call.get("function"), dict):
        call = call["function"]
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise _Unreadable("a Python literal, but not a call: it has no 'name'")
    value = call.get("arguments", call.get("parameters"))
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as why:
        raise _Unreadable(f"arguments that JSON cannot say: {_reason(why)}") from why
    return ParsedCall(name, arguments_object(json.loads(written)), written)


def _python_tree(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in an argument is the author's business
            return ast.parse(text)
    except _PYTHON_ERRORS as why:
        raise _Unreadable(_reason(why)) from why


def _only_expression(tree: ast.Module) -> ast.expr:
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        raise _Unreadable("more than one expression")
    return tree.body[0].value


def _python_calls(text: str) -> tuple[ParsedCall, ...]:
    try:
        tree = _python_tree(text)
    except _Unreadable as why:
        raise _Unreadable(f"not a call like name(key=value): {why}") from why
    expressions = [line.value if isinstance(line, ast.Expr) else None for line in tree.body]
    return _calls_of(expressions, text)


def _calls_of(expressions: Sequence[ast.expr | None], text: str) -> tuple[ParsedCall, ...]:
    if not expressions:
        raise _Unreadable("no call")
    lines = text.encode().splitlines(keepends=True)
    return tuple(_python_call(expression, lines) for expression in expressions)


def _python_call(node: ast.expr | None, lines: list[bytes]) -> ParsedCall:
    if not isinstance(node, ast.Call):
        raise _Unreadable("not a call like name(key=value)")
    name = _dotted_name(node.func)
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _Unreadable(f"{name}: ** is not an argument")
        if keyword.arg in arguments:  # `ast` lets it pass, Python does not
            raise _Unreadable(f"{name}: argument `{keyword.arg}` is given twice")
        arguments[keyword.arg] = _plain(keyword.value, f"{name}: argument `{keyword.arg}`")
    positional = tuple(
        _plain(value, f"{name}: argument {place}") for place, value in enumerate(node.args, 1)
    )
    written = [*node.args, *(keyword.value for keyword in node.keywords)]
    return ParsedCall(name, arguments, _source(lines, node) if written else "", positional)


def _dotted_name(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _Unreadable("not a call like name(key=value)")
    return ".".join([node.id, *reversed(parts)])


def _plain(node: ast.expr, what: str) -> Any:
    """A literal as JSON would hold it (tuples become lists)."""
    try:
        value = ast.literal_eval(node)
    except _PYTHON_ERRORS as why:
        raise _Unreadable(f"{what} is not a literal") from why
    try:
        return _as_json(value)
    except (TypeError, RecursionError) as why:
        raise _Unreadable(f"{what} is nothing JSON can say") from why


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _as_json(part) for key, part in value.items()}
    raise TypeError(type(value).__name__)


def _source(lines: list[bytes], node: ast.Call) -> str:
    """The characters between the parentheses; `ast` counts columns in bytes."""
    first, last = node.func.end_lineno, node.end_lineno
    assert first is not None and last is not None
    begin, end = node.func.end_col_offset, node.end_col_offset
    if first == last:  # one slice: a body may hold very many calls on one line
        written = lines[first - 1][begin:end]
    else:
        inner = lines[first : last - 1]
        written = b"".join([lines[first - 1][begin:], *inner, lines[last - 1][:end]])
    return written.decode().strip().removeprefix("(").removesuffix(")").strip()


def _xml_calls(text: str) -> tuple[ParsedCall, ...]:
    calls = []
    place = 0
    while place < len(text):
        call, place = _xml_call(text, place)
        calls.append(call)
        place = _past_space(text, place)
    return tuple(calls)


def _xml_call(text: str, place: int) -> tuple[ParsedCall, int]:
    name, place = _xml_name(text, place, "<function=")
    first = place
    arguments: dict[str, Any] = {}
    while True:
        place = _past_space(text, place)
        if text.startswith("</function>", place):
            return (
                ParsedCall(name, arguments, text[first:place].strip()),
                place + len("</function>"),
            )
        key, place = _xml_name(text, place, "<parameter=")
        end = text.find("</parameter>", place)
        if end < 0:
            raise _Unreadable(f"{name}: <parameter={key}> is not closed")
        if key in arguments:
            raise _Unreadable(f"{name}: parameter `{key}` is given twice")
        # the template puts each value on lines of its own
        arguments[key] = _unframed(text[place:end])
        place = end + len("</parameter>")


def _unframed(value: str) -> str:
    """A value without the one line end before and the one behind it."""
    value = value.removeprefix("\r").removeprefix("\n")
    return value.removesuffix("\n").removesuffix("\r")


def _xml_name(text: str, place: int, opening: str) -> tuple[str, int]:
    end = text.find(">", place)
    if not text.startswith(opening, place) or end < 0:
        raise _Unreadable(
            f"expected {opening}...> or its end tag, got `{text[place : place + 24]}`"
        )
    name = text[place + len(opening) : end].strip().strip("\"'")
    if not name or "<" in name:
        raise _Unreadable(f"{opening}...> has no name")
    return name, end + 1


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _reason(why: BaseException) -> str:
    """One short line; some of Python's errors have no text of their own."""
    if isinstance(why, SyntaxError):
        return f"{why.msg} at line {why.lineno}" if why.lineno else str(why.msg)
    if isinstance(why, MemoryError | RecursionError):
        return "nested too deeply"
    return (str(why).splitlines() or [type(why).__name__])[0][:120]
