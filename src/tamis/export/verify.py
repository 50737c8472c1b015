"""What can be said of a handover before training: rows the trainer takes, tokens, cuts, loss masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tamis.errors import InputError, TemplateError
from tamis.export.targets.base import RowVerdict, Target
from tamis.schema import Kind
from tamis.text.masks import Masked, mask
from tamis.text.tokenizer import Tokenizer, load_tokenizer
from tamis.text.turns import Unalignable

_MOST_ODD = 20
_MOST_MASKED = 20_000
_EXAMPLES = 3
_EXAMPLE_CHARS = 6000


class Replayed(msgspec.Struct, kw_only=True):
    """What the trainer's rules say of the rows: how many of each verdict, and the first odd ones."""

    n_rows: int = 0
    verdicts: dict[str, int] = {}
    odd: list[str] = []

    def add(self, other: Replayed) -> None:
        """Take over what is said of the rows behind."""
        self.n_rows += other.n_rows
        for verdict, n in other.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + n
        self.odd = [*self.odd, *other.odd][:_MOST_ODD]


class Tokens(msgspec.Struct, kw_only=True):
    """Tokens of the rows looked at, with this tokenizer and template.

    n_rows: rows looked at; lengths: tokens of each (of a preference's longer side); n_tokens, n_trained:
    over all that is trained on; n_cut: rows longer than the limit; no_trained, end_not_trained: rows of these two rules
    unalignable, broken: rows whose mask cannot be said or whose rendering fails, by reason
    """

    tokenizer: str
    template: str = ""
    n_rows: int = 0
    lengths: list[int] = []
    n_tokens: int = 0
    n_trained: int = 0
    n_cut: int = 0
    no_trained: list[int] = []
    end_not_trained: list[int] = []
    unalignable: dict[str, int] = {}
    broken: dict[str, int] = {}
    examples: list[list[tuple[str, bool]]] = []

    def add(self, other: Tokens) -> None:
        """Take over what is said of the rows behind."""
        self.template = self.template or other.template
        for name in ("n_rows", "n_tokens", "n_trained", "n_cut"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lengths += other.lengths
        self.no_trained += other.no_trained
        self.end_not_trained += other.end_not_trained
        self.examples = [*self.examples, *other.examples][:_EXAMPLES]
        for mine, theirs in (
            (self.unalignable, other.unalignable),
            (self.broken, other.broken),
        ):
            for reason, n in theirs.items():
                mine[reason] = mine.get(reason, 0) + n


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Both, each None when it could not be looked at."""

    replayed: Replayed | None
    tokens: Tokens | None


class Verifier:
    """Looks at rows as they are written; `first_row` is the place of the first among all."""

    def __init__(
        self, kind: Kind, target: Target, tokenizer: str | None, limit: int, first_row: int
    ) -> None:
        self._kind: Kind = kind
        self._target = target
        self._limit = limit
        self._tokenizer = None if tokenizer is None else load_tokenizer(tokenizer)
        self.tokens = Tokens(tokenizer=tokenizer or "")
        self.replayed = None if target.replay is None else Replayed()
        self._n_seen = self._n_replayed = first_row

    @property
    def counted(self) -> Tokens | None:
        """What the tokens say; None without a tokenizer."""
        return None if self._tokenizer is None else self.tokens

    def look(self, given: dict[str, Any]) -> None:
        """One canonical row, as it was written."""
        if self._tokenizer is not None and self._n_seen < _MOST_MASKED:
            self._count(self._tokenizer, _renderings(given, self._kind), given.get("tools"))
        self._n_seen += 1

    def _count(
        self,
        tokenizer: Tokenizer,
        renderings: Sequence[Sequence[dict[str, Any]]],
        tools: str | None,
    ) -> None:
        tokens = self.tokens
        tokens.n_rows += 1
        try:
            found = [mask(tokenizer, messages, tools) for messages in renderings]
        except (TemplateError, InputError) as error:
            _add(tokens.broken, str(error))
            return
        masks = [one for one in found if isinstance(one, Masked)]
        if len(masks) < len(found):
            _add(tokens.unalignable, next(o.reason for o in found if isinstance(o, Unalignable)))
            return
        tokens.template = masks[0].template
        longest = max(len(one.tokens) for one in masks)
        tokens.lengths.append(longest)
        tokens.n_cut += longest > self._limit
        if longest > self._limit and self._target.over_limit != "cut":
            return  # it is not trained on at all
        seen = [one.truncated_at(self._limit) for one in masks]
        tokens.n_tokens += sum(len(one.tokens) for one in seen)
        tokens.n_trained += sum(one.n_trained for one in seen)
        if not all(one.n_trained for one in seen):
            tokens.no_trained.append(self._n_seen)
        elif not all(one.end_of_turn_trained for one in seen):
            tokens.end_not_trained.append(self._n_seen)
        if len(tokens.examples) < _EXAMPLES:
            tokens.examples.append(list(spans(masks[0])))

    def replay(self, rows: Sequence[dict[str, Any]]) -> None:
        """Some rows as the trainer's loader reads them."""
        if self._target.replay is None or self.replayed is None:
            return
        told = self.replayed
        for _, one in zip(rows, self._target.replay(self._kind, rows), strict=True):
            told.n_rows += 1
            told.verdicts[one.verdict] = told.verdicts.get(one.verdict, 0) + 1
            if one.verdict != "accepted" and len(told.odd) < _MOST_ODD:
                told.odd.append(_told(self._n_replayed, one))
            self._n_replayed += 1


def _add(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1


def _told(place: int, verdict: RowVerdict) -> str:
    return f"row {place}: {verdict.verdict}: {verdict.reason}"


def _renderings(given: dict[str, Any], kind: Kind) -> list[list[dict[str, Any]]]:
    """What a trainer renders of a row: a conversation, the prompt of a question, both sides of a preference.

    Of a preference only the sides are trained, not the replies that stand in its prompt.
    """
    if kind != "preferences":
        return [list(given["messages"] if kind == "conversations" else given["prompt"])]
    prompt = [{**message, "train": False} for message in given["prompt"]]
    return [[*prompt, *given[side]] for side in ("chosen", "rejected")]


def spans(masked: Masked) -> Iterator[tuple[str, bool]]:
    """The rendered text in pieces that are trained or not, at most `_EXAMPLE_CHARS` characters."""
    start = 0
    was: bool | None = None
    end = 0
    for (first, last), trained in zip(masked.offsets, masked.trained, strict=True):
        if was is not None and trained != was:
            yield masked.text[start:first], was
            start = first
        was, end = trained, last
        if end > _EXAMPLE_CHARS:
            yield masked.text[start:end] + " […]", trained
            return
    if was is not None:
        yield masked.text[start:end], was
