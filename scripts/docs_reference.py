"""Writes `docs/reference/` from the code: commands, operators, rewards, rules, formats, trainers. `--check` says whether it is fresh."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from tamis import catalogue
from tamis.cli.main import app
from tamis.export.flatten import WAYS
from tamis.export.targets import TARGETS, get_target
from tamis.formats import FORMATS, writable
from tamis.op import Keep, Measure, Rewrite, Select, Summary
from tamis.records import Rule
from tamis.rewards.base import REWARDS, reward_class
from tamis.rewards.gold import every_rule
from tamis.schema import ROWS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
SHAPES = (Measure, Summary, Rewrite, Keep, Select)
WRITTEN = "Written by `make docs` from the code.\n"


def commands() -> str:
    """Every command with its arguments and options."""
    group = typer.main.get_command(app)
    parts = ["# Commands\n", WRITTEN]
    for name, command in sorted(group.commands.items()):  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        for place, one in sorted(inner.items()) if inner else [("", command)]:
            parts.append("\n".join(_command(f"{name} {place}".strip(), one)))
    return "\n".join(parts)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    shown = " ".join((p.name or "").upper() + ("..." if p.nargs == -1 else "") for p in arguments)
    yield f"## tamis {name}\n"
    yield f"`tamis {f'{name} {shown}'.strip()}`\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    if options:
        yield "| option | default | meaning |\n|---|---|---|"
    for option in options:
        names = ", ".join([*option.opts, *option.secondary_opts])
        default = option.default
        told = "" if default is None or callable(default) else f"`{default}`"
        yield f"| `{names}` | {told} | {_cell(option.help or '')} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _shape(operator: type) -> str:
    return next(shape.__name__.lower() for shape in SHAPES if issubclass(operator, shape))


def operators() -> str:
    """Every operator of the catalogue: shape, options, and its own description."""
    parts = ["# Operators\n", WRITTEN]
    for name in sorted(catalogue.OPERATORS):
        operator = catalogue.load(name)
        parts.append(f"## {name}\n\n*{_shape(operator)}*\n")
        parts += _described(operator, "option", written=repr)
    return "\n".join(parts)


def rewards() -> str:
    """Every reward by the name a question gives it: parameters, and its own description."""
    parts = ["# Rewards\n", WRITTEN]
    parts.append(
        "A question names its reward and the parameters, or `--reward NAME --parameters JSON` does for all.\n"
    )
    for name in sorted(REWARDS):
        parts.append(f"## {name}\n")
        parts += _described(reward_class(name), "parameter", written=_as_json)
    return "\n".join(parts)


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _described(kind: Any, called: str, *, written: Callable[[object], str]) -> Iterator[str]:
    fields = msgspec.structs.fields(kind)
    if fields:
        yield f"| {called} | default |\n|---|---|"
        yield from (f"| `{field.encode_name}` | {_default(field, written)} |" for field in fields)
        yield ""
    yield f"```text\n{inspect.cleandoc(kind.__doc__ or '')}\n```\n"


def _default(field: msgspec.structs.FieldInfo, written: Callable[[object], str]) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f"`{written(field.default)}`"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{written(field.default_factory())}`"
    return "*required*"


def rules() -> str:
    """Every rule that a check or the lint of gold can report."""
    parts = ["# Rules\n", WRITTEN]
    for name in sorted(catalogue.CHECKS):
        parts += [f"## {name}\n", *_rules(catalogue.load(name).rules)]
    parts.append("## tamis reward test\n\nLint of questions, by the reward that grades them.\n")
    return "\n".join([*parts, *_rules(every_rule())])


def _rules(listed: Iterable[Rule]) -> Iterator[str]:
    for rule in listed:
        yield f"### {rule.id}\n"
        yield f"{rule.severity}, {rule.dimension}: {rule.summary}\n\nFix: {rule.fix}\n"
        if rule.good or rule.bad:
            yield f"```text\ngood: {rule.good}\nbad:  {rule.bad}\n```\n"


def formats() -> str:
    """Every format: what it holds, whether it is written, its kind of rows."""
    parts = [
        "# Formats\n",
        WRITTEN,
        f"{len(FORMATS)} are read, {len(writable())} of them written.\n",
    ]
    for kind in ROWS:
        shown = sorted((f for f in FORMATS.values() if f.kind == kind), key=lambda f: f.name)
        parts.append(f"## {kind}\n\n| format | | holds |\n|---|---|---|")
        for form in shown:
            does = "reads, writes" if form.write is not None else "reads"
            parts.append(f"| `{form.name}` | {does} | {_cell(form.about)} |")
        parts.append("")
    return "\n".join(parts)


def trainers() -> str:
    """Every trainer: what it trains on, and how its folder is proved."""
    parts = ["# Trainers\n", WRITTEN, "| `--for` | trains on | proved by | |\n|---|---|---|---|"]
    for name in TARGETS:
        target = get_target(name)
        proof = "its own loader" if target.loader else "a replay of its documents, unproven"
        parts.append(f"| `{name}` | {', '.join(target.shapes)} | {proof} | {_cell(target.about)} |")
    parts.append(
        "\nWhat a trainer has no place for is refused, or put elsewhere with `--flatten`:\n"
    )
    parts += ["| way | |\n|---|---|", *(f"| `{way}` | {told} |" for way, told in WAYS.items()), ""]
    return "\n".join(parts)


def main() -> int:
    """Write the pages, or with `--check` compare them."""
    pages = {
        "commands.md": commands(),
        "operators.md": operators(),
        "rewards.md": rewards(),
        "rules.md": rules(),
        "formats.md": formats(),
        "trainers.md": trainers(),
    }
    stale = [
        n
        for n, text in pages.items()
        if not (FOLDER / n).exists() or (FOLDER / n).read_text() != text
    ]
    if "--check" in sys.argv:
        for name in stale:
            print(
                f"docs/reference/{name} is not what the code says; run `make docs`", file=sys.stderr
            )
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
