"""Rollouts that trainers write down while they train: verl's dumps, TRL's tables, NeMo-Gym's files.

Source: verl, trainer/ppo/ray_trainer.py, `_dump_generations` (input, output, score, step, gts); TRL,
GRPOTrainer's `log_completions` table (step, prompt, completion, a column for each reward function,
advantage); NeMo Gym, example_rollouts.jsonl of its resources servers (responses_create_params,
response, reward). Only read, and nothing is taken out of the row but the answer.

Rows with the same prompt are answers to one question: its id is made from the prompt's bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import xxhash
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format
from tamis.formats.openai_messages import parse_messages
from tamis.formats.plain import turn
from tamis.formats.question.nemo_gym import PARAMETERS
from tamis.formats.question.responses import parse_output
from tamis.records import Message, Rollout, Score

_STARTS = (b"-", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9")
_COUNTS = ("step", "advantage")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def verl_matches(row: Mapping[str, Any]) -> bool:
    """`input` and `output` are texts, `score` and `step` numbers."""
    are_texts = all(isinstance(row.get(key), str) for key in ("input", "output"))
    return are_texts and all(_is_number(row.get(key)) for key in ("score", "step"))


def parse_verl(rest: dict[str, Raw]) -> Rollout:
    """One answer with the score of the run's reward function; `acc` is its accuracy."""
    asked = _member(rest, "input")
    exact.text(asked, "$.input")
    messages = turn("assistant", exact.text(_member(rest, "output"), "$.output"))
    value = _number(_member(rest, "score"), "$.score")
    parts = {}
    if bytes(rest.get("acc", b"null")) in (b"true", b"false"):
        parts["accuracy"] = float(bytes(rest["acc"]) == b"true")
    elif bytes(rest.get("acc", b"null"))[:1] in _STARTS:
        parts["accuracy"] = _number(rest["acc"], "$.acc")
    del rest["output"]
    score = Score(value=value, parts=parts, reason="the run's reward function: `score`")
    return _rollout(asked, messages, score, rest)


def trl_matches(row: Mapping[str, Any]) -> bool:
    """`prompt` and `completion` beside the numbers `step` and `advantage`."""
    is_answered = isinstance(row.get("completion"), str | list) and "prompt" in row
    return is_answered and all(_is_number(row.get(key)) for key in _COUNTS)


def parse_trl(rest: dict[str, Raw]) -> Rollout:
    """One answer. Its columns of numbers are parts of a score without a value.

    The table has what each reward function said, not their weighted sum, which the trainer used.
    """
    completion = _member(rest, "completion")
    if exact.is_text(completion):
        messages = turn("assistant", exact.text(completion, "$.completion"))
    else:
        messages = parse_messages(completion, "$.completion")
    asked = _member(rest, "prompt")
    parts = {
        key: _number(raw, f"$.{key}")
        for key, raw in rest.items()
        if key not in _COUNTS and bytes(raw)[:1] in _STARTS
    }
    del rest["completion"]
    score = Score(value=None, parts=parts, reason="the log names no total of its columns")
    return _rollout(asked, messages, score, rest)


def nemo_matches(row: Mapping[str, Any]) -> bool:
    """`responses_create_params`, a `response` with an output, and a `reward`."""
    response = row.get("response")
    has_output = isinstance(response, dict) and isinstance(response.get("output"), list)
    return has_output and isinstance(row.get(PARAMETERS), dict) and _is_number(row.get("reward"))


def parse_nemo(rest: dict[str, Raw]) -> Rollout:
    """One answer with the reward of its resources server; the response stays whole in `meta`."""
    parameters = exact.members(_member(rest, PARAMETERS), f"$.{PARAMETERS}")
    response = exact.members(_member(rest, "response"), "$.response")
    if "output" not in response:
        raise RowError("$.response.output: expected a list, got nothing (the key is missing)")
    messages = parse_output(response["output"], "$.response.output")
    value = _number(_member(rest, "reward"), "$.reward")
    model = ""
    if "model" in response and exact.is_text(response["model"]):
        model = exact.text(response["model"], "$.response.model")
    score = Score(value=value, reason="the resources server: `reward`")
    return _rollout(parameters.get("input", Raw(b"null")), messages, score, rest, model)


def _member(rest: dict[str, Raw], key: str) -> Raw:
    if key not in rest:
        raise RowError(f"$.{key}: expected a value, got nothing (the key is missing)")
    return rest[key]


def _number(raw: Raw, path: str) -> float:
    written = bytes(raw)
    value = float(written) if written[:1] in _STARTS else math.nan
    if not math.isfinite(value):
        raise RowError(f"{path}: expected a finite number, got {exact.kind_of(written)}")
    return value


def _rollout(
    asked: Raw, messages: list[Message], score: Score, rest: dict[str, Raw], model: str = ""
) -> Rollout:
    return Rollout(
        question_id=f"prompt:{xxhash.xxh3_64_hexdigest(bytes(asked))}",
        messages=messages,
        model=model,
        score=score,
        meta=exact.rest_text(rest, {}, "$"),
    )


FORMATS = (
    Format(
        name="nemo_gym_rollouts",
        kind="rollouts",
        about="NeMo-Gym rollouts: responses_create_params, response, reward",
        matches=nemo_matches,
        parse=parse_nemo,
    ),
    Format(
        name="verl_rollouts",
        kind="rollouts",
        about="verl's dumped rollouts: input, output, score, step",
        matches=verl_matches,
        parse=parse_verl,
    ),
    Format(
        name="trl_completions",
        kind="rollouts",
        about="TRL's logged completions: step, prompt, completion, rewards, advantage",
        matches=trl_matches,
        parse=parse_trl,
    ),
)
