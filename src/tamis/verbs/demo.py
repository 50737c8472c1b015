"""`tamis demo`: the whole path on bundled rows, with nothing to download and nothing to set up."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from tamis import catalogue, recipe
from tamis.dataset import has_note, is_run_folder, write_bytes
from tamis.demo.files import write_demo
from tamis.errors import LLMError, StoreError
from tamis.llm.local import MODEL_NAME, local_model_missing
from tamis.llm.types import Asker, ChatRequest, Completion
from tamis.recipe import Recipe, Step
from tamis.verbs import data, look, rl
from tamis.verbs.common import Common, Result
from tamis.verbs.imports import import_

N_CONVERSATIONS = 240
N_SELECTED = 120
N_ANSWERS = 8
BAND = "0.2:0.8"
RECORDED = f"recorded {MODEL_NAME}"


def demo(*, recorded: bool = False, common: Common | None = None) -> Result:
    """Make a messy pool, sift it to a vetted SFT set, calibrate 40 questions; one report over all.

    Without the local model's wheels, or with `recorded`, shipped rollouts are replayed and every
    place that shows them says *recorded*.
    """
    common = common or Common(output="demo")
    out = Path(common.output or "demo")
    _claim(out)
    missing = local_model_missing()
    replays = recorded or missing is not None
    files = write_demo(out, seed=common.seed or 0, n=N_CONVERSATIONS)
    raw = str(files.raw)

    def to(name: str) -> Common:
        return msgspec.structs.replace(common, output=str(out / name))

    imported = import_([raw], to="conversations", common=to("imported"))
    checked = data.check([str(imported.output)], gate=["none"], common=to("checked"))
    write_bytes(out / "vet.yaml", recipe.dump(vetting(out)).encode())
    vetted = data.run(str(out / "vet.yaml"), common=to("vetted"))
    sft = data.export([str(vetted.output)], to="openai", common=to("sft.jsonl"))
    questions = [str(files.questions)]
    calibrated = rl.calibrate(
        questions,
        sampling=rl.Sampling(n=N_ANSWERS, max_tokens=48),
        band=BAND,
        open_model=open_recorded if replays else None,
        model_name=RECORDED if replays else None,
        common=to("calibrated"),
    )
    rl_set = data.export([str(calibrated.output)], to="gsm8k", common=to("rl.jsonl"))
    runs = [Path(str(r.run)) for r in (imported, checked, vetted, calibrated)]
    page = look.report([str(run) for run in runs], title="Tamis demo", common=to("report.html"))
    steps = [imported, checked, vetted, sft, calibrated, rl_set]
    return Result(
        command="demo",
        output=str(out),
        counts=imported.counts,
        lines=_story(steps, page, why_recorded=(missing or "asked for") if replays else None),
        body={
            "runs": {r.command: {"run": r.run, "counts": r.counts} for r in steps},
            "report": page.output,
            "recorded": replays,
        },
    )


def _claim(out: Path) -> None:
    """Start afresh in a folder that an earlier demo made; refuse any other that is not empty."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / "planted.json").exists()):
        raise StoreError(f"{out}: is not empty and not a demo of Tamis; choose another with -o")
    for made in out.iterdir():
        if is_run_folder(made) or has_note(made) or made.name == "raw":
            shutil.rmtree(made)
        elif made.is_file():
            made.unlink()


def vetting(out: Path) -> Recipe:
    """The demo's recipe: mend, check, keep what has no errors or warnings, drop copies, choose a diverse set."""
    checks = list(catalogue.CHECKS)
    steps = [
        Step(op="safe_fixes"),
        *(Step(op=name) for name in checks),
        Step(op="finding_counts", options={"checks": checks}),
        Step(op="keep", options={"column": "n_errors", "at_most": 0}),
        # of what is left, a trainer may still drop rows whose turns stand in an odd order
        Step(op="keep", options={"column": "n_warnings", "at_most": 0}),
        *(Step(op=name) for name in data.LOOKS),
        Step(op="near_duplicates", options={"threshold": 0.8, "prefer": "assistant_chars"}),
        Step(op="diverse_top_k", options={"k": N_SELECTED, "score": "assistant_chars"}),
        *data.SUMMARIES,
    ]
    return Recipe(inputs=[str(out / "imported")], steps=steps)


class Recorded:
    """Answers from rollouts that were drawn once and shipped; LLMError for any other question."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        rows = [msgspec.json.decode(line) for line in lines]
        self._answers: dict[tuple[str, int], Any] = {(r["question"], r["sample"]): r for r in rows}

    async def ask(self, request: ChatRequest) -> Completion:
        """The recorded answer to the request's last message and sample number."""
        question = request.messages[-1].content or ""
        found = self._answers.get((question, request.sample))
        if found is None:
            raise LLMError(f"no recorded answer {request.sample} to {question[:60]!r}")
        return Completion(
            text=found["text"],
            finish_reason=found["finish_reason"],
            prompt_tokens=found["prompt_tokens"],
            completion_tokens=found["completion_tokens"],
        )


@asynccontextmanager
async def open_recorded(folder: Path) -> AsyncIterator[Asker]:
    """The shipped rollouts as a model; nothing is stored in `folder`, there is nothing to save."""
    shipped = resources.files("tamis.demo").joinpath("recorded.jsonl")
    yield Recorded(shipped.read_bytes().splitlines())


def _story(steps: list[Result], page: Result, why_recorded: str | None) -> list[str]:
    imported, checked, vetted, sft, calibrated, rl_set = steps
    found = sum(rule["findings"] for rule in checked.body["findings"].values())
    errors = sum(
        rule["findings"]
        for rule in checked.body["findings"].values()
        if rule["severity"] == "error"
    )
    lines = [
        f"import     {imported.counts['read']} rows read from a folder of mixed formats, "
        f"{imported.counts['unreadable']} could not be read (each is in the ledger)",
        f"check      {found} findings in {checked.counts['parsed']} conversations, {errors} errors",
        f"vet        {vetted.counts['kept']} kept, {vetted.counts['dropped']} dropped:",
        *(f"             {n:>4}  {reason}" for reason, n in vetted.dropped_by.items()),
        f"SFT set    {sft.output}  ({sft.counts['written']} rows, OpenAI messages)",
        f"calibrate  {calibrated.counts['parsed']} questions, {N_ANSWERS} answers each from "
        f"{'RECORDED rollouts of ' if why_recorded is not None else ''}{MODEL_NAME}; "
        f"{calibrated.counts['kept']} in the band {BAND}",
        f"RL set     {rl_set.output}  ({rl_set.counts['written']} questions)",
        f"report     {page.output}",
    ]
    if why_recorded:
        lines.append(f"note       answers are recorded: {why_recorded}")
    return lines
