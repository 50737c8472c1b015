"""TruncatedEnding: cut-off replies are found, and what may end as it likes is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.checks import ending
from tamis.checks.ending import judge_last_line, open_fence, open_formula
from tamis.checks.truncated import TruncatedEnding

FindRules = Callable[..., list[list[str]]]
STORY = "The library stands by the river. It was built by a merchant who loved maps. "
GESCHICHTE = "图书馆建在河边。它是一位喜欢地图的商人修建的。"


def reply(content: str | None, **more: Any) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "Tell me more, and then"},
        {"role": "assistant", "content": content, **more},
    ]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (STORY + "Every morning the keeper opens the", "mid-sentence"),
        (STORY + "Every morning the keeper opens and", "mid-sentence"),
        (STORY + "Every morning, before breakfast, he lists the inter-", "mid-sentence"),
        (STORY + "He lists the maps, the books, the globes,", "mid-sentence"),
        (STORY + "Most visitors come for the libr", "mid-sentence"),
        ("Die Bibliothek steht am Fluss. Sie wurde gebaut von der", "mid-sentence"),
        (GESCHICHTE + "每天早上馆长都会打开大门，因为", "mid-sentence"),
        (GESCHICHTE + "馆里有地图、书籍、", "mid-sentence"),
        (GESCHICHTE + "馆长最喜欢的两样东西是地图和", "mid-sentence"),
        ("Here you are:\n```python\nfor book in books:\n    print(", "unclosed-fence"),
        ("Use ~~~ like this:\n\n~~~\nsome text\n", "unclosed-fence"),
        ("The sum is\n\\[ \\sum_{i} i = \\frac{n", "unclosed-latex"),
        ("The sum is\n$$ \\frac{n(n+1)}{2", "unclosed-latex"),
        ("See:\n\\begin{align} a &= b", "unclosed-latex"),
        ("You need:\n1. Salt\n2. Water\n3.", "open-list"),
        ("You need:\n- Salt\n- Water\n-", "open-list"),
        ("步骤如下：\n一、准备材料\n二、", "open-list"),
        (STORY + "It lends three kinds of things (maps, books", "unclosed-bracket"),
        (STORY + "Most visitors come on Sunday afternoon with children", "no-end-mark"),
        (GESCHICHTE + "周末来的人最多特别是孩子们", "no-end-mark"),
    ],
)
def test_a_cut_reply_is_found(find_rules: FindRules, content: str, rule: str) -> None:
    assert find_rules(TruncatedEnding(), reply(content)) == [[f"truncated/{rule}"]]


@pytest.mark.parametrize(
    "content",
    [
        STORY,
        STORY.strip() + '"',
        "42",
        "Yes",
        "The answer is 42",
        "Paris, France",
        "#### 18",
        "The answer is \\boxed{7}",
        "Have a look:\n```\nls -l\n```",
        "Inline ```ls``` and more text",
        "````\n```\nnested\n```\n````",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "You need:\n- salt\n- water\n- a pot",
        "Steps:\n1. Go there\n2. Look for the blue door",
        "More at https://example.com/library",
        '{"name": "find", "arguments": {}}',
        '<tool_call>\n{"name": "find"}\n</tool_call>',
        STORY + "See you there! 😊",
        STORY + "See you there :)",
        STORY + "\n\nBest regards,\nAnna Smith",
        STORY + "\n\nSincerely,\n[Your Name]",
        "Dear Anna,\n" + STORY + "\n\nWarm regards,",
        GESCHICHTE,
        GESCHICHTE + "欢迎光临！",
        "好的",
        "def f(x):\n    return x + 1",
        "print('and the')",
        "$$ x = 1 $$",
        "\\[ x = 1 \\]",
        "\\begin{align} a &= b \\\\[2pt] c &= d \\end{align}",
        "It costs $$ and more $$ each.",
        "What is it for",
        "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you",
        STORY + "\n\n**Note:** open daily",
        "Haiku:\nold pond\na frog leaps in\nthe sound of water",
        "",
        None,
        "   \n",
    ],
)
def test_a_whole_reply_is_let_go(find_rules: FindRules, content: str | None) -> None:
    assert find_rules(TruncatedEnding(), reply(content)) == [[]]


def test_only_the_last_reply_counts(find_rules: FindRules) -> None:
    cut = STORY + "Every morning the keeper opens the"
    talk = [*reply(cut), *reply("Done.")]
    assert find_rules(TruncatedEnding(), talk, [{"role": "user", "content": cut}], [], None) == [
        [],
        [],
        [],
        [],
    ]
    assert find_rules(TruncatedEnding(), [*reply("Done."), *reply(cut)]) == [
        ["truncated/mid-sentence"]
    ]


def test_a_reply_that_calls_a_tool_may_end_anyhow(find_rules: FindRules) -> None:
    call = [{"name": "find", "arguments": "{}"}]
    talk = reply(STORY + "Let me look at the", tool_calls=call)
    assert find_rules(TruncatedEnding(), talk) == [[]]


def test_the_place_is_the_open_part_in_characters(find: Callable[..., Any]) -> None:
    content = "好。\n```\nls"
    [[finding]] = find(TruncatedEnding(), reply(content))
    assert (finding["path"], finding["start"], finding["end"], finding["severity"]) == (
        "messages[1].content",
        3,
        9,
        "error",
    )


@given(st.text(alphabet="a>-1.~` \n\t", max_size=60))
def test_lines_with_fences_are_found_without_looking_at_the_others(text: str) -> None:
    found = [match.span() for match in ending._fence_lines(text)]
    assert found == [match.span() for match in ending._FENCE.finditer(text)]


@given(st.text(alphabet="aB.,;:()[]{}`~$\\\n -*1一。，“”\"'|", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    last = judge_last_line(text)
    for start in (open_fence(text), open_formula(text), last[1] if last else None):
        assert start is None or 0 <= start <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "按今天的汇率 0.98 计算，",
        "每人先分摊 105 ÷ 7 = 15 元，",
        "You can compare large files quickly, find duplicates, or check that a",
        "A virus is only genetic material in a coat and needs a",
        "One percent is 8 euros, so the discount is 8 × 5 = 40 euros and the",
        "After 5 days 34 * 5 = 170 pages are done, which",
        "We hold 255 of",
        "Bring:\n\n1. two games outdoors\n2. a small bag to take home\n3. a",
        "The list:\n\n1. a quiet corner\n2. invitations with a",
        "The platform holds its breath at five,\nthe lamps of Zagreb fade,\nand",
        'The `newline=""` matters, because the',
        "The rate is 7.2, and 660 × 7.2 = 4752. A bank may take a",
        "If a shorter version is easier, that would already help us plan.\n\nThank you, and",
    ],
)
def test_a_comma_or_an_article_at_the_end_is_a_cut(text: str) -> None:
    assert judge_last_line(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "The right one is option a",
        "Solve it for b first and then for a",
        "Then x - 2 tells us a",
        "好的，",
    ],
)
def test_a_name_or_a_few_words_may_end_so(text: str) -> None:
    assert judge_last_line(text) is None
