"""`tamis demo | doctor`: thin twins of the verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from tamis.cli.options import Format, check_style, emit

PANEL = "start"


def register(app: typer.Typer) -> None:
    """Put the starting commands on the app."""
    for command in (demo, doctor):
        app.command(rich_help_panel=PANEL)(command)


def demo(
    output: Annotated[
        str, typer.Option("-o", "--output", help="Folder for all it makes.")
    ] = "demo",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the generated rows.")] = 0,
    recorded: Annotated[bool, typer.Option("--recorded", help="Replay shipped rollouts.")] = False,
    style: Format = "human",
) -> None:
    """See the whole path on bundled rows: messy files to a vetted SFT set and a calibrated RL set.

    Example: tamis demo -o demo
    """
    check_style(style)
    from tamis.verbs.common import Common
    from tamis.verbs.demo import demo as make_demo

    quiet = style != "human"
    emit(make_demo(recorded=recorded, common=Common(output=output, seed=seed, quiet=quiet)), style)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Install missing weight wheels.")] = False,
    style: Format = "human",
) -> None:
    """Say what works on this machine and how to mend what does not.

    Example: tamis doctor --fix
    """
    check_style(style)
    from tamis.verbs.start import doctor as look_around

    emit(look_around(fix=fix), style)
