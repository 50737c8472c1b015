"""Load exported rows by ms-swift's own code and print what becomes of each: `python ms_swift.py FOLDER KIND`.

Its `load_dataset` on the exported file, then its template's `encode` row by row as its trainers do,
leaving out a row that fails (they run with `strict=False`). The template is `qwen2_5` with the agent
template `hermes` on the given tokenizer: ms-swift chooses both by the model. Read in ms-swift 4.6.0.
"""

# mypy: disable-error-code="import-not-found, no-redef"
# (the trainer lives in another environment; a script finds its neighbour without a package)
from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

if __package__:
    from . import verdicts
else:
    import verdicts

if __name__ == "__main__":
    # A script's own folder comes first on the path, and this file is named like the target.
    sys.path.append(sys.path.pop(0))

FILE = "data/train.jsonl"
_LIMIT = re.compile(r"--max_length (\d+)")
_MODES = {"conversations": "train", "preferences": "rlhf", "questions": "train"}
_TINY_MODEL = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}


def load(folder: Path, kind: str, tokenizer: Path) -> list[verdicts.Counts]:
    """Counts of the rows that ms-swift keeps."""
    from swift.dataset import EncodePreprocessor, load_dataset

    rows, _ = load_dataset(
        [str(folder / FILE)],
        num_proc=None,
        load_from_cache_file=False,
        remove_unused_columns=kind != "questions",
    )
    template = _template(folder, tokenizer)
    template.set_mode(_MODES[kind])
    kept = EncodePreprocessor(template)(rows, num_proc=None, load_from_cache_file=False)
    count = {"conversations": _trained, "preferences": _pair, "questions": _prompt}[kind]
    return [count(row) for row in kept]


def _template(folder: Path, tokenizer: Path) -> Any:
    from swift.model import get_processor
    from swift.template import get_template

    model = folder / "base_model"
    shutil.copytree(tokenizer, model)
    (model / "config.json").write_text(json.dumps(_TINY_MODEL), encoding="utf-8")
    words = get_processor(str(model), model_type="qwen2")
    return get_template(
        words, template_type="qwen2_5", agent_template="hermes", max_length=_limit(folder)
    )


def _limit(folder: Path) -> int | None:
    """The longest row in tokens that `train.sh` asks for."""
    found = _LIMIT.search((folder / "train.sh").read_text(encoding="utf-8"))
    return int(found[1]) if found else None


def _trained(row: Any) -> verdicts.Counts:
    return verdicts.Counts(len(row["input_ids"]), _n_trained(row["labels"]))


def _pair(row: Any) -> verdicts.Counts:
    labels = [*row["chosen_labels"], *row["rejected_labels"]]
    return verdicts.Counts(len(labels), _n_trained(labels))


def _n_trained(labels: Any) -> int:
    return sum(label != -100 for label in labels)


def _prompt(row: Any) -> verdicts.Counts:
    return verdicts.Counts(len(row["input_ids"]), None)


TRAINER = verdicts.Trainer(
    name="ms_swift",
    package="ms-swift",
    file=FILE,
    imports=("swift.dataset", "swift.template", "swift.model"),
    load=load,
)
if __name__ == "__main__":
    sys.exit(verdicts.main(TRAINER, (__doc__ or "").splitlines()[0]))
