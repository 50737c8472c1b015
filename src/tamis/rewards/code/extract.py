"""Which code an answer hands in.

The rule. Only what follows the last think block counts. Of its fenced blocks those in another
language (`bash`, `text`, `json`, `output`, ...) and interactive sessions (`>>>`) are no code. Of
the others the *last one that defines the entry point* is the answer; without an entry point (a
program) it is the last block that says Python, or, if none says so, the last block. Different
blocks that define the entry point are flagged `conflicting_blocks`; the last still counts. An
answer without any fence is code if all of it is Python. Code that goes on where the prompt ended (the
body of the function whose head was asked) is put behind the prompt. An answer that begins inside a fence
(the prompt opened it) is read up to its first fence. What the chosen block reads and another block
defines is put before it (`joined_blocks`).
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence

import msgspec

from tamis.rewards.code.fences import Block, before_first_fence, plain_newlines, read_blocks
from tamis.rewards.code.python_text import bound_names, open_names, parse, source_of
from tamis.text.think import after_last_think

# No honest answer is longer; the scans are linear, the cap bounds them.
MAX_ANSWER_CHARS = 200_000
# Contests take no more; the parser takes a second for ten times this, during which nothing else runs.
MAX_CODE_CHARS = 1 << 16
# Each block is parsed a few times; of more blocks than any honest answer has, the last ones count.
MAX_BLOCKS = 200
_PYTHON = frozenset({"python", "py", "python3", "py3", "python2", "ipython"})
_SESSION = re.compile(r"\s*>>>")


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """The code of an answer, or why there is none to run (`problem`), and what was odd (`flags`).

    `code` may be there beside a `problem`: it was found, and it cannot be run.
    """

    code: str | None = None
    problem: str | None = None
    flags: tuple[str, ...] = ()


def extract_code(answer: str, *, entry_point: str | None = None, prompt: str = "") -> Extraction:
    """The code that an answer hands in, by the rule of this module.

    `entry_point` is the name the tests call, None for a program; `prompt` is the Python text of the
    prompt, which an answer may go on with.

    >>> extract_code("Here:\\n```python\\ndef f(): return 7\\n```\\nDone.", entry_point="f").code
    'def f(): return 7\\n'
    >>> extract_code("I do not know.", entry_point="f").flags
    ('no_code',)
    """
    if len(answer) > MAX_ANSWER_CHARS:
        return Extraction(problem="the answer is longer than any honest one", flags=("too_long",))
    said = after_last_think(answer)
    if said is None:
        return Extraction(problem="the reasoning is unfinished", flags=("unfinished_think",))
    text = plain_newlines(said)
    blocks = read_blocks(text)[-MAX_BLOCKS:]
    if not blocks:
        return _from_bare_text(text, entry_point, prompt)
    begun = before_first_fence(text)
    begins_inside = entry_point is not None and _is_python(begun) and _defines(begun, entry_point)
    if begins_inside and not any(_answers(block, entry_point) for block in blocks):
        return _checked(begun, entry_point, ())
    return _from_blocks(blocks, entry_point, prompt)


def continue_prompt(prompt: str, body: str, *, entry_point: str) -> str | None:
    """Prompt and body as one module, when the body goes on with the entry point; else None.

    A server may have stripped the first line's indentation; four spaces are tried.
    """
    if not prompt or not body.strip():
        return None
    head = prompt if prompt.endswith("\n") else prompt + "\n"
    stripped = body.strip("\n")
    for joined in (prompt + body, head + stripped, f"{head}    {stripped}"):
        tree = _tree(joined)
        if isinstance(tree, ast.Module) and _reaches(tree, entry_point, head.count("\n")):
            return joined
    return None


def _reaches(tree: ast.Module, entry_point: str, line: int) -> bool:
    """Whether the last definition of the entry point starts up to this line and ends behind it."""
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == entry_point
    ]
    return bool(found) and found[-1].lineno <= line < (found[-1].end_lineno or 0)


def _from_bare_text(text: str, entry_point: str | None, prompt: str) -> Extraction:
    if not text.strip():
        return Extraction(problem="the answer is empty", flags=("no_code",))
    if entry_point is not None and not _defines(text, entry_point):
        continued = continue_prompt(prompt, text, entry_point=entry_point)
        if continued is not None:
            return Extraction(code=continued)
    if not _is_python(text):
        return Extraction(
            problem="no code: no fenced block, and the whole text is not Python",
            flags=("no_code",),
        )
    return _checked(text, entry_point, ())


def _from_blocks(blocks: Sequence[Block], entry_point: str | None, prompt: str) -> Extraction:
    ours = [block for block in blocks if _is_code(block)]
    if not ours:
        return Extraction(problem="no code: no block of Python", flags=("no_code",))
    flags: list[str] = []
    if entry_point is None:
        rivals = [block for block in ours if block.language in _PYTHON] or ours
    else:
        rivals = [block for block in ours if _answers(block, entry_point)]
    chosen = rivals[-1] if rivals else ours[-1]
    if len({block.text.strip() for block in rivals}) > 1:
        flags.append("conflicting_blocks")
    if not chosen.is_closed:
        flags.append("unclosed_fence")
    if not rivals and entry_point is not None:
        continued = continue_prompt(prompt, chosen.text, entry_point=entry_point)
        if continued is not None:
            return Extraction(code=continued, flags=tuple(flags))
    code = _flush(chosen.text)
    helpers = _helpers(code, [block for block in ours if block is not chosen], entry_point)
    if helpers:
        flags.append("joined_blocks")
    return _checked(helpers + code, entry_point, tuple(flags))


def _checked(code: str, entry_point: str | None, flags: tuple[str, ...]) -> Extraction:
    if len(code) > MAX_CODE_CHARS:
        problem = f"the code is longer than {MAX_CODE_CHARS} characters"
        return Extraction(code=code, problem=problem, flags=(*flags, "too_long"))
    tree = _tree(code)
    if isinstance(tree, str):
        return Extraction(
            code=code, problem=f"syntax error, {tree}", flags=(*flags, "syntax_error")
        )
    if entry_point is not None and entry_point not in bound_names(tree.body):
        return Extraction(
            code=code,
            problem=f"entry point `{entry_point}` is not defined",
            flags=(*flags, "no_entry_point"),
        )
    return Extraction(code=code, flags=flags)


def _tree(code: str) -> ast.Module | str:
    """The syntax tree of code of an honest length, or why there is none."""
    return parse(code) if len(code) <= MAX_CODE_CHARS else "longer than any honest code"


def _is_python(code: str) -> bool:
    return isinstance(_tree(code), ast.Module)


def _is_code(block: Block) -> bool:
    if _SESSION.match(block.text) or not block.text.strip():
        return False
    return block.language in _PYTHON or not block.language


def _answers(block: Block, entry_point: str | None) -> bool:
    return entry_point is not None and _is_code(block) and _defines(block.text, entry_point)


def _flush(text: str) -> str:
    """The text, moved to the left margin where only that makes it Python."""
    if _is_python(text):
        return text
    moved = textwrap.dedent(text)
    return moved if _is_python(moved) else text


def _defines(text: str, name: str) -> bool:
    """Whether the text binds the name; text that does not parse is read by its `def` lines."""
    tree = _tree(_flush(text))
    if isinstance(tree, ast.Module):
        return name in bound_names(tree.body)
    return bool(
        re.search(rf"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{re.escape(name)}\b", text, re.M)
    )


def _helpers(code: str, others: Sequence[Block], entry_point: str | None) -> str:
    """Statements of the other blocks that bind what the code reads and does not bind, transitively."""
    tree = _tree(code)
    if not others or isinstance(tree, str):
        return ""
    missing = open_names(tree)
    homes: dict[str, tuple[int, ast.stmt]] = {}
    place = 0
    for block in others if missing else ():
        other = _tree(_flush(block.text))
        for statement in other.body if isinstance(other, ast.Module) else ():
            place += 1
            for name in bound_names([statement]) - {entry_point}:
                homes[name] = (place, statement)
    taken: dict[int, ast.stmt] = {}
    while missing:
        name = missing.pop()
        if name in homes and homes[name][0] not in taken:
            number, statement = homes[name]
            taken[number] = statement
            missing |= open_names(statement)
    source = source_of(taken[number] for number in sorted(taken)) or ""
    return f"{source}\n" if source else ""
