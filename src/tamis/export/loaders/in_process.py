"""What the loaders of TRL and verl share: each judges rows in its own process, many in one load.

The scripts import this file from their own folder; Tamis need not be there.
"""

# mypy: disable-error-code="import-not-found"
# (the libraries of the trainers live in another environment)
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

# Nothing is fetched or reported: the folder is all there is. Said before the trainer is imported.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "WANDB_MODE": "disabled"}
TINY_TOKENIZER = Path(__file__).with_name("tiny_tokenizer")
# the column that tells rows apart after a trainer has dropped some
ROW = "tamis_row"
Judged = dict[str, Any]


def verdict(
    row: int, word: str, reason: str = "", counts: tuple[int | None, int | None] = (None, None)
) -> Judged:
    """One line of the answer."""
    return {
        "row": row,
        "verdict": word,
        "reason": reason,
        "n_tokens": counts[0],
        "n_trained": counts[1],
    }


def crashes() -> tuple[type[BaseException], ...]:
    """What a trainer raises over a row it cannot take; anything else is a fault of ours."""
    from jinja2 import TemplateError
    from pyarrow import ArrowException

    return (
        *(ArithmeticError, AssertionError, AttributeError, LookupError),
        *(RuntimeError, TypeError, ValueError, TemplateError, ArrowException),
    )


def one_line(error: BaseException) -> str:
    """The first line of an error, with its type."""
    said = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {said[0]}"[:300]


def main(load: Callable[..., Judged], kinds: Sequence[str], about: str) -> int:
    """Print as JSON what `load` says of the folder on the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--tokenizer", type=Path, default=TINY_TOKENIZER)
    parser.add_argument("--max-tokens", type=int, default=4096)
    given = parser.parse_args()
    # The trainer prints as it goes; what is asked for is the only thing on stdout.
    with redirect_stdout(sys.stderr):
        judged = load(
            given.folder, given.kind, tokenizer=given.tokenizer, max_tokens=given.max_tokens
        )
    print(json.dumps(judged))
    return 0
