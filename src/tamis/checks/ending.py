"""Reading the end of a text: was it finished, or cut off?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum


class Cut(StrEnum):
    """How a text was cut off."""

    UNCLOSED_FENCE = "unclosed-fence"
    UNCLOSED_LATEX = "unclosed-latex"
    MID_SENTENCE = "mid-sentence"
    OPEN_LIST = "open-list"
    UNCLOSED_BRACKET = "unclosed-bracket"
    NO_END_MARK = "no-end-mark"


_FENCE = re.compile(
    r"^[ \t]*(?:>[ \t]*)?(?:[-*+]|\d+[.)])?[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE
)
_FENCE_MARKS = re.compile("```|~~~")
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_EQUATION = re.compile(r"[\d.,%()$€£¥]+ ?(?:[-+*/×÷−·x^] ?[\d.,%()$€£¥]+ ?)*= ?[$€£¥]?[\d.,]+")
_END_MARKS = frozenset(".!?。！？…‥।؟۔︒｡~～")
_CLOSERS = frozenset("\"'”’»」』）)】]}*_`>|$%％°♪✓✔→☺")
_BRACKETS = {"(": ")", "（": "）", "【": "】", "[": "]", "「": "」", "『": "』"}
_OPEN_LIST = re.compile(
    r"^[ \t]*(?:[-*+•]|\(?\d{1,3}[.)、]|#{1,6}|[一二三四五六七八九十]{1,3}、)[ \t]*$"
)
_LIST_LINE = re.compile(
    r"^\s*(?:[-*+•–]|\(?\d{1,3}[.)、]|\(?[a-zA-Z][.)]|#{1,6}|\||>|[一二三四五六七八九十]{1,3}、)\s*"
)
_CODE_LINE = re.compile(
    r"[{}<>=\\]|;(?! )|\w\(|^\s{4,}|\t|::|->|https?://|www\.|\w@\w|\b(?:def|return|import)\b"
)
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]*_]*\s+(?=[\"'“‘(\[*_]*[A-ZÀ-ÞА-ЯЁ])|[。！？]")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CJK = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
# words that hardly ever end a sentence, by language
_OPEN_WORDS = (
    # English
    "the a an and or but nor of to with from into onto than because although though unless whereas if that which"
    " who whose is are was were be has have had will would should could can may might must its their his her my your our"
    " for in by as at between among during including such very more most this these those when while where"
    # German
    " der die das dem den des ein eine einer einem einen und oder aber weil dass wenn mit von zu bei nach für über durch"
    " ist sind war wird werden hat haben kann muss soll"
    # French
    " le la les un une du et ou mais parce que qui dont avec pour dans sur est sont sera ont peut aux ses leurs"
    # Spanish, Portuguese
    " el los las una uno y o pero porque que con por para en es son fue han puede sus os as um uma e mas com em"
    # Russian
    " и или но а что который которая которые с в на из для по к от при чтобы если это был была"
)
_NEVER_LAST = frozenset({"the", "and", "or", "an", "of"})
_FUNCTION_WORDS = frozenset(_OPEN_WORDS.split())
# words that do end questions and phrases in some language or idiom; left out of the above on purpose
_FINAL_OK_TEXT = (
    "in on at for by as is are was can may it was that this those these more most who have "
    "had die war o e y c d"
)
_LABELS_TEXT = (
    "option answer choice plan group type class part level grade section point figure team side letter case step "
    "vitamin hepatitis influenza appendix exhibit model version variable number value vector matrix set node unit"
)
_LABELS = frozenset(_LABELS_TEXT.split())
# a letter alone, a sign of an equation, or a formula
_VARIABLES = re.compile(r"(?<!['’\w])[b-hj-zB-HJ-Z](?!['’\w])|[=^$\\]")
_FINAL_OK = frozenset(_FINAL_OK_TEXT.split())
_CJK_OPEN_ENDS = (
    "因为", "以及", "并且", "而且", "或者", "如果", "虽然", "但是", "由于", "为了", "包括", "例如", "比如", "通过", "关于",
    "和", "与", "或", "及", "而", "但", "把", "被", "在", "是", "将", "对", "从", "向", "使", "让", "给",
    "そして", "または", "しかし", "ために", "について", "および", "が、", "は", "を",
)  # fmt: skip
# endings that leave a word behind when they go: "cats", "walked", "slowly"
_INFLECTIONS_TEXT = (
    "s es ed d r er ers ing ings ly y n en al st est ful ness less ment ments able ish man "
    "men e a o i in ie ies"
)
_INFLECTIONS = frozenset(_INFLECTIONS_TEXT.split())
_MIN_PROSE_CHARS = 60
_MIN_CJK_CHARS = 20
_MIN_CJK_OPEN_CHARS = 8
_MOST_FRAGMENT_CHARS = 5
# patterns with more than one way to match must not see a text of any length
_MOST_SENTENCE_CHARS = 400


def judge_last_line(text: str) -> tuple[Cut, int] | None:
    """How the last line was cut off and the character where its last sentence starts, if it was.

    >>> judge_last_line("It opens at nine. On Sundays we are closed, because the")
    (<Cut.MID_SENTENCE: 'mid-sentence'>, 18)
    """
    kept = text.rstrip()
    if not kept or kept.endswith(("```", "~~~")):
        return None
    line_start = kept.rfind("\n") + 1
    line = kept[line_start:]
    if line_start and _OPEN_LIST.search(line):
        return Cut.OPEN_LIST, line_start
    if kept[-1] in _END_MARKS:
        return None
    cut = _judge_line(kept, line)
    return None if cut is None else (cut, line_start + _last_sentence(line))


def open_fence(text: str) -> int | None:
    """Start of a code fence that nothing closes.

    >>> open_fence("Run this:\\n```\\nls -l")
    10
    """
    opened: tuple[str, int] | None = None
    for match in _fence_lines(text):
        marks, label = match.group(1), match.group(2).strip()
        if opened is None:
            # inline code on one line is no fence: ```like this```
            if marks not in label:
                opened = marks, match.start(1)
        elif marks[0] == opened[0][0] and len(marks) >= len(opened[0]) and not label:
            opened = None
    return None if opened is None else opened[1]


def _fence_lines(text: str) -> Iterator[re.Match[str]]:
    """What `_FENCE` finds, without a look at the lines that have no marks."""
    line = 0
    while (marks := _FENCE_MARKS.search(text, line)) is not None:
        start = max(line, text.rfind("\n", line, marks.start()) + 1)
        match = _FENCE.match(text, start)
        if match is not None:
            yield match
        end = text.find("\n", marks.end())
        if end < 0:
            return
        line = end + 1


def open_formula(text: str) -> int | None:
    """Start of a display formula or environment that nothing closes; code is not looked at.

    >>> open_formula("Therefore \\\\[ x = 3")
    10
    """
    plain = re.sub(
        r"```.*?```|`[^`\n]*`", lambda match: " " * len(match.group()), text, flags=re.DOTALL
    )
    marks = [match.start() for match in re.finditer(r"(?<!\\)\$\$", plain)]
    if len(marks) % 2 and len(text) - marks[-1] < 400 and "\\" in plain[marks[-1] :]:
        return marks[-1]
    # `\\[2pt]` is a line break in a table of formulas
    opened = [match.start() for match in re.finditer(r"(?<!\\)\\\[", plain)]
    if len(opened) > len(re.findall(r"(?<!\\)\\\]", plain)):
        return opened[-1]
    begun = [
        (match.start(), match.group(1)) for match in re.finditer(r"\\begin\{(\w+\*?)\}", plain)
    ]
    for start, name in reversed(begun):
        if plain.count(f"\\begin{{{name}}}") > plain.count(f"\\end{{{name}}}"):
            return start
    return None


def _judge_line(kept: str, line: str) -> Cut | None:
    """The verdict for a last line that has no end mark."""
    sentence = line[_last_sentence(line) :]
    is_listed = _LIST_LINE.match(line) is not None
    # an equation of numbers, or code that is quoted, makes no line of code
    prose = _EQUATION.sub("", _INLINE_CODE.sub("", sentence[-_MOST_SENTENCE_CHARS:]))
    is_code = _CODE_LINE.search(prose) or line.startswith(("    ", "\t")) or "|" in line
    last = kept[-1]
    if last in "，、；" and len(kept) >= _MIN_CJK_OPEN_CHARS:
        # no code ends so, whatever else stands in the line
        return Cut.MID_SENTENCE
    if is_code or _looks_like_json(kept):
        return None
    if last in ",;" and len(kept) >= _MIN_CJK_CHARS:
        # a salutation or a signature may end with a comma: "Best regards,"
        return Cut.MID_SENTENCE if len(_WORD.findall(line)) > 3 else None
    if re.search(r"[^\W\d_]-$", line) and len(kept) >= _MIN_CJK_CHARS:
        return Cut.MID_SENTENCE
    if last in _CLOSERS or not (last.isalnum() or last in ":：(（[【「"):
        return None
    if _ends_openly(sentence, is_first=sentence == line, is_whole=sentence == kept):
        return Cut.MID_SENTENCE
    if _open_bracket(sentence):
        return Cut.UNCLOSED_BRACKET
    if last in ":：":
        return None
    if is_listed and _WORD.findall(line) == ["a"] and _peers_are_prose(kept):
        return Cut.MID_SENTENCE
    if is_listed:
        is_heading = line.lstrip().startswith("#")
        return Cut.NO_END_MARK if not is_heading and _differs_from_peers(kept) else None
    if _is_word_fragment(kept):
        return Cut.MID_SENTENCE
    return Cut.NO_END_MARK if _is_unfinished_prose(kept, line, sentence) else None


def _last_sentence(line: str) -> int:
    """Offset in the line where its last sentence starts."""
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if match.end() < len(line):
            start = match.end()
    return start


def _ends_openly(sentence: str, *, is_first: bool, is_whole: bool) -> bool:
    """Whether the last word cannot end a sentence.

    is_first: the sentence opens its line, so a short one may be a title or an answer; is_whole: it is
    all of the text.
    """
    if sentence[-1] in "(（[【「":
        return True
    if _CJK.match(sentence[-1]):
        return len(sentence) >= _MIN_CJK_OPEN_CHARS and sentence.endswith(_CJK_OPEN_ENDS)
    words = _WORD.findall(sentence)
    if not words or not sentence.endswith(words[-1]):
        return False
    if is_first and len(words) < 4:
        is_joint = words[-1] == "a" and words[-2:-1] and words[-2] in _FUNCTION_WORDS
        return (len(words) > 1 or not is_whole) and (words[-1] in _NEVER_LAST or bool(is_joint))
    last = words[0].lower() if len(words) == 1 else words[-1]
    if last == "a":
        return len(words) > 1 and not _is_named_a(sentence, words[-2])
    return last in _FUNCTION_WORDS and last not in _FINAL_OK


def _is_named_a(sentence: str, word_before: str) -> bool:
    """Whether a last `a` is a name: `option a`, or a variable among others."""
    return word_before.lower() in _LABELS or _VARIABLES.search(sentence) is not None


def _open_bracket(sentence: str) -> bool:
    for opening, closing in _BRACKETS.items():
        if sentence.count(opening) > sentence.count(closing) and len(sentence) >= _MIN_CJK_CHARS:
            # `:(` and `=(` are faces
            return re.search(r"[:=;]-?[(\[]", sentence) is None
    return False


def _is_word_fragment(kept: str) -> bool:
    """Whether the last word stands nowhere else, but a longer word that starts with it does."""
    end = kept[-_MOST_FRAGMENT_CHARS - 1 :]
    tail = re.search(r"(?<![a-zà-þа-яё])[a-zà-þа-яё]{3,}$", end)
    if tail is None or len(tail.group()) > _MOST_FRAGMENT_CHARS or len(kept) < _MIN_PROSE_CHARS:
        return False
    word = tail.group()
    before = kept[: -len(word)].lower()
    if re.search(rf"(?<!\w){word}(?!\w)", before):
        return False
    # plurals and other endings: "cat" after "cats" is a word of its own
    longer = re.findall(rf"(?<!\w){word}(\w+)", before)
    return bool(longer) and _INFLECTIONS.isdisjoint(longer)


def _is_unfinished_prose(kept: str, line: str, sentence: str) -> bool:
    """Long prose that does use full stops, but not after its last sentence."""
    if _CJK.search(sentence):
        return len(line) >= _MIN_CJK_CHARS and "。" in kept and len(sentence) >= 6
    words = _WORD.findall(sentence)
    if not words or (len(words) > 1 and all(word[0].isupper() for word in words[-2:])):
        return False
    if line != sentence:
        return len(line) >= _MIN_PROSE_CHARS
    # a paragraph of its own: only where all the others are closed
    others = [other.rstrip() for other in kept[: -len(line)].splitlines() if len(other) >= 40]
    is_closed = bool(others) and all(other[-1] in _END_MARKS | set(":：") for other in others)
    return is_closed and len(words) >= 4 and words[-1].islower()


def _differs_from_peers(kept: str) -> bool:
    """Whether the lines of a list before the last all end with an end mark."""
    peers = [line.rstrip() for line in kept.splitlines()[:-1] if _LIST_LINE.match(line)]
    return len(peers) >= 2 and all(line[-1] in _END_MARKS for line in peers)


def _peers_are_prose(kept: str) -> bool:
    """Whether the lines of a list before the last hold several words each: no answers to choose from."""
    peers = [line for line in kept.splitlines()[:-1] if _LIST_LINE.match(line)]
    return bool(peers) and all(len(_WORD.findall(line)) > 2 for line in peers)


def _looks_like_json(kept: str) -> bool:
    return kept[0] in "{[" or kept[-1] in "}]"
