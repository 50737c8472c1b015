"""`tamis reward audit`: thin twin of the verb."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from tamis.cli.options import Format, check_style, emit

_GATES = (
    "Exit code 1 for: paid, partly, hung, raised, unstable, rejected:RATE, gold:RATE; or none "
    "(may be repeated)."
)
# Parameters of the command by name: how they are asked for, and their default.
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "kind": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--kind", help="Only this kind: math, numeric, code, ... (may be repeated)."
            ),
        ],
        None,
    ),
    "form": (
        Annotated[
            str | None,
            typer.Option(
                "--as-form", help="plain, trl, verl or openrlhf, where names do not tell."
            ),
        ],
        None,
    ),
    "parameters": (
        Annotated[
            str | None,
            typer.Option("--reward-parameters", help="Parameters of one of ours, as JSON."),
        ],
        None,
    ),
    "columns": (
        Annotated[
            str | None,
            typer.Option("--columns", help="JSON object of further values the function takes."),
        ],
        None,
    ),
    "reference_as": (
        Annotated[
            str | None,
            typer.Option("--reference-as", help="Parameter that takes the reference."),
        ],
        None,
    ),
    "python": (
        Annotated[
            str | None,
            typer.Option("--python", help="Interpreter that has what the function imports."),
        ],
        None,
    ),
    "time_limit": (
        Annotated[float, typer.Option("--time-limit", help="Seconds that one call may take.")],
        10.0,
    ),
    "memory_mb": (
        Annotated[
            int, typer.Option("--memory-mb", help="Memory that its process may map; 0: no limit.")
        ],
        4096,
    ),
    "variants": (
        Annotated[int, typer.Option("--variants", help="Variants tried of each row that held.")],
        2,
    ),
    "gate": (
        Annotated[list[str], typer.Option("--gate", help=_GATES)],
        ["paid", "hung", "unstable"],
    ),
    "seed": (Annotated[int, typer.Option("--seed", help="Seed of variants and samples.")], 0),
    "output": (
        Annotated[
            str | None,
            typer.Option("-o", "--output", help="Page ending in .html, or a folder for it."),
        ],
        None,
    ),
    "style": (Format, "human"),
}
_TARGET = Annotated[
    str,
    typer.Argument(
        help="A reward of ours by name, module:function, file.py:function, or an http(s) address."
    ),
]


def reward_audit(target: str, **given: Any) -> None:
    """Attack a reward: what wrong answers are paid, what right ones rejected, what makes it waver.

    The function runs in a process of its own, with your rights. Example: tamis reward audit my_reward.py:score
    """
    check_style(given["style"])
    from tamis.rewards.audit.calling import Limits
    from tamis.rewards.audit.engine import Settings
    from tamis.rewards.audit.target import Options
    from tamis.verbs import audit

    options = Options(
        form=given["form"],
        parameters=given["parameters"],
        columns=_object(given["columns"]),
        reference_as=given["reference_as"],
        python=given["python"],
        limits=Limits(call_s=given["time_limit"], memory_mb=given["memory_mb"] or None),
    )
    kinds = tuple(given["kind"] or ())
    settings = Settings(kinds=kinds, seed=given["seed"], n_variants=given["variants"])
    result = audit.reward_audit(
        target,
        options=options,
        settings=settings,
        gate=given["gate"],
        output=given["output"],
        quiet=given["style"] in ("quiet", "json"),
    )
    emit(result, given["style"])


def _signature() -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    return inspect.Signature([inspect.Parameter("target", keyword, annotation=_TARGET), *options])


# the command line reads a function's parameters; so many are better kept in a table
reward_audit.__signature__ = _signature()  # type: ignore[attr-defined]
reward_audit.__annotations__ = {
    p.name: p.annotation
    for p in reward_audit.__signature__.parameters.values()  # type: ignore[attr-defined]
}


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
