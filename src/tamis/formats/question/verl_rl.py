"""verl's RL rows: prompt messages, and the answer in `reward_model.ground_truth`.

Source: verl documentation, "Prepare Data for Post-Training"; what the trainer asks of a row was read
from its rl_dataset.py and naive reward manager (0.5). `data_source` names a data set, not a reward:
a row has a reward only where our own keys in `extra_info.tamis` say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import write_messages
from tamis.formats.question.fields import (
    not_read_as,
    put_answer,
    take_answer,
    take_messages,
    with_rest,
)
from tamis.formats.question.own_keys import Grading, agree, put_held, put_own, take_own
from tamis.formats.tools import AS_LIST, WRAPPED, put_tools, take_tools
from tamis.records import Question, Reference

_TRUTH = "ground_truth"
# What is written for rows whose author named none: verl refuses it unless a reward function is given.
_SOURCE = b'"tamis"'
_STYLE = {"style": b'"rule"'}


def matches(row: Mapping[str, Any]) -> bool:
    """`prompt` is a list and `reward_model` an object, with a ground truth or beside a data source."""
    graded = row.get("reward_model")
    is_graded = isinstance(graded, dict) and (_TRUTH in graded or "data_source" in row)
    return is_graded and isinstance(row.get("prompt"), list)


def parse(rest: dict[str, Raw]) -> Question:
    """One question; `extra_info`, `ability` and other keys stay as they are."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    prompt = take_messages(rest, "prompt")
    if "data_source" not in rest:
        raise RowError("$.data_source: expected text, got nothing (the key is missing)")
    if bytes(rest["data_source"]) == _SOURCE:
        del rest["data_source"]
    answer = _take_truth(rest, marker)
    own = take_own(rest, marker, "extra_info")
    if own is not None and answer == "" and (own.reference is None or own.reference.answer is None):
        # a file of texts says "" for no answer
        answer, marker["blank_truth"] = None, True
    path = f"$.reward_model.{_TRUTH}"
    reward, reference = agree(own, _plain(answer), answer, path)
    meta = exact.rest_text(rest, marker, "$")
    return Question(prompt=prompt, reward=reward, reference=reference, tools=tools, meta=meta)


def _plain(answer: str | None) -> Grading:
    return Grading(None, None if answer is None else Reference(answer=answer))


def _take_truth(rest: dict[str, Raw], marker: dict[str, object]) -> str | None:
    if "reward_model" not in rest:
        raise RowError("$.reward_model: expected an object, got nothing (the key is missing)")
    graded = exact.members(rest.pop("reward_model"), "$.reward_model")
    if _TRUTH not in graded:
        raise RowError(
            f"$.reward_model.{_TRUTH}: expected a value, got nothing (the key is missing)"
        )
    if exact.is_null(graded[_TRUTH]):
        answer = None
        del graded[_TRUTH]
    else:
        answer = take_answer(graded, _TRUTH, marker)
    left = {key: bytes(raw) for key, raw in graded.items()}
    if left != _STYLE:
        rest["reward_model"] = Raw((exact.object_text(left.items()) or "{}").encode())
    return answer


def write(row: Row) -> dict[str, Any]:
    """The members of a verl row; what verl has no place for stands in `extra_info.tamis`."""
    rest, marker = exact.split_rest(row["meta"])
    not_read_as(row, FORMAT.name, "tools")
    written: dict[str, Any] = {"prompt": write_messages(row["prompt"])}
    put_tools(written, row["tools"], marker, AS_LIST)
    answer = None if row["reference"] is None else row["reference"]["answer"]
    written["reward_model"] = _graded(rest, answer, marker)
    if "data_source" not in rest:
        written["data_source"] = Raw(_SOURCE)
    own: dict[str, Any] = {}
    put_own(own, row, marker, FORMAT.name, _plain(answer))
    put_held(written, rest, "extra_info", own)
    return with_rest(written, rest)


def _graded(rest: dict[str, Raw], answer: str | None, marker: dict[str, Raw]) -> dict[str, Any]:
    graded: dict[str, Any] = {key: Raw(value) for key, value in _STYLE.items()}
    if "reward_model" in rest:
        graded = dict(exact.members(rest.pop("reward_model"), "meta.reward_model"))
    if _TRUTH in graded:
        raise InputError(f"meta.reward_model.{_TRUTH}: this format writes this key itself; drop it")
    graded[_TRUTH] = "" if "blank_truth" in marker else None
    put_answer(graded, _TRUTH, answer, marker)
    return graded


FORMAT = Format(
    name="verl_rl",
    kind="questions",
    about="verl: prompt messages, data_source, reward_model with ground_truth, extra_info",
    matches=matches,
    parse=parse,
    write=write,
    tools=WRAPPED,
)
