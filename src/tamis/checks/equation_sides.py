"""The two sides of an equals sign: where each expression starts and ends, when that is clear."""

from __future__ import annotations

import re

from tamis.kernels.arithmetic import Expression, Token, as_expression

_MATH_KINDS = frozenset(
    {"number", "fraction", "operator", "percent", "superscript", "open", "close"}
)
_MAX_RUN = 60
_OPENS_A_BORDER = frozenset("([{（【「『“‘\"'|*_$#:;,.!?，。；：、！？…—<>=`")
_CLOSES_A_BORDER = frozenset(")]}）】」』”’\"'|*_$<>:;,.!?，。；：、！？—`%°\\")
# glued before a number these make it part of something else: 第5, 减5, 的5
_CJK_BEFORE = frozenset("第加减乘除的零一二三四五六七八九十百千万亿点负每")
_CJK_AFTER = frozenset("万亿千百十多几余倍成折分")
_WORDS_BEFORE_TEXT = (
    "if suppose assume assuming let say plus minus times by over squared cubed sqrt root sum "
    "product mod modulo than version v day week month year step number page question problem "
    "person group chapter part option level round trip no hour line row class grade"
)
_WORDS_BEFORE = frozenset(_WORDS_BEFORE_TEXT.split())
_TOTALS = frozenset(
    (
        "total",
        "totals",
        "sum",
        "profit",
        "cost",
        "balance",
        "amount",
        "score",
        "combined",
        "rate",
        "speed",
    )
)
# words after which a glued minus sign is a negative number: `is -5 + 3`
_WORDS_BEFORE_MINUS = frozenset(
    [
        "is",
        "was",
        "to",
        "get",
        "gives",
        "calculate",
        "compute",
        "and",
        "so",
        "that",
        "have",
        "equals",
    ]
)
# `and 3 left`, `and 1/2` go on with a result; `and 30 + 90 = 120` is the next equation
_WORDS_AFTER = re.compile(
    r"(?:[b-zB-Z]|million|billion|trillion|thousand|hundred|dozen|dozens|hundreds|thousands|mod|modulo"
    r"|remainder|pi|sqrt|times|plus|minus|squared|cubed|choose|of|over|to the|and(?! [$€£¥￥]?[\d,.]+ [-+−*×÷·x]| \S+ [-+−*×÷·/] \S+ =))\b"
)


def _is_math(found: list[Token], index: int) -> bool:
    token = found[index]
    if token.kind in _MATH_KINDS:
        return True
    # `20% of 50`, `1/2 of 10`
    return (
        token.text.lower() == "of"
        and 0 < index < len(found) - 1
        and found[index + 1].kind in ("number", "open")
        and (found[index - 1].kind in ("percent", "fraction") or _ends_fraction(found, index))
    )


def _ends_fraction(found: list[Token], index: int) -> bool:
    return index >= 3 and found[index - 2].text == "/" and found[index - 3].kind == "number"


def left_side(line: str, found: list[Token], equals: int) -> Expression | None:
    """The whole expression before an equals sign, or None when its start is not clear."""
    first = equals
    while first > 0 and _is_math(found, first - 1):
        first -= 1
    if equals - first > _MAX_RUN:
        return None
    for start in range(first, equals):
        if not _may_start(found, first, start):
            return None
        if not _is_dangling_sign(found, start):
            expression = as_expression(tuple(found[start:equals]))
            if expression is not None:
                return expression if _is_clear_before(line, found, first, start) else None
    return None


def _may_start(found: list[Token], first: int, start: int) -> bool:
    """Whether what stands between the run's first token and `start` can be passed over."""
    skipped = found[first:start]
    kinds = [token.kind for token in skipped]
    if all(kind == "open" for kind in kinds):
        return True
    # a list marker: `1) 5 + 3 = 8`, `(2) 5 + 3 = 8`, `- 5 + 3 = 8`, `**5 + 3 = 8**`
    if kinds in (["number", "close"], ["open", "number", "close"]):
        return first == 0
    if kinds in (["number"], ["open", "number"]):
        return found[start].kind == "close" and first == 0
    is_bullet = kinds[0] == "operator" and (first == 0 or skipped[0].text == "**")
    return is_bullet and all(kind in ("operator", "open") for kind in kinds)


