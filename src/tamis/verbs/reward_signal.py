"""What graded rollouts say of each part of a reward: how many groups would teach a trainer anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tamis.calibrate.grade_rollouts import parts_of
from tamis.calibrate.intervals import wilson_of_rate
from tamis.dataset import open_dataset, read_batches
from tamis.errors import RecipeError
from tamis.records import Score
from tamis.reports.words import show_percent
from tamis.rewards.part_statistics import PartSignal, part_signal
from tamis.verbs.common import Common, Result
from tamis.verbs.kinds import expect_kind

_ORDER = "tamis reward test takes the questions first and the rollouts behind --rollouts"


class Rollouts(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that are there already, and how many to a question the trainer will draw (its G)."""

    inputs: Sequence[str]
    group_size: int = 8


def check_rollouts(rollouts: Rollouts, questions: Sequence[str], common: Common) -> None:
    """Refuse what cannot be done, before anything is. Raises: RecipeError, InputError."""
    if rollouts.group_size < 2:
        raise RecipeError(
            f"-n {rollouts.group_size}: expected 2 or more answers in a group; one has none to differ from"
        )
    if "-" in questions:
        raise RecipeError(
            "--rollouts: expected questions in a file or data set, got stdin; they are read twice"
        )
    if common.limit is not None or common.where is not None:
        raise RecipeError(
            "--rollouts: expected all questions, got --limit or --where; choose rows first, with tamis select"
        )
    expect_kind(rollouts.inputs, "rollouts", hint=_ORDER)


def signal_of(graded: Result, *, group_size: int) -> dict[str, Any]:
    """What a run of `reward run` comes to, part by part; see `signal_lines`."""
    groups, counts = _groups(Path(str(graded.run))), graded.counts
    sizes = [len(group) for group in groups.values()]
    return {
        "group_size": group_size,
        "questions": len(groups),
        "too_few": sum(size < group_size for size in sizes),
        "rollouts": counts["read"],
        "not_graded": counts["read"] - counts["kept"],
        "not_graded_by": graded.dropped_by,
        "parts": [
            {**msgspec.structs.asdict(part), **_interval(part)}
            for part in part_signal(list(groups.values()), group_size=group_size)
        ],
    }


def signal_lines(told: dict[str, Any]) -> list[str]:
    """The signal for people; every share with its n, and its interval where n is below 30."""
    size, graded = told["group_size"], told["rollouts"] - told["not_graded"]
    lines = [
        f"rollouts: {graded:,} of {told['rollouts']:,} graded, {told['not_graded']:,} could not be; "
        f"{told['questions']:,} questions, {told['too_few']:,} with fewer than {size} answers"
    ]
    lines += [f"  not graded {n:>6,}  {cause}" for cause, n in told["not_graded_by"].items()]
    if not told["parts"]:
        return lines
    lines.append(f"groups of {size} with any difference, so that something is learnt:")
    width = max(len(_called(part["name"])) for part in told["parts"])
    lines += [f"  {_called(part['name']).ljust(width)}  {_share(part)}" for part in told["parts"]]
    return lines


def _called(name: str) -> str:
    return name if name == "value" else f"part {name}"


def _share(part: dict[str, Any]) -> str:
    if part["share"] is None:
        return "unknown: no question has enough answers"
    few = f"{show_percent(part['low'])} to {show_percent(part['high'])}, "
    return f"{show_percent(part['share'])} ({few if part['n_groups'] < 30 else ''}n = {part['n_groups']:,} groups)"


def _interval(part: PartSignal) -> dict[str, float | None]:
    """95 %; a mean of chances varies less than a rate of yes and no, so that the true one is within."""
    if part.share is None:
        return {"low": None, "high": None}
    found = wilson_of_rate(part.share, part.n_groups)
    return {"low": found.low, "high": found.high}


def _groups(run: Path) -> dict[str, list[Score]]:
    """The scores to each question."""
    groups: dict[str, list[Score]] = {}
    for shard in open_dataset(run).shards:
        for batch in read_batches(shard, ["question_id", "score"]):
            for row in batch.to_pylist():
                score = row["score"]
                known = Score(value=score["value"], parts=parts_of(score))
                groups.setdefault(row["question_id"], []).append(known)
    return groups
