"""The compiled scanner says exactly what the exact reader says, whatever the row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.reading import read_lines

from tamis.formats import FORMATS
from tamis.formats.rows import rows_of
from tamis.formats.scanned import scan

WORDS = {
    "openai": [
        "messages",
        "role",
        "content",
        "tools",
        "tool_calls",
        "name",
        "id",
        "function",
        "_tamis",
    ],
    "sharegpt": ["conversations", "from", "value", "tools", "system", "id", "name", "_tamis"],
}
ROW = {
    "openai": (
        '{"id": "a", "messages": [{"role": "user", "content": "say \\"x\\": y : z"}, {"role": '
        '"assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": '
        '{"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "1", "content": ""}],'
        ' "tools": [{"a": {"role": "b", "role": "c"}}]}'
    ),
    "sharegpt": (
        '{"id": 7, "conversations": [{"from": "human", "value": "say \\"x\\": y : z"}, {"from": '
        '"function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {}}"}, {"from": '
        '"observation", "value": ""}], "system": "s", "tools": "[]", "x": {"from": 1, "from": 2}}'
    ),
}
PLAIN = {
    "openai": '{"messages": [{"role": "user", "content": "a"}]}',
    "sharegpt": '{"conversations": [{"from": "human", "value": "a"}]}',
}


@st.composite
def hostile_lines(draw: st.DrawFn, name: str) -> list[bytes]:
    """Rows of a format, most of them damaged a little."""
    word = st.sampled_from(WORDS[name])
    value = st.sampled_from(
        [
            "null",
            '""',
            '"t"',
            "1.10",
            "1e400",
            "NaN",
            "[]",
            "{}",
            '"\\ud800"',
            '{"a":1,"a":2}',
            "[" * 70 + "]" * 70,
            '{"id":"x" , "role" :"y"}',
            '"\\u0000"',
            "tru",
            '"é😀"',
            "-0",
        ]
    )
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        row = draw(st.sampled_from([ROW[name], PLAIN[name]]))
        for _ in range(draw(st.integers(0, 2))):
            key, new = draw(word), draw(value)
            spelled = draw(st.sampled_from([key, f"\\u{ord(key[0]):04x}{key[1:]}", f"{key}_"]))
            blank = draw(st.sampled_from(["", " ", "\t", " \r "]))
            place = draw(st.sampled_from([at for at, c in enumerate(row) if c in "{,"]))
            comma = "" if row[place] == "," else ","
            member = f'"{spelled}"{blank}:{blank}{new}'
            added = f"{member}{comma}" if row[place] == "{" else f",{member}"
            at = place + 1 if row[place] == "{" else place
            row = row[:at] + added + row[at:]
        line = row.encode(errors="surrogatepass")
        if draw(st.integers(0, 9)) == 0:
            cut = draw(st.integers(0, len(line)))
            line = line[:cut] + draw(st.sampled_from([b"", b"\xff", b"\0", b'"', b"\\"]))
        lines.append(line)
    return lines


@pytest.mark.parametrize("name", sorted(WORDS))
def test_the_scanner_and_the_exact_reader_agree_on_hostile_rows(name: str) -> None:
    @settings(max_examples=300, deadline=None)
    @given(hostile_lines(name))
    def holds(lines: list[bytes]) -> None:
        scanned, exact = (read_lines(lines, name, scanned=way) for way in (True, False))
        assert scanned.rows.to_pylist() == exact.rows.to_pylist()
        assert scanned.unreadable.to_pylist() == exact.unreadable.to_pylist()
        assert scanned.own_keys.tolist() == exact.own_keys.tolist()
        assert len(scanned.rows) + len(scanned.unreadable) == len(lines)

    holds()


def simple(lines: list[bytes], name: str) -> list[bool]:
    """Which rows the scanner reads itself."""
    layout = FORMATS[name].layout
    assert layout is not None
    found: list[bool] = scan(rows_of(lines, 1, 0), layout, "x").is_simple.tolist()
    return found


@pytest.mark.parametrize("name", sorted(WORDS))
def test_ordinary_rows_are_simple(name: str) -> None:
    assert simple([ROW[name].encode(), PLAIN[name].encode()], name) == [True, True]


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_repeated_key_is_never_simple(name: str) -> None:
    plain = PLAIN[name]
    inner = "role" if name == "openai" else "from"
    repeated = plain.replace(f'"{inner}"', f'"{inner}" : "x","{inner}"', 1)
    escaped = plain.replace(f'"{inner}"', f'"\\u00{ord(inner[0]):02x}{inner[1:]}":"x","{inner}"', 1)
    for line in (repeated, escaped):
        assert simple([line.encode()], name) == [False]
        read = read_lines([line.encode()], name)
        assert "expected each key once, got" in read.unreadable.to_pylist()[0]["reason"]
