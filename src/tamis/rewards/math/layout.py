"""Where tokens are cut at the top, which brackets belong together, and what stands left of an equals sign."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Run

from tamis.rewards.math.answers import Reals
from tamis.rewards.math.ranges import whole_line
from tamis.rewards.math.tokens import Token
from tamis.rewards.math.tree import Unreadable

OPENERS = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\langle": r"\rangle"}
CLOSERS = frozenset(OPENERS.values())
_ACCENTS = frozenset({r"\bar", r"\vec", r"\hat", r"\overline", r"\tilde", r"\overrightarrow"})
_MAX_ITEMS = 64


def written(token: Token) -> str:
    """A token in writing, commands with their backslash, other kinds as they are."""
    return f"\\{token.text}" if token.kind == "cmd" else token.text


def word(token: Token) -> str:
    """The letters of a token in lower case; empty for what is no word."""
    return token.text.strip().lower() if token.kind in ("name", "text") else ""


def is_infix(token: Token) -> bool:
    """Whether a token parts its whole group in TeX, one half above the other."""
    return token.kind == "cmd" and token.text in ("over", "choose")


def split(
    tokens: Run[Token], is_cut: Callable[[Token], bool]
) -> tuple[list[Run[Token]], list[Token]]:
    """The runs of tokens between cuts outside all brackets, and the cuts."""
    runs: list[Run[Token]] = []
    cuts: list[Token] = []
    depth, start = 0, 0
    for place, token in enumerate(tokens):
        text = written(token) if token.kind in ("op", "cmd") else ""
        if text in OPENERS:
            depth += 1
        elif text in CLOSERS:
            depth -= 1
        elif depth == 0 and is_cut(token):
            runs.append(tokens[start:place])
            cuts.append(token)
            start = place + 1
    runs.append(tokens[start:])
    if len(runs) > _MAX_ITEMS:
        raise Unreadable(f"more than {_MAX_ITEMS} items")
    return runs, cuts


def is_one_pair(tokens: Run[Token]) -> bool:
    """Whether the first token's bracket closes at the last token."""
    depth = 0
    for place, token in enumerate(tokens):
        text = written(token) if token.kind in ("op", "cmd") else ""
        depth += (text in OPENERS) - (text in CLOSERS)
        if depth == 0:
            return place == len(tokens) - 1
    return False


def set_named(tokens: Run[Token]) -> Reals | None:
    """All real numbers or the empty set, when the tokens are a name of it."""
    line = "".join(written(token) for token in tokens)
    if line in (r"\mathbb{R}", r"\mathbf{R}", r"\R", r"\reals", r"\Reals"):
        return whole_line()
    return Reals(()) if line in (r"\emptyset", r"\varnothing", r"\{\}") else None


def name_of(tokens: Run[Token]) -> str | None:
    """The name on the left of `x = 7`, `x_1 = 7`, `f(x) = …` or `(x, y) = …`; None for an expression."""
    line = "".join(written(token) for token in tokens)
    letters = [token for token in tokens if token.kind in ("name", "text", "cmd")]
    if any(token.kind == "num" for token in tokens[:1]) or not letters or len(line) > 40:
        return None
    first = tokens[0]
    if len(tokens) == 1 and (len(first.text.strip()) == 1 or first.kind in ("cmd", "text")):
        return line
    if first.kind == "text" and all(t.kind in ("text", "name") for t in tokens):
        return line
    if written(first) in _ACCENTS and written(tokens[1]) == "{" and is_one_pair(tokens[1:]):
        return line
    if len(first.text) == 1 and first.kind == "name" and written(tokens[1]) in ("_", "'"):
        return line if all(t.text.isalnum() or t.text in "_{}'" for t in tokens) else None
    is_function = first.kind == "name" and first.text in (
        "f",
        "g",
        "h",
        "p",
        "q",
        "F",
        "P",
        "Q",
        "T",
    )
    if is_function and written(tokens[1]) == "(" and is_one_pair(tokens[1:]):
        return line
    is_tuple = written(first) == "(" and is_one_pair(tokens)
    plain = all(t.text in "(),_{}" or len(t.text) == 1 for t in tokens)
    return line if is_tuple and plain and "," in line else None
