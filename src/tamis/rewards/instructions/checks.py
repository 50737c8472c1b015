"""The 25 kinds of verifiable instructions of IFEval, each a plain question to an answer's text.

Source: Zhou et al. 2023, and its checker in google-research, `instruction_following_eval` (read in 2026). Every
check means what that checker means; where ours is stricter or differs, its line says so. Patterns out
of data are taken as texts, never as regular expressions, and every scan is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from tamis.rewards.instructions.sentences import n_sentences, n_words
from tamis.rewards.language import found_languages
from tamis.rewards.strict_json import read_strictly
from tamis.text.languages import plain_code

Relation = Literal["less than", "at least"]
_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
_FENCE = re.compile(r"```(?:json|Json|JSON)?")
_CAPITAL_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_HIGHLIGHTS = (re.compile(r"\*[^\n*]*\*"), re.compile(r"\*\*[^\n*]*\*\*"))
_MAIN_SHARE = 0.5


class Nothing(msgspec.Struct, frozen=True):
    """No argument."""


class Keywords(msgspec.Struct, frozen=True):
    """Words that must all be there."""

    keywords: list[str]


class Frequency(msgspec.Struct, frozen=True):
    """How often a word must be there."""

    keyword: str
    frequency: int
    relation: Relation


class Forbidden(msgspec.Struct, frozen=True):
    """Words that must not be there."""

    forbidden_words: list[str]


class LetterFrequency(msgspec.Struct, frozen=True):
    """How often a letter must be there."""

    letter: str
    let_frequency: int
    let_relation: Relation


class ResponseLanguage(msgspec.Struct, frozen=True):
    """The language of all of it, as ISO 639-1."""

    language: str


class Sentences(msgspec.Struct, frozen=True):
    """How many sentences."""

    num_sentences: int
    relation: Relation


class Paragraphs(msgspec.Struct, frozen=True):
    """How many paragraphs between `***`."""

    num_paragraphs: int


class Words(msgspec.Struct, frozen=True):
    """How many words."""

    num_words: int
    relation: Relation


class FirstWord(msgspec.Struct, frozen=True):
    """How many paragraphs between blank lines, and the first word of one of them."""

    num_paragraphs: int
    nth_paragraph: int
    first_word: str


class Placeholders(msgspec.Struct, frozen=True):
    """How many `[placeholders]` at least."""

    num_placeholders: int


class Postscript(msgspec.Struct, frozen=True):
    """What the postscript begins with."""

    postscript_marker: str


class Bullets(msgspec.Struct, frozen=True):
    """How many bullet points exactly."""

    num_bullets: int


class Highlights(msgspec.Struct, frozen=True):
    """How many `*highlighted*` pieces at least."""

    num_highlights: int


class Sections(msgspec.Struct, frozen=True):
    """How many sections at least, and what each begins with before its number."""

    section_spliter: str
    num_sections: int


class RepeatPrompt(msgspec.Struct, frozen=True):
    """The request to be repeated first."""

    prompt_to_repeat: str


class EndPhrase(msgspec.Struct, frozen=True):
    """What the answer ends with."""

    end_phrase: str


class CapitalWords(msgspec.Struct, frozen=True):
    """How many words in capitals."""

    capital_frequency: int
    capital_relation: Relation


def _compared(count: int, relation: Relation, threshold: int) -> bool:
    return count < threshold if relation == "less than" else count >= threshold


def _has_keywords(text: str, wanted: Keywords) -> bool:
    folded = text.lower()
    return all(word.lower() in folded for word in wanted.keywords)


def _keyword_frequency(text: str, wanted: Frequency) -> bool:
    count = text.lower().count(wanted.keyword.strip().lower())
    return _compared(count, wanted.relation, wanted.frequency)


def _has_no_forbidden(text: str, wanted: Forbidden) -> bool:
    return not any(
        re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in wanted.forbidden_words
    )


def _letter_frequency(text: str, wanted: LetterFrequency) -> bool:
    count = text.lower().count(wanted.letter.strip().lower())
    return _compared(count, wanted.let_relation, wanted.let_frequency)


def _is_in_language(text: str, wanted: ResponseLanguage) -> bool:
    # stricter: text whose language cannot be told does not follow; the checker lets it pass
    return _main_language(text) == plain_code(wanted.language)


def _main_language(text: str) -> str | None:
    shares = found_languages(text).shares
    code = max(shares, key=lambda one: (shares[one], one), default=None)
    return code if code is not None and shares[code] > _MAIN_SHARE else None


def _number_of_sentences(text: str, wanted: Sentences) -> bool:
    return _compared(n_sentences(text), wanted.relation, wanted.num_sentences)


def _number_of_paragraphs(text: str, wanted: Paragraphs) -> bool:
    pieces = [piece.strip() for piece in text.split("***")]
    # a divider at the very start or end divides nothing
    inner = pieces[bool(not pieces[0]) : len(pieces) - (len(pieces) > 1 and not pieces[-1])]
    return all(inner) and len(inner) == wanted.num_paragraphs


def _number_of_words(text: str, wanted: Words) -> bool:
    return _compared(n_words(text), wanted.relation, wanted.num_words)


def _first_word(text: str, wanted: FirstWord) -> bool:
    pieces = text.split("\n\n")
    n_filled = sum(bool(piece.strip()) for piece in pieces)
    if not 1 <= wanted.nth_paragraph <= n_filled or n_filled != wanted.num_paragraphs:
        return False
    said = pieces[wanted.nth_paragraph - 1].split()
    if not said:
        return False
    first = re.split(r"[.,?!'\"]", said[0].lstrip("'").lstrip('"'), maxsplit=1)[0]
    return first.lower() == wanted.first_word.lower()


def _number_of_placeholders(text: str, wanted: Placeholders) -> bool:
    count = 0
    for line in text.split("\n"):
        place = line.find("[")
        while place >= 0 and (end := line.find("]", place)) >= 0:
            count += 1
            place = line.find("[", end)
    return count >= wanted.num_placeholders


def _has_postscript(text: str, wanted: Postscript) -> bool:
    marker = wanted.postscript_marker.strip()
    pattern = _POSTSCRIPTS.get(marker, re.escape(marker.lower()))
    return re.search(pattern, text.lower()) is not None


def _number_of_bullets(text: str, wanted: Bullets) -> bool:
    lines = [line.lstrip() for line in text.split("\n")]
    stars = sum(line.startswith("*") and line[1:2] not in ("", "*") for line in lines)
    return stars + sum(line.startswith("-") for line in lines) == wanted.num_bullets


def _is_one_option(text: str, wanted: Nothing) -> bool:
    # stricter: the checker lets several options at once pass
    return sum(option in text for option in _OPTIONS) == 1


def _number_of_highlights(text: str, wanted: Highlights) -> bool:
    found = [match for pattern in _HIGHLIGHTS for match in pattern.findall(text)]
    return sum(bool(match.strip("*").strip()) for match in found) >= wanted.num_highlights


def _number_of_sections(text: str, wanted: Sections) -> bool:
    mark = re.escape(wanted.section_spliter.strip())
    return len(re.findall(rf"{mark}\s?\d+", text)) >= wanted.num_sections


def _is_json(text: str, wanted: Nothing) -> bool:
    # stricter: no NaN, no key twice, see `strict_json`
    bare = text.strip()
    opening = _FENCE.match(bare)
    bare = bare[opening.end() :] if opening else bare
    try:
        read_strictly(bare.removesuffix("```").strip())
    except ValueError:
        return False
    return True


def _has_title(text: str, wanted: Nothing) -> bool:
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start < end and line[start:end].lstrip("<").rstrip(">").strip():
            return True
    return False


def _is_two_responses(text: str, wanted: Nothing) -> bool:
    pieces = [piece.strip() for piece in text.split("******")]
    inner = pieces[bool(not pieces[0]) : len(pieces) - (len(pieces) > 1 and not pieces[-1])]
    return len(inner) == 2 and all(inner) and inner[0] != inner[1]


def _repeats_prompt(text: str, wanted: RepeatPrompt) -> bool:
    return text.strip().lower().startswith(wanted.prompt_to_repeat.strip().lower())


def _ends_with(text: str, wanted: EndPhrase) -> bool:
    return text.strip().strip('"').lower().endswith(wanted.end_phrase.strip().lower())


def _is_quoted(text: str, wanted: Nothing) -> bool:
    bare = text.strip()
    return len(bare) > 1 and bare.startswith('"') and bare.endswith('"')


def _number_of_capital_words(text: str, wanted: CapitalWords) -> bool:
    # words with hyphens or apostrophes are one; NLTK, which the checker uses, cuts DON'T in two
    count = sum(word.isupper() for word in _CAPITAL_WORD.findall(text))
    return _compared(count, wanted.capital_relation, wanted.capital_frequency)


def _is_english_capital(text: str, wanted: Nothing) -> bool:
    return text.isupper() and _main_language(text) == "en"


def _is_english_lowercase(text: str, wanted: Nothing) -> bool:
    return text.islower() and _main_language(text) == "en"


def _has_no_comma(text: str, wanted: Nothing) -> bool:
    return "," not in text


# The id of a kind, what it takes, and its question.
CHECKS: Mapping[str, tuple[type[msgspec.Struct], Callable[[str, Any], bool]]] = {
    "keywords:existence": (Keywords, _has_keywords),
    "keywords:frequency": (Frequency, _keyword_frequency),
    "keywords:forbidden_words": (Forbidden, _has_no_forbidden),
    "keywords:letter_frequency": (LetterFrequency, _letter_frequency),
    "language:response_language": (ResponseLanguage, _is_in_language),
    "length_constraints:number_sentences": (Sentences, _number_of_sentences),
    "length_constraints:number_paragraphs": (Paragraphs, _number_of_paragraphs),
    "length_constraints:number_words": (Words, _number_of_words),
    "length_constraints:nth_paragraph_first_word": (FirstWord, _first_word),
    "detectable_content:number_placeholders": (Placeholders, _number_of_placeholders),
    "detectable_content:postscript": (Postscript, _has_postscript),
    "detectable_format:number_bullet_lists": (Bullets, _number_of_bullets),
    "detectable_format:constrained_response": (Nothing, _is_one_option),
    "detectable_format:number_highlighted_sections": (Highlights, _number_of_highlights),
    "detectable_format:multiple_sections": (Sections, _number_of_sections),
    "detectable_format:json_format": (Nothing, _is_json),
    "detectable_format:title": (Nothing, _has_title),
    "combination:two_responses": (Nothing, _is_two_responses),
    "combination:repeat_prompt": (RepeatPrompt, _repeats_prompt),
    "startend:end_checker": (EndPhrase, _ends_with),
    "startend:quotation": (Nothing, _is_quoted),
    "change_case:capital_word_frequency": (CapitalWords, _number_of_capital_words),
    "change_case:english_capital": (Nothing, _is_english_capital),
    "change_case:english_lowercase": (Nothing, _is_english_lowercase),
    "punctuation:no_comma": (Nothing, _has_no_comma),
}
