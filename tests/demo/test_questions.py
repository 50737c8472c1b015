import re
from collections import Counter

from tamis.demo.questions import DemoQuestion, demo_questions, recorded_rollouts

_EQUATION = re.compile(r"(\d+) ([-+×*/÷]) (\d+) = (\d+)")


def _final(question: DemoQuestion) -> str:
    return question.answer.rpartition("\n#### ")[2]


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def test_there_are_forty_different_questions_in_two_languages() -> None:
    questions = demo_questions()
    assert len({question.question for question in questions}) == len(questions) == 40
    assert Counter(question.language for question in questions)["zh"] >= 4
    assert [q.level for q in questions] == sorted(q.level for q in questions)


def test_worked_answers_are_right_and_end_in_their_result() -> None:
    values = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "×": lambda a, b: a * b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "÷": lambda a, b: a / b,
    }
    for question in demo_questions():
        steps = _EQUATION.findall(question.answer)
        for left, sign, right, result in steps:
            assert values[sign](int(left), int(right)) == int(result), question.question
        worked = question.answer.rpartition("\n#### ")[0]
        assert _numbers(worked)[-1] == _final(question), question.question


def test_each_question_has_eight_recorded_rollouts_in_its_order() -> None:
    asked = [question.question for question in demo_questions()]
    rollouts = recorded_rollouts()
    assert [(r.question, r.sample) for r in rollouts] == [(q, s) for q in asked for s in range(8)]
    assert {r.finish_reason for r in rollouts} <= {"stop", "length"}
    assert all(r.completion_tokens > 0 and r.prompt_tokens > 0 for r in rollouts)


def test_recorded_pass_rates_spread_from_none_to_all() -> None:
    finals = {question.question: _final(question) for question in demo_questions()}
    passed = Counter(dict.fromkeys(finals, 0))
    for rollout in recorded_rollouts():
        passed[rollout.question] += _numbers(rollout.text)[-1:] == [finals[rollout.question]]
    assert min(passed.values()) == 0 and max(passed.values()) == 8
    between = sum(2 <= n <= 6 for n in passed.values())
    assert between >= 12
