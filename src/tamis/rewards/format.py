"""The format reward: does an answer consist of the blocks it should, each once and in order."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from tamis.records import Question, Rollout, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, TextReward, too_long, whole_answer, zero
from tamis.text.tags import code_regions, outside, read_tags
from tamis.text.think import ThinkParse, think_spans
from tamis.text.tools import ToolBlock, tool_blocks
from tamis.text.words import visible, words

Kind = Literal["think", "answer", "tool_call", "text"]
# The end of a turn, a header or a role, in the spellings of the families of open models.
_SPECIAL = re.compile(
    r"<[|｜][A-Za-z0-9_▁ .-]{1,40}[|｜]>|</?s>|<(?:pad|unk|bos|eos)>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]"
)
_ANSWER = re.compile(r"<(/?)answer>", re.IGNORECASE | re.ASCII)
# A reasoning that shrinks below this share of its size says one thing over and over.
_LEAST_COMPRESSED = 0.12
_FEWEST_BYTES = 200


class Piece(msgspec.Struct, frozen=True):
    """One block of an answer at `start:end`, and what stands between its tags."""

    kind: Kind
    start: int
    end: int
    body: str


class FormatReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when an answer is exactly the wanted blocks, each once and in order, else 0.

    `blocks` are some of `think` (`<think>...</think>`), `answer` (`<answer>...</answer>`), `tool_call` (one call
    or more in a row, in any dialect that `text.tools` reads) and `text` (anything else that is not blank).
    What is not wanted must not be there. Tags in code are mentions; any spelling but the canonical one
    is a fault. The reasoning must hold `think_tokens` words, half that many different ones, and must not
    shrink to nearly nothing in zlib: dots, blanks and one word over and over are no reasoning. An answer
    and a text must not be blank; a tool call must be readable. Special tokens written as text
    (`<|im_end|>`, `[INST]`) are denied anywhere outside code; `end_token` may stand once at the very end.
    `prompt_opens` says that the prompt already holds `<think>`. A reasoning, or calls, that a server
    has taken out of the text count as if they stood there.

    There is no part payment, and nothing is said about being right: gate it on that with `combine`.
    Every question can be graded. Parts: format. Flags name each fault: `think_missing`, `think_repeated`,
    `think_unclosed`, `wrong_order`, `text_unwanted`, `answer_blank`, `thin_thinking`, `special_token`, ...
    """

    blocks: tuple[Kind, ...] = ("think", "text")
    think_tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 8
    prompt_opens: bool = False
    end_token: str | None = None
    name: ClassVar[str] = "format"
    version: ClassVar[str] = "2"

    def __post_init__(self) -> None:
        """Refuse a list that no answer can satisfy."""
        if not self.blocks or len(set(self.blocks)) < len(self.blocks):
            raise ValueError("blocks: expected one or more different blocks, each once")

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message and the calls it makes."""
        return [
            self._score(whole_answer(rollout), has_calls=_has_calls(rollout))
            for rollout, _ in zip(rollouts, questions, strict=True)
        ]

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> FormatReward(think_tokens=2).score("<think>7 x 6</think>42", Question(prompt=[])).value
        1.0
        """
        return self._score(answer, has_calls=False)

    def _score(self, answer: str, *, has_calls: bool) -> Score:
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long({"format": 0.0})
        text = f"<think>{answer}" if self.prompt_opens else answer
        if self.end_token:
            text = text.rstrip().removesuffix(self.end_token)
        faults = dict.fromkeys(self._faults(text, has_calls=has_calls))
        if faults:
            told = ", ".join(fault.replace("_", " ") for fault in faults)
            return zero(told, *faults, parts={"format": 0.0})
        return Score(value=1.0, parts={"format": 1.0}, reason="all blocks in order")

    def _faults(self, text: str, *, has_calls: bool) -> Iterator[str]:
        parse = think_spans(text)
        yield from (f"think_{problem.kind}" for problem in parse.problems)
        calls = _calls_outside(text, parse)
        yield from (f"tool_call_{call.problem}" for call in calls if call.problem is not None)
        if any(text[tag.start : tag.end] != tag.canonical for tag in read_tags(text)):
            yield "misspelled_tag"
        if _has_special(text, calls):
            yield "special_token"
        pieces, broken = _pieces(text, parse, calls)
        if broken:
            yield "answer_unclosed"
        if has_calls:
            pieces.append(Piece("tool_call", len(text), len(text), ""))
        yield from self._grammar_faults([piece.kind for piece in _merged(pieces)])
        yield from self._content_faults(pieces)

    def _grammar_faults(self, kinds: list[Kind]) -> Iterator[str]:
        for kind in self.blocks:
            if kind not in kinds:
                yield f"{kind}_missing"
            elif kinds.count(kind) > 1:
                yield f"{kind}_repeated"
        yield from (f"{kind}_unwanted" for kind in kinds if kind not in self.blocks)
        wanted = [kind for kind in kinds if kind in self.blocks]
        if len(set(wanted)) == len(wanted) and wanted != [k for k in self.blocks if k in wanted]:
            yield "wrong_order"

    def _content_faults(self, pieces: Sequence[Piece]) -> Iterator[str]:
        for piece in pieces:
            if piece.kind == "answer" and not visible(piece.body):
                yield "answer_blank"
            if piece.kind == "think" and _is_thin(piece.body, self.think_tokens):
                yield "thin_thinking"


