"""The exact reader: rows one by one, each by the format it is in."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Branch, Format, Reading
from tamis.formats.columns import RowColumns
from tamis.formats.registry import FORMATS, get_format, name_of, plain
from tamis.formats.rows import RawRows
from tamis.formats.tables import REFUSED

# only a row that lacks what most rows are made of may be in another format
_MISSING = re.compile(r"\$\.[^.\[\]]+: .*\(the key is missing\)")
Joined = Mapping[str, Mapping[str, Raw]]


class Read(NamedTuple):
    """Rows that were read, in order: places in the block, ids, own keys, formats, and columns.

    A place comes several times where its row holds several records.
    """

    places: npt.NDArray[np.int64]
    ids: pa.StringArray
    own_keys: npt.NDArray[np.uint64]
    formats: pa.StringArray
    columns: dict[str, pa.Array]


class _Found(NamedTuple):
    """One record: its place, the key its row gave itself, its branch's key, and its format."""

    place: int
    key: str | None
    branch: str
    format: str


def read_one_by_one(
    rows: RawRows, places: Sequence[int], reading: Reading, source: str, joined: Joined
) -> tuple[Read, dict[int, str]]:
    """The rows at these places, and for each that cannot be read, why.

    joined: members that belong to a row, by its own key; `parse` sees them beside its own.
    """
    main = get_format(reading.format)
    columns = RowColumns(main.kind)
    found: list[_Found] = []
    refused: dict[int, str] = {}
    with _collector_off():
        for place in places:
            try:
                line = rows.line(place)
                if rows.base is None and line.startswith(REFUSED):
                    raise RowError(line.removeprefix(REFUSED).decode())
                members = exact.open_row(line)
                key = exact.own_key(members)
                members |= joined.get(key or "", {})
                form, branches = _records(members, main, reading)
                if get_format(form).own_keys is not exact.OWN_KEYS:
                    key = exact.own_key(members, get_format(form).own_keys)
            except RowError as error:
                if reading.is_main:
                    # a reason may quote the row, line ends and all
                    refused[place] = " ".join(str(error).split())
                continue
            for branch, record in branches:
                columns.append(record)
                found.append(_Found(place, key, branch, form))
    return _read(found, rows.numbers, source, columns), refused


def _records(
    members: dict[str, Raw], main: Format, reading: Reading
) -> tuple[str, Sequence[Branch]]:
    """The format of a row and its records; none where the reading leaves the row to another."""
    form = main
    if reading.is_mixed:
        found = FORMATS.get(name_of(plain(members)))
        if found is None and not reading.is_main:
            return main.name, ()  # told by the main reading
        form = found or main
        if form.kind != main.kind:
            if reading.is_main and form.kind not in reading.kinds:
                raise RowError(
                    f"$: expected {main.kind}, got a row that looks like {form.name} ({form.kind})"
                )
            return form.name, ()
    try:
        return form.name, _branches(form, dict(members))
    except RowError as error:
        may_stray = not (reading.is_mixed or reading.is_sure)
        is_stray = may_stray and _MISSING.match(str(error)) is not None
        other = _other(members, main) if is_stray else None
        if other is None:
            raise
        if other.kind != main.kind:
            raise RowError(f"{error}; the row looks like {other.name} ({other.kind})") from error
        return other.name, _branches(other, dict(members))


def _branches(form: Format, members: dict[str, Raw]) -> Sequence[Branch]:
    parsed = form.parse(members)
    return parsed if isinstance(parsed, Sequence) else (Branch("", parsed),)


def _other(members: dict[str, Raw], main: Format) -> Format | None:
    """The format that a stray row is in, when it is plainly another than that of most rows."""
    row = plain(members)
    if main.matches(row):
        return None
    form = FORMATS.get(name_of(row))
    return None if form is None or form.is_vague or form is main else form


def _read(
    found: Sequence[_Found], numbers: npt.NDArray[np.int64], source: str, columns: RowColumns
) -> Read:
    places = np.array([one.place for one in found], np.int64)
    lines = numbers[places].tolist()
    bases = [
        f"{source}:{line if one.key is None else one.key}"
        for one, line in zip(found, lines, strict=True)
    ]
    columns.name_questions(bases)
    ids = [
        f"{base}/{one.branch}" if one.branch else base
        for one, base in zip(found, bases, strict=True)
    ]
    own_keys = [
        0 if one.key is None else xxhash.xxh3_64_intdigest(id_.encode()) or 1
        for one, id_ in zip(found, ids, strict=True)
    ]
    return Read(
        places,
        pa.array(ids, pa.string()),
        np.array(own_keys, np.uint64),
        pa.array([one.format for one in found], pa.string()),
        columns.arrays(),
    )


@contextmanager
def _collector_off() -> Iterator[None]:
    # a batch makes very many objects and no cycles; collecting meanwhile costs a third of the time
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
