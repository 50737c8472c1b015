"""The fenced blocks of an answer."""

from __future__ import annotations

import re

import msgspec

_LIST_MARK = r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?"
_OPENING = re.compile(rf"([ \t]*{_LIST_MARK})(`{{3,}}|~{{3,}})(.*)")
_CLOSING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*\Z")
_LANGUAGE = re.compile(r"[\s{.]*([\w+#-]*)")
_NEWLINE = re.compile(r"\r\n?")


class Block(msgspec.Struct, frozen=True):
    """One fenced block: the language its fence names (lower case, perhaps empty) and its lines.

    `is_closed` is False for a last block whose end never came: the answer was probably cut.
    """

    language: str
    text: str
    is_closed: bool


def plain_newlines(text: str) -> str:
    """The text with every line end as `\\n`."""
    return _NEWLINE.sub("\n", text)


def before_first_fence(text: str) -> str:
    """The lines before the first line that opens or ends a block."""
    before: list[str] = []
    for line in text.split("\n"):
        if _OPENING.match(line):
            break
        before.append(line)
    return _joined(before)


def read_blocks(text: str) -> list[Block]:
    """The fenced blocks in order: three or more backticks or tildes, as CommonMark reads them.

    A block ends at a line of the same mark, at least as long, with nothing behind it. A fence may be
    indented or stand behind a list mark; its block loses that much of its own indentation. Limit: a
    bare fence inside a docstring of the code ends the block, as it does on the screen.

    >>> read_blocks("So:\\n~~~py\\nx = 1\\n~~~\\n")
    [Block(language='py', text='x = 1\\n', is_closed=True)]
    """
    blocks: list[Block] = []
    mark = language = ""
    indent = 0
    lines: list[str] = []
    for line in text.split("\n"):
        if mark:
            closing = _CLOSING.match(line)
            if closing and closing[1].startswith(mark):
                blocks.append(Block(language, _joined(lines), is_closed=True))
                mark = ""
            else:
                lines.append(_outdented(line, indent))
            continue
        opening = _OPENING.match(line)
        if opening and not (opening[2][0] == "`" and "`" in opening[3]):
            indent, mark, lines = len(opening[1]), opening[2], []
            language = _language(opening[3])
    if mark:
        rest = lines if lines[-1:] != [""] else lines[:-1]
        blocks.append(Block(language, _joined(rest), is_closed=False))
    return blocks


def _language(behind_the_fence: str) -> str:
    """`Python`, `{.python}`, `python title="a"`, `py3:solution.py` name a language first."""
    found = _LANGUAGE.match(behind_the_fence)
    return found[1].lower() if found else ""


def _outdented(line: str, n: int) -> str:
    return line[:n].lstrip(" \t") + line[n:]


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
