"""How a question gives its answer away: it says it, or leaves so few answers that a guess is often right."""

from __future__ import annotations

import re

import msgspec

from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import ScoresText, one_line
from tamis.rewards.gold import finding

_LABEL = re.compile(r"^[ \t]*[(*]*([A-Z])[*]*[.):][*]*[ \t]", re.MULTILINE)
_TWO_WAYS = frozenset({"yes", "no", "true", "false"})
_SMALL = frozenset({"0", "1", "2"})


class Chance(msgspec.Struct, frozen=True):
    """Why an answer can be guessed, and how often a blind guess is right; None where that hangs on the guesser."""

    why: str
    rate: float | None = None


def chance_of(question: Question, answer: str) -> Chance | None:
    """Whether a right answer can be guessed: a choice, a yes or no, a small integer. None for any other.

    >>> chance_of(Question(prompt=[]), "Yes")
    Chance(why='yes or no', rate=0.5)
    """
    plain = answer.strip()
    labels = choice_labels(question)
    if plain in labels:
        return Chance(f"one of {len(labels)} choices", 1 / len(labels))
    if plain.lower() in _TWO_WAYS:
        kind = "yes or no" if plain.lower() in ("yes", "no") else "true or false"
        return Chance(kind, 0.5)
    return Chance("one of the integers that come up most often") if plain in _SMALL else None


def choice_labels(question: Question) -> list[str]:
    """The labels of the choices that the last user message lists, A onwards; none when there is no list."""
    asked = [message.content or "" for message in question.prompt if message.role == "user"]
    found = list(dict.fromkeys(_LABEL.findall(asked[-1]))) if asked else []
    wanted = [chr(ord("A") + place) for place in range(len(found))]
    return found if found == wanted and len(found) > 1 else []


def guessable(rule: Rule, question: Question, answers: tuple[str, ...]) -> list[Finding]:
    """What to say of a question one of whose accepted answers can be guessed."""
    for answer in answers:
        chance = chance_of(question, answer)
        if chance is not None:
            often = (
                ""
                if chance.rate is None
                else f": a blind guess is right {chance.rate:.0%} of the time"
            )
            told = f"`{one_line(answer, 40)}` is {chance.why}{often}"
            return [finding(rule, "reference.answer", told)]
    return []


def said_in_prompt(rule: Rule, reward: ScoresText, question: Question) -> list[Finding]:
    """What to say of a question one of whose messages, sent back as an answer, scores full marks."""
    for place, message in enumerate(question.prompt):
        score = reward.score(message.content or "", question)
        if score.value is not None and score.value >= 1.0:
            shown = f" (`{one_line(score.answer)}`)" if score.answer else ""
            told = f"this message, sent back as an answer, is right{shown}"
            return [finding(rule, f"prompt[{place}].content", told)]
    return []
