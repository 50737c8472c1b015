"""Load exported rows by LLaMA-Factory's own code and print what becomes of each: `python llamafactory.py FOLDER KIND`.

Its `get_train_args` on the folder's `train.yaml` (so the config is validated too), its template, its
`get_dataset` through `dataset_info.json`. `torchaudio`, which its data module imports for audio only,
is an empty module here: its wheels want the libraries of a GPU. Read in LLaMA-Factory 0.9.5.
"""

# mypy: disable-error-code="import-not-found, no-redef"
# (the trainer lives in another environment; a script finds its neighbour without a package)
from __future__ import annotations

import importlib.machinery
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

if __package__:
    from . import verdicts
else:
    import verdicts

if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the trainer.
    sys.path.append(sys.path.pop(0))

FILE = "data/train.jsonl"
# The family of the tiny tokenizer's special tokens, where `train.yaml` names none.
_TEMPLATE = "qwen"


def load(folder: Path, kind: str, tokenizer: Path) -> list[verdicts.Counts]:
    """Counts of the rows that LLaMA-Factory keeps."""
    import yaml
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    model = folder / "base_model"
    shutil.copytree(tokenizer, model)
    (model / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    settings = yaml.safe_load((folder / "train.yaml").read_text(encoding="utf-8"))
    settings["template"] = settings["template"] or _TEMPLATE
    settings |= {"model_name_or_path": str(model), "bf16": False, "use_cpu": True}
    model_args, data_args, training_args, finetuning_args, _ = get_train_args(settings)
    tools = load_tokenizer(model_args)
    words = tools["tokenizer"]
    template = get_template_and_fix_tokenizer(words, data_args)
    stage = "rm" if finetuning_args.stage == "dpo" else finetuning_args.stage
    kept = get_dataset(template, model_args, data_args, training_args, stage=stage, **tools)
    count = _pair if kind == "preferences" else _trained
    return [count(row) for row in kept["train_dataset"]]


def _trained(row: Any) -> verdicts.Counts:
    return verdicts.Counts(len(row["input_ids"]), sum(label != -100 for label in row["labels"]))


def _pair(row: Any) -> verdicts.Counts:
    labels = [*row["chosen_labels"], *row["rejected_labels"]]
    return verdicts.Counts(len(labels), sum(label != -100 for label in labels))


TRAINER = verdicts.Trainer(
    name="llamafactory",
    package="llamafactory",
    file=FILE,
    imports=("llamafactory.data", "llamafactory.hparams", "llamafactory.model"),
    load=load,
)
if __name__ == "__main__":
    audio = ModuleType("torchaudio")
    audio.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules["torchaudio"] = audio
    os.environ["DISABLE_VERSION_CHECK"] = "0"
    sys.exit(verdicts.main(TRAINER, (__doc__ or "").splitlines()[0]))
