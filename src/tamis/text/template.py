"""Chat templates: the text a model is trained on, rendered from a conversation."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import msgspec

from tamis.errors import InputError, TemplateError
from tamis.records import Message
from tamis.text.chat import ChatMessage, chat_messages, chat_tools
from tamis.text.sandbox import MAX_CHARS, RUN, Run, compiled
from tamis.text.tokenizer import Tokenizer

BUNDLED = ("chatml",)
# What a template's own code can raise while it runs: it calls methods of texts, lists and numbers.
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_MAX_REASON = 300


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A chat template and what it is handed besides the conversation.

    `label` says where it is from; `variables` are the special tokens and options such as
    `enable_thinking`; `now` is the moment `strftime_now` tells, None for that of the rendering.
    """

    text: str
    label: str
    variables: dict[str, Any] = {}
    now: datetime | None = None


class Rendered(msgspec.Struct, frozen=True):
    """A conversation as text; `spans` are the characters inside generation blocks, start and end.

    `n_misplaced` counts blocks whose text does not stand where it was written (a block in a macro, or
    in text put into a variable): their spans would be wrong and are left out.
    """

    text: str
    spans: list[tuple[int, int]]
    n_misplaced: int = 0


def choose_template(
    tokenizer: Tokenizer,
    *,
    name: str | None = None,
    with_tools: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Template:
    """The template a trainer would take: the one named, else `tool_use` with tools, else `default`.

    A tokenizer without templates gets the bundled ChatML, and its label says so.

    Raises:  InputError for a name that neither the tokenizer nor Tamis has.
    Source:  transformers 5.24, `PreTrainedTokenizerBase.get_chat_template`.
    """
    handed = {**tokenizer.special_tokens, **(variables or {})}
    own = tokenizer.templates
    chosen = name or ("tool_use" if with_tools and "tool_use" in own else "default")
    if chosen in own:
        label = f"{tokenizer.name}: {chosen}"
        return Template(text=own[chosen], label=label, variables=handed)
    if name is None and not own:
        chosen = BUNDLED[0]
    if chosen in BUNDLED:
        return Template(text=_bundled(chosen), label=f"bundled: {chosen}", variables=handed)
    raise InputError(
        f"tokenizer {tokenizer.name}: expected a chat template `{chosen}`, got only "
        f"{', '.join(sorted({*own, *BUNDLED}))}; name one of them"
    )


@cache
def _bundled(name: str) -> str:
    return files("tamis.text").joinpath("templates", f"{name}.jinja").read_text("utf-8")


def render(
    template: Template,
    messages: Sequence[Message | Mapping[str, Any]],
    tools: str | None = None,
    *,
    add_generation_prompt: bool = False,
) -> Rendered:
    """The text of canonical messages, as transformers renders it, and which of it is the assistant's.

    `tools` is JSON text. With `add_generation_prompt` the template also opens the next answer.

    Raises:  TemplateError when the template is broken, refuses the conversation, reaches for what it
             may not have, or runs or writes without end; InputError for messages that are none.
    Source:  transformers 5.24, `utils/chat_template_utils.py`; agreement is told in docs/design/masks.md.
    """
    return render_chat(
        template,
        chat_messages(messages),
        chat_tools(tools),
        add_generation_prompt=add_generation_prompt,
    )


def render_chat(
    template: Template,
    messages: Sequence[ChatMessage],
    tools: Sequence[Any] | None = None,
    *,
    add_generation_prompt: bool = False,
) -> Rendered:
    """`render` for messages and tools that are in the shape of templates already (`text/chat.py`)."""
    run = Run(now=template.now or datetime.now())
    context = {
        **template.variables,
        "messages": list(messages),
        "tools": tools,
        "documents": None,
        "add_generation_prompt": add_generation_prompt,
    }
    before = RUN.set(run)
    try:
        pieces = _pieces(check_template(template), context, run)
    except _FAULTS as error:
        raise TemplateError(_fault(template, error)) from error
    finally:
        RUN.reset(before)
    text = "".join(pieces)
    spans = [(start, start + len(said)) for start, said in run.blocks]
    in_place = [text[start : start + len(said)] == said for start, said in run.blocks]
    kept = [span for span, sound in zip(spans, in_place, strict=True) if sound]
    return Rendered(text, kept, len(spans) - len(kept))


def check_template(template: Template) -> jinja2.Template:
    """The compiled template; call it once before many rows, so that a broken one stops the run.

    Raises: TemplateError with the line of the fault.
    """
    try:
        return compiled(template.text)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"chat template {template.label} line {error.lineno}: {_one_line(error)}; mend the template"
        ) from error
    except (SyntaxError, MemoryError, RecursionError, OverflowError) as error:
        raise TemplateError(
            f"chat template {template.label}: expected a template, got one nested too deeply "
            f"({_one_line(error)}); mend the template"
        ) from error


def _pieces(template: jinja2.Template, context: Mapping[str, Any], run: Run) -> list[str]:
    pieces = []
    for piece in template.generate(context):
        run.n_chars += len(piece)
        if run.n_chars > MAX_CHARS:
            raise jinja2.TemplateError(f"it writes more than {MAX_CHARS} characters")
        pieces.append(piece)
    return pieces


def _fault(template: Template, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
    place = f" line {lines[-1]}" if lines else ""
    return (
        f"chat template {template.label}{place}: cannot render this conversation: {_one_line(error)}; "
        "mend the conversation or name another template"
    )


def _one_line(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _MAX_REASON else said[: _MAX_REASON - 3] + "..."
