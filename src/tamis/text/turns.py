"""Where the assistant's turns stand in a rendered conversation, found by rendering, never by searching for them.

A turn is what the model has to write itself: from behind the generation prompt to its end-of-turn token.
Each place is shown by other renderings of the same conversation (shorter, or with one message replaced)
that agree with the whole text up to there or from there on. What cannot be shown so is `Unalignable`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Literal

import msgspec

from tamis.errors import TemplateError
from tamis.text.chat import ChatMessage
from tamis.text.template import Template, render_chat

How = Literal["markers", "prefixes", "differences"]


class Turn(msgspec.Struct, frozen=True):
    """Characters the assistant wrote, `start:end` of the rendered text; `message` is None if not known."""

    start: int
    end: int
    message: int | None


class Unalignable(msgspec.Struct, frozen=True):
    """Why it cannot be said which text is the assistant's, and at which message that showed."""

    reason: str
    message: int | None = None


# Beginnings that differ from the whole text and are kept: those around one message.
_KEPT = 6


class Renderings:
    """One conversation and its renderings: the whole, and beginnings of it.

    Of a beginning that agrees with the whole only the length is kept, so memory stays at a few texts.
    """

    def __init__(
        self, template: Template, messages: Sequence[ChatMessage], tools: Sequence[Any] | None
    ) -> None:
        self._template = template
        self._tools = tools
        self._prompt = ""
        self._lengths: dict[tuple[int, bool], int] = {}
        self._others: dict[tuple[int, bool], str | None] = {}
        self.messages = messages
        self.whole = render_chat(template, messages, tools)
        self.text = self.whole.text
        self._lengths[len(messages), False] = len(self.text)

    def beginning(self, n_messages: int, *, prompted: bool = False) -> str | None:
        """The first messages alone, with the generation prompt behind them if `prompted`.

        None where the template refuses so short a conversation: nothing is known of that place then.
        """
        key = (n_messages, prompted)
        if key in self._lengths:
            return self.text[: self._lengths[key]]
        if key not in self._others:
            found = self._refusable(self.messages[:n_messages], prompted)
            if found is not None and self.text.startswith(found):
                self._lengths[key] = len(found)
                return found
            self._others[key] = found
            if len(self._others) > _KEPT:
                del self._others[next(iter(self._others))]
        return self._others[key]

    def unfinished(self, n_messages: int) -> str | None:
        """The first messages, without what a template writes only at the very end of a conversation.

        That is the prompted beginning without its prompt, where the plain beginning is none of the text.
        """
        plain = self.beginning(n_messages)
        if plain is not None and self.text.startswith(plain):
            self._note_prompt(n_messages, plain)
            return plain
        prompted = self.beginning(n_messages, prompted=True)
        if prompted is None or not self._prompt or not prompted.endswith(self._prompt):
            return plain
        return prompted.removesuffix(self._prompt)

    def _note_prompt(self, n_messages: int, plain: str) -> None:
        prompted = "" if self._prompt else self.beginning(n_messages, prompted=True)
        if prompted and prompted.startswith(plain):
            self._prompt = prompted[len(plain) :]

    def replaced(self, place: int, message: ChatMessage, *, alone: bool) -> str | None:
        """The conversation with one message replaced; `alone` ends it there. None as in `beginning`."""
        after = [] if alone else self.messages[place + 1 :]
        return self._refusable([*self.messages[:place], message, *after], False)

    def _refusable(self, messages: Sequence[ChatMessage], prompted: bool) -> str | None:
        try:
            return render_chat(
                self._template, messages, self._tools, add_generation_prompt=prompted
            ).text
        except TemplateError:
            return None


def boundaries(renderings: Renderings) -> list[int | None]:
    """(n_messages + 1,) where each message begins in the text, and its end; None where it cannot be shown.

    The first message begins at 0: what the template writes before it counts as its own.
    """
    text, n = renderings.text, len(renderings.messages)
    found: list[int | None] = [0]
    last = 0
    for place in range(1, n):
        before = renderings.unfinished(place)
        if before is not None and len(before) >= last and text.startswith(before):
            last = len(before)
            found.append(last)
        else:
            found.append(None)
    return [*found, len(text)] if n else found


