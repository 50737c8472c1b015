"""The hack suite read from its data files: tasks, hostile programs, honest programs, escape attempts.

Nothing here runs a program: hostile ones belong into `tamis.sandbox` and nowhere else.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HACKS = Path(__file__).parent / "hacks"
HOSTILE_FILES = tuple(sorted((HACKS / "hostile").glob("*.txt")))
HONEST_FILES = tuple(sorted((HACKS / "honest").glob("*.txt")))
ESCAPE_FILES = tuple(sorted((HACKS / "escapes").glob("*.txt")))
# How a section of tests is called, and the style of `Reference.tests` that it becomes.
STYLES = {
    "asserts": "asserts",
    "judged": "asserts",
    "check": "check",
    "loop": "check",
    "unittest": "unittest",
    "calls": "calls",
    "input": "stdin",
}


@dataclass(frozen=True)
class Part:
    """One `=== name` of a file: its `key: value` lines and its sections, in order."""

    name: str
    family: str
    keys: dict[str, str]
    sections: list[tuple[str, str]]

    def section(self, title: str) -> str | None:
        """The text of the first section of that title."""
        return next((text for name, text in self.sections if name == title), None)


@dataclass(frozen=True)
class Task:
    """What a program is asked for. `tests` maps a section title to `Reference.tests` as an object."""

    name: str
    prompt: str
    entry: str | None
    solution: str
    tests: dict[str, dict[str, object]]
    packages: tuple[str, ...] = ()
    time_limit_s: float = 10.0
    workdir: bool = False


@dataclass(frozen=True)
class Program:
    """A program as a model would answer it. `most` is the fraction of the tests it may honestly earn."""

    name: str
    family: str
    task: Task
    source: str
    answer: str
    tries: str = ""
    most: float = 1.0
    styles: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Escape:
    """Defines `attempt(target)`, which says `blocked: why` or `ESCAPED: what`."""

    name: str
    tries: str
    source: str
    packages: tuple[str, ...] = ()


def read_parts(path: Path) -> list[Part]:
    """Every part of one data file."""
    text = path.read_text(encoding="utf-8")
    parts = re.split(r"^=== (\S+)\n", text, flags=re.MULTILINE)
    if parts[0].strip():
        raise ValueError(f"{path.name}: expected `=== name` first, got {parts[0][:40]!r}")
    named = zip(parts[1::2], parts[2::2], strict=True)
    return [_part(name, path.stem, body) for name, body in named]


def _part(name: str, family: str, body: str) -> Part:
    head, *rest = re.split(r"^--- (\w+)\n", body, flags=re.MULTILINE)
    keys = {}
    for line in filter(None, head.splitlines()):
        key, colon, value = line.partition(": ")
        if not colon:
            raise ValueError(f"{family} {name}: expected `key: value`, got {line!r}")
        keys[key] = value.strip()
    sections = [
        (title, text.rstrip("\n") + "\n") for title, text in zip(rest[::2], rest[1::2], strict=True)
    ]
    return Part(name=name, family=family, keys=keys, sections=sections)


@cache
def tasks() -> dict[str, Task]:
    """The tasks that hostile programs are run against, by name."""
    return {part.name: _task(part) for part in read_parts(HACKS / "tasks.txt")}


@cache
def hostile() -> tuple[Program, ...]:
    """Every hostile program, with its task's tests."""
    return tuple(_hostile(part) for path in HOSTILE_FILES for part in read_parts(path))


@cache
def honest() -> tuple[Program, ...]:
    """Every unusual program that is right, and the right solution of each task."""
    own = [_honest(part) for path in HONEST_FILES for part in read_parts(path)]
    return (*own, *(_honest(part) for part in read_parts(HACKS / "tasks.txt")))


@cache
def escapes() -> tuple[Escape, ...]:
    """Every attempt to leave the sandbox."""
    parts = [part for path in ESCAPE_FILES for part in read_parts(path)]
    return tuple(
        Escape(
            name=part.name,
            tries=part.keys["tries"],
            source=part.section("code") or "",
            packages=_words(part.keys.get("packages")),
        )
        for part in parts
    )


