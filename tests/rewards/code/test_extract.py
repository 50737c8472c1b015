"""Which code an answer hands in: the stated rule, and the answers that tempt one to break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rewards.code.extract import (
    MAX_ANSWER_CHARS,
    MAX_CODE_CHARS,
    continue_prompt,
    extract_code,
)
from tamis.rewards.code.python_text import bound_names, open_names, parse

GOOD = "def f(x):\n    return x + 1\n"
PROMPT = 'import math\n\n\ndef f(x):\n    """Add one."""\n'


def code_of(answer: str, *, entry_point: str | None = "f", prompt: str = "") -> str | None:
    return extract_code(answer, entry_point=entry_point, prompt=prompt).code


@pytest.mark.parametrize(
    "opening",
    ["```python", "```py", "```Python", "```PYTHON3", "```", "~~~", "~~~ python", "`````py"],
)
def test_code_in_any_python_fence_is_found(opening: str) -> None:
    mark = opening.rstrip("pythonPYTHON3 ")
    assert code_of(f"Here it is.\n\n{opening}\n{GOOD}{mark}\nDone.") == GOOD


@pytest.mark.parametrize(
    "info", ["{.python}", 'python title="a.py"', "python:solution.py", "{python}"]
)
def test_attributes_behind_the_language_do_not_hide_it(info: str) -> None:
    assert code_of(f"```{info}\n{GOOD}```") == GOOD


def test_windows_line_ends_do_not_matter() -> None:
    assert code_of(f"Here:\n```python\n{GOOD}```\n".replace("\n", "\r\n")) == GOOD


def test_a_fence_in_a_list_loses_the_indentation_of_the_list() -> None:
    block = "".join(f"   {line}\n" for line in ("```python", *GOOD.splitlines(), "```"))
    assert code_of(f"1. Do this:\n\n{block}") == GOOD
    assert code_of("- ```py\n  def f(x):\n      return x + 1\n  ```\n") == GOOD


def test_code_indented_deeper_than_its_fence_is_moved_to_the_margin() -> None:
    assert code_of("```python\n    def f(x):\n        return x + 1\n```") == GOOD


def test_a_cut_answer_is_read_and_flagged() -> None:
    found = extract_code(f"```python\n{GOOD}", entry_point="f")
    assert (found.code, found.flags) == (GOOD, ("unclosed_fence",))


def test_a_longer_fence_holds_a_shorter_one() -> None:
    inner = 'DOC = """\n```\nf(1)\n```\n"""\n' + GOOD
    assert code_of(f"````python\n{inner}````") == inner


def test_an_answer_that_is_all_code_needs_no_fence() -> None:
    assert code_of(GOOD) == GOOD


@pytest.mark.parametrize("answer", ["", "  \n", "I would use a loop.", "def f(x) return x"])
def test_an_answer_without_code_has_none(answer: str) -> None:
    found = extract_code(answer, entry_point="f")
    assert (found.code, found.flags) == (None, ("no_code",))


def test_blocks_of_other_languages_and_sessions_are_no_code() -> None:
    answer = (
        f"```python\n{GOOD}```\n```bash\npython f.py\n```\n```text\nf = 3\n```\n"
        "```json\n[1]\n```\n```python\n>>> f(1)\n2\n```\n"
    )
    found = extract_code(answer, entry_point="f")
    assert (found.code, found.flags) == (GOOD, ())
    only = extract_code("```bash\nls\n```", entry_point="f")
    assert (only.code, only.flags) == (None, ("no_code",))


def test_of_several_blocks_the_last_that_defines_the_entry_point_counts() -> None:
    answer = f"```python\ndef f(x):\n    return 0\n```\nBetter:\n```python\n{GOOD}```\nUse:\n```python\nprint(f(1))\n```"
    found = extract_code(answer, entry_point="f")
    assert (found.code, found.flags) == (GOOD, ("conflicting_blocks",))


def test_a_right_block_before_a_wrong_one_does_not_count() -> None:
    wrong = "def f(x):\n    return 0\n"
    assert code_of(f"```python\n{GOOD}```\n```python\n{wrong}```") == wrong


def test_the_same_block_twice_is_no_conflict() -> None:
    assert extract_code(f"```py\n{GOOD}```\n```py\n{GOOD}\n```", entry_point="f").flags == ()


def test_a_last_block_that_does_not_parse_still_is_the_answer() -> None:
    found = extract_code(f"```py\n{GOOD}```\n```py\ndef f(x):\n    return (\n```", entry_point="f")
    assert found.problem == "syntax error, line 2: '(' was never closed"
    assert found.flags == ("conflicting_blocks", "syntax_error")


def test_a_program_is_the_last_block_that_says_python() -> None:
    answer = "```python\nprint(input())\n```\nIt prints:\n```\n7\n```"
    assert code_of(answer, entry_point=None) == "print(input())\n"
    assert code_of("```\nprint(1)\n```", entry_point=None) == "print(1)\n"
    two = extract_code("```py\nprint(1)\n```\n```py\nprint(2)\n```")
    assert (two.code, two.flags) == ("print(2)\n", ("conflicting_blocks",))


def test_only_what_follows_the_last_think_block_counts() -> None:
    wrong = "def f(x):\n    return 0\n"
    answer = f"<think>\n```python\n{GOOD}```\n</think>\n```python\n{wrong}```"
    assert code_of(answer) == wrong
    assert code_of(f"<think>\n```python\n{GOOD}```\n</think>\nDone.") is None


def test_unfinished_reasoning_hands_in_nothing() -> None:
    found = extract_code(f"<think>\nI try\n```python\n{GOOD}```\n", entry_point="f")
    assert (found.code, found.flags) == (None, ("unfinished_think",))


def test_a_missing_entry_point_is_named() -> None:
    found = extract_code("```python\ndef g(x):\n    return x\n```", entry_point="f")
    assert found.problem == "entry point `f` is not defined"
    assert found.flags == ("no_entry_point",)


@pytest.mark.parametrize(
    "code",
    [
        "f = lambda x: x\n",
        "from math import sqrt as f\n",
        "class f:\n    pass\n",
        "async def f(): pass\n",
    ],
)
def test_a_function_may_be_defined_in_any_way(code: str) -> None:
    assert extract_code(f"```python\n{code}```", entry_point="f").problem is None


def test_helpers_of_another_block_come_along_and_examples_do_not() -> None:
    answer = (
        "First:\n```python\nimport math\nSTEP = 1\n\ndef add(x):\n    return x + STEP\nprint(add(2))\n```\n"
        "Then:\n```python\ndef f(x):\n    return add(math.floor(x))\n```"
    )
    found = extract_code(answer, entry_point="f")
    assert found.flags == ("joined_blocks",)
    assert found.code == (
        "import math\nSTEP = 1\ndef add(x):\n    return x + STEP\n"
        "def f(x):\n    return add(math.floor(x))\n"
    )


def test_the_body_alone_goes_on_with_the_prompt() -> None:
    body = "    y = math.floor(x)\n    return y + 1\n"
    assert code_of(body, prompt=PROMPT) == PROMPT + body
    assert code_of(f"```python\n{body}```", prompt=PROMPT) == PROMPT + body


def test_a_body_whose_first_indentation_was_stripped_goes_on_too() -> None:
    body = "y = math.floor(x)\n    return y + 1"
    assert code_of(body, prompt=PROMPT) == f"{PROMPT}    {body}"


def test_an_answer_that_begins_inside_a_fence_is_read_up_to_its_end() -> None:
    assert code_of(f"{GOOD}```\nThis adds one.\n") == GOOD
    other = "def f(x):\n    return 0\n"
    assert code_of(f"{GOOD}\n```python\n{other}```\n") == other


def test_text_beside_the_function_is_not_its_body() -> None:
    assert continue_prompt(PROMPT, "y = 1\n", entry_point="g") is None
    assert extract_code("x = 1", entry_point="f", prompt="x = 0\n").flags == ("no_entry_point",)


def test_an_endless_answer_is_refused() -> None:
    assert extract_code("x" * (MAX_ANSWER_CHARS + 1), entry_point="f").flags == ("too_long",)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 90_000 + "1",
        "(" * 90_000,
        "a" + ".b" * 60_000,
        "x=" * 90_000 + "1",
        "\0",
        "\ud800",
        "1" * 9_999,
        "if x:\n" + " " * 50_000 + "y",
        "lambda:" * 20_000 + "1",
        "`" * 100_000,
        "```\n" * 40_000,
    ],
)
def test_hostile_text_is_read_without_harm(text: str) -> None:
    extract_code(text, entry_point="f", prompt=PROMPT)
    extract_code(f"```python\n{text}\n```", entry_point="f", prompt=PROMPT)


def test_odd_escapes_do_not_warn() -> None:
    assert code_of('```python\ndef f(x):\n    return "\\d"\n```') is not None


@given(st.text(alphabet="`~ pyf():=\n>>1\r\t-.", max_size=200))
def test_no_text_breaks_the_extractor(text: str) -> None:
    found = extract_code(text, entry_point="f", prompt=PROMPT)
    assert found.code is not None or found.problem is not None


@given(
    st.sampled_from(["```", "~~~~"]),
    st.sampled_from(["", "python", "PY"]),
    st.text("ab \n", max_size=30),
)
def test_what_stands_around_a_block_does_not_change_it(mark: str, info: str, prose: str) -> None:
    answer = f"{prose}\n{mark}{info}\n{GOOD}{mark}\n{prose}"
    assert code_of(answer) == GOOD


def test_names_are_bound_in_their_own_scope_only() -> None:
    tree = parse(
        "try:\n    import a.b\nexcept E as e:\n    c: int = [d for d in z]\ndef g(h): i = 1\n"
    )
    assert not isinstance(tree, str)
    assert bound_names(tree.body) == {"a", "c", "e", "g"}
    assert open_names(tree) == {"E", "z"}


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
@pytest.mark.parametrize("before", ["", '# f" \\\n', "x = 'rf'\n", "'''f'\n'''\n"])
def test_an_f_string_that_takes_quadratic_time_is_not_parsed(quote: str, before: str) -> None:
    code = f"def f(x): pass\n{before}f{quote}{'{a}' * 20_000}{quote}\n"
    found = extract_code(f"```python\n{code}```\n", entry_point="f")
    assert found.problem == "syntax error, line 1: an f-string of too many fields"


def test_honest_code_with_many_braces_is_parsed() -> None:
    rows = "".join(f"    {n}: {{'a': {n}}},\n" for n in range(2000))
    code = f"T = {{\n{rows}}}\ndef f(x):\n    return f'{{x}} of {{T[x]}}'\n"
    assert code_of(f"```python\n{code}```\n") == code


def test_code_longer_than_contests_take_is_no_answer() -> None:
    code = "def f(x): pass\n" + "a;" * (MAX_CODE_CHARS // 2)
    for answer in (code, f"```python\n{code}\n```\n"):
        assert extract_code(answer, entry_point="f").problem is not None
