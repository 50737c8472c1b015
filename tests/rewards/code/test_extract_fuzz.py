"""Random answers, and damaged real ones: the extractor neither fails nor takes long."""

from __future__ import annotations

import os
import random
import time

from tamis.rewards.code.extract import extract_code

PIECES = [
    *(
        "```",
        "~~~",
        "````",
        "```python\n",
        "```py\r\n",
        "\n```\n",
        "~~~\n",
        "<think>",
        "</think>",
        "`",
    ),
    *(
        "def f(x):\n",
        "    return x\n",
        "class A:\n",
        "f = ",
        "lambda: ",
        "import os\n",
        "\n",
        "  ",
        "\t",
    ),
    *(
        "'''",
        '"""',
        "\\",
        "\0",
        "\ud83d",
        "é",
        "(",
        ")",
        "[",
        "{",
        "x" * 50,
        "1" * 5000,
        ">>> f(1)\n",
    ),
    *(
        "- ",
        "1. ",
        "> ",
        "#",
        "async ",
        "await ",
        "match x:\n",
        "if x:\n",
        ";",
        "*",
        "**",
        "f'{",
        "}'",
    ),
]
ANSWER = "<think>a</think>\nSo:\n\n```python\nimport math\n\ndef f(x):\n    return x\n```\nand\n~~~\nf(1)\n~~~\n"


def _answer(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return "".join(draw.choices(PIECES, k=draw.randrange(1, 60)))
    text = list(ANSWER * draw.randrange(1, 4))
    for _ in range(draw.randrange(1, 12)):
        place = draw.randrange(len(text))
        text[place] = draw.choice(PIECES) if draw.random() < 0.6 else ""
    return "".join(text)


def test_no_damaged_answer_breaks_the_extractor() -> None:
    draw = random.Random(7)
    end = time.monotonic() + float(os.environ.get("TAMIS_FUZZ_S", "3"))
    n_found = n = 0
    while time.monotonic() < end:
        answer = _answer(draw)
        name = draw.choice(["f", None])
        began = time.monotonic()
        found = extract_code(answer, entry_point=name, prompt="def f(x):\n    '''x'''\n")
        assert time.monotonic() - began < 5, answer
        assert (found.code is None) <= (found.problem is not None), answer
        n, n_found = n + 1, n_found + (found.problem is None)
    assert n_found > 0 and n > 100
