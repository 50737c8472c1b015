"""`tamis reward run | test | serve | audit`: thin twins of the verbs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tamis.cli.audit import reward_audit
from tamis.cli.options import emit, shared

if TYPE_CHECKING:
    from tamis.verbs.common import Common, Result

PANEL = "rl"

Name = Annotated[
    str | None,
    typer.Option(
        "--reward", help="Grade all by this reward; without it each question names its own."
    ),
]
Parameters = Annotated[
    str | None, typer.Option("--parameters", help="Parameters of --reward, as JSON.")
]

ROLLOUTS: dict[str, tuple[Any, Any]] = {
    "rollouts": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--rollouts", help="Answers to grade: in which groups do they differ (repeatable)."
            ),
        ],
        None,
    ),
    "group_size": (
        Annotated[
            int, typer.Option("-n", "--group-size", help="Answers in a group, for --rollouts.")
        ],
        8,
    ),
}


def register(app: typer.Typer) -> None:
    """Put the commands of rewards on the app."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Grade answers that are there already, and test questions before they are used.",
    )
    for name, command in (
        ("run", reward_run),
        ("test", reward_test),
        ("serve", reward_serve),
        ("audit", reward_audit),
    ):
        group.command(name)(command)
    app.add_typer(group, name="reward", rich_help_panel=PANEL)


@shared()
def reward_run(
    questions: Annotated[str, typer.Argument(help="Questions: a file, folder, glob or data set.")],
    rollouts: Annotated[
        list[str], typer.Argument(help="Rollouts: files, globs, folders, a data set, or -.")
    ],
    reward: Name = None,
    parameters: Parameters = None,
    questions_as: Annotated[
        str | None, typer.Option("--questions-as", help="Read the questions as this format.")
    ] = None,
    *,
    common: Common,
) -> Result:
    """Grade every rollout by the reward of its question; the ungradable ones by cause.

    Example: tamis reward run questions.jsonl rollouts.jsonl -o scored.jsonl
    """
    from tamis.verbs import rewards

    graded_by = rewards.GradedBy(name=reward, parameters=parameters)
    return rewards.reward_run(
        questions, rollouts, reward=graded_by, questions_as=questions_as, common=common
    )


@shared("sarif", more=ROLLOUTS)
def reward_test(
    questions: Annotated[
        list[str] | None, typer.Argument(help="Questions: files, folders or a data set.")
    ] = None,
    reward: Name = None,
    parameters: Parameters = None,
    repeats: Annotated[
        int, typer.Option("--repeats", help="How often a reference is run, to find flaky ones.")
    ] = 3,
    gate: Annotated[
        list[str],
        typer.Option("--gate", help="error, warning, none or RULE:RATE (may be repeated)."),
    ] = ["error"],  # noqa: B006
    *,
    explain: Annotated[
        str | None, typer.Option("--explain", help="Explain a rule, then stop.")
    ] = None,
    grouped: dict[str, Any],
    common: Common,
) -> Result:
    """Test the gold of questions: gradable, right by their own reference, answer not given away.

    Example: tamis reward test questions.jsonl --rollouts rollouts.jsonl -n 16
    """
    from tamis.verbs import rewards
    from tamis.verbs.reward_signal import Rollouts

    if explain is not None:
        return rewards.explain_rule(explain)
    if not questions:
        raise typer.BadParameter("expected at least one input", param_hint="QUESTIONS")
    graded_by = rewards.GradedBy(name=reward, parameters=parameters)
    inputs, group_size = grouped["rollouts"], grouped["group_size"]
    given = Rollouts(inputs=inputs, group_size=group_size) if inputs else None
    return rewards.reward_test(
        questions,
        reward=graded_by,
        n_repeats=repeats,
        gate=gate,
        rollouts=given,
        common=common,
    )


def reward_serve(
    questions: Annotated[
        str | None,
        typer.Argument(help="Questions that requests may name by id: a file or data set."),
    ] = None,
    reward: Name = None,
    parameters: Parameters = None,
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0: a free one.")] = 8080,
    token_env: Annotated[
        str,
        typer.Option("--token-env", help="Variable with the token that callers must send."),
    ] = "TAMIS_TOKEN",
    at_once: Annotated[
        int, typer.Option("--at-once", help="Answers graded at a time; 0: one a core.")
    ] = 0,
    budget: Annotated[float, typer.Option("--budget", help="Seconds for one answer.")] = 60.0,
) -> None:
    """Grade answers over HTTP: POST /score and GET /health, until Ctrl-C or SIGTERM.

    Example: tamis reward serve questions.jsonl --port 8080
    """
    from tamis.serve.settings import Settings
    from tamis.verbs.rewards import GradedBy
    from tamis.verbs.serving import reward_serve as serve

    settings = Settings(host=host, port=port, token_env=token_env, at_once=at_once, budget_s=budget)
    graded_by = GradedBy(name=reward, parameters=parameters)
    result = serve(questions, reward=graded_by, settings=settings, announce=_say_address)
    emit(result, "human")
    if result.body["stuck"]:
        # answers over their budget would hold the process up; their sandboxes end with it
        sys.stdout.flush()
        os._exit(0)


def _say_address(url: str) -> None:
    print(f"listening on {url}", flush=True)
