"""What the formats of questions share: one asked text, answers, the reward a shape implies, tests."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Row
from tamis.formats.openai_messages import is_json, parse_messages
from tamis.formats.plain import bare_text
from tamis.records import Message

REFERENCE_FIELDS = ("answer", "solution", "tests", "rubric")


def take_messages(rest: dict[str, Raw], key: str) -> list[Message]:
    """A list of messages that must be there, taken out of `rest`."""
    if key not in rest:
        raise RowError(f"$.{key}: expected a list, got nothing (the key is missing)")
    return parse_messages(rest.pop(key), f"$.{key}")


def take_answer(rest: dict[str, Raw], key: str, marker: dict[str, object]) -> str | None:
    """An answer taken out of `rest`: a text as it is, any other value as its JSON text.

    None where the key is missing or null. The marker keeps which of these it was.
    """
    raw = rest.pop(key, None)
    if raw is None:
        return None
    if exact.is_null(raw):
        marker[key] = "null"
        return None
    if exact.is_text(raw):
        return exact.text(raw, f"$.{key}")
    marker[key] = "json"
    return exact.json_text(raw)


def put_answer(
    written: dict[str, Any], key: str, answer: str | None, marker: dict[str, Raw]
) -> None:
    """`take_answer` undone: a text when nobody said otherwise, nothing for no answer."""
    how = bytes(marker.get(key, b""))
    if answer is None:
        if how == b'"null"':
            written[key] = None
    elif how == b'"json"' and is_json(answer):
        written[key] = Raw(answer.encode())
    else:
        written[key] = answer


def one_text(row: Row) -> str:
    """The text of a prompt that is one bare user message; InputError for any other prompt."""
    if len(row["prompt"]) != 1:
        raise InputError(f"prompt: expected one user message, got {len(row['prompt'])} messages")
    return bare_text(row["prompt"][0], "user", "prompt[0]")


def implied_reward(row: Row, name: str) -> None:
    """InputError when a row has another reward than the one its shape implies, or parameters."""
    reward = row["reward"]
    if reward is not None and (reward["name"] != name or reward["parameters"] is not None):
        raise InputError(
            f"reward: this format always means {name} without parameters, got {reward['name']}; "
            "write verl_rl or trl_prompt instead"
        )


def no_reward(row: Row) -> None:
    """InputError when a row names a reward that its shape has no place for."""
    if row["reward"] is not None:
        raise InputError("reward: this format has no place for it; write verl_rl or trl_prompt")


def reference_fields(row: Row, *held: str) -> dict[str, str | None]:
    """The fields of a reference, null for all without one; InputError for one not in `held`."""
    reference: dict[str, str | None] = row["reference"] or dict.fromkeys(REFERENCE_FIELDS)
    for field, value in reference.items():
        if value is not None and field not in held:
            raise InputError(f"reference.{field}: this format has no place for it")
    return reference


def needed(value: str | None, field: str) -> str:
    """A field of a reference that the shape cannot do without."""
    if value is None:
        raise InputError(f"reference.{field}: expected a text, got null")
    return value


def with_rest(written: dict[str, Any], rest: dict[str, Raw]) -> dict[str, Any]:
    """The written members and the author's own; InputError when both have the same key."""
    for key in rest:
        if key in written:
            raise InputError(f"meta.{key}: this format writes this key itself; rename or drop it")
    return {**written, **rest}


def not_read_as(row: Row, form: str, *keys: str) -> None:
    """InputError when a row of another format has keys of its own that this one would read as its own.

    A wrong answer kept under `answer` must not come back as the right one.
    """
    rest, _ = exact.split_rest(row["meta"])
    for key in keys:
        if key in rest and row.get("format") != form:
            raise InputError(
                f"meta.{key}: this format reads this key as its own; rename or drop it"
            )


def texts(raw: Raw, path: str) -> list[str]:
    """A list of texts."""
    return [
        exact.text(element, f"{path}[{place}]")
        for place, element in enumerate(exact.elements(raw, path))
    ]


def take_texts(rest: dict[str, Raw], key: str) -> Raw:
    """A list of texts that must be there, taken out of `rest` as its author wrote it."""
    if key not in rest:
        raise RowError(f"$.{key}: expected a list, got nothing (the key is missing)")
    texts(rest[key], f"$.{key}")
    return rest.pop(key)


def tests_text(style: str, **members: Raw | None) -> str:
    """The JSON text of tests in this style, see docs/design/references.md; absent members are left out."""
    pairs = [("style", msgspec.json.encode(style))]
    pairs += [(key, bytes(raw)) for key, raw in members.items() if raw is not None]
    return exact.object_text(pairs) or ""


def tests_members(tests: str | None, style: str, *held: str) -> dict[str, Raw]:
    """The members of tests in this style; InputError for another style or a member not in `held`."""
    if tests is None:
        raise InputError(f"reference.tests: expected tests in the style `{style}`, got null")
    if not is_json(tests):
        raise InputError("reference.tests: expected JSON text, got something else")
    members = exact.members(tests.strip().encode(), "reference.tests")
    found = members.pop("style", Raw(b"null"))
    if bytes(found) != msgspec.json.encode(style):
        raise InputError(f"reference.tests.style: expected `{style}`, got {exact.json_text(found)}")
    for key in members:
        if key not in held:
            raise InputError(f"reference.tests.{key}: this format has no place for it")
    return members
