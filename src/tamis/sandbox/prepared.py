"""What can be known of a test code before a candidate is there: made once by the parent, used by every judge.

Compiling is all that happens here; nothing of the test code is evaluated. The judge's fork server is the same
interpreter, so compiled code travels as bytes.
"""

from __future__ import annotations

import ast
import marshal
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from tamis.sandbox.asserts import find_check_tests, free_names, instrument


@dataclass(frozen=True, slots=True)
class Needs:
    """The names that test codes of one scope do not define, and whether they speak of StopIteration."""

    free: frozenset[str]
    expects_stop: bool


def needs_of(trees: Iterable[ast.Module]) -> Needs:
    """What these codes need of others."""
    listed = list(trees)
    names = {node.id for tree in listed for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return Needs(frozenset(free_names(listed)), "StopIteration" in names)


@dataclass(frozen=True, slots=True)
class PreparedCheck:
    """A check with its asserts turned into reports, compiled; `lines` has the line of each counted assert.

    `repeated` are the ids of asserts that may run more than once; `counts_end`: reaching the end is one test more.
    """

    compiled: bytes
    lines: tuple[int, ...]
    repeated: frozenset[int]
    counts_end: bool
    needs: Needs

    def code(self) -> CodeType:
        """The code to run."""
        code = marshal.loads(self.compiled)
        assert isinstance(code, CodeType)
        return code

    def as_json(self) -> dict[str, Any]:
        """As a member of a job."""
        return {
            "compiled": self.compiled.hex(),
            "lines": list(self.lines),
            "repeated": sorted(self.repeated),
            "counts_end": self.counts_end,
            "free": sorted(self.needs.free),
            "expects_stop": self.needs.expects_stop,
        }


def read_prepared(given: dict[str, Any]) -> PreparedCheck:
    """The check behind `as_json`, from the trusted parent."""
    return PreparedCheck(
        compiled=bytes.fromhex(given["compiled"]),
        lines=tuple(given["lines"]),
        repeated=frozenset(given["repeated"]),
        counts_end=given["counts_end"],
        needs=Needs(frozenset(given["free"]), given["expects_stop"]),
    )


@lru_cache(maxsize=512)
def prepare_check(code: str, *, call: str | None) -> PreparedCheck:
    """Parse, count, instrument and compile a test code of style `check`. Raises what the compiler raises."""
    tree = ast.parse(code)
    needs = needs_of([tree])
    tests = find_check_tests(tree, call=call)
    lines = tuple(node.lineno for node in tests.asserts)
    changed = compile(instrument(tree, tests), "check.py", "exec", dont_inherit=True)
    return PreparedCheck(marshal.dumps(changed), lines, tests.repeated, tests.counts_end, needs)
