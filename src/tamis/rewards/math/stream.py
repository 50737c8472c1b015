"""A line of tokens that a grammar reads from left to right."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.rewards.math.tokens import Token
from tamis.rewards.math.tree import Unreadable


class Stream:
    """Tokens and the place of the next one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = list(tokens)
        self.place = 0

    def peek(self, ahead: int = 0) -> str:
        """The next token in writing, commands with their backslash; empty at the end."""
        place = self.place + ahead
        if place >= len(self.tokens):
            return ""
        token = self.tokens[place]
        return f"\\{token.text}" if token.kind == "cmd" else token.text

    def kind(self, ahead: int = 0) -> str:
        """The kind of the next token; empty at the end."""
        place = self.place + ahead
        return self.tokens[place].kind if place < len(self.tokens) else ""

    def take(self, *wanted: str) -> bool:
        """Step over the next token when it is one of these."""
        if self.kind() in ("op", "cmd") and self.peek() in wanted:
            self.place += 1
            return True
        return False

    def expect(self, wanted: str) -> None:
        """Step over a token that must come now."""
        if not self.take(wanted):
            raise Unreadable(f"expected `{wanted}`, got `{self.peek() or 'the end'}`")

    def at_degree(self) -> bool:
        """Whether a degree sign comes now: `^\\circ`, `^{\\circ}`, no power."""
        first, second = self.peek(1), self.peek(2)
        is_sign = first in (r"\circ", r"\degree") or (first, second) == ("{", r"\circ")
        return is_sign and self.kind() == "op" and self.peek() == "^"

    def step_over_degree(self) -> None:
        """Step over the degree sign that comes now."""
        self.place += 4 if self.peek(1) == "{" else 2

    def replace_next(self, text: str) -> None:
        """Leave only the rest of the next token, or step over it when nothing is left."""
        if text:
            self.tokens[self.place] = self.tokens[self.place]._replace(text=text, gap=False)
        else:
            self.place += 1
