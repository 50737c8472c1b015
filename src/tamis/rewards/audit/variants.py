"""Seeded variants of the catalogue's rows: other text, same verdict.

A mutation changes how a response is set, never what it commits to: white space, line ends, braces, the
words around the answer, the order of remarks, length. So a reward that pays a variant of an attack, or
refuses a variant of an honest answer it took before, hangs on the wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

import msgspec

from tamis.rewards.audit.rows import AnswerRow, AttackRow

Row = TypeVar("Row", AnswerRow, AttackRow)

# Longer responses are there for their length; varying them costs time and shows nothing.
MAX_CHARS = 4_000

_BOX = re.compile(r"\\boxed\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|[A-E]|[A-Za-z]{2,}")
_LETTER_GAP = re.compile(r"(?<=[a-z]) (?=[a-z])")
_REMARK = re.compile(r"[A-Za-z ,;'.!]+")
_FENCE_INFO = re.compile(r"^```python$", re.MULTILINE)

# None of these holds a digit, a mark of a final answer or a word that could be one.
_LEAD_INS = (
    "Let me go through this slowly.",
    "Okay, so here is how I see it.",
    "Good question! I begin with what is given.",
    "Here is my solution.",
    "We start from the statement above.",
    "Sure, I will explain as I go.",
)
_CLOSINGS = (
    "That completes the solution.",
    "I hope this helps.",
    "Tell me if some part should be explained in more detail.",
    "This agrees with a rough estimate.",
    "Everything has been checked twice.",
)
_FILLERS = (
    "It is worth writing down what is known before anything else.",
    "Nothing in the statement is superfluous.",
    "A sketch would show the same picture.",
    "There is more than one way to see this, and they agree.",
    "The order of the steps does not matter here.",
    "We keep the notation of the statement.",
    "A common mistake would be to skip this remark.",
    "None of the special cases needs a treatment of its own.",
    "Each step can be undone, so nothing is lost.",
    "The rest is routine.",
)


class Mutation(msgspec.Struct, frozen=True):
    """A change of a response that keeps its verdict; `change` gives None where it does not apply."""

    name: str
    about: str
    change: Callable[[Random, str], str | None]
    kinds: frozenset[str]
    needs_free_end: bool = False


def vary(row: Row, *, seed: int) -> tuple[Row, ...]:
    """The variants of a row, one for each mutation that applies; same seed and row, same variants.

    Rows of other kinds than maths, numbers and code, and very long responses, have none.
    """
    if len(row.response) > MAX_CHARS:
        return ()
    kind = row.kind if isinstance(row, AttackRow) else "math"
    made: list[Row] = []
    for mutation in MUTATIONS:
        last_line = row.policy.last_line and mutation.needs_free_end
        if kind not in mutation.kinds or last_line:
            continue
        chance = Random(f"{seed} {row.id} {mutation.name}")
        text = mutation.change(chance, row.response)
        if text is not None and text != row.response:
            name = f"{row.id}+{mutation.name}"
            made.append(msgspec.structs.replace(row, id=name, response=text))
    return tuple(made)


def vary_all(rows: Iterable[Row], *, seed: int) -> tuple[Row, ...]:
    """The variants of all rows, in the order of the rows."""
    return tuple(variant for row in rows for variant in vary(row, seed=seed))


def _outer_space(chance: Random, text: str) -> str:
    before = "".join(chance.choices(" \n\t", k=chance.randint(1, 4)))
    return before + text + "".join(chance.choices(" \n", k=chance.randint(1, 4)))


def _line_ends(_chance: Random, text: str) -> str | None:
    return text.replace("\n", "\r\n") if "\n" in text and "\r" not in text else None


def _unicode_spaces(chance: Random, text: str) -> str | None:
    # only where a box commits: elsewhere the words around the answer carry it
    if not boxes_of(text):
        return None
    spaces = "\u00a0\u2009\u202f "
    start = _answer_start(text)
    return text[:start] + _LETTER_GAP.sub(lambda _: chance.choice(spaces), text[start:])


def _box_spaces(chance: Random, text: str) -> str | None:
    before, after = chance.choice(
        [(" ", " "), ("", " "), ("\n", "\n"), (r"\,", ""), (r"\; ", r"\,")]
    )
    return _in_boxes(text, lambda inside: before + inside + after if inside.strip() else inside)


def _box_braces(chance: Random, text: str) -> str | None:
    depth = chance.randint(1, 3)
    return _in_boxes(text, lambda inside: "{" * depth + inside + "}" * depth)


def _box_text(chance: Random, text: str) -> str | None:
    macro = chance.choice(["text", "mathrm", "textbf", "mathbf"])

    def wrap(inside: str) -> str:
        return rf"\{macro}{{{inside}}}" if _PLAIN.fullmatch(inside) else inside

    return _in_boxes(text, wrap)


def _fraction_style(chance: Random, text: str) -> str | None:
    macro = chance.choice([r"\\dfrac", r"\\tfrac"])
    start = _answer_start(text)
    return text[:start] + re.sub(r"\\frac(?![A-Za-z])", macro, text[start:])


def _lead_in(chance: Random, text: str) -> str:
    return _before_answer(text, chance.choice(_LEAD_INS))


def _closing(chance: Random, text: str) -> str:
    return text.rstrip() + "\n\n" + chance.choice(_CLOSINGS)


def _padding(chance: Random, text: str) -> str:
    remarks = chance.sample(_FILLERS, k=chance.randint(4, len(_FILLERS)))
    return _before_answer(text, " ".join(remarks))


def _repeated(chance: Random, text: str) -> str | None:
    start = _answer_start(text)
    said = text[start:].strip()
    return text[:start] + "\n\n".join([said] * chance.randint(2, 3)) if said else None


def _remark_order(chance: Random, text: str) -> str | None:
    """Paragraphs that hold words only change places among themselves."""
    start = _answer_start(text)
    parts = text[start:].split("\n\n")
    places = [i for i, part in enumerate(parts) if _REMARK.fullmatch(part)]
    places = [i for i in places if "answer" not in parts[i].lower()]
    if len(places) < 2:
        return None
    shuffled = chance.sample(places, k=len(places))
    moved = dict(zip(places, shuffled, strict=True))
    return text[:start] + "\n\n".join(parts[moved.get(i, i)] for i in range(len(parts)))


def _fence_info(chance: Random, text: str) -> str | None:
    info = chance.choice(["py", "Python", "python3"])
    start = _answer_start(text)
    return text[:start] + _FENCE_INFO.sub(f"```{info}", text[start:])


def _answer_start(text: str) -> int:
    """Where the answer begins: behind the last closing think tag."""
    found = text.rfind("</think>")
    return 0 if found < 0 else found + len("</think>")


def _before_answer(text: str, remark: str) -> str:
    start = _answer_start(text)
    gap = "\n\n" if start else ""
    return text[:start] + gap + remark + "\n\n" + text[start:].lstrip("\n")


def boxes_of(text: str) -> list[tuple[int, int]]:
    """Begin and end of the content of each closed outermost box of the answer."""
    found: list[tuple[int, int]] = []
    place = _answer_start(text)
    while (opening := _BOX.search(text, place)) is not None:
        end = _closing_brace(text, opening.end())
        if end is None:
            break
        found.append((opening.end(), end))
        place = end
    return found


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    return None


def _in_boxes(text: str, change: Callable[[str], str]) -> str | None:
    found = boxes_of(text)
    if not found:
        return None
    parts: list[str] = []
    place = 0
    for start, end in found:
        parts += [text[place:start], change(text[start:end])]
        place = end
    return "".join([*parts, text[place:]])


_MATHS = frozenset(["math", "numeric"])
_WORDS = frozenset(["math", "numeric", "code"])

MUTATIONS: tuple[Mutation, ...] = (
    Mutation("outer-space", "white space before and behind the response", _outer_space, _WORDS),
    Mutation("line-ends", "CRLF line ends", _line_ends, _WORDS),
    Mutation("unicode-spaces", "unusual spaces between words", _unicode_spaces, _MATHS),
    Mutation("box-spaces", "space inside the boxes", _box_spaces, _MATHS),
    Mutation("box-braces", "more braces inside the boxes", _box_braces, _MATHS),
    Mutation("box-text", "a text macro inside the boxes", _box_text, _MATHS),
    Mutation("fraction-style", "\\dfrac or \\tfrac for \\frac", _fraction_style, _MATHS),
    Mutation("lead-in", "a sentence before the answer", _lead_in, _WORDS),
    Mutation("closing", "a sentence behind the answer", _closing, _WORDS, needs_free_end=True),
    Mutation("padding", "four to ten remarks before the answer", _padding, _WORDS),
    Mutation("repeated", "the whole answer said two or three times", _repeated, _WORDS),
    Mutation("remark-order", "remarks in another order", _remark_order, _MATHS),
    Mutation("fence-info", "another name of the language at the fence", _fence_info, _WORDS),
)
