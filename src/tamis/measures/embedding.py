"""One vector a conversation, from the static model that works offline."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from tamis.embed.static import DIM, load_static
from tamis.kernels.pieces import TextChoice, from_messages
from tamis.op import Measure


class StaticEmbedding(Measure, frozen=True, kw_only=True):
    """What a conversation is about, as a vector: close vectors share topics and words.

    text:    `user` the first user message; `assistant` all that the assistant says; `conversation`
             everything, tool calls included. Texts are used whole, however long.

    Reads:   messages.
    Adds:    embedding  fixed_size_list<float32>[256], unit length; null when there is no text.
    Cost:    one table look-up a token; no network. 1 KiB a row.
    Source:  mean of static token vectors as in model2vec; weights of WordLlama (l2_supercat, 256).
    Raises:  TamisError when the wheel with the weights is not installed.
    """

    text: TextChoice = "user"
    reads: ClassVar[tuple[str, ...]] = ("messages",)

    def adds(self) -> pa.Schema:
        """The one column of vectors."""
        return pa.schema([pa.field("embedding", pa.list_(pa.float32(), DIM))])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Embed the chosen text of each row."""
        texts = from_messages(batch.column("messages"), self.text).strings()
        vectors = load_static().encode(texts)
        without = ~vectors.any(axis=1)
        column = pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.reshape(-1)), DIM, mask=pa.array(without, pa.bool_())
        )
        return pa.RecordBatch.from_arrays([column], schema=self.adds())
