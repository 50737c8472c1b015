"""Chat templates: rendered as transformers renders them, and kept from doing harm."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import InputError, TemplateError
from tamis.records import Message, ToolCall
from tamis.text.sandbox import has_markers
from tamis.text.template import Template, check_template, choose_template, render
from tamis.text.tokenizer import Tokenizer, load_tokenizer

DATA = Path(__file__).resolve().parent.parent / "data"
ASKED = Message(role="user", content="What is 6 * 7?")
CALL = ToolCall(
    name="weather", arguments='{"city": "Zürich", "days": 12345678901234567890}', id="c1"
)


def rendered(text: str, *messages: Message, tools: str | None = None, **variables: Any) -> str:
    return render(Template(text=text, label="test", variables=variables), messages, tools).text


def tokenizer_with(**templates: str) -> Tokenizer:
    plain = load_tokenizer(str(DATA / "chat_tokenizer"))
    fields = {name: getattr(plain, name) for name in plain.__struct_fields__}
    return Tokenizer(**(fields | {"templates": templates}))


def test_blocks_leave_no_line_of_their_own() -> None:
    text = "{% for m in messages %}\n    {% if true %}\n{{ m.role }}\n    {% endif %}\n{% endfor %}\nend"
    assert rendered(text, ASKED) == "user\nend"


def test_json_is_written_as_it_is_and_not_for_html() -> None:
    text = "{{ {'b': '<é>', 'a': 1} | tojson }} {{ [1] | tojson(indent=1) }} {{ {'b': 2, 'a': 1} | tojson(sort_keys=true) }}"
    assert rendered(text) == '{"b": "<é>", "a": 1} [\n 1\n] {"a": 1, "b": 2}'


def test_loops_can_be_left_and_turns_passed_over() -> None:
    text = "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}"
    assert rendered(text) == "02"


def test_loops_know_their_neighbours_and_filters_of_a_loop_count() -> None:
    text = "{% for i in [1, 2, 3, 4] if i is even %}{{ loop.index }}/{{ loop.length }}{{ loop.nextitem }};{% endfor %}"
    assert rendered(text) == "1/24;2/2;"


def test_special_tokens_and_options_are_variables() -> None:
    text = "{{ bos_token }}{{ 'no' if enable_thinking is false else 'yes' }}{{ tools is none }}"
    assert rendered(text, bos_token="<s>", enable_thinking=False) == "<s>noTrue"


def test_the_moment_can_be_held() -> None:
    held = Template(text="{{ strftime_now('%d %b %Y') }}", label="now", now=datetime(2026, 2, 3))
    assert render(held, []).text == "03 Feb 2026"


def test_calls_reach_the_template_as_objects_with_their_own_numbers() -> None:
    text = "{{ messages[0].tool_calls | tojson }}"
    assert rendered(text, Message(role="assistant", tool_calls=[CALL])) == (
        '[{"type": "function", "function": {"name": "weather", '
        '"arguments": {"city": "Zürich", "days": 12345678901234567890}}, "id": "c1"}]'
    )


def test_arguments_that_are_no_object_stay_text() -> None:
    calls = [ToolCall(name="f", arguments=text) for text in ('{"a": ', "[1]", "plain")]
    text = "{% for c in messages[0].tool_calls %}{{ c.function.arguments is string }} {% endfor %}"
    assert rendered(text, Message(role="assistant", tool_calls=calls)) == "True True True "


def test_what_is_null_is_no_key_and_reasoning_has_both_names() -> None:
    message = Message(
        role="assistant", reasoning="r", extra='{"mood": "good", "x": null, "_tamis": {}}'
    )
    assert rendered("{{ messages[0] | tojson(sort_keys=true) }}", message) == (
        '{"mood": "good", "reasoning_content": "r", "role": "assistant", "thinking": "r"}'
    )


def test_a_content_list_is_handed_over_as_a_list() -> None:
    message = Message(role="user", content="hi", parts='[{"type": "text", "text": "hi"}]')
    assert rendered("{{ messages[0].content[0].text }}", message) == "hi"


def test_dictionaries_with_the_fields_of_a_message_are_messages_too() -> None:
    canonical = {"role": "assistant", "content": None, "reasoning": "r", "tool_calls": None}
    template = Template(text="{{ messages[0].reasoning_content }}", label="test")
    assert render(template, [canonical]).text == "r"
    with pytest.raises(InputError, match=r"messages\[0\]: .* got `reasoning_content`"):
        render(template, [{"role": "assistant", "reasoning_content": "r"}])


def test_tools_are_objects_and_must_be_a_list() -> None:
    assert rendered("{{ tools[0].name }}", tools='[{"name": "f"}]') == "f"
    with pytest.raises(InputError, match="tools: expected a JSON list, got dict"):
        rendered("", tools="{}")


def test_generation_blocks_give_the_characters_of_the_assistant() -> None:
    text = "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}!{% endgeneration %}{% endfor %}"
    found = render(
        Template(text=text, label="test"), [ASKED, Message(role="assistant", content="42 🌦")]
    )
    assert [found.text[start:end] for start, end in found.spans] == ["What is 6 * 7?!", "42 🌦!"]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("{%- generation -%}x{% endgeneration %}", True),
        ("{# {% generation %} #}", False),
        ("{{ '{% generation %}' }}", False),
        ("{% if add_generation_prompt %}x{% endif %}", False),
    ],
)
def test_markers_are_known_by_the_tag_and_not_by_the_word(text: str, marked: bool) -> None:
    assert has_markers(text) is marked


def test_the_template_with_tools_is_taken_where_there_are_tools() -> None:
    both = tokenizer_with(default="d", tool_use="t")
    assert choose_template(both).text == "d"
    assert choose_template(both, with_tools=True).text == "t"
    assert choose_template(both, name="default", with_tools=True).text == "d"
    with pytest.raises(
        InputError, match="expected a chat template `rag`, got only chatml, default"
    ):
        choose_template(both, name="rag")


def test_a_tokenizer_without_a_template_gets_one_that_says_it_is_not_its_own() -> None:
    assert choose_template(tokenizer_with()).label == "bundled: chatml"


def test_named_templates_without_a_default_are_not_replaced_in_silence() -> None:
    with pytest.raises(InputError, match="expected a chat template `default`"):
        choose_template(tokenizer_with(rag="r"))


def test_the_bundled_template_writes_reasoning_calls_and_answers_of_tools() -> None:
    messages = [
        Message(role="system", content="Be brief."),
        ASKED,
        Message(
            role="assistant", content="I look.", reasoning="Which city?", tool_calls=[CALL, CALL]
        ),
        Message(role="tool", content="18"),
        Message(role="tool", content="19"),
        Message(role="assistant", content="It is 18."),
    ]
    found = render(choose_template(tokenizer_with()), messages, '[{"name": "weather"}]')
    call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Zürich", "days": 12345678901234567890}}\n</tool_call>'
    system, _, rest = found.text.partition("<|im_end|>\n")
    assert system.startswith("<|im_start|>system\nBe brief.\n\nYou can call")
    assert '<tools>\n{"name": "weather"}\n</tools>' in system
    assert rest == (
        "<|im_start|>user\nWhat is 6 * 7?<|im_end|>\n"
        f"<|im_start|>assistant\n<think>\nWhich city?\n</think>\n\nI look.\n{call}\n{call}<|im_end|>\n"
        "<|im_start|>user\n<tool_response>\n18\n</tool_response>\n<tool_response>\n19\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\nIt is 18.<|im_end|>\n"
    )
    assert [found.text[start:end].count("<|im_end|>") for start, end in found.spans] == [1, 1]


HOSTILE = {
    "attributes": "{{ ''.__class__.__mro__ }}",
    "attributes by filter": "{{ (messages | attr('__class__')).x }}",
    "attributes by format": "{{ '{0.__class__.__mro__}'.format(messages) }}",
    "a namespace": "{% set n = namespace() %}{% set n.__class__ = 1 %}",
    "changing its input": "{{ messages.append(1) }}",
    "a file": "{% include '/etc/hostname' %}",
    "a huge range": "{% for i in range(10 ** 9) %}a{% endfor %}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "loops that pass all over": "{% for i in range(9999) %}{% for j in messages * 9999 if false %}{% endfor %}{% endfor %}",
    "macros without end": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "macros that double": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "a long text": "{{ 'a' * 10 ** 9 }}",
    "a text that doubles": "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "a sum that doubles": "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "a huge number": "{{ 9 ** (9 ** 9) }}",
    "huge output": "{% for i in range(9999) %}{{ 'x' * 99999 }}{% endfor %}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_template_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TemplateError) as refused:
        rendered(text, ASKED)
    assert "\n" not in str(refused.value)


def test_a_refusal_of_the_template_is_told_with_its_words_and_its_line() -> None:
    with pytest.raises(TemplateError) as refused:
        rendered("a\n{{ raise_exception('roles must\n alternate') }}", ASKED)
    assert str(refused.value) == (
        "chat template test line 2: cannot render this conversation: roles must alternate; "
        "mend the conversation or name another template"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{% if %}",
        "{{ x",
        "{% generation %}x",
        "{{ x | no_such_filter }}",
        "{% for i in x %}" * 30 + "{% endfor %}" * 30,
    ],
)
def test_a_broken_template_is_told_before_any_row(text: str) -> None:
    with pytest.raises(TemplateError, match=r"chat template test.*; mend the template"):
        check_template(Template(text=text, label="test"))


@pytest.mark.parametrize(
    "text",
    [
        "{{ messages[9].content + 'x' }}",
        "{{ none + 'x' }}",
        "{{ 1 / 0 }}",
        "{{ messages | tojson(indent='x', bad=1) }}",
    ],
)
def test_a_fault_of_the_template_is_one_error(text: str) -> None:
    with pytest.raises(TemplateError, match="cannot render this conversation"):
        rendered(text, ASKED)
