"""Load exported rows by verl's own code and print what becomes of each: `python verl.py FOLDER KIND`.

Runs where verl is installed; for questions Tamis must be there too, as in training, since the exported
`reward.py` grades with it. Conversations go through the class of `dataset.py` that verl's SFT trainer is
told to use; questions through `RLHFDataset`, and each prompt that it keeps through the reward function
and the naive reward manager with an answer of one token. Read in verl 0.9.1.
"""

# mypy: disable-error-code="import-not-found"
# (the trainer lives in another environment)
from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING or __package__:
    from .in_process import OFFLINE, ROW, TINY_TOKENIZER, Judged, crashes, main, one_line, verdict
else:
    from in_process import OFFLINE, ROW, TINY_TOKENIZER, Judged, crashes, main, one_line, verdict


def load(folder: Path, kind: str, *, tokenizer: Path = TINY_TOKENIZER, max_tokens: int) -> Judged:
    """What verl does with every row of `folder/train.parquet`, as one JSON-ready object.

    rows: {row, verdict, reason, n_tokens, n_trained} in the order of the file; both counts are null
    for questions, whose prompts verl renders only later.
    """
    os.environ.update(OFFLINE)
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(str(tokenizer))
    judge_all = {"conversations": judge_conversations, "questions": judge_questions}[kind]
    table = pq.read_table(folder / "train.parquet")
    judged = judge(
        table, range(table.num_rows), lambda some: judge_all(folder, some, words, max_tokens)
    )
    return {
        "trainer": "verl",
        "version": version("verl"),
        "kind": kind,
        "n_rows": len(judged),
        "rows": [judged[row] for row in sorted(judged)],
    }


def judge(
    table: pa.Table, rows: Sequence[int], judge_all: Callable[[Path], dict[int, Judged]]
) -> dict[int, Judged]:
    """The verdict of each row, by its number. Where the whole load crashes, halves are loaded.

    Rows that crash only beside each other all say so: "only together: ...".
    """
    numbered = table.take(list(rows)).append_column(ROW, pa.array(rows, pa.int64()))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "train.parquet"
            pq.write_table(numbered, file)
            return judge_all(file)
    except crashes() as error:
        reason = one_line(error)
    if len(rows) == 1:
        return {rows[0]: verdict(rows[0], "crashes", reason)}
    middle = len(rows) // 2
    judged = {**judge(table, rows[:middle], judge_all), **judge(table, rows[middle:], judge_all)}
    if any(one["verdict"] == "crashes" for one in judged.values()):
        return judged
    return {row: verdict(row, "crashes", f"only together: {reason}") for row in rows}


def judge_conversations(folder: Path, file: Path, words: Any, max_tokens: int) -> dict[int, Judged]:
    """Every row as verl's SFT trainer reads it; a row without a trained token is `dropped`."""
    from omegaconf import OmegaConf
    from verl.utils.import_utils import load_extern_object

    settings = OmegaConf.create(
        {"pad_mode": "no_padding", "truncation": "error", "max_length": max_tokens}
    )
    kind = load_extern_object(str(folder / "dataset.py"), "JsonTextDataset")
    rows = kind(parquet_files=[str(file)], tokenizer=words, config=settings)
    numbers = pq.read_table(file, columns=[ROW])[ROW].to_pylist()
    return {row: _conversation(rows, place, row) for place, row in enumerate(numbers)}


def _conversation(rows: Any, place: int, row: int) -> Judged:
    try:
        read = rows[place]
    except crashes() as error:
        return verdict(row, "crashes", one_line(error))
    counts = (len(read["input_ids"]), int(read["loss_mask"].sum()))
    if counts[1] == 0:
        return verdict(row, "dropped", "no token of it is trained", counts)
    return verdict(row, "accepted", "", counts)


def judge_questions(folder: Path, file: Path, words: Any, max_tokens: int) -> dict[int, Judged]:
    """Every row as verl's RL trainer reads it; a prompt that is too long or not rendered is `dropped`."""
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    numbers = pq.read_table(file, columns=[ROW])[ROW].to_pylist()
    settings = OmegaConf.create(
        {
            "cache_dir": str(file.parent),
            "max_prompt_length": max_tokens,
            "filter_overlong_prompts": True,
            # in this process: each worker would be a new one
            "filter_overlong_prompts_workers": None,
            "truncation": "error",
        }
    )
    rows = RLHFDataset(data_files=[str(file)], tokenizer=words, config=settings)
    reason = "the prompt is too long, or the chat template fails on it: filter_overlong_prompts"
    judged = {row: verdict(row, "dropped", reason) for row in numbers}
    manager = reward_manager(folder / "reward.py", words)
    for place, row in enumerate(rows.dataframe[ROW]):
        judged[row] = _question(rows, place, row, manager)
    return judged


def _question(rows: Any, place: int, row: int, manager: Any) -> Judged:
    from tamis.errors import TamisError  # only here: rows without rewards need no Tamis

    refusals: tuple[type[BaseException], ...] = (*crashes(), TamisError)
    try:
        manager.loop.run_until_complete(manager.run_single(single(rows[place], [0])))
    except refusals as error:
        return verdict(row, "crashes", one_line(error))
    return verdict(row, "accepted")


def reward_manager(file: Path, words: Any) -> Any:
    """verl's naive reward manager around the function of a reward file, loaded as verl loads it."""
    from omegaconf import OmegaConf
    from verl.trainer.ppo.reward import load_reward_manager

    custom = {"path": str(file), "name": "compute_score"}
    manager = {"source": "register", "name": "naive"}
    reward = {"custom_reward_function": custom, "reward_manager": manager}
    return load_reward_manager(OmegaConf.create({"reward": reward}), words)


def single(row: dict[str, Any], response: list[int]) -> Any:
    """One answer, as token ids, to the question of a row, as verl hands it to a reward manager."""
    import torch
    from verl import DataProto
    from verl.utils.dataset.rl_dataset import collate_fn

    batch = collate_fn([row])
    batch["responses"] = torch.tensor([response])
    batch["attention_mask"] = torch.ones_like(batch["responses"])
    return DataProto.from_single_dict(batch)


if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the trainer.
    sys.path.pop(0)
    sys.exit(main(load, ("conversations", "questions"), (__doc__ or "").splitlines()[0]))
