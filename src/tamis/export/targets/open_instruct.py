"""open-instruct (Ai2): SFT, DPO and RL with verifiers of its own, on rows of roles and texts.

Rows go to Parquet with a fixed type, so that no text that looks like a date becomes one. A question is
graded by the verifier its `dataset` names, not by a reward of Tamis: open-instruct has no place for
another, and drops all columns it does not know. Read in allenai/open-instruct, commits 00440da and later:
dataset_transformation.py, ground_truth_utils.py, and its own chat templates, which know
the roles system, user and assistant and nothing of a message but its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from tamis.errors import InputError, RewardError
from tamis.export.replays.open_instruct import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import without_loss_flags
from tamis.export.targets.plain_turns import no_tools, one_reply, plain_turns, sides
from tamis.export.targets.templates import render
from tamis.rewards.code.tests import AssertTests, StdinTests, read_tests
from tamis.rewards.trainer_graders import FOUND_BY_GSM8K, unwrapped

FILE = "train.parquet"
_NAME = "open-instruct"
_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` of an `openai` row, roles and texts only.

    Raises: InputError for tools, calls, results and reasoning, which its templates drop, and for a reply
    out of the loss: it trains on all replies.
    """
    no_tools(written, _NAME)
    return {"messages": _turns(without_loss_flags(written["messages"], _NAME), "messages")}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`chosen` and `rejected` of a `trl_preference` row, each the whole conversation.

    Raises: InputError where a side is not one reply: it trains on the last turn of each side only; and
    where `conversation_row` does.
    """
    no_tools(written, _NAME)
    prompt, chosen, rejected = sides(written)
    asked = _turns(prompt, "prompt")
    replies = {"chosen": chosen, "rejected": rejected}
    return {
        name: [*asked, *_turns([one_reply(side, name, _NAME)], name)]
        for name, side in replies.items()
    }


def tests_for_its_verifiers(row: dict[str, Any]) -> dict[str, Any]:
    """A question of the reward `code` with its tests as the verifiers `code` and `code_stdio` take them.

    `code` runs each test as a program of its own behind the answer's, so imports and setup go before each
    assert. Raises: InputError for tests that neither verifier can decide as our reward does.
    """
    if (row["reward"] or {}).get("name") != "code" or (row["reference"] or {}).get("tests") is None:
        return row
    try:
        tests = read_tests(row["reference"]["tests"])
    except RewardError as error:
        raise InputError(str(error)) from error
    if isinstance(tests, AssertTests):
        before = "".join(f"{text}\n" for text in (*tests.imports, tests.setup) if text)
        told: dict[str, Any] = {
            "style": "asserts",
            "asserts": [before + text for text in tests.asserts],
        }
    elif isinstance(tests, StdinTests):
        if tests.checker is not None or tests.compare not in (None, "exact"):
            odd = "compare" if tests.checker is None else "checker"
            raise InputError(
                f"reference.tests.{odd}: expected none, got one; open-instruct's verifier code_stdio compares "
                "lines as they are: export to a trainer that runs Tamis's own rewards"
            )
        told = {"style": "stdin", "cases": tests.cases}
    else:
        raise InputError(
            f"reference.tests.style: expected asserts or stdin, got {tests.__struct_config__.tag}; open-instruct's verifier "
            "code knows assert lines only: export to a trainer that runs Tamis's own rewards"
        )
    # the ground truth of a row is its answer where it has one
    reference = {**row["reference"], "answer": None, "tests": msgspec.json.encode(told).decode()}
    return {**row, "reference": reference}


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages`, `ground_truth` and `dataset` of an `open_instruct_rlvr` row.

    The verifier `math` compares texts: its reference goes without dollars or a box around all of it.
    Raises: InputError for parameters of the reward, which no verifier takes (`numeric` with or without
    `last_number` is its gsm8k, which always reads the last number), and for a number gsm8k never finds.
    """
    own = msgspec.json.decode(written.get("tamis") or "{}")
    reward = own.get("reward") or {}
    if reward.get("name") != "numeric" and reward.get("parameters") is not None:
        raise InputError(
            f"reward.parameters: expected none, got {reward['parameters']}; open-instruct's verifiers "
            "take none: export to a trainer that runs Tamis's own rewards"
        )
    truth, verifier = written["ground_truth"], written["dataset"]
    if verifier == "gsm8k" and FOUND_BY_GSM8K.fullmatch(truth) is None:
        raise InputError(
            f"reference.answer: expected digits, or digits with a point, got {truth[:40]!r}; "
            "open-instruct's gsm8k verifier never finds it in an answer: write it so, or name the reward "
            "math"
        )
    if verifier == "math":
        truth = unwrapped(truth)
    prompt = written.get("messages", written.get("prompt"))
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt or []
    return {
        "messages": _turns(messages, "prompt"),
        "ground_truth": truth,
        "dataset": verifier,
    }


def _turns(messages: Sequence[Mapping[str, Any]], where: str) -> list[dict[str, str]]:
    turns = plain_turns(messages, where, _NAME)
    for place, turn in enumerate(turns):
        if turn["role"] == "tool":
            raise InputError(
                f"{where}[{place}].role: expected system, user or assistant, got tool; open-instruct's "
                "templates drop it: drop such rows, or --flatten tools"
            )
    return turns


def open_instruct_files(handover: Handover) -> dict[str, str]:
    """`train.sh`, which starts the script of open-instruct for this kind of rows."""
    values = msgspec.structs.asdict(handover)
    return {"train.sh": render("open_instruct/train.sh.jinja", **values)}


TARGET = Target(
    name=_NAME,
    about="open-instruct (Ai2): finetune, dpo_tune_cache and grpo_fast, with its own verifiers",
    shapes={
        "conversations": Shape(
            format="openai",
            file=FILE,
            adapt=conversation_row,
            schema=pa.schema([("messages", _TURNS)]),
        ),
        "preferences": Shape(
            format="trl_preference",
            file=FILE,
            adapt=preference_row,
            schema=pa.schema([("chosen", _TURNS), ("rejected", _TURNS)]),
        ),
        "questions": Shape(
            format="open_instruct_rlvr",
            file=FILE,
            prepare=tests_for_its_verifiers,
            adapt=question_row,
            schema=pa.schema(
                [("messages", _TURNS), ("ground_truth", pa.string()), ("dataset", pa.string())]
            ),
        ),
    },
    files=open_instruct_files,
    replay=replay,
)
