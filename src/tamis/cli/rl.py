"""`tamis calibrate`: thin twin of the verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import Inputs, shared

if TYPE_CHECKING:
    from tamis.verbs.common import Common, Result

PANEL = "rl"


def register(app: typer.Typer) -> None:
    """Put the RL commands on the app."""
    app.command(rich_help_panel=PANEL)(calibrate)


@shared()
def calibrate(
    inputs: Inputs,
    *,
    n: Annotated[int, typer.Option("-n", help="Answers to draw for each question.")] = 16,
    band: Annotated[str, typer.Option("--band", help="Pass rates to keep, LOW:HIGH.")] = "0.2:0.8",
    model: Annotated[
        str | None, typer.Option("--model", help="Model name; without it the local model.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="OpenAI-compatible endpoint.")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="Sampling temperature.")
    ] = 0.7,
    max_tokens: Annotated[int, typer.Option("--max-tokens", help="Longest answer.")] = 512,
    common: Common,
) -> Result:
    """Sample the current policy on each question; keep those in the band.

    The key is read from OPENAI_API_KEY. Example: tamis calibrate q.jsonl -n 16 -o rl/
    """
    from tamis.verbs import rl

    sampling = rl.Sampling(
        n=n,
        model=model,
        base_url=base_url,
        temperature=temperature,
        max_tokens=max_tokens,
    )
    return rl.calibrate(inputs, sampling=sampling, band=band, common=common)
