"""Gold lint: what cannot be graded, what fails its own reference, what gives its answer away."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import RewardError
from tamis.records import Finding, Message, Question, Reference, RewardSpec
from tamis.rewards import REWARDS
from tamis.rewards.base import LINTS
from tamis.rewards.gold import every_rule, lint_questions

NUMERIC = RewardSpec(name="numeric")


def question(
    prompt: str,
    answer: str | None = None,
    *,
    solution: str | None = None,
    reward: RewardSpec | None = NUMERIC,
) -> Question:
    return Question(
        prompt=[Message(role="user", content=prompt)],
        reward=reward,
        reference=Reference(answer=answer, solution=solution),
    )


def lint(*questions: Question, reward: RewardSpec | None = None) -> list[list[Finding]]:
    return asyncio.run(lint_questions(questions, reward=reward))


def rules(*questions: Question, reward: RewardSpec | None = None) -> list[list[str]]:
    return [[finding.rule for finding in found] for found in lint(*questions, reward=reward)]


def test_sound_questions_have_no_findings() -> None:
    sound = [
        question("What is 3 * 4?", "12", solution="3 * 4 = 12\n#### 12"),
        question("There are 12 eggs in 12 boxes. How many in one dozen?", "12"),
        question("How much?", "$1,250.50"),
        question("Which part?", "1/2", solution="It is a half, so 0.5.\n\\boxed{\\frac{1}{2}}"),
        question("How far?", "3 km", solution="There and back, which takes all day."),
        question("Only a solution", solution="2 + 2 = 4\n#### 4"),
    ]
    # how a number is written says nothing against it here
    elsewhere = [[r for r in found if r != "numeric/unfound-elsewhere"] for found in rules(*sound)]
    assert elsewhere == [[] for _ in sound]


def test_a_number_that_other_graders_never_find_is_told_without_blame() -> None:
    written = ["1,250", "$12", "1/2", "-12", "3 km", "+7.5", "1250", "-12.5"]
    found = lint(*(question("q", one) for one in written))
    told = [[(f.rule, f.severity) for f in one] for one in found]
    assert told == [
        *([[("numeric/unfound-elsewhere", "info")]] * 5),
        *([[]] * 3),
    ]


def test_small_integers_can_be_guessed() -> None:
    given = [question("How many are left?", answer) for answer in ("0", "1", "2", "3", "12")]
    assert rules(*given) == [["numeric/guessable"]] * 3 + [[], []]


def test_what_no_reward_can_grade_is_an_error() -> None:
    found = lint(
        question("no reward", "1", reward=None),
        question("no such reward", "1", reward=RewardSpec(name="numerc")),
        question("no such parameter", "1", reward=RewardSpec(name="numeric", parameters='{"x":1}')),
        question("no reference"),
        question("unreadable", "several"),
        question("", "12"),
    )
    assert [[f.rule for f in one] for one in found] == [
        ["gold/no-reward"],
        ["gold/unusable-reward"],
        ["gold/unusable-reward"],
        ["gold/ungradable"],
        ["gold/ungradable"],
        ["gold/empty-prompt"],
    ]
    assert all(f.severity == "error" and f.fix for one in found for f in one)
    assert "did you mean `numeric`?" in found[1][0].message
    assert [one[0].path for one in found] == ["reward"] * 3 + ["reference"] * 2 + ["prompt"]


def test_a_reason_that_names_its_place_is_found_there() -> None:
    tests = '{"style":"calls","entry_point":"f","cases":[{"args":1,"expected":2}]}'
    bare = Question(
        prompt=[Message(role="user", content="Write f.")],
        reward=RewardSpec(name="code"),
        reference=Reference(tests=tests),
    )
    found = lint(bare)[0][0]
    assert (found.path, found.message) == ("reference.tests.cases[0].args", "expected a list")


def test_one_reward_for_all_takes_the_place_of_their_own() -> None:
    given = [
        question("none", "12", reward=None),
        question("other", "12", reward=RewardSpec(name="x")),
    ]
    assert rules(*given, reward=NUMERIC) == [[], []]


def test_a_solution_that_ends_elsewhere_disagrees() -> None:
    [[found]] = lint(question("What is 3 * 4?", "13", solution="3 * 4 = 12\n#### 12"))
    assert (found.rule, found.severity, found.path) == (
        "numeric/solution-disagrees",
        "error",
        "reference.solution",
    )
    assert found.message == "the solution ends in `12`, the reference is `13`: the value differs"


def test_a_prompt_that_says_its_answer_is_a_leak_at_the_message_that_says_it() -> None:
    asked = Question(
        prompt=[
            Message(role="user", content="What is 2 + 2?"),
            Message(role="assistant", content="The answer is 12."),
            Message(role="user", content="And 3 * 4?"),
        ],
        reward=NUMERIC,
        reference=Reference(answer="12"),
    )
    [[found]] = lint(asked)
    assert (found.rule, found.path) == ("numeric/answer-in-prompt", "prompt[1].content")


def test_a_number_that_stands_in_the_prompt_by_chance_is_no_leak_even_for_a_guessing_reward() -> (
    None
):
    guessing = RewardSpec(name="numeric", parameters='{"last_number": true}')
    assert rules(question("Half of 24 and twice 12", "12", reward=guessing)) == [[]]


@given(
    st.from_regex(r"[$€]?-?[0-9]{1,7}([.,/][0-9]{1,3})?( ?(km|%|hours|dollars))?", fullmatch=True)
)
def test_every_reference_that_can_be_read_passes_as_its_own_answer(answer: str) -> None:
    [found] = rules(question("q", answer))
    assert "numeric/gold-fails" not in found


def test_findings_stand_with_their_questions_whatever_their_rewards() -> None:
    given = [
        question("q", "12"),
        question("q", "12", reward=None),
        question("the answer is 12", "12"),
    ] * 3
    assert rules(*given) == [[], ["gold/no-reward"], ["numeric/answer-in-prompt"]] * 3


def test_rules_have_ids_of_their_own_and_words_for_people() -> None:
    known = every_rule()
    assert len({rule.id for rule in known}) == len(known)
    assert all(rule.summary and rule.fix for rule in known)
    assert set(LINTS) <= set(REWARDS)


def test_a_lint_refuses_another_reward() -> None:
    from tamis.rewards import numeric_gold

    class Other:
        name = "other"

    with pytest.raises(RewardError, match="expected numeric"):
        asyncio.run(numeric_gold.lint(Other(), []))  # type: ignore[arg-type]
