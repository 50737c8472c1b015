"""Where chat templates run: the syntax transformers gives them, in jinja2's sandbox, with a budget.

A template may come from anyone. It reaches no attribute that begins with an underscore, no file and no
module; its loops, macros, ranges and output share a budget. Not limited: the memory of one call of a
text method or filter (`center`, `replace`); run templates of unknown origin in a process with a memory limit.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from json import dumps
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

# A turn costs 2 to 8 microseconds of bookkeeping: the budget ends a loop within about 2 seconds.
MAX_STEPS = 200_000
MAX_CHARS = 1 << 26
_MAX_BITS = 1 << 16


@dataclass
class Run:
    """One rendering as it goes on: the characters written, the budget left, the blocks met.

    `blocks` holds, for each generation block, where its text should stand and what it says.
    """

    now: datetime
    n_chars: int = 0
    steps_left: int = MAX_STEPS
    blocks: list[tuple[int, str]] = field(default_factory=list)


RUN: ContextVar[Run] = ContextVar("rendering")


@lru_cache(maxsize=64)
def compiled(text: str) -> jinja2.Template:
    """The template, ready to run. Raises what jinja2 and Python's compiler raise for a bad one."""
    return _environment().from_string(text)


@lru_cache(maxsize=64)
def has_markers(text: str) -> bool:
    """Whether the template says which text is the assistant's, with `{% generation %}` blocks."""
    marks = [(kind, word) for _, kind, word in _environment().lex(text) if kind != "whitespace"]
    return any(
        first[0] == "block_begin" and then == ("name", "generation")
        for first, then in pairwise(marks)
    )


class _Generation(Extension):
    """The tag whose block is text of the assistant."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("mark"), [], [], body).set_lineno(line)

    def mark(self, caller: Macro) -> str:
        text: str = caller()
        run = RUN.get()
        run.blocks.append((run.n_chars, text))
        return text


class _Metered(NodeTransformer):
    """Makes each turn of a loop, each call of a macro and each joined text pay."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, _payment(node))
        if node.test is not None:
            paid = nodes.Call(nodes.EnvironmentAttribute("pay"), [], [], None, None)
            node.test = nodes.And(paid, node.test)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, _payment(node))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        join = nodes.EnvironmentAttribute("joined")
        return nodes.Call(join, node.nodes, [], None, None).set_lineno(node.lineno)


def _payment(node: nodes.Node) -> nodes.Node:
    call = nodes.Call(nodes.EnvironmentAttribute("pay"), [], [], None, None)
    return nodes.ExprStmt(call).set_lineno(node.lineno)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox with a budget."""

    intercepted_binops = frozenset({"+", "*", "**"})

    def pay(self, steps: int = 1) -> bool:
        run = RUN.get()
        run.steps_left -= steps
        if run.steps_left < 0:
            raise SecurityError(f"more than {MAX_STEPS} turns of loops and macros")
        return True

    def joined(self, *values: object) -> str:
        texts = [str(value) for value in values]
        _check_length(sum(map(len, texts)))
        return "".join(texts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str | list | tuple):
            _check_length(len(left) + len(right))
        elif operator == "*":
            _check_product(left, right)
            _check_product(right, left)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_bits(left.bit_length() * right)
        return super().call_binop(context, operator, left, right)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        _Metered().visit(source)
        source.set_environment(self)
        return super()._generate(source, name, filename, defer_init)


def _check_product(value: Any, times: Any) -> None:
    if not isinstance(times, int):
        return
    if isinstance(value, str | list | tuple):
        _check_length(len(value) * times)
    elif isinstance(value, int):
        _check_bits(value.bit_length() + times.bit_length())


def _check_length(length: int) -> None:
    if length > MAX_CHARS:
        raise SecurityError(f"a text of {length} characters, more than {MAX_CHARS}")


def _check_bits(bits: int) -> None:
    if bits > _MAX_BITS:
        raise SecurityError(f"a number of more than {_MAX_BITS} bits")


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    environment = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {
        "raise_exception": _refuse,
        "strftime_now": _strftime_now,
        "dict": _Dictionaries(),
        "namespace": _namespace,
        "range": _range,
    }
    # random text, as much as is asked for: nothing a chat has a use for
    del environment.globals["lipsum"]
    return environment


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return RUN.get().now.strftime(form)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # jinja2's own filter escapes what HTML would read as markup
    return dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _range(*bounds: int) -> range:
    numbers = safe_range(*bounds)
    # filters go through a range without turns of a loop, but faster
    _environment().pay(len(numbers) // 64)
    return numbers


class _Dictionaries:
    """`dict(...)` and `dict.fromkeys(...)`, without the class behind them."""

    def __call__(self, *pairs: Any, **values: Any) -> dict[Any, Any]:
        return dict(*pairs, **values)

    def fromkeys(self, keys: Any, value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(keys, value)


class _Namespace(Namespace):
    """A namespace that takes no names that begin with an underscore."""

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _namespace(*pairs: Any, **values: Any) -> _Namespace:
    found = dict(*pairs, **values)
    for name in found:
        _check_name(name)
    return _Namespace(found)


def _check_name(name: str) -> None:
    if name.startswith("_"):
        raise SecurityError(f"`{name}`: names in a namespace may not begin with an underscore")
