"""`export --for TRAINER`: a folder that the trainer loads, and the account of what was verified."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tamis.dataset import read_manifest, write_bytes
from tamis.engine import finish
from tamis.engine.pool import Workers
from tamis.engine.run import Outcome
from tamis.errors import RecipeError
from tamis.export.card import RunFacts, SourceFact
from tamis.export.handed import Handed
from tamis.export.handover import Wanted, check_wanted, hand_over
from tamis.recipe import Outputs
from tamis.verbs.common import Common, Plan, Result, execute, files_behind, is_file_output
from tamis.verbs.look import with_report

HANDED = "handed.json"


def export_for(inputs: Sequence[str], outputs: Outputs, common: Common) -> Result:
    """Write a trainer's folder: rows, config, script, reward, card, and `VERIFY.md`.

    Exit code 1 when the trainer, or the replay of its rules, does not take every row.
    Raises: RecipeError for options that contradict each other; InputError for rows it cannot hold.
    """
    check_wanted(wanted_of(outputs))
    if common.output is not None and is_file_output(common.output):
        raise RecipeError(
            f"-o {common.output}: --for writes a folder; name one, like out/{outputs.target}"
        )
    plan = Plan(command="export", inputs=inputs, steps=(), outputs=outputs, hand_over=folder_writer)
    result = execute(plan, common)
    if result.run is None:
        return result
    handed = msgspec.json.decode((Path(result.run) / HANDED).read_bytes(), type=Handed)
    result.lines += _lines(handed, str(result.output), str(outputs.target))
    result.body["handed"] = msgspec.to_builtins(handed)
    result.exit_code = 0 if _is_taken(handed) else 1
    return with_report(result)


def wanted_of(outputs: Outputs) -> Wanted:
    """What a recipe's outputs ask of a trainer's folder."""
    return Wanted(
        target=str(outputs.target),
        model=outputs.model,
        tokenizer=outputs.tokenizer,
        max_tokens=outputs.max_tokens,
        flatten=tuple(outputs.flatten),
        python=(outputs.python or sys.executable) if outputs.verify else None,
    )


def folder_writer(outputs: Outputs) -> Callable[[Outcome], int]:
    """What writes the folder once all passes of a run are done; gives the number of rows written."""

    def write(outcome: Outcome) -> int:
        shards = [(Path(s.path), Path(s.copies) if s.copies else None) for s in outcome.last.shards]
        with Workers(outcome.settings.n_workers) as workers:
            handed = hand_over(
                shards,
                Path(str(outputs.path)),
                kind=outcome.inputs.kind,
                wanted=wanted_of(outputs),
                facts=_facts(outcome),
                in_parallel=workers.map,
            )
        write_bytes(outcome.folder / HANDED, msgspec.json.encode(handed))
        return handed.n_rows

    return write


def _facts(outcome: Outcome) -> RunFacts:
    counts, _ = finish.counts_of(outcome)
    counts.written = counts.kept
    inputs = finish.inputs_of(outcome)
    earlier: list[str] = []
    for one in inputs:
        if one["container"] == "dataset":
            made = read_manifest(Path(one["path"]))
            earlier.append(f"tamis {made['command']}")
    return RunFacts(
        sources=tuple(map(_source, files_behind(inputs))),
        counts=msgspec.to_builtins(counts),
        dropped_by=finish.dropped_by(outcome),
        earlier=tuple(earlier),
        version=finish.version(),
    )


def _source(one: dict[str, Any]) -> SourceFact:
    return SourceFact(
        name=one["name"],
        format=one["format"],
        read=one["read"],
        unreadable=one["unreadable"],
        fingerprint=one["fingerprint"],
    )


def _is_taken(handed: Handed) -> bool:
    verdicts = [one.verdicts for one in (handed.verified.replayed, handed.proof) if one is not None]
    all_taken = all(set(held) <= {"accepted"} for held in verdicts)
    return all_taken and handed.proof_problem is None


def _lines(handed: Handed, folder: str, target: str) -> list[str]:
    rows = "1 row" if handed.n_rows == 1 else f"{handed.n_rows:,} rows"
    lines = [f"{folder}: {rows} for {target}; read {folder}/VERIFY.md"]
    replayed, proof = handed.verified.replayed, handed.proof
    if replayed is not None:
        lines.append(f"by a replay of its rules {_told(replayed.verdicts, replayed.n_rows)}")
        lines += [f"  {one}" for one in replayed.odd[:5]]
    if proof is not None:
        lines.append(f"by {target} {proof.version} itself {_told(proof.verdicts, proof.n_rows)}")
        lines += [f"  {one}" for one in proof.odd[:5]]
    elif handed.proof_problem is not None:
        lines.append(f"its own loader was not asked: {handed.proof_problem}")
    lines += [
        f"no answer can be graded: {why} ({n:,} rows)" for why, n in handed.ungradable.items()
    ]
    lines += [f"flattened: {way} in {n:,} rows" for way, n in sorted(handed.flattened.items())]
    return lines


def _told(verdicts: dict[str, int], n_rows: int) -> str:
    words = [f"{n:,} {verdict}" for verdict, n in sorted(verdicts.items())]
    return f"{', '.join(words)} of {n_rows:,} rows"
