"""Each of the 25 kinds of IFEval's instructions, followed and not, as its paper describes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tamis.records import Question, Reference, RewardSpec, Score
from tamis.rewards import load_reward
from tamis.rewards.instructions.checks import CHECKS
from tamis.rewards.instructions.sentences import n_sentences

ENGLISH = "this is a plain text in english that says very little about the weather of today"
GERMAN = "Das ist ein einfacher Text, der sehr wenig über das Wetter von heute sagt."


def asked(*wanted: tuple[str, Any]) -> Question:
    tests = {
        "style": "instructions",
        "ids": [kind for kind, _ in wanted],
        "kwargs": [arguments for _, arguments in wanted],
    }
    return Question(prompt=[], reference=Reference(tests=json.dumps(tests)))


def score(answer: str, *wanted: tuple[str, Any], **parameters: Any) -> Score:
    reward = load_reward(RewardSpec(name="instructions", parameters=json.dumps(parameters)))
    return reward.score(answer, asked(*wanted))  # type: ignore[attr-defined,no-any-return]


# kind, arguments, answers that follow it, answers that do not
CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "keywords:existence",
        {"keywords": ["river", "Mona Lisa"]},
        ["The RIVER runs past the mona lisa.", "rivers, Mona Lisa"],
        ["The river runs.", "Mona and Lisa at the river"],
    ),
    (
        "keywords:frequency",
        {"keyword": " word ", "frequency": 3, "relation": "at least"},
        ["word, Word, WORD", "*word *words *sword"],
        ["word, Word", "w o r d"],
    ),
    (
        "keywords:frequency",
        {"keyword": "word", "frequency": 2, "relation": "less than"},
        ["nothing", "one word"],
        ["word word"],
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["POWER", "become"]},
        ["The powerful became tired."],
        ["They came to power.", "Become!"],
    ),
    (
        "keywords:letter_frequency",
        {"letter": "#", "let_frequency": 2, "let_relation": "at least"},
        ["#one #two"],
        ["#one"],
    ),
    (
        "keywords:letter_frequency",
        {"letter": "T", "let_frequency": 2, "let_relation": "less than"},
        ["a cat", "sun"],
        ["Two cats"],
    ),
    ("language:response_language", {"language": "de"}, [GERMAN], [ENGLISH, "42", "?!"]),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 4, "relation": "at least"},
        ["One. Two! Three? Four.", "xx-x. xx,x! xx}x. x,xx?"],
        ["Mr. A. Smith paid 3.5 at 5 p.m. today. One. Two.", "One, two, three, four"],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "less than"},
        ["Only one.", "no end at all"],
        ["One. Two."],
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        ["one\n***\ntwo", "***\none\n***\ntwo\n***"],
        ["one\n\ntwo", "one\n***\ntwo\n***\nthree", "one\n***\n***\ntwo"],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 5, "relation": "at least"},
        ["one two three four five"],
        ["one two three four", "- - - - -"],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "less than"},
        ["one two"],
        ["one two three"],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 3, "nth_paragraph": 2, "first_word": "really"},
        ["one\n\nReally, two\n\nthree", 'one\n\n"Really?" two\n\nthree'],
        ["one\n\nReally two", "one\n\ntwo really\n\nthree", "one\n\nRea!lly\n\nthree"],
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        ["Dear [name], at [address]", "[a][b][c]"],
        ["Dear [name]", "[[name", "[over\ntwo] [lines]"],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        ["Text.\n\nP.S. more", "Text. P. S. more", "text p.s. more"],
        ["Text.\nPS: more", "P.P. only"],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.P.S"},
        ["Text.\nP.P.S. more", "p.p.s what"],
        ["Text.\nP.S. more"],
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* one\n* two", "  - one\n  -two", "*one\n- two\n***\nrest"],
        ["* one", "* one\n* two\n* three", "one * two\n**bold**\n* three"],
    ),
    (
        "detectable_format:constrained_response",
        {},
        ["My answer is no.", " \nMy answer is yes. I am sure.\n"],
        ["No.", "my answer is no", "My answer is yes. My answer is no."],
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        ["*one* and *two*", "**one** and *two*"],
        ["*one\n*two\n", "** ** * *", "*one*"],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        ["SECTION 1\na\nSECTION 2\nb", "SECTION1 a SECTION2 b SECTION3 c"],
        ["SECTION 1\na", "Section 1\nSection 2", "SECTION one SECTION two"],
    ),
    (
        "detectable_format:json_format",
        {},
        ['{"a": 1}', '```json\n{"a": 1}\n```', "```\n[1]\n```"],
        ["{'a': 1}", 'Here: {"a": 1}', '{"a": NaN}', '{"a": 1, "a": 2}'],
    ),
    (
        "detectable_format:title",
        {},
        ["<<poem of joy>>\nText", "Text << a >> text"],
        ["<poem>", "<< >>", "<<over\nlines>>", ">>back<<"],
    ),
    (
        "combination:two_responses",
        {},
        ["one\n******\ntwo", "******one******two******"],
        ["one", "one ****** one", "one ****** two ****** three", "one ****** ****** two"],
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Write a joke."},
        ["Write a joke. Knock, knock.", "  write a joke.\nKnock"],
        ["Sure! Write a joke. Knock", "Write a poem."],
    ),
    (
        "startend:end_checker",
        {"end_phrase": "Any other questions?"},
        ["Done. Any other questions?", '"Done. any other questions?" \n'],
        ["Any other questions? Bye.", "Done."],
    ),
    ("startend:quotation", {}, ['"All of it."', ' "a"\n'], ['"Half" of it', "'All'", '"']),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        ["VERY GOOD", "NASA and WELL-KNOWN"],
        ["Very GOOD", "good"],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "less than"},
        ["Very GOOD", "WELL-KNOWN"],
        ["VERY GOOD"],
    ),
    (
        "change_case:english_capital",
        {},
        [ENGLISH.upper()],
        [ENGLISH, GERMAN.upper(), ENGLISH.capitalize(), "42"],
    ),
    ("change_case:english_lowercase", {}, [ENGLISH], [ENGLISH.capitalize(), GERMAN.lower(), "42"]),
    ("punctuation:no_comma", {}, ["no comma here; none"], ["a, b", "1,000"]),
]


@pytest.mark.parametrize(("kind", "arguments", "right", "wrong"), CASES)
def test_an_instruction_is_followed_or_not(
    kind: str, arguments: dict[str, Any], right: list[str], wrong: list[str]
) -> None:
    found = {answer: score(answer, (kind, arguments)).value for answer in [*right, *wrong]}
    assert found == {**dict.fromkeys(right, 1.0), **dict.fromkeys(wrong, 0.0)}


def test_every_kind_of_ifeval_is_there_and_tested() -> None:
    assert len(CHECKS) == 25
    assert {kind for kind, *_ in CASES} == set(CHECKS)


@pytest.mark.parametrize(("kind", "arguments"), [case[:2] for case in CASES])
def test_an_empty_answer_and_an_unfinished_reasoning_follow_nothing(
    kind: str, arguments: dict[str, Any]
) -> None:
    for answer in ("", " \n", "<think>something", "<think>something</think>", "a" * 300_000):
        assert score(answer, (kind, arguments)).value == 0.0


def test_the_value_is_the_share_or_all_of_them() -> None:
    wanted = [("punctuation:no_comma", {}), ("startend:quotation", None)]
    found = score("no comma", *wanted)
    assert (found.value, found.parts) == (0.5, {"accuracy": 0.0, "followed_share": 0.5})
    assert found.reason == "1 of 2 followed; not startend:quotation"
    assert score("no comma", *wanted, score="all").value == 0.0
    assert score('"no comma"', *wanted, score="all").value == 1.0


def test_only_the_answer_behind_the_reasoning_is_held_to_them() -> None:
    assert score("<think>a, b</think>c", ("punctuation:no_comma", {})).value == 1.0


def test_tables_with_every_argument_of_every_kind_are_read() -> None:
    arguments = {"num_words": 2.0, "relation": "at least", "keywords": None, "language": None}
    assert score("one two", ("length_constraints:number_words", arguments)).value == 1.0


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        (None, "no tests"),
        ("x", "not JSON"),
        ({"style": "asserts"}, "style"),
        ({"ids": []}, "ids"),
        ({"ids": ["punctuation:no_comma"], "more": 1}, "other members: more"),
        ({"ids": ["punctuation:no_comma"], "kwargs": []}, "kwargs"),
        ({"ids": ["punctuation:no_commas"]}, "did you mean `punctuation:no_comma`"),
        ({"ids": ["keywords:existence"]}, "missing required field `keywords`"),
        ({"ids": ["keywords:existence"], "kwargs": [{"keywords": []}]}, "expected texts"),
        ({"ids": ["keywords:existence"], "kwargs": [{"keywords": "a"}]}, "Expected `array`"),
        (
            {
                "ids": ["length_constraints:number_words"],
                "kwargs": [{"num_words": 3, "relation": "about"}],
            },
            "Invalid enum value",
        ),
        (
            {
                "ids": ["length_constraints:nth_paragraph_first_word"],
                "kwargs": [{"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"}],
            },
            "nth_paragraph",
        ),
    ],
)
def test_what_cannot_be_checked_is_ungradable_with_its_reason(tests: Any, reason: str) -> None:
    text = json.dumps({"style": "instructions", **tests}) if isinstance(tests, dict) else tests
    question = Question(prompt=[], reference=Reference(tests=text))
    reward = load_reward(RewardSpec(name="instructions"))
    assert reason in (reward.ungradable(question) or "")
    assert reward.score("a", question).value is None  # type: ignore[attr-defined]


def test_a_keyword_out_of_data_is_a_text_and_no_pattern() -> None:
    bomb = {"keywords": ["(a+)+$"], "forbidden_words": ["(a+)+$"]}
    assert score("a" * 5000 + "b", ("keywords:existence", bomb)).value == 0.0
    assert score("a" * 5000 + "b", ("keywords:forbidden_words", bomb)).value == 1.0
    assert score("say (a+)+$ now", ("keywords:existence", bomb)).value == 1.0


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("One. Two.", 2),
        ("One", 1),
        ("Dr. Smith met Mrs. Jones. They talked.", 2),
        ("It costs $3.50. Cheap!", 2),
        ("He left at 5 p.m. She stayed.", 2),
        ("We saw e.g. cats. Nice.", 2),
        ("1. First item\n2. Second item", 1),
        ("Really?! Yes...", 2),
        ('"Stop." He ran.', 2),
        ("今天天气很好。我们去公园！好吗？", 3),
        ("...", 0),
        ("", 0),
    ],
)
def test_sentences_are_counted_as_people_do(text: str, n: int) -> None:
    assert n_sentences(text) == n