def _task(part: Part) -> Task:
    return Task(
        name=part.name,
        prompt=part.keys.get("prompt", ""),
        entry=part.keys.get("entry"),
        solution=_source(part),
        tests=_tests(part),
        packages=_words(part.keys.get("packages")),
        time_limit_s=float(part.keys.get("limit", "10")),
        workdir=part.keys.get("workdir") == "yes",
    )


def _hostile(part: Part) -> Program:
    task = tasks()[part.keys["task"]]
    own = dataclasses.replace(
        task,
        time_limit_s=float(part.keys.get("limit", "2")),
        packages=_words(part.keys.get("packages")),
        workdir=part.keys.get("workdir") == "yes",
    )
    return Program(
        name=part.name,
        family=part.family,
        task=own,
        source=_source(part),
        answer=_answer(part),
        tries=part.keys["tries"],
        most=float(part.keys.get("most", "0")),
        styles=_words(part.keys.get("styles")) or tuple(own.tests),
    )


def _honest(part: Part) -> Program:
    task = _task(part)
    return Program(
        name=part.name,
        family=part.family,
        task=task,
        source=task.solution,
        answer=_answer(part),
        styles=tuple(task.tests),
    )


def _words(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").split())


def _source(part: Part) -> str:
    """The program itself; for a whole answer, the section `code` says what is to be found in it."""
    source = part.section("code")
    return part.section("answer") or "" if source is None else source


def _answer(part: Part) -> str:
    answer = part.section("answer")
    if answer is None:
        answer = f"Here is the program.\n\n```python\n{part.section('code')}```\n"
    return answer.replace("\n", "\r\n") if part.keys.get("lines") == "crlf" else answer


def _tests(part: Part) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for title, text in part.sections:
        style = STYLES.get(title)
        if style is not None and title not in found:
            found[title] = {"style": style, **_members(part, title, text)}
    return found


def _members(part: Part, title: str, text: str) -> dict[str, object]:
    setup = part.section("setup") or ""
    entry = part.keys.get("entry")
    if title in ("asserts", "judged"):
        members: dict[str, object] = {"asserts": split_asserts(text), "entry_point": entry}
        return members | ({"setup": setup} if setup else {})
    if title == "input":
        inputs, outputs = (
            [body for name, body in part.sections if name == wanted]
            for wanted in ("input", "output")
        )
        pairs = zip(inputs, outputs, strict=True)
        compare = {"compare": part.keys["compare"]} if "compare" in part.keys else {}
        return compare | {"cases": [{"input": given, "output": wanted} for given, wanted in pairs]}
    if title == "calls":
        cases = [json.loads(line) for line in text.splitlines() if line]
        return {
            "entry_point": entry,
            "cases": [{"args": args, "expected": expected} for args, expected in cases],
        }
    return {"code": text} | ({"entry_point": entry} if entry else {})


def split_asserts(text: str) -> list[str]:
    """Texts of one test each: a line of a paragraph of nothing but asserts, else a whole paragraph.

    Paragraphs are what two top-level statements with an empty line between them are apart; the empty
    lines that PEP 8 wants around a `def` do not part a test from its function: `assert` ends it.
    """
    texts, waiting = [], []
    lines = text.splitlines()
    body = ast.parse(text).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        waiting.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
        apart = following is None or not lines[following.lineno - 2].strip()
        if isinstance(node, ast.Assert) and len(waiting) == 1:
            apart = apart or isinstance(following, ast.Assert)
        if (
            apart
            and not isinstance(node, ast.FunctionDef | ast.ClassDef)
            and _holds_assert(waiting)
        ):
            texts.append("\n".join(waiting))
            waiting = []
    if waiting:
        raise ValueError(f"expected an assert at the end of a test, got {waiting[-1]!r}")
    return texts


def _holds_assert(pieces: list[str]) -> bool:
    tree = ast.parse("\n".join(pieces))
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree))
