"""The keys Tamis adds to an RL row, so that a question comes back from a trainer's format whole.

A trainer's row names a prompt and an answer, rarely a reward. `tamis` beside them (in `extra_info`,
`info` or at the top) is the JSON text of {"id", "reward": {"name", "parameters"}, "reference":
{"answer", "solution", "tests", "rubric"}}; an object is read too. A text, because tables want one
type in all rows, and trainers hand it on unread. TRL hands columns to reward functions: there the
same stands in four of them (`COLUMNS`), as it does in the `extra_info` of files exported for verl.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Row
from tamis.records import Reference, RewardSpec

KEY = "tamis"
COLUMNS = ("question_id", "reward_name", "reward_parameters", "reference")
_MARK, _MARK_COLUMNS = "own", "own_columns"


class Grading(NamedTuple):
    """How answers are graded: the reward, and what it compares with."""

    reward: RewardSpec | None
    reference: Reference | None


class _Own(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""
    reward: RewardSpec | None = None
    reference: Reference | None = None


def take_own(
    rest: dict[str, Raw], marker: dict[str, object], holder: str | None = None
) -> Grading | None:
    """What our own keys say, taken out of `rest` or of the object `holder` in it; None without them.

    The marker keeps them as they were written. Raises: RowError when they are not of that shape.
    """
    if holder is None:
        return _take(rest, marker, f"$.{KEY}")
    if bytes(rest.get(holder, b""))[:1] != b"{":
        return None
    held = exact.members(rest[holder], f"$.{holder}")
    own = _take(held, marker, f"$.{holder}.{KEY}")
    if own is None:
        return None
    left = exact.object_text((key, bytes(raw)) for key, raw in held.items())
    if left is None:
        del rest[holder]
    else:
        rest[holder] = Raw(left.encode())
    return own


def _take(members: dict[str, Raw], marker: dict[str, object], path: str) -> Grading | None:
    raw = members.pop(KEY, None)
    if raw is None:
        return take_columns(members, marker)
    own = _read(raw, path)
    marker[_MARK] = raw
    return Grading(own.reward, own.reference)


def _read(raw: Raw, path: str) -> _Own:
    written = exact.text(raw, path).encode() if exact.is_text(raw) else bytes(raw)
    try:
        return msgspec.json.decode(written, type=_Own)
    except msgspec.DecodeError as error:
        raise RowError(
            f"{path}: expected id, reward and reference as JSON, got something else ({error})"
        ) from error


def take_columns(rest: dict[str, Raw], marker: dict[str, object]) -> Grading | None:
    """What our own four columns say, taken out of `rest`; None unless all but the parameters are there.

    `question_id` stays. Raises: RowError when they do not hold what we write into them.
    """
    if not {"question_id", "reward_name", "reference"}.issubset(rest):
        return None
    columns = {key: rest.pop(key) for key in COLUMNS[1:] if key in rest}
    marker[_MARK_COLUMNS] = columns
    return _columns_grading(columns)


def _columns_grading(columns: dict[str, Raw]) -> Grading:
    name, reference = columns["reward_name"], columns["reference"]
    reward = None
    if not exact.is_null(name):
        parameters = columns.get("reward_parameters", Raw(b"null"))
        reward = RewardSpec(
            name=exact.text(name, "$.reward_name"), parameters=_json_text(parameters)
        )
    if exact.is_null(reference):
        return Grading(reward, None)
    written = _json_text(reference) or ""
    try:
        return Grading(reward, msgspec.json.decode(written, type=Reference))
    except msgspec.DecodeError as error:
        raise RowError(
            f"$.reference: expected answer, solution, tests or rubric as JSON, got something else ({error})"
        ) from error


def _json_text(raw: Raw) -> str | None:
    if exact.is_null(raw):
        return None
    return exact.text(raw, "$") if exact.is_text(raw) else exact.json_text(raw)


def agree(own: Grading | None, plain: Grading, answer: str | None, path: str) -> Grading:
    """Our own keys if there are any, else what the plain ones say.

    answer: what the row gives as the answer. RowError when our own keys say another: no one can
    know which of both was meant.
    """
    if own is None:
        return plain
    said = None if own.reference is None else own.reference.answer
    if said != answer:
        raise RowError(
            f"{path}: expected the answer that the keys of Tamis give too, got another; "
            "edit both, or remove those keys"
        )
    return own


def put_own(
    written: dict[str, Any], row: Row, marker: dict[str, Raw], form: str, plain: Grading
) -> None:
    """Add our own keys where the row had them, came from another format, or says more than `plain`.

    plain: what a reader of the row understands without them.
    """
    said = grading_of(row)
    id_ = str(row["id"])
    if _MARK in marker:
        before = _read(marker[_MARK], KEY)
        if Grading(before.reward, before.reference) == said:
            written[KEY] = marker[_MARK]
            return
        id_ = before.id
    elif _put_same_columns(written, said, marker) or (row.get("format") == form and said == plain):
        return
    written[KEY] = _own_text(id_, said)


def put_columns(
    written: dict[str, Any], row: Row, marker: dict[str, Raw], form: str, plain: Grading
) -> None:
    """`put_own` in four columns; `question_id` is the row's id."""
    said = grading_of(row)
    if _put_same_columns(written, said, marker) or (row.get("format") == form and said == plain):
        return
    written["reward_name"] = None if said.reward is None else said.reward.name
    written["reward_parameters"] = None if said.reward is None else said.reward.parameters
    written["reference"] = None
    if said.reference is not None:
        written["reference"] = msgspec.json.encode(_filled(said.reference)).decode()


def _put_same_columns(written: dict[str, Any], said: Grading, marker: dict[str, Raw]) -> bool:
    """Write the columns as they came if they still say the same; whether they did."""
    columns = exact.members(marker.get(_MARK_COLUMNS, Raw(b"{}")), _MARK_COLUMNS)
    is_same = bool(columns) and _columns_grading(columns) == said
    if is_same:
        written.update(columns)
    return is_same


def put_held(
    written: dict[str, Any], rest: dict[str, Raw], holder: str, own: dict[str, Any]
) -> None:
    """Write our own keys into the object `holder`, beside what its author had there."""
    if not own:
        return
    held = exact.members(rest.pop(holder), f"meta.{holder}") if holder in rest else {}
    if KEY in held:
        raise InputError(f"meta.{holder}.{KEY}: this key is reserved, rename it")
    written[holder] = {**held, **own}


def grading_of(row: Row) -> Grading:
    """The reward and the reference of a canonical row, as records."""
    reward, reference = row["reward"], row["reference"]
    return Grading(
        None if reward is None else RewardSpec(**reward),
        None if reference is None else Reference(**reference),
    )


def _own_text(id_: str, said: Grading) -> str:
    own: dict[str, Any] = {"id": id_}
    for name, value in said._asdict().items():
        if value is not None:
            own[name] = _filled(value)
    return msgspec.json.encode(own).decode()


def _filled(value: msgspec.Struct) -> dict[str, str]:
    fields = msgspec.structs.asdict(value)
    return {key: text for key, text in fields.items() if text is not None}
