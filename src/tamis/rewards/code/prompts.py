"""The Python text of a prompt: the head of a function to write, and what stands around it."""

from __future__ import annotations

import ast

from tamis.records import Question
from tamis.rewards.code.fences import plain_newlines, read_blocks
from tamis.rewards.code.python_text import bound_names, parse, source_of

_GIVEN = (
    ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign
)


def prompt_text(question: Question) -> str:
    """What the last user message asks."""
    asked = [message.content for message in question.prompt if message.role == "user"]
    return (asked[-1] or "") if asked else ""


def prompt_code(text: str, *, entry_point: str | None) -> str:
    """The Python in a prompt that defines the entry point: all of the text, or its last such block.

    Empty when there is none.
    """
    text = plain_newlines(text)
    written = [text, *(block.text for block in reversed(read_blocks(text)))]
    for code in written if entry_point else ():
        tree = parse(code)
        if isinstance(tree, ast.Module) and entry_point in bound_names(tree.body):
            return code
    return ""


def preamble(code: str, *, entry_point: str | None) -> str:
    """Imports, helpers and constants that the prompt gives beside the entry point.

    Each stands for itself: what the prompt cannot do here (import a package, read a file, call the function
    that is still to be written) must not spoil an answer that does without.
    """
    tree = parse(code)
    if isinstance(tree, str) or not code:
        return ""
    given = [
        _tried(statement)
        for statement in tree.body
        if isinstance(statement, _GIVEN)
        and entry_point not in bound_names([statement])
        and not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
    ]
    return source_of(given) or ""


def _tried(statement: ast.stmt) -> ast.stmt:
    quiet = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.Try([statement], [quiet], [], [])
