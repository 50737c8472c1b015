"""Which given calls are which accepted ones: typed values, then the largest matching."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from tamis.rewards.tool_calls.given import GivenCall
from tamis.rewards.tool_calls.wanted import OPTIONAL, WantedArgument, WantedCall
from tamis.text.schemas import Tools, declared_types, property_schema

Strings = Literal["exact", "loose"]
# What BFCL's checker does not see in texts.
_UNSEEN = str.maketrans("", "", " ,./-_*^")


def mismatch(given: GivenCall, wanted: WantedCall, *, tools: Tools, strings: Strings) -> str | None:
    """Why a given call is not the accepted one, in words; None when it is."""
    if not _same_name(given.name, wanted.name, tools):
        return f"`{wanted.name}` is not called"
    if given.arguments is None:
        return f"`{wanted.name}`: the arguments cannot be read"
    schema = tools.by_name.get(wanted.name, {})
    for key, argument in wanted.arguments.items():
        if key not in given.arguments:
            if not argument.is_optional:
                return f"`{wanted.name}`: `{key}` is missing"
            continue
        declared = property_schema(schema, key)
        if not _is_accepted(given.arguments[key], argument, declared, strings):
            return f"`{wanted.name}`: `{key}` differs"
    for key, value in given.arguments.items():
        if key not in wanted.arguments and not _is_default(value, property_schema(schema, key)):
            return f"`{wanted.name}`: `{key}` is not wanted"
    return None


def _same_name(given: str, wanted: str, tools: Tools) -> bool:
    # OpenAI's interface takes no dots in names, so servers write underscores
    is_respelled = given not in tools.by_name and given == wanted.replace(".", "_")
    return given == wanted or is_respelled


def _is_default(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether saying a value is the same as leaving it out."""
    return "default" in schema and _same(value, schema["default"], schema, "exact")


def _is_accepted(
    value: Any, argument: WantedArgument, schema: Mapping[str, Any], strings: Strings
) -> bool:
    same = _same_with_choices if argument.has_choices else _same
    return any(same(value, accepted, schema, strings) for accepted in argument.values)


def _same_with_choices(
    value: Any, accepted: Any, schema: Mapping[str, Any], strings: Strings
) -> bool:
    """BFCL's reading: an object's values, and those of objects in a list, are lists of accepted values."""
    if isinstance(accepted, dict):
        return isinstance(value, dict) and _same_object(value, accepted, schema, strings)
    if isinstance(accepted, list) and accepted and all(isinstance(a, dict) for a in accepted):
        items = _items(schema)
        return (
            isinstance(value, list)
            and len(value) == len(accepted)
            and all(
                _same_with_choices(one, other, items, strings)
                for one, other in zip(value, accepted, strict=True)
            )
        )
    return _same(value, accepted, schema, strings)


def _same_object(
    value: dict[str, Any], accepted: dict[str, Any], schema: Mapping[str, Any], strings: Strings
) -> bool:
    if not value.keys() <= accepted.keys():
        return False
    for key, written in accepted.items():
        choices = written if isinstance(written, list) else [written]
        if key not in value:
            if OPTIONAL not in [choice for choice in choices if isinstance(choice, str)]:
                return False
            continue
        declared = property_schema(schema, key)
        if not any(_same(value[key], choice, declared, strings) for choice in choices):
            return False
    return True


def _same(value: Any, wanted: Any, schema: Mapping[str, Any], strings: Strings) -> bool:
    """Equality of JSON values by type: 1, "1", true are different; 1.0 is 1 where the schema declares a number."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(wanted, int | float):
        return isinstance(value, int | float) and _same_number(value, wanted, schema)
    if isinstance(wanted, str):
        return isinstance(value, str) and _string(value, strings) == _string(wanted, strings)
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(
                _same(one, other, _items(schema), strings)
                for one, other in zip(value, wanted, strict=True)
            )
        )
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(
                _same(value[key], wanted[key], property_schema(schema, key), strings)
                for key in wanted
            )
        )
    return value is None and wanted is None


def _same_number(value: float, wanted: float, schema: Mapping[str, Any]) -> bool:
    if value != wanted:
        return False
    types = declared_types(schema)
    if "integer" in types and "number" not in types:
        return value % 1 == 0  # to JSON Schema 1.0 is an integer
    # an integer may be written where a fraction is accepted; the other way needs a declared number
    return "number" in types or isinstance(value, int) or isinstance(wanted, float)


def _string(text: str, strings: Strings) -> str:
    if strings == "exact":
        return text
    return text.translate(_UNSEEN).lower().replace("'", '"')


def _items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("items")
    return found if isinstance(found, Mapping) else {}


def n_matched(n_given: int, n_wanted: int, fits: Callable[[int, int], bool]) -> int:
    """The largest number of pairs of a given and a wanted call that fit, each used once."""
    edges = [[w for w in range(n_wanted) if fits(g, w)] for g in range(n_given)]
    taken: dict[int, int] = {}
    return sum(_augment(start, edges, taken, set()) for start in range(n_given))


def _augment(
    start: int, edges: Sequence[Sequence[int]], taken: dict[int, int], seen: set[int]
) -> bool:
    for wanted in edges[start]:
        if wanted in seen:
            continue
        seen.add(wanted)
        if wanted not in taken or _augment(taken[wanted], edges, taken, seen):
            taken[wanted] = start
            return True
    return False


def n_matched_in_order(n_given: int, n_wanted: int, fits: Callable[[int, int], bool]) -> int:
    """The most pairs that fit without crossing: the longest common subsequence."""
    row = [0] * (n_wanted + 1)
    for g in range(n_given):
        before = row[:]
        for w in range(n_wanted):
            row[w + 1] = max(row[w], before[w + 1], before[w] + fits(g, w))
    return row[-1]
