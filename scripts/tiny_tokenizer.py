"""Write the tiny tokenizer of `export/loaders` anew: one token for each byte, and ChatML's own three.

Its chat template knows tools, tool calls and separate reasoning, marks what an assistant said with
`{% generation %}`, and refuses nothing: what a row crashes on is then the trainer's rule, not the template's.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

FOLDER = Path(__file__).parent.parent / "src/tamis/export/loaders/tiny_tokenizer"
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def main() -> None:
    """Write tokenizer.json and tokenizer_config.json; the template beside them is written by hand."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in SPECIAL])
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 1 << 20,
        "clean_up_tokenization_spaces": False,
    }
    text = json.dumps(config, indent=1) + "\n"
    (FOLDER / "tokenizer_config.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