def marked_turns(
    renderings: Renderings, starts: Sequence[int | None], silent: frozenset[int]
) -> list[Turn] | Unalignable:
    """The template's own generation blocks, without those of the `silent` messages.

    starts: (n_messages + 1,) from `boundaries`. A block whose message cannot be told is Unalignable
    only if some message is silent: all blocks are trained otherwise.
    """
    if renderings.whole.n_misplaced:
        return Unalignable(
            "a generation block stands in a macro or in text put into a variable, so a trainer would "
            "look for it in the wrong place"
        )
    spans = renderings.whole.spans
    owners = [_message_at(starts, start, end) for start, end in spans]
    assistants = [place for place, m in enumerate(renderings.messages) if m["role"] == "assistant"]
    if len(spans) == len(assistants) and all(
        owner in (None, place) for owner, place in zip(owners, assistants, strict=True)
    ):
        owners = list(assistants)
    if silent and None in owners:
        return Unalignable(
            "the template writes blocks that cannot be told apart by message, and a message is not "
            "to be trained"
        )
    return [
        Turn(start, end, owner)
        for (start, end), owner in zip(spans, owners, strict=True)
        if owner not in silent
    ]


def _message_at(starts: Sequence[int | None], start: int, end: int) -> int | None:
    """The message whose characters hold `start:end`, if both its ends are known."""
    for place in range(len(starts) - 1):
        first, behind = starts[place], starts[place + 1]
        if first is not None and behind is not None and first <= start and end <= behind:
            return place
    return None


def rendered_turns(
    renderings: Renderings,
    starts: Sequence[int | None],
    silent: frozenset[int],
    special: frozenset[str],
) -> tuple[list[Turn], How] | Unalignable:
    """The assistant's turns of a template without generation blocks, without those of `silent` messages.

    `special` are the texts of special tokens. What the template writes between an end-of-turn token and
    the next message, as a rule a line end, belongs to the turn.
    """
    turns: list[Turn] = []
    how: How = "prefixes"
    for place, message in enumerate(renderings.messages):
        if message["role"] != "assistant" or place in silent:
            continue
        start, end = _prompt_end(renderings, place), starts[place + 1]
        if start is None or end is None or start > end:
            how = "differences"
            found = _by_difference(renderings, starts, place, special)
            if isinstance(found, Unalignable):
                return found
            start, end = found
        turns.append(Turn(start, end, place))
    return turns, how


def ending(text: str, special: frozenset[str]) -> str | None:
    """The special token a text ends with, the longest one; None if there is none."""
    return max((one for one in special if one and text.endswith(one)), key=len, default=None)


def _prompt_end(renderings: Renderings, place: int) -> int | None:
    """Where the model begins to write, if the text agrees with the generation prompt."""
    prompted = renderings.beginning(place, prompted=True)
    if prompted is None or prompted == renderings.beginning(place):
        return None
    return len(prompted) if renderings.text.startswith(prompted) else None


def _by_difference(
    renderings: Renderings, starts: Sequence[int | None], place: int, special: frozenset[str]
) -> tuple[int, int] | Unalignable:
    """The turn between what stays the same when its message is replaced."""
    text = renderings.text
    mark = next(word for n in count() if (word := f"probe{n}probe") not in text)
    probe = _probe(renderings, place, mark)
    if probe is None:
        return Unalignable("the template does not show what this message says", place)
    alone, within = probe
    end = starts[place + 1]
    if end is None:
        closing = _shared(alone.tail, within.tail, special)
        after = within.tail[len(closing) :]
        if (alone.tail and not closing) or not text.endswith(after):
            return Unalignable("the end of this turn is written in another way in the text", place)
        end = len(text) - len(after)
    start = _prompt_end(renderings, place)
    if start is None:
        prompt = _prompt(renderings, place, mark)
        if prompt is not None:
            start = _opened(renderings, (place, starts[place]), prompt, (alone, within), special)
    if start is None or start > end:
        return Unalignable("this turn does not begin where the generation prompt would end", place)
    return start, end


