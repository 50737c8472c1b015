"""Load exported rows by OpenRLHF's own code and print what becomes of each: `python openrlhf.py FOLDER KIND`.

Its `blending_datasets`, then SFTDataset (multiturn), RewardDataset (as for DPO) or PromptDataset with
the flags of `train.sh`. Only its dataset modules are read, so neither deepspeed nor vllm nor
flash-attn need be there. Read in OpenRLHF 0.11.2.
"""

# mypy: disable-error-code="import-not-found, no-redef"
# (the trainer lives in another environment; a script finds its neighbour without a package)
from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if __package__:
    from . import verdicts
else:
    import verdicts

if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the trainer.
    sys.path.append(sys.path.pop(0))

FILE = "data/train.parquet"
_LIMIT = re.compile(r"--data\.max_len (\d+)")
_KEYS: dict[str, dict[str, str]] = {
    "conversations": {"input_key": "messages"},
    "preferences": {"prompt_key": "prompt", "chosen_key": "chosen", "rejected_key": "rejected"},
    "questions": {"input_key": "prompt", "label_key": "label"},
}


class _Strategy:
    """What its datasets ask of a training strategy, without a process group."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.args = SimpleNamespace(
            data=SimpleNamespace(apply_chat_template=True, **_KEYS[kind]), use_ms=False
        )
        found = _LIMIT.search((folder / "train.sh").read_text(encoding="utf-8"))
        self.max_tokens = int(found[1]) if found else sys.maxsize

    def print(self, *said: Any) -> None:
        """Say it on stderr."""
        print(*said, file=sys.stderr)

    def is_rank_0(self) -> bool:
        """There is one process."""
        return True


def load(folder: Path, kind: str, tokenizer: Path) -> list[verdicts.Counts]:
    """Counts of the rows that OpenRLHF keeps."""
    from openrlhf.datasets.utils import blending_datasets
    from openrlhf.utils.utils import get_tokenizer

    strategy = _Strategy(kind, folder)
    rows = blending_datasets(str(folder / FILE), None, strategy, dataset_split="train")
    words = get_tokenizer(str(tokenizer), SimpleNamespace(is_vlm=False, config=SimpleNamespace()))
    count = {"conversations": _sft, "preferences": _dpo, "questions": _prompts}[kind]
    return count(rows, words, strategy)


def _sft(rows: Any, words: Any, strategy: _Strategy) -> list[verdicts.Counts]:
    from openrlhf.datasets.sft_dataset import SFTDataset

    kept = SFTDataset(
        rows, words, strategy.max_tokens, strategy, multiturn=True, num_processors=None
    )
    found = []
    for place in range(len(kept)):
        input_ids, _, loss_mask = kept[place]
        found.append(verdicts.Counts(input_ids.shape[1], int(loss_mask.sum().item())))
    return found


def _dpo(rows: Any, words: Any, strategy: _Strategy) -> list[verdicts.Counts]:
    from openrlhf.datasets.reward_dataset import RewardDataset

    kept = RewardDataset(
        rows, words, strategy.max_tokens, strategy, is_dpo=True, num_processors=None
    )
    found = []
    for place in range(len(kept)):
        chosen, _, rejected, _, n_prompt = kept[place]
        n_tokens = chosen.shape[1] + rejected.shape[1]
        found.append(verdicts.Counts(n_tokens, n_tokens - 2 * n_prompt))
    return found


def _prompts(rows: Any, words: Any, strategy: _Strategy) -> list[verdicts.Counts]:
    from openrlhf.datasets.prompts_dataset import PromptDataset

    kept = PromptDataset(rows, words, strategy)
    asked = [words(prompt, add_special_tokens=False)["input_ids"] for prompt in kept.prompts]
    return [verdicts.Counts(len(ids), None) for ids in asked]


TRAINER = verdicts.Trainer(
    name="openrlhf",
    package="openrlhf",
    file=FILE,
    imports=("openrlhf.datasets", "openrlhf.datasets.utils"),
    load=load,
)
if __name__ == "__main__":
    sys.exit(verdicts.main(TRAINER, (__doc__ or "").splitlines()[0]))
