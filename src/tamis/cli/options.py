"""The options that every data command shares, and how a result is printed.

`shared` gives a command the common options without repeating them: the command takes one `common`
argument, the command line shows `-o --format --seed --limit --where ...`.
"""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tamis.verbs.common import Result

Inputs = Annotated[
    list[str], typer.Argument(help="Files, globs, folders, a data set folder, or - for stdin.")
]
To = Annotated[str | None, typer.Option("--to", help="Write rows in this format.")]
STYLES = ("human", "json", "md", "quiet")


def _style(*more: str) -> tuple[Any, str]:
    """The `--format` option of a command that knows these styles beside those of all."""
    told = f"{', '.join([*STYLES[:-1], *more])} or {STYLES[-1]}."
    return Annotated[str, typer.Option("--format", help=told)], STYLES[0]


Format, _ = _style()

SHARED: dict[str, tuple[Any, Any]] = {
    "output": (
        Annotated[
            str | None,
            typer.Option("-o", "--output", help="Folder (data set) or file by its extension."),
        ],
        None,
    ),
    "style": _style(),
    "as_format": (
        Annotated[str | None, typer.Option("--as", help="Read the input as this format.")],
        None,
    ),
    "seed": (
        Annotated[int | None, typer.Option("--seed", help="Seed of every random draw (0).")],
        None,
    ),
    "limit": (
        Annotated[
            int | None, typer.Option("--limit", help="Read only the first N lines of each file.")
        ],
        None,
    ),
    "where": (
        Annotated[
            str | None,
            typer.Option(
                "--where", help="SQL condition on rows: \"turns > 3 and language = 'zh'\"."
            ),
        ],
        None,
    ),
    "engine": (Annotated[str, typer.Option("--engine", help="local.")], "local"),
    "workers": (Annotated[int, typer.Option("--workers", help="Processes; 0: one a core.")], 0),
    "recipe_out": (
        Annotated[
            str | None,
            typer.Option("--recipe-out", help="Write the recipe here (-: print it); run nothing."),
        ],
        None,
    ),
    "dry_run": (
        Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")],
        False,
    ),
}


# What a trainer's folder is made by: `--for` and the options that go with it.
HANDOVER: dict[str, tuple[Any, Any]] = {
    "target": (
        Annotated[
            str | None,
            typer.Option(
                "--for",
                help="Trainer whose folder is written: trl, verl, llamafactory, axolotl, ms-swift, "
                "openrlhf, openai, open-instruct, prime-rl, nemo-gym.",
            ),
        ],
        None,
    ),
    "model": (
        Annotated[
            str | None, typer.Option("--model", help="Model to train, as its config names it.")
        ],
        None,
    ),
    "tokenizer": (
        Annotated[
            str | None,
            typer.Option(
                "--tokenizer", help="Folder with tokenizer.json, to count tokens and masks."
            ),
        ],
        None,
    ),
    "max_tokens": (
        Annotated[int, typer.Option("--max-tokens", help="Longest row in training.")],
        4096,
    ),
    "flatten": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--flatten",
                help="Put what the trainer cannot hold elsewhere (may be repeated): parts, reasoning, "
                "tools, loss_flags, names.",
            ),
        ],
        None,
    ),
    "verify": (
        Annotated[
            bool, typer.Option("--verify", help="Run the trainer's own loader, if installed.")
        ],
        False,
    ),
    "python": (
        Annotated[
            str | None,
            typer.Option("--python", help="Interpreter that has the trainer, for --verify."),
        ],
        None,
    ),
}


def shared(
    *more_styles: str, more: dict[str, tuple[Any, Any]] | None = None
) -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Make a function `(own arguments, common) -> Result` a command with the common options too.

    `more` are the options of a group, which the function takes as `grouped`, by their names.
    """
    group = more or {}

    def decorate(command: Callable[..., Result]) -> Callable[..., None]:
        hints = typing.get_type_hints(command, _names(command), include_extras=True)
        own = inspect.signature(command).parameters
        parameters = [
            p.replace(annotation=hints[name])
            for name, p in own.items()
            if name not in ("common", "grouped")
        ]
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [p.replace(kind=keyword) for p in parameters]
        parameters += [
            inspect.Parameter(name, keyword, default=default, annotation=annotation)
            for name, (annotation, default) in {
                **group,
                **SHARED,
                "style": _style(*more_styles),
            }.items()
        ]

        @functools.wraps(command)
        def wrapper(**given: Any) -> None:
            style = check_style(given.pop("style"), *more_styles)
            from tamis.verbs.common import Common

            options = {name: given.pop(name) for name in SHARED if name != "style"}
            common = Common(quiet=style in ("quiet", "json"), **options)
            if group:
                given["grouped"] = {name: given.pop(name) for name in group}
            emit(command(**given, common=common), style)

        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _names(command: Callable[..., Any]) -> dict[str, Any]:
    """What the annotations of a command may name; `Common` and `Result` are never looked into."""
    return {**command.__globals__, "Common": Any, "Result": Any}


def emit(result: Result, style: str) -> None:
    """Print a result: data on stdout, talk on stderr; then leave with the exit code it asks for."""
    import msgspec

    from tamis.reports.visible import visible

    if style == "json":
        sys.stdout.write(msgspec.json.encode(result.envelope()).decode() + "\n")
    elif style in result.renderings:
        sys.stdout.write(result.renderings[style]() + "\n")
    elif style != "quiet":
        # texts of rows must not steer the terminal
        sys.stdout.write("".join(f"{visible(line)}\n" for line in result.lines))
    sys.stdout.flush()
    if result.already_finished and style == "human":
        sys.stderr.write("already done with these inputs and options; nothing was run again\n")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def check_style(style: str, *more: str) -> str:
    """The style if the command knows it, else a usage error that names those it does."""
    known = (*STYLES, *more)
    if style not in known:
        raise typer.BadParameter(f"expected {', '.join(known)}, got {style}", param_hint="--format")
    return style
