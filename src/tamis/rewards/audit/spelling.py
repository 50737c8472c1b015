"""The ways of saying which answer is final, and rows said in the one way that a target reads.

A target that reads `#### n` only would be asked nothing by rows that say `\\boxed{n}`. What a row commits
itself to stays the same, only the marks around it change.
"""

from __future__ import annotations

import re

import msgspec

from tamis.rewards.audit.variants import boxes_of

# Sentences that hold no digit and nothing that could be a final answer.
_REASONING = (
    "First I write down what is given and what is asked. Then each quantity gets a name, the condition "
    "becomes an equation, and solving it step by step leaves a single value, which fits the statement."
)


class Spelling(msgspec.Struct, frozen=True):
    """A way of saying a final answer; `whole` is a response around a `{}` for the answer."""

    name: str
    mark: str
    whole: str
    has_thought: bool = False


SPELLINGS: tuple[Spelling, ...] = (
    Spelling("boxed", "$\\boxed{{}}$", "So the result is $\\boxed{{}}$."),
    Spelling("hashes", "\n#### {}\n", "So this is the result.\n#### {}"),
    Spelling("tag", "<answer>{}</answer>", "This is the result.\n<answer>{}</answer>"),
    Spelling("phrase", "\nThe answer is {}.\n", "The answer is {}."),
    Spelling("colon", "\nAnswer: {}\n", "This is the result.\nAnswer: {}"),
    Spelling("bare", "{}", "{}"),
    Spelling(
        "thought and box",
        "$\\boxed{{}}$",
        f"<think>\n{_REASONING}\n</think>\n\nSo the result is $\\boxed{{{{}}}}$.",
        has_thought=True,
    ),
    Spelling(
        "thought and tag",
        "<answer>{}</answer>",
        f"<think>\n{_REASONING}\n</think>\n<answer>{{}}</answer>",
        has_thought=True,
    ),
)
NOTHING = "I do not know."
REASONED = next(s for s in SPELLINGS if s.name == "thought and box")


def say(answer: str, spelling: Spelling) -> str:
    """A whole response that commits itself to the answer."""
    return spelling.whole.replace("{}", answer, 1)


def respell(response: str, spelling: Spelling) -> str:
    """The response with every closed box outside its reasoning said in this spelling instead.

    A spelling with a thought puts one before a response that has none.
    """
    if spelling.name == "boxed":
        return response
    boxes = boxes_of(response)
    if spelling.name == "bare":
        # with several boxes there is no single text to leave
        return response[slice(*boxes[0])].strip() if len(boxes) == 1 else response
    text = response if spelling.name == REASONED.name else _remarked(response, spelling.mark)
    if spelling.has_thought and "<think>" not in text and "</think>" not in text:
        text = f"<think>\n{_REASONING}\n</think>\n{text}"
    return text


def _remarked(response: str, mark: str) -> str:
    pieces: list[str] = []
    place = 0
    for start, end in boxes_of(response):
        before = response[place:start]
        opening = re.search(r"\$?\\boxed\s*\{\Z", before)
        if opening is None:
            continue
        dollars = opening[0].startswith("$")
        closes = dollars and response[end + 1 : end + 2] == "$"
        kept = opening.start() if closes or not dollars else opening.start() + 1
        pieces += [before[:kept], mark.replace("{}", response[start:end], 1)]
        place = end + 1 + closes
    return "".join([*pieces, response[place:]])


_SIGNS = (
    ("hashes", re.compile("####")),
    ("tag", re.compile("<answer>")),
    ("phrase", re.compile(r"answer\b[^.:\n]{0,20}\bis\b", re.IGNORECASE)),
    ("colon", re.compile(r"answer\W{0,4}:", re.IGNORECASE)),
)


def spelling_of(response: str) -> str | None:
    """The name of the way in which a response says its answer; None where it is none of ours.

    >>> spelling_of("So it is #### 7")
    'hashes'
    """
    if boxes_of(response):
        return "boxed"
    return next((name for name, sign in _SIGNS if sign.search(response)), None)


def wrong_for(gold: str) -> str:
    """A plainly wrong answer to a question with this gold: another number, no piece of it, nor it of that.

    >>> wrong_for("7")
    '8888'
    """
    for number in ("8888", "33333", "60606"):
        if number not in gold and gold.strip() not in number:
            return number
    return "-50505050"
