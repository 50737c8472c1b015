"""The language reward: is an answer in the language it should be in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import msgspec

from tamis.records import Question, Score
from tamis.rewards.answers import (
    MAX_ANSWER_CHARS,
    Of,
    TextReward,
    needs,
    part_of,
    too_long,
    zero,
)
from tamis.text.languages import Languages, languages_of, plain_code, script_of
from tamis.text.words import visible

# Fewer letters are a name, a formula or a unit in any language.
_FEWEST_LETTERS = 8
# Shorter runs of letters may be units and names of unknowns.
_WORD = re.compile(r"[^\W\d_]{3,}")
# Below this many, words alone may leave the language open.
_SURE_LETTERS = 40
_MAIN_SHARE = 0.5


class LanguageReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when an answer is in the wanted language, else 0; with `score="share"` the share of it that is.

    `language` is a code like `en` or `zh`; without one it is the language of the last user message, and a
    prompt whose language cannot be told cannot be graded. Code, links and tags are not looked at.
    `least_share` is how much of the text must be in the language. Scripts decide where they can
    (kana is Japanese), CLD2 where they cannot.

    Too little to tell is not held against an answer: with fewer than 8 letters in no foreign script (in short
    texts units and single letters aside), or fewer than 40 in the right script whose words are no language's in
    particular, it scores 1 and is flagged `too_short_to_tell`. Gate it on being right (`combine`): "42" is in every language. Longer
    text that is in no language scores 0 (`undetermined`), and so does an empty one.

    `of` says which text: `all`, the `answer` behind the reasoning, or the `thinking`. Parts: share.
    Raises: RewardError without the package pycld2.
    """

    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z]+)*$")] | None = None
    least_share: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = _MAIN_SHARE
    score_as: Literal["main", "share"] = msgspec.field(default="main", name="score")
    of: Of = "answer"
    name: ClassVar[str] = "language"
    version: ClassVar[str] = "2"

    def ungradable(self, question: Question) -> str | None:
        """Why no language is wanted; None when one is."""
        if self.wanted(question) is None:
            return "the prompt's language cannot be told; name one with `language`"
        return None

    def wanted(self, question: Question) -> str | None:
        """The code of the wanted language, None where it cannot be told."""
        if self.language is not None:
            return plain_code(self.language)
        asked = [one.content or "" for one in question.prompt if one.role == "user"]
        return _main_language(asked[-1][:MAX_ANSWER_CHARS]) if asked else None

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> german = Question(prompt=[])
        >>> LanguageReward(language="de").score("Das ist die Antwort auf die Frage.", german).value
        1.0
        """
        wanted = self.wanted(question)
        if wanted is None:
            return Score(value=None, reason=self.ungradable(question) or "")
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long({"share": 0.0})
        text = part_of(answer, self.of)
        if text is None:
            return zero("the reasoning is unfinished", "unfinished_think", parts={"share": 0.0})
        if not visible(text):
            return zero("the text is empty", "empty", parts={"share": 0.0})
        return self._judged(text, found_languages(text), wanted)

    def _judged(self, text: str, found: Languages, wanted: str) -> Score:
        share = round(min(1.0, found.shares.get(wanted, 0.0)), 6)
        if share < self.least_share and _is_open(text, found, wanted):
            return Score(
                value=1.0,
                parts={"share": 1.0},
                reason="too short to tell",
                flags=("too_short_to_tell",),
            )
        is_undetermined = sum(found.shares.values()) < _MAIN_SHARE
        main = max(found.shares, key=lambda code: (found.shares[code], code), default="none")
        return Score(
            value=share if self.score_as == "share" else float(share >= self.least_share),
            parts={"share": share},
            reason=f"{share:.0%} {wanted}" + (f", mostly {main}" if main != wanted else ""),
            flags=("undetermined",) if is_undetermined else (),
        )


def found_languages(text: str) -> Languages:
    """The languages of a text. Raises: RewardError without the package pycld2."""
    try:
        return languages_of(text)
    except ImportError as error:
        raise needs("pycld2", "language") from error


def _is_open(text: str, found: Languages, wanted: str) -> bool:
    """Whether a text is too short to be held against its language."""
    script = script_of(wanted)
    in_words = min(found.n_letters, sum(map(len, _WORD.findall(text))))
    if found.n_letters < _SURE_LETTERS and in_words < _FEWEST_LETTERS:
        foreign = {name: s for name, s in found.scripts.items() if name not in (script, "latin")}
        return sum(foreign.values()) <= _MAIN_SHARE
    unknown = 1.0 - sum(found.shares.values())
    in_script = found.scripts.get(script, 0.0)
    return found.n_letters < _SURE_LETTERS and in_script > _MAIN_SHARE and unknown > _MAIN_SHARE


@lru_cache(maxsize=4096)
def _main_language(text: str) -> str | None:
    found = found_languages(text)
    if found.n_letters < _FEWEST_LETTERS or not found.shares:
        return None
    code = max(found.shares, key=lambda one: (found.shares[one], one))
    return code if found.shares[code] > _MAIN_SHARE else None
