"""The rows as they are: axolotl asks for a function that changes them before GRPO."""


def unchanged(cfg, *_args, **_kwargs):
    """What axolotl calls first; gives the function for each row."""

    def keep(sample, tokenizer=None):
        return sample

    return keep
