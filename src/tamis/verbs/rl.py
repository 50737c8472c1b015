"""The RL verb so far: calibrate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tamis.calibrate.preface import SHORT_ANSWERS
from tamis.errors import RecipeError
from tamis.llm.client import LLM
from tamis.llm.limits import Limits
from tamis.llm.local import MODEL_NAME, local_model
from tamis.llm.store import CallStore, StoredLLM
from tamis.llm.types import Asker
from tamis.recipe import Step
from tamis.verbs.common import Common, Plan, Result, execute
from tamis.verbs.data import with_report

OpenModel = Callable[[Path], AbstractAsyncContextManager[Asker]]


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are drawn: how many, from which model, and how.

    Without `base_url` the local model answers, with short worked examples before each question
    (`preface`: "short_answers" or "none"), because a small model needs them.
    """

    n: int = 16
    model: str | None = None
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    temperature: float = 0.7
    max_tokens: int = 512
    preface: str | None = None
    concurrency: int = 32


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
        llm=open_model or opener(sampling),
        llm_name=model_name or f"{sampling.base_url or 'local'} {options['model']}",
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


def opener(sampling: Sampling) -> OpenModel:
    """Opens the model of a sampling behind the store of finished calls in a run folder."""

    @asynccontextmanager
    async def open_model(folder: Path) -> AsyncIterator[Asker]:
        limits = Limits(concurrency=sampling.concurrency)
        with CallStore(folder / "calls.sqlite") as store:
            if sampling.base_url is None:
                with local_model() as local:
                    async with LLM(local.base_url, limits=limits, identity=local.identity) as llm:
                        yield StoredLLM(llm, store)
                return
            async with LLM(sampling.base_url, api_key_env=_key_env(sampling), limits=limits) as llm:
                yield StoredLLM(llm, store)

    return open_model


def _key_env(sampling: Sampling) -> str | None:
    import os

    return sampling.api_key_env if os.environ.get(sampling.api_key_env) else None
