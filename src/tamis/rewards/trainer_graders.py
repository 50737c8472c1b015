r"""What trainers' own graders make of a reference, told by how it is written; none of them is imported.

The `reward.py` of an export grades with Tamis, whatever the trainer. This is for those who use what a trainer brings
along, and for open-instruct, which grades with nothing else. Read in:

    TRL 1.16          rewards/accuracy_rewards.py: parses the reference as it stands, finds no bare LaTeX in it
    NeMo-Gym          resources_servers/math_with_judge, and verifiers' MathRubric: put it into `\boxed{}` first
    open-instruct     ground_truth_utils.py: `math` compares the box of an answer with it, `gsm8k` the last number
    verl 0.9          reward_score/math_reward.py and gsm8k.py: compare texts
"""

from __future__ import annotations

import re

# A number that a parser of expressions finds in running text, too.
_PLAIN = re.compile(
    r"[+-]?(?:[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?|\\[dt]?frac\{[0-9]+\}\{[0-9]+\})"
)
_WRAPS = (("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), (r"\boxed{", "}"), (r"\fbox{", "}"))
_BRACELESS = re.compile(r"\\[dt]?frac\s*[^{\s\\a-zA-Z]")
# What open-instruct's gsm8k finds in an answer: it takes thousands commas out of the answer, not out
# of the reference, and knows no sign of a whole number.
FOUND_BY_GSM8K = re.compile(r"[0-9]+|[-+]?[0-9]*\.[0-9]+")


def unread_by_parsers(gold: str) -> str | None:
    r"""Why a grader that parses the reference as it stands reads less than it says; None where it reads all.

    >>> unread_by_parsers(r"3\sqrt{13}")
    'LaTeX or several values, in no `$...$`'
    >>> unread_by_parsers("1,250")
    """
    if _BRACELESS.search(gold):
        return "a fraction without braces"
    if _PLAIN.fullmatch(gold) or wrapping(gold) is not None:
        return None
    return "LaTeX or several values, in no `$...$`"


def wrapping(gold: str) -> str | None:
    r"""What a reference stands in as a whole: dollars, brackets of LaTeX, a box; None for a bare one.

    A grader that compares texts never finds such a reference in an answer: what it takes from `\boxed{7}` is `7`.

    >>> wrapping("$7$"), wrapping("$7 and $8")
    ('$...$', None)
    """
    found = _wrap_of(gold)
    return None if found is None else "...".join(found)


def unwrapped(gold: str) -> str:
    r"""A reference without all that it stands in as a whole.

    >>> unwrapped(r"$\boxed{\frac{1}{2}}$")
    '\\frac{1}{2}'
    """
    while (found := _wrap_of(gold)) is not None:
        gold = gold[len(found[0]) : -len(found[1])].strip()
    return gold


def _wrap_of(gold: str) -> tuple[str, str] | None:
    for opening, closing in _WRAPS:
        inside = gold[len(opening) : -len(closing)]
        whole = bool(inside) and gold.startswith(opening) and gold.endswith(closing)
        if whole and opening not in inside and _is_paired(inside):
            return opening, closing
    return None


def _is_paired(inside: str) -> bool:
    """Whether no brace closes that was opened outside."""
    depth = 0
    for brace in re.findall(r"\\.|[{}]", inside):
        depth += (brace == "{") - (brace == "}")
        if depth < 0:
            return False
    return True
