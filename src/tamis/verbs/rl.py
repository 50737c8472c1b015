"""The RL verb so far: calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tamis.calibrate.preface import SHORT_ANSWERS
from tamis.errors import RecipeError
from tamis.llm.local import MODEL_NAME
from tamis.recipe import Step
from tamis.verbs.common import Common, Plan, Result, execute
from tamis.verbs.look import with_report
from tamis.verbs.models import CONCURRENCY, KEY_ENV, OpenModel, name_of, opener


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are drawn: how many, from which model, and how.

    Without `base_url` the local model answers, with short worked examples before each question
    (`preface`: "short_answers" or "none"), because a small model needs them.
    """

    n: int = 16
    model: str | None = None
    base_url: str | None = None
    temperature: float = 0.7
    max_tokens: int = 512
    preface: str | None = None
    concurrency: int = CONCURRENCY
    api_key_env: str = KEY_ENV


def calibrate(
    inputs: Sequence[str],
    *,
    sampling: Sampling | None = None,
    band: str = "0.2:0.8",
    open_model: OpenModel | None = None,
    model_name: str | None = None,
    common: Common | None = None,
) -> Result:
    """Draw answers to each question, grade them, keep the questions whose pass rate is in the band.

    Every finished call is stored at once in the run folder: the same command goes on where it stopped.
    `open_model` opens another model than the sampling names (the demo's recorded one) and
    `model_name` is what manifest and report say of it.
    """
    sampling = sampling or Sampling()
    low, high = parse_band(band)
    options = pass_rate_options(sampling)
    steps = [
        Step(op="pass_rate", options=options),
        Step(op="keep", options={"column": "pass_rate", "at_least": low, "at_most": high}),
    ]
    plan = Plan(
        command="calibrate",
        inputs=inputs,
        steps=steps,
        to_kind="questions",
        llm=open_model
        or opener(
            sampling.base_url, concurrency=sampling.concurrency, key_env=sampling.api_key_env
        ),
        llm_name=model_name or name_of(sampling.base_url, options["model"]),
        base_url=sampling.base_url,
        not_checked=(
            ("other policies", "pass rates hold for this model and these sampling parameters only"),
            ("leaks", "whether a question's answer can be read off its prompt"),
        ),
    )
    return with_report(execute(plan, common or Common()))


def parse_band(text: str) -> tuple[float, float]:
    """`LOW:HIGH`, both in [0, 1], as two numbers."""
    low, _, high = text.partition(":")
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = 1.0, 0.0
    if not 0 <= bounds[0] <= bounds[1] <= 1:
        raise RecipeError(f"--band {text}: expected LOW:HIGH from 0 to 1, like 0.2:0.8")
    return bounds


def pass_rate_options(sampling: Sampling) -> dict[str, Any]:
    """The options of the `pass_rate` step for this sampling."""
    if sampling.base_url is not None and sampling.model is None:
        raise RecipeError(f"--base-url {sampling.base_url}: name the model too, with --model")
    if sampling.base_url is None and sampling.model not in (None, MODEL_NAME):
        raise RecipeError(f"--model {sampling.model}: give its server too, with --base-url")
    options: dict[str, Any] = {
        "model": sampling.model or MODEL_NAME,
        "n": sampling.n,
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
    }
    wanted = sampling.preface or ("short_answers" if sampling.base_url is None else "none")
    if wanted not in ("short_answers", "none"):
        raise RecipeError(f"preface {wanted}: expected short_answers or none")
    if wanted == "short_answers":
        said = msgspec.to_builtins(SHORT_ANSWERS)
        options["preface"] = [{k: v for k, v in m.items() if v is not None} for m in said]
    return options
