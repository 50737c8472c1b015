"""Gold lint for `instructions`: can all be followed at once, and are they more than nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import one_line
from tamis.rewards.base import Reward
from tamis.rewards.gold import finding
from tamis.rewards.instructions.checks import (
    CapitalWords,
    Forbidden,
    Frequency,
    Keywords,
    LetterFrequency,
    Sentences,
    Words,
)
from tamis.rewards.instructions.reward import InstructionsReward
from tamis.rewards.instructions.task import Wanted, task_of

CONTRADICTORY = Rule(
    id="instructions/contradictory",
    severity="error",
    dimension="correctness",
    summary="no answer can follow two of the instructions at once",
    fix="take one of both out",
    good="at least 100 words, less than 200 words",
    bad="at least 200 words, less than 100 words",
)
TRIVIAL = Rule(
    id="instructions/trivial",
    severity="info",
    dimension="difficulty",
    summary="an answer that says nothing follows all instructions, so a pass says nothing of the answer",
    fix="add a part that judges the answer, or an instruction that needs one",
    good="no comma, at least 100 words",
    bad="no comma",
)
ECHO = Rule(
    id="instructions/echo",
    severity="info",
    dimension="difficulty",
    summary="the prompt, sent back as an answer, follows all instructions",
    fix="add a part that judges the answer, or an instruction that the prompt itself does not follow",
    good="all capital letters",
    bad="at least 5 words, in a prompt of 20 words",
)
RULES: tuple[Rule, ...] = (CONTRADICTORY, TRIVIAL, ECHO)

_SAYS_NOTHING = "ok"
_CAPITAL, _LOWER = "change_case:english_capital", "change_case:english_lowercase"


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Instructions say the same every time: nothing is repeated."""
    if not isinstance(reward, InstructionsReward):
        raise RewardError(
            f"reward `{reward.name}`: expected instructions, for which this lint is made"
        )
    return [[*_contradictions(question), *_trivial(reward, question)] for question in questions]


def _trivial(reward: InstructionsReward, question: Question) -> Iterator[Finding]:
    if reward.score(_SAYS_NOTHING, question).parts.get("accuracy") == 1.0:
        told = f"the answer `{_SAYS_NOTHING}` follows all instructions"
        yield finding(TRIVIAL, "reference.tests", told)
    for place, message in enumerate(question.prompt):
        if reward.score(message.content or "", question).parts.get("accuracy") == 1.0:
            told = "this message, sent back as an answer, follows all instructions"
            yield finding(ECHO, f"prompt[{place}].content", told)
            return


def _contradictions(question: Question) -> Iterator[Finding]:
    for one, other in combinations(task_of(question).wanted, 2):
        why = _contradiction(one, other) or _contradiction(other, one)
        if why is not None:
            yield finding(CONTRADICTORY, "reference.tests", why)


def _contradiction(one: Wanted, other: Wanted) -> str | None:
    """Why the two cannot both be followed, as far as that can be read off them."""
    if {one.kind, other.kind} == {_CAPITAL, _LOWER}:
        return "all in capitals, and none"
    if isinstance(one.arguments, Keywords) and isinstance(other.arguments, Forbidden):
        asked = {word.strip().lower() for word in one.arguments.keywords}
        both = sorted(asked & {word.strip().lower() for word in other.arguments.forbidden_words})
        return f"`{one_line(both[0], 40)}` is asked for and forbidden" if both else None
    least, most = _bound(one, "at least"), _bound(other, "less than")
    if least is None or most is None or least[0] != most[0] or least[1] < most[1]:
        return None
    return f"{one.kind}: at least {least[1]}, and less than {most[1]}"


def _bound(wanted: Wanted, relation: str) -> tuple[tuple[str, str], int] | None:
    """What is counted and the bound, for an instruction with this relation."""
    match wanted.arguments:
        case Words(num_words=count, relation=said) | Sentences(num_sentences=count, relation=said):
            what = ""
        case Frequency(keyword=what, frequency=count, relation=said):
            pass
        case LetterFrequency(letter=what, let_frequency=count, let_relation=said):
            pass
        case CapitalWords(capital_frequency=count, capital_relation=said):
            what = ""
        case _:
            return None
    return ((wanted.kind, what.strip().lower()), count) if said == relation else None