def _has_calls(rollout: Rollout) -> bool:
    said = [message for message in rollout.messages if message.role == "assistant"]
    return bool(said and said[-1].tool_calls)


def _calls_outside(text: str, parse: ThinkParse) -> list[ToolBlock]:
    """The tool-call blocks that do not stand in a reasoning."""
    return outside(tool_blocks(text), [(span.start, span.end) for span in parse.spans])


def _has_special(text: str, calls: Sequence[ToolBlock]) -> bool:
    found = list(_SPECIAL.finditer(text))
    if not found:
        return False
    # the markers of calls are special tokens where they belong
    places = {call.start for call in calls if call.problem is None}
    hidden = code_regions(text)
    marks = [ToolBlock(*match.span(), *match.span()) for match in found]
    return any(mark.start not in places for mark in outside(marks, hidden))


def _pieces(text: str, parse: ThinkParse, calls: Sequence[ToolBlock]) -> tuple[list[Piece], bool]:
    """The blocks of a text in order, what stands between them as text, and whether an answer tag is lone."""
    marked = [
        Piece("think", span.start, span.end, text[span.body_start : span.body_end])
        for span in parse.spans
    ]
    marked += [
        Piece("tool_call", call.start, call.end, text[call.body_start : call.body_end])
        for call in calls
        if call.problem is None
    ]
    regions = sorted([*((piece.start, piece.end) for piece in marked), *code_regions(text)])
    answers, broken = _answers(text, regions)
    # a call within an answer is part of the answer
    spans = [(piece.start, piece.end) for piece in answers]
    ordered = sorted([*outside(marked, spans), *answers], key=lambda piece: piece.start)
    pieces: list[Piece] = []
    place = 0
    for piece in [*ordered, Piece("text", len(text), len(text), "")]:
        between = text[place : piece.start]
        if visible(between):
            pieces.append(Piece("text", place, piece.start, between))
        pieces.append(piece)
        place = max(place, piece.end)
    return pieces[:-1], broken


def _answers(text: str, regions: Sequence[tuple[int, int]]) -> tuple[list[Piece], bool]:
    """The `<answer>` blocks outside of other blocks and code, and whether one of their tags is lone."""
    found: list[Piece] = []
    opened: Piece | None = None
    broken = False
    tags = [Piece("answer", *match.span(), match[1]) for match in _ANSWER.finditer(text)]
    for tag in outside(tags, _disjoint(regions)):
        is_closing = bool(tag.body)
        if is_closing == (opened is None):
            broken = True
        if is_closing and opened is not None:
            found.append(Piece("answer", opened.start, tag.end, text[opened.end : tag.start]))
        opened = None if is_closing else tag
    return found, broken or opened is not None


def _disjoint(regions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted regions with those that touch made one."""
    joined: list[tuple[int, int]] = []
    for start, end in regions:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The blocks, calls that follow one another as one."""
    kept: list[Piece] = []
    for piece in pieces:
        if not (kept and piece.kind == kept[-1].kind == "tool_call"):
            kept.append(piece)
    return kept


def _is_thin(reasoning: str, fewest: int) -> bool:
    """Whether a reasoning is too short, or is padding."""
    said = words(reasoning.casefold())
    if len(said) < fewest or len(set(said)) < min(len(said), fewest) / 2:
        return True
    raw = visible(reasoning).encode("utf-8", "surrogatepass")
    return len(raw) >= _FEWEST_BYTES and len(zlib.compress(raw)) < _LEAST_COMPRESSED * len(raw)