class _Around(msgspec.Struct, frozen=True):
    """What a rendering has before and behind the mark."""

    head: str
    tail: str


def _probe(renderings: Renderings, place: int, mark: str) -> tuple[_Around, _Around] | None:
    """Around the message's own text: when the conversation ends there, and when it goes on."""
    for message in _stand_ins(renderings.messages[place], mark):
        alone = _around(renderings.replaced(place, message, alone=True), mark)
        within = _around(renderings.replaced(place, message, alone=False), mark)
        if alone and within:
            return alone, within
    return None


def _around(text: str | None, mark: str) -> _Around | None:
    if text is None or text.count(mark) != 1:
        return None
    head, _, tail = text.partition(mark)
    return _Around(head, tail)


def _stand_ins(message: ChatMessage, mark: str) -> list[ChatMessage]:
    """The message with the mark for its text, or for its first call's name where text is not shown."""
    kept = {k: v for k, v in message.items() if k not in ("reasoning_content", "thinking")}
    in_parts = isinstance(message.get("content"), list)
    said: Any = [{"type": "text", "text": mark}] if in_parts else mark
    stand_ins = [{**kept, "content": said}]
    if message.get("tool_calls"):
        call, *others = message["tool_calls"]
        named = {**call, "function": {**call["function"], "name": mark}}
        stand_ins.append({**kept, "tool_calls": [named, *others]})
    return stand_ins


def _prompt(renderings: Renderings, place: int, mark: str) -> str | None:
    """What opens the turn before the model writes; None if no rendering shows it."""
    before = renderings.beginning(place)
    prompted = renderings.beginning(place, prompted=True)
    if before is None or prompted is None or not prompted.startswith(before):
        return None
    if prompted != before:
        return prompted[len(before) :]
    # No generation prompt: the model writes at once (Mistral), or the template just does not open a
    # turn. A plain answer tells: what stands before its text is no text of the model.
    plain = {"role": "assistant", "content": mark}
    around = _around(renderings.replaced(place, plain, alone=True), mark)
    if around is None or not around.head.startswith(before):
        return None
    written = around.head[len(before) :]
    return written if written.strip() else ""


def _opened(
    renderings: Renderings,
    where: tuple[int, int | None],
    prompt: str,
    probe: tuple[_Around, _Around],
    special: frozenset[str],
) -> int | None:
    """Where the model begins to write in the text: behind as much of the prompt as this turn is given."""
    place, known = where
    alone, within = probe
    head = within.head
    start: int | None = None
    if known is not None:
        header = _shared(prompt, head[known:], special)
        start = known + len(header) if header or not prompt else None
    else:
        before = renderings.beginning(place)
        if before is None or not alone.head.startswith(before):
            return None
        written = alone.head[len(before) :]
        header = _shared(prompt, written, special)
        if (header or not prompt) and head.endswith(written):
            start = len(head) - len(written) + len(header)
        elif any(head.endswith(prompt[:n]) for n in _stops(prompt, special)):
            start = len(head)
    if start is None or not renderings.text.startswith(head[:start]):
        return None
    return start


def _shared(one: str, other: str, special: frozenset[str]) -> str:
    """What both texts begin with: the whole of one of them, or else up to a stop in both."""
    differing = (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    n_common = next(differing, min(len(one), len(other)))
    if n_common in (len(one), len(other)):
        return one[:n_common]
    return one[: max(_stops(one[:n_common], special), default=0)]


def _stops(text: str, special: frozenset[str]) -> list[int]:
    """Where a text can be cut without cutting a word of the template: behind special tokens and line ends."""
    return [match.end() for match in _stop(special).finditer(text)]


@lru_cache(maxsize=8)
def _stop(special: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(filter(None, special), key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, longest_first), "\n+"]))
