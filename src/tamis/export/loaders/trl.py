"""Load exported rows by TRL's own code and print what becomes of each: `python trl.py FOLDER KIND`.

Runs where TRL is installed and Tamis need not be. The trainers are built with a model of two random
layers on the CPU, so that all their preparation of rows runs: `SFTTrainer` with the loss on what the
assistant says, `DPOTrainer`, and for questions `GRPOTrainer` with its rendering of prompts. Where the
whole load crashes, halves are loaded until the rows that crash it are known. Read in TRL 1.16.0.
"""

# mypy: disable-error-code="import-not-found"
# (the trainer lives in another environment)
from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .in_process import OFFLINE, ROW, TINY_TOKENIZER, Judged, crashes, main, one_line, verdict
else:
    from in_process import OFFLINE, ROW, TINY_TOKENIZER, Judged, crashes, main, one_line, verdict

Found = dict[int, tuple[int | None, int | None]]


def load(folder: Path, kind: str, *, tokenizer: Path = TINY_TOKENIZER, max_tokens: int) -> Judged:
    """What TRL does with every row of `folder/train.parquet`, as one JSON-ready object.

    rows: {row, verdict, reason, n_tokens, n_trained} in the order of the file. For preferences
    n_tokens counts the prompt and both sides, n_trained both sides; for questions n_trained is null.
    """
    os.environ.update(OFFLINE)
    import trl
    from datasets import load_dataset
    from transformers import AutoTokenizer

    prepare = {"conversations": _sft, "preferences": _dpo, "questions": _grpo}[kind]
    words = AutoTokenizer.from_pretrained(str(tokenizer))
    with tempfile.TemporaryDirectory() as scratch:
        rows = load_dataset(
            "parquet",
            data_files=str(folder / "train.parquet"),
            split="train",
            cache_dir=scratch,
        )
        rows = rows.add_column(ROW, list(range(len(rows))))
        judged = judge(rows, lambda some: prepare(some, words, max_tokens, scratch))
    return {
        "trainer": "trl",
        "version": trl.__version__,
        "kind": kind,
        "n_rows": len(judged),
        "rows": [judged[row] for row in sorted(judged)],
    }


def judge(rows: Any, prepare: Callable[[Any], Found]) -> dict[int, Judged]:
    """The verdict of each row, by its number. A row is `dropped` when the trainer goes on without it.

    Rows that crash only beside each other all say so: "only together: ...".
    """
    numbers = rows[ROW]
    try:
        found = prepare(rows)
    except crashes() as error:
        reason = one_line(error)
        if len(numbers) == 1:
            return {numbers[0]: verdict(numbers[0], "crashes", reason=reason)}
        middle = len(numbers) // 2
        judged = {
            **judge(rows.select(range(middle)), prepare),
            **judge(rows.select(range(middle, len(numbers))), prepare),
        }
        if any(one["verdict"] == "crashes" for one in judged.values()):
            return judged
        return {row: verdict(row, "crashes", reason=f"only together: {reason}") for row in numbers}
    return {row: _survived(row, found) for row in numbers}


def _survived(row: int, found: Found) -> Judged:
    if row not in found:
        return verdict(row, "dropped", reason="nothing to train on is left within the length limit")
    return verdict(row, "accepted", counts=found[row])


def _sft(rows: Any, words: Any, max_tokens: int, scratch: str) -> Found:
    from trl import SFTConfig, SFTTrainer

    settings = SFTConfig(**_settings(scratch), assistant_only_loss=True, max_length=max_tokens)
    trainer = SFTTrainer(
        model=tiny_model(len(words)), args=settings, train_dataset=rows, processing_class=words
    )
    kept = trainer.train_dataset
    return {
        row: (len(tokens), sum(label != -100 for label in labels))
        for row, tokens, labels in zip(kept[ROW], kept["input_ids"], kept["labels"], strict=True)
    }


def _dpo(rows: Any, words: Any, max_tokens: int, scratch: str) -> Found:
    from trl import DPOConfig, DPOTrainer

    settings = DPOConfig(**_settings(scratch), max_length=max_tokens)
    trainer = DPOTrainer(
        model=tiny_model(len(words)),
        ref_model=tiny_model(len(words)),
        args=settings,
        train_dataset=rows,
        processing_class=words,
    )
    found: Found = {}
    for row in trainer.train_dataset:
        n_trained = len(row["chosen_ids"]) + len(row["rejected_ids"])
        found[row[ROW]] = (len(row["prompt_ids"]) + n_trained, n_trained)
    return found


def _grpo(rows: Any, words: Any, max_tokens: int, scratch: str) -> Found:
    from trl import GRPOConfig, GRPOTrainer

    settings = GRPOConfig(**_settings(scratch), num_generations=2, max_completion_length=max_tokens)
    trainer = GRPOTrainer(
        model=tiny_model(len(words)),
        reward_funcs=_no_reward,
        args=settings,
        train_dataset=rows,
        processing_class=words,
    )
    # Here the trainer renders and cuts the prompts of a batch, just before it generates.
    prompt_ids, *_ = trainer._tokenize_prompts(list(rows["prompt"]))
    return {row: (len(ids), None) for row, ids in zip(rows[ROW], prompt_ids, strict=True)}


def _no_reward(completions: list[Any], **_: Any) -> list[float]:
    return [0.0] * len(completions)


def _settings(scratch: str) -> dict[str, Any]:
    return {
        "output_dir": scratch,
        "use_cpu": True,
        "bf16": False,
        "per_device_train_batch_size": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }


def tiny_model(n_words: int) -> Any:
    """A causal model of two random layers, 32 numbers wide."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=n_words,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=n_words - 1,
        pad_token_id=n_words - 3,
    )
    return LlamaForCausalLM(config)


if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the trainer.
    sys.path.pop(0)
    sys.exit(
        main(load, ("conversations", "preferences", "questions"), (__doc__ or "").splitlines()[0])
    )
