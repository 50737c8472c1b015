"""Load exported rows by axolotl's own code and print what becomes of each: `python axolotl.py FOLDER KIND`.

Its `load_cfg` on the folder's `config.yaml` (so the config is validated too), its `prepare_datasets`
for SFT, its `prepare_preference_datasets` for DPO and GRPO. The order of the rows is kept, the only
settings changed are those that a machine without a GPU needs, and prepared rows are not saved. Read in
axolotl 0.19.0.
"""

# mypy: disable-error-code="import-not-found, no-redef"
# (the trainer lives in another environment; a script finds its neighbour without a package)
from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

if __package__:
    from . import verdicts
else:
    import verdicts

if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the trainer.
    sys.path.append(sys.path.pop(0))

FILE = "data/train.jsonl"
# Relative: axolotl guesses the family from the name, and a scratch folder may be named like one.
MODEL = "base_model"
_TINY_MODEL = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 8192,
}


def load(folder: Path, kind: str, tokenizer: Path) -> list[verdicts.Counts]:
    """Counts of the rows that axolotl keeps."""
    import multiprocess
    from axolotl.cli.config import load_cfg
    from axolotl.loaders import load_tokenizer
    from axolotl.utils.data import rl, sft

    model = folder / MODEL
    shutil.copytree(tokenizer, model)
    (model / "config.json").write_text(json.dumps(_TINY_MODEL), encoding="utf-8")
    # `prompts.py` of the folder: axolotl imports it from where it is started.
    sys.path.insert(0, str(folder))
    config = load_cfg(
        str(folder / "config.yaml"),
        base_model=MODEL,
        bf16=False,
        fp16=False,
        dataset_num_proc=1,
    )
    config.shuffle_merged_datasets = False
    # axolotl starts fresh interpreters, for the sake of a GPU: many seconds for each of our small loads.
    multiprocess.set_start_method("fork", force=True)
    # Saving the prepared rows judges none of them, and takes longer than all the rest.
    sft.save_preprocessed_dataset = rl.save_preprocessed_dataset = _unsaved
    words = load_tokenizer(config)
    if kind == "conversations":
        kept = sft.prepare_datasets(config, words)[0]
        return [_trained(row) for row in kept]
    kept = rl.prepare_preference_datasets(config, words)[0]
    return [
        _preference(row, words) if kind == "preferences" else _prompt(row, words) for row in kept
    ]


def _unsaved(*_: Any) -> None:
    """In place of the saving of prepared rows."""


def _trained(row: Any) -> verdicts.Counts:
    return verdicts.Counts(len(row["input_ids"]), sum(label != -100 for label in row["labels"]))


def _preference(row: Any, words: Any) -> verdicts.Counts:
    n_prompt, *n_sides = (
        len(words(row[name], add_special_tokens=False)["input_ids"])
        for name in ("prompt", "chosen", "rejected")
    )
    return verdicts.Counts(n_prompt + sum(n_sides), sum(n_sides))


def _prompt(row: Any, words: Any) -> verdicts.Counts:
    ids = words.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=False)
    return verdicts.Counts(len(ids), None)


TRAINER = verdicts.Trainer(
    name="axolotl",
    package="axolotl",
    file=FILE,
    imports=("axolotl.cli.config", "axolotl.utils.data.sft", "axolotl.utils.data.rl"),
    load=load,
)
if __name__ == "__main__":
    sys.exit(verdicts.main(TRAINER, (__doc__ or "").splitlines()[0]))
