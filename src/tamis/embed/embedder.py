"""What every source of embeddings offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Embedder(Protocol):
    """Texts in, one vector a text out; the vector of a text depends on that text alone.

    name, version: together they name the weights, so that stored vectors can be told apart
    dim:           length of a vector
    """

    @property
    def name(self) -> str:
        """Which model this is."""
        ...

    @property
    def version(self) -> str:
        """Which edition of its weights."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n_texts, dim) float32, unit length; all zeros for a text without a token."""
        ...
