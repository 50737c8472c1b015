"""Which tokens of a conversation are trained: the loss mask, told token by token."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from tamis.records import Message
from tamis.text.chat import chat_messages, chat_tools
from tamis.text.sandbox import has_markers
from tamis.text.template import Template, choose_template
from tamis.text.tokenizer import Tokenizer
from tamis.text.turns import (
    How,
    Renderings,
    Turn,
    Unalignable,
    boundaries,
    ending,
    marked_turns,
    rendered_turns,
)

NOBODY = -1


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one conversation, and which of them a trainer learns from.

    text:     the rendered conversation, whole
    tokens, offsets, trained, owner: (n_tokens,) ids; characters of `text`, start and end; whether
              the loss sees it; the message it belongs to, -1 where that cannot be shown
    how:      `markers` (the template's own blocks), `prefixes` or `differences` (found by rendering)
    end_of_turn: the token that ends the last trained message, trained or not; None if the template
              writes none that is one special token, or if it was cut off
    """

    text: str
    tokens: list[int]
    offsets: list[tuple[int, int]]
    trained: list[bool]
    owner: list[int]
    how: How
    template: str
    end_of_turn: int | None

    @property
    def n_trained(self) -> int:
        """How many tokens are trained; at 0 the conversation teaches nothing."""
        return sum(self.trained)

    @property
    def end_of_turn_trained(self) -> bool:
        """Whether the model learns to stop: the token that ends the last trained message is trained."""
        return self.end_of_turn is not None and self.trained[self.end_of_turn]

    def truncated_at(self, limit: int) -> Masked:
        """The first `limit` tokens alone, as a trainer that cuts at the right would see them."""
        if limit >= len(self.tokens):
            return self
        end = self.end_of_turn
        return msgspec.structs.replace(
            self,
            tokens=self.tokens[:limit],
            offsets=self.offsets[:limit],
            trained=self.trained[:limit],
            owner=self.owner[:limit],
            end_of_turn=end if end is not None and end < limit else None,
        )


def mask(
    tokenizer: Tokenizer,
    messages: Sequence[Message | Mapping[str, Any]],
    tools: str | None = None,
    *,
    template: Template | None = None,
) -> Masked | Unalignable:
    """Which tokens of a conversation are trained, or why that cannot be said.

    The assistant's turns are, except those of messages whose `train` is False; a True on a message of
    another role trains nothing, for no template gives it a turn. A token that a turn shares with its
    header is trained. `template` is the tokenizer's own if not given (`choose_template`).

    Cost:    beside the tokens, one rendering of the whole and one or two of a beginning for each
             message: of hundreds of messages, rendering takes longer than cutting into tokens.
    Raises:  TemplateError when the template refuses the conversation; InputError for messages that are none.
    Source:  transformers 5.24, `apply_chat_template(return_assistant_tokens_mask=True)`, for templates
             with generation blocks; for others see docs/design/masks.md.
    """
    offered = chat_tools(tools)
    chosen = template or choose_template(tokenizer, with_tools=offered is not None)
    renderings = Renderings(chosen, chat_messages(messages), offered)
    silent = frozenset(place for place, one in enumerate(messages) if _flag(one) is False)
    starts = boundaries(renderings)
    found = _turns(renderings, starts, silent, chosen, tokenizer.special_texts)
    if isinstance(found, Unalignable):
        return found
    turns, how = found
    encoded = tokenizer.encode(renderings.text)
    return Masked(
        text=renderings.text,
        tokens=encoded.ids,
        offsets=encoded.offsets,
        trained=_overlapping(encoded.offsets, turns),
        owner=_owners(encoded.offsets, starts, turns),
        how=how,
        template=chosen.label,
        end_of_turn=_end_of_turn(renderings, turns, tokenizer.special_texts, encoded.offsets),
    )


def _turns(
    renderings: Renderings,
    starts: Sequence[int | None],
    silent: frozenset[int],
    template: Template,
    special: frozenset[str],
) -> tuple[list[Turn], How] | Unalignable:
    if not has_markers(template.text):
        return rendered_turns(renderings, starts, silent, special)
    turns = marked_turns(renderings, starts, silent)
    return turns if isinstance(turns, Unalignable) else (turns, "markers")


def _flag(message: Message | Mapping[str, Any]) -> bool | None:
    return message.train if isinstance(message, Message) else message.get("train")


def _overlapping(offsets: Sequence[tuple[int, int]], turns: Sequence[Turn]) -> list[bool]:
    """Whether each token shares a character with a turn. Turns and tokens are in the text's order."""
    trained = [False] * len(offsets)
    queue = iter(turns)
    turn = next(queue, None)
    for token, (start, end) in enumerate(offsets):
        while turn is not None and start >= turn.end:
            turn = next(queue, None)
        if turn is None:
            break
        trained[token] = end > turn.start
    return trained


def _owners(
    offsets: Sequence[tuple[int, int]], starts: Sequence[int | None], turns: Sequence[Turn]
) -> list[int]:
    """The message of each token, by the character it begins with."""
    owner = [NOBODY] * len(offsets)
    known = [(place, start) for place, start in enumerate(starts) if start is not None]
    regions = [
        Turn(start, end, place)
        for (place, start), (after, end) in pairwise(known)
        if after == place + 1
    ]
    for some in (regions, turns):
        _fill(owner, offsets, some)
    return owner


def _fill(owner: list[int], offsets: Sequence[tuple[int, int]], regions: Iterable[Turn]) -> None:
    queue = iter(regions)
    region = next(queue, None)
    for token, (start, _) in enumerate(offsets):
        while region is not None and start >= region.end:
            region = next(queue, None)
        if region is None:
            return
        if start >= region.start and region.message is not None:
            owner[token] = region.message


def _end_of_turn(
    renderings: Renderings,
    turns: Sequence[Turn],
    special: frozenset[str],
    offsets: Sequence[tuple[int, int]],
) -> int | None:
    """The token that ends the last turn: the special one the template writes when a conversation ends there."""
    if not turns:
        return None
    last = turns[-1]
    text = renderings.text
    inside = text[: last.end].rstrip()
    behind = last.end + len(text[last.end :]) - len(text[last.end :].lstrip())
    for stop in _closers(renderings, last, special):
        if inside.endswith(stop):
            return _token_at(text, offsets, len(inside) - len(stop), stop)
        if text.startswith(stop, behind):
            return _token_at(text, offsets, behind, stop)
    return None


def _closers(renderings: Renderings, turn: Turn, special: frozenset[str]) -> list[str]:
    """The special tokens a conversation ends with when it ends at this turn, the last one first."""
    n_messages = len(renderings.messages) if turn.message is None else turn.message + 1
    found = []
    for closed in (renderings.beginning(n_messages), renderings.unfinished(n_messages)):
        rest = (closed or "").rstrip()
        while (stop := ending(rest, special)) is not None:
            found.append(stop)
            rest = rest.removesuffix(stop).rstrip()
    return found


def _token_at(text: str, offsets: Sequence[tuple[int, int]], place: int, stop: str) -> int | None:
    """The token that is the special text at a place; None if the tokenizer cuts it up."""
    found = bisect_right(offsets, place, key=lambda span: span[0]) - 1
    start, end = offsets[found]
    # a special token may have taken the white space around it along
    return found if text[start:end].strip() == stop else None
