"""Gold lint of `math`: references that fail, here or under a trainer's own grader, and answers given away."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from tamis.records import Finding, Message, Question, Reference, RewardSpec
from tamis.rewards.audit.rows import load_honest, load_pairs
from tamis.rewards.gold import lint_questions
from tamis.rewards.trainer_graders import unread_by_parsers, wrapping

CHOICES = "Which?\nA. 9\nB. 16\nC. 25\nD. 36"


def question(
    prompt: str, answer: str | None, *, solution: str | None = None, **parameters: Any
) -> Question:
    return Question(
        prompt=[Message(role="user", content=prompt)],
        reward=RewardSpec(name="math", parameters=json.dumps(parameters)),
        reference=Reference(answer=answer, solution=solution),
    )


def lint(*questions: Question) -> list[list[Finding]]:
    return asyncio.run(lint_questions(questions))


def rules(*questions: Question) -> list[list[str]]:
    return [[finding.rule for finding in found] for found in lint(*questions)]


def test_sound_questions_have_no_findings() -> None:
    sound = [
        question("What is 3 * 4?", "12", solution="Three fours: \\boxed{12}"),
        question("What part?", "\\frac{3}{4}", solution="So \\boxed{0.75}."),
        question("What is 3 * 4? Put it into \\boxed{}.", "12"),
        question("Solve x^2 = 12.", None, solution="So \\boxed{12}."),
        question("How much is 1,000 + 250?", "1,250"),
        question("There are 12 eggs in a dozen.\n12", "12", fallback="last_line"),
    ]
    assert rules(*sound) == [[] for _ in sound]


@pytest.mark.parametrize(
    ("faulty", "rule"),
    [
        (question("q", None), "gold/ungradable"),
        (question("q", ""), "gold/ungradable"),
        (question("q", "7 or"), "gold/ungradable"),
        (question("q", "1, 2, \\ldots, 7"), "gold/ungradable"),
        (question("q", '["1", "2"]'), "gold/ungradable"),
        (question("q", "[1, null]"), "gold/ungradable"),
        (question("q", '{"x": 1}'), "gold/ungradable"),
        (question("q", "None"), "math/no-answer"),
        (question("q", "all numbers that are larger than three"), "math/words"),
        (question("q", "13", solution="3 * 4 = \\boxed{12}"), "math/solution-disagrees"),
        (question("q", "12", solution="\\boxed{12}, no: \\boxed{13}"), "math/solution-disagrees"),
        (question("What is 3 * 4? The answer is 12.", "12"), "math/answer-in-prompt"),
        (question("Show $\\boxed{2\\sqrt{3}}$.", "$2\\sqrt{3}$"), "math/answer-in-prompt"),
        (question(CHOICES, "(B)"), "math/guessable"),
        (question(CHOICES, "\\text{B}"), "math/guessable"),
        (question("Is 91 prime?", "no"), "math/guessable"),
        (question("How many roots?", "2"), "math/guessable"),
        (question("q", "3\\sqrt{13}"), "math/unread-elsewhere"),
        (question("q", "3, 5, 7"), "math/unread-elsewhere"),
        (question("q", "\\frac12"), "math/unread-elsewhere"),
        (question("q", "$7$"), "math/wrapped"),
        (question("q", "\\boxed{7}"), "math/wrapped"),
    ],
)
def test_each_fault_is_found_by_its_rule(faulty: Question, rule: str) -> None:
    found = rules(faulty)[0]
    assert rule in found
    # a way of writing may be unread elsewhere, whatever else is the matter
    assert set(found) <= {rule, "math/unread-elsewhere", "math/wrapped"}


def test_chances_are_told_where_they_are_known() -> None:
    choice, two_ways, small = (
        found[0].message
        for found in lint(question(CHOICES, "C"), question("q", "Yes"), question("q", "1"))
    )
    assert choice == "`C` is one of 4 choices: a blind guess is right 25% of the time"
    assert two_ways == "`Yes` is yes or no: a blind guess is right 50% of the time"
    assert small == "`1` is one of the integers that come up most often"


def test_every_reference_of_the_catalogue_passes_in_every_form() -> None:
    asked = [question("?", gold) for gold in _golds()]
    failed = [
        (one.reference, found)
        for one, found in zip(asked, rules(*asked), strict=True)
        if {"math/gold-fails", "math/words"} & set(found)
    ]
    assert failed == []


def test_what_is_said_of_other_graders_is_what_math_verify_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rule never misses a reference that TRL's accuracy_reward fails on, and is seldom too strict."""
    caplog.set_level(logging.CRITICAL)
    golds = _golds()
    assert len(golds) > 300
    passes = {gold: _trl_credits(gold, written=gold) for gold in golds}
    told = {gold: unread_by_parsers(gold) is not None for gold in golds}
    assert [gold for gold in golds if not told[gold] and not passes[gold]] == []
    too_strict = [gold for gold in golds if told[gold] and passes[gold]]
    assert len(too_strict) <= sum(told.values()) * 0.15
    # in dollars all of them pass but those with fractions without braces
    failed = [gold for gold in golds if not _trl_credits(gold, written=f"${gold}$")]
    assert {unread_by_parsers(gold) for gold in failed} == {"a fraction without braces"}


def _golds() -> list[str]:
    answers = [row.answer for row in load_honest()]
    golds = dict.fromkeys([*answers, *(pair.gold for pair in load_pairs())])
    unreadable = ("nan", "1, 2, \\ldots, 7", "\\{2,4,6,\\dots\\}")
    return [gold for gold in golds if gold not in unreadable]


def _trl_credits(gold: str, *, written: str) -> bool:
    """Whether the reference in a box is right by TRL 1.16's accuracy_reward, with `written` as its `solution`."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    in_box = LatexExtractionConfig(
        normalization_config=NormalizationConfig(units=True),
        boxed_match_priority=0,
        try_extract_without_anchor=False,
    )
    answer = parse(f"So $\\boxed{{{gold}}}$.", [in_box], extraction_mode="first_match")
    found = parse(written)
    return bool(found) and bool(verify(found, answer))


def test_only_a_whole_wrapping_is_one() -> None:
    assert wrapping("\\(x\\)") == "\\(...\\)"
    assert wrapping("\\boxed{1}, \\boxed{2}") is None
    assert wrapping("\\$7") is None
