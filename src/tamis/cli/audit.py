"""`tamis reward audit`: thin twin of the verb."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tamis.cli.options import Format, check_style, emit


def reward_audit(
    target: Annotated[
        str,
        typer.Argument(
            help="A reward of ours by name, module:function, file.py:function, or an http(s) address."
        ),
    ],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Only this kind (may be repeated): math, numeric, code, ..."),
    ] = None,
    as_form: Annotated[
        str | None,
        typer.Option(
            "--as-form", help="plain, trl, verl or openrlhf, where its names do not tell."
        ),
    ] = None,
    reward_parameters: Annotated[
        str | None, typer.Option("--reward-parameters", help="Parameters of one of ours, as JSON.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="JSON object of further values that the function takes."),
    ] = None,
    reference_as: Annotated[
        str | None,
        typer.Option("--reference-as", help="Parameter of the function that takes the reference."),
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", help="Interpreter that has what the function imports.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds that one call may take.")
    ] = 10.0,
    memory_mb: Annotated[
        int, typer.Option("--memory-mb", help="Memory that its process may map; 0: no limit.")
    ] = 4096,
    variants: Annotated[
        int, typer.Option("--variants", help="Variants tried of each row that held.")
    ] = 2,
    gate: Annotated[
        list[str],
        typer.Option(
            "--gate",
            help="Exit code 1 for: paid, partly, hung, raised, unstable, rejected:RATE, gold:RATE; "
            "or none (may be repeated).",
        ),
    ] = ["paid", "hung", "unstable"],  # noqa: B006
    seed: Annotated[int, typer.Option("--seed", help="Seed of variants and samples.")] = 0,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="Page ending in .html, or a folder for it.")
    ] = None,
    style: Format = "human",
) -> None:
    """Attack a reward: what wrong answers are paid, what right ones rejected, what makes it waver.

    The function runs in a process of its own, with your rights. Example: tamis reward audit my_reward.py:score
    """
    check_style(style)
    from tamis.rewards.audit.calling import Limits
    from tamis.rewards.audit.engine import Settings
    from tamis.rewards.audit.target import Options
    from tamis.verbs import audit

    options = Options(
        form=as_form,
        parameters=reward_parameters,
        columns=_object(columns),
        reference_as=reference_as,
        python=python,
        limits=Limits(call_s=time_limit, memory_mb=memory_mb or None),
    )
    settings = Settings(kinds=tuple(kind or ()), seed=seed, n_variants=variants)
    quiet = style in ("quiet", "json")
    result = audit.reward_audit(
        target, options=options, settings=settings, gate=gate, output=output, quiet=quiet
    )
    emit(result, style)


def _object(text: str | None) -> dict[str, Any]:
    import msgspec

    if text is None:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise typer.BadParameter(
            f"expected a JSON object: {error}", param_hint="--columns"
        ) from error