def _is_dangling_sign(found: list[Token], start: int) -> bool:
    """Whether a sign at `start` belongs to what stands before it: a bullet, or `cost - 5 + 3`."""
    token = found[start]
    if token.kind != "operator":
        return False
    following = found[start + 1] if start + 1 < len(found) else None
    return (
        following is None
        or following.spaced
        or (start > 0 and not token.spaced and found[start - 1].kind not in ("open", "equals"))
    )


def _is_clear_before(line: str, found: list[Token], first: int, start: int) -> bool:
    """Whether the expression really starts at `start`: nothing before it goes on into it."""
    if start != first and found[start].spaced:
        return True
    border = found[first - 1] if first else None
    if border is not None and border.kind == "equals":
        return True
    if found[first].kind == "operator" and first == start and border is not None:
        # a minus sign glued to its number and set off from a word: `is -5 + 3`
        return (
            found[first].spaced
            and found[first].text in "-−–"
            and (border.kind == "other" or border.text.lower() in _WORDS_BEFORE_MINUS)
        )
    if border is None:
        return True
    if border.kind == "word" and (
        border.text.lower() in _WORDS_BEFORE or (len(border.text) == 1 and border.text not in "aAI")
    ):
        return False
    if border.text.lower() == "of" and not _is_total_of(found, first):
        return False
    if border.text == "," and _is_split_number(line, border, found[first]):
        return False
    if border.text == "." and line[border.start - 1 : border.start].isspace():
        return False
    return _is_border(line, found[first].start, border)


def _is_total_of(found: list[Token], first: int) -> bool:
    """Whether the `of` before a run takes no part: `a total of 2 + 4`, not `a third of 9 + 3`."""
    return first >= 2 and found[first - 2].text.lower() in _TOTALS


def _is_split_number(line: str, comma: Token, first: Token) -> bool:
    """Whether a comma may stand within one number: `14, 400 / 80`."""
    return comma.start > 0 and line[comma.start - 1].isdigit() and len(first.text) == 3


def _is_border(line: str, start: int, border: Token) -> bool:
    glued = line[start - 1] if start else " "
    while glued in "$€£¥￥₹\\" and start > 1:
        start -= 1
        glued = line[start - 1]
    if glued.isspace() or start <= 0:
        return border.text not in ("≈", "~", "≠", "±", "√", "≥", "≤", "∞", "π", "∑", "≡")
    if glued in ",.:" and start > 1 and line[start - 2].isdigit():
        return False
    if _is_cjk(glued):
        return glued not in _CJK_BEFORE and not line.endswith(("除以", "乘以"), 0, start)
    return glued in _OPENS_A_BORDER


def right_side(line: str, found: list[Token], equals: int) -> Expression | None:
    """The whole expression after an equals sign, or None when its end is not clear."""
    first = equals + 1
    last = first
    while last < len(found) and found[last].kind in _MATH_KINDS:
        last += 1
    if last - first > _MAX_RUN:
        return None
    for start in range(first, min(first + 2, last)):
        if start > first and found[first].text != "**":
            break
        for end in range(last, start, -1):
            expression = as_expression(tuple(found[start:end]))
            if expression is not None:
                return expression if _is_clear_after(line, found, end, last) else None
    return None


def _is_clear_after(line: str, found: list[Token], end: int, last: int) -> bool:
    """Whether the expression really ends before token `end`: nothing after it continues it."""
    for token in found[end:last]:
        is_markdown = token.text in ("*", "**") and not token.spaced
        if token.kind != "close" and not is_markdown:
            return False
    border = found[last] if last < len(found) else None
    if border is None or border.kind == "equals":
        return True
    stop = found[last - 1].end
    glued = line[stop]
    if glued.isspace():
        if border.text[0].isdigit() or border.text in ("±", "√", "…", "!", "^"):
            return False
        return not (border.kind == "word" and _WORDS_AFTER.match(line[border.start :]))
    if glued in ",.:" and stop + 1 < len(line) and line[stop + 1].isdigit():
        return False
    if line.startswith(("...", "……", "…"), stop):
        return False
    if _is_cjk(glued):
        return glued not in _CJK_AFTER
    return glued in _CLOSES_A_BORDER


def _is_cjk(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
