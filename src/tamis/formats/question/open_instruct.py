"""open-instruct's RLVR rows: messages or prompt, a `ground_truth`, and verifiers named by `dataset`.

Source: allenai/open-instruct, open_instruct/ground_truth_utils.py (names of the verifiers and what each
reads) and dataset_transformation.py, `rlvr_tokenize_v3` (an assistant message at the end is no
part of the prompt). `tools` are names of the trainer's own tools and stay as they are.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import is_json, write_messages
from tamis.formats.plain import no_tools, roles_are, take_text, turn
from tamis.formats.question.fields import (
    put_answer,
    take_answer,
    take_messages,
    tests_members,
    tests_text,
    with_rest,
)
from tamis.formats.question.own_keys import Grading, grading_of, put_own, take_own
from tamis.records import Message, Question, Reference, RewardSpec

_TRUTH, _NAME = "ground_truth", "dataset"
# What each verifier asks of an answer, in our words. Those that have no reward here (string_f1,
# max_length, passthrough, ...) are left out.
_REWARDS = {
    "gsm8k": "numeric",
    "math": "math",
    "strict_math": "math",
    "string_matcher": "exact",
    "flan": "exact",
    "puzzle": "exact",
    "ifeval": "instructions",
    "ifeval_old": "instructions",
    "code": "code",
    "code_stdio": "code",
    "rubric": "judge",
}
_JUDGES = "general-"
_EMPTY = Raw(b"[]")
# The verifier to name for a reward; for code it depends on the tests.
_VERIFIERS = {
    "numeric": "gsm8k",
    "math": "math",
    "exact": "string_matcher",
    "instructions": "ifeval",
    "judge": "general-quality_ref",
}


def matches(row: Mapping[str, Any]) -> bool:
    """`ground_truth` and `dataset` beside messages or a prompt."""
    is_asked = isinstance(row.get("messages"), list) or isinstance(row.get("prompt"), list | str)
    return is_asked and isinstance(row.get(_NAME), str | list) and _TRUTH in row


def parse(rest: dict[str, Raw]) -> Question:
    """One question; several verifiers are added up by the trainer, which no single reward here does."""
    marker: dict[str, object] = {}
    prompt = _take_prompt(rest, marker)
    for key in (_NAME, _TRUTH):
        if key not in rest:
            raise RowError(f"$.{key}: expected a value, got nothing (the key is missing)")
    truth = _take_truth(rest, marker)
    grading = _understood(_verifier(rest), truth)
    own = take_own(rest, marker)
    if own is not None:
        _agree(own, grading, truth)
        grading = own
    return Question(
        prompt=prompt,
        reward=grading.reward,
        reference=grading.reference,
        meta=exact.rest_text(rest, marker, "$"),
    )


def _agree(own: Grading, plain: Grading, truth: str | None) -> None:
    try:
        said = _truth_of(own)
    except InputError as error:
        raise RowError(f"$.tamis: {error}") from error
    if said != truth:
        raise RowError(
            f"$.{_TRUTH}: expected the answer that `tamis` gives too, got another; "
            "edit both, or remove `tamis`"
        )
    _same_reward(own, plain, "$")


def _take_prompt(rest: dict[str, Raw], marker: dict[str, object]) -> list[Message]:
    if "messages" not in rest:
        if "prompt" in rest and exact.is_text(rest["prompt"]):
            marker["prompt"] = "text"
            return turn("user", take_text(rest, "prompt"))
        marker["prompt"] = "list"
        return take_messages(rest, "prompt")
    last = exact.elements(rest["messages"], "$.messages")[-1:]
    messages = take_messages(rest, "messages")
    if len(messages) > 1 and messages[-1].role == "assistant":
        marker["answered"] = last[0]
        messages.pop()
    return messages


def _take_truth(rest: dict[str, Raw], marker: dict[str, object]) -> str | None:
    raw = rest[_TRUTH]
    only = exact.elements(raw, f"$.{_TRUTH}") if exact.is_list(raw) else []
    if len(only) != 1 or not exact.is_text(only[0]):
        return take_answer(rest, _TRUTH, marker)
    marker[_TRUTH] = "list"
    del rest[_TRUTH]
    return exact.text(only[0], f"$.{_TRUTH}[0]")


def _verifier(rest: Mapping[str, Raw]) -> str | None:
    """The name of the row's only verifier, None where there are several."""
    raw = rest[_NAME]
    if exact.is_list(raw):
        named = exact.elements(raw, f"$.{_NAME}")
        if len(named) != 1:
            return None
        raw = named[0]
    return exact.text(raw, f"$.{_NAME}").lower()


def _understood(verifier: str | None, truth: str | None) -> Grading:
    name = _REWARDS.get(verifier or "")
    if verifier is not None and verifier.startswith(_JUDGES):
        name = "judge"
    reward = None if name is None else RewardSpec(name=name)
    if truth is None:
        return Grading(reward, None)
    return Grading(reward, Reference(answer=truth, tests=_tests(verifier, truth)))


def _tests(verifier: str | None, truth: str) -> str | None:
    """The tests in a ground truth, as far as it is written the way its verifier reads it."""
    if verifier not in ("ifeval", "code", "code_stdio"):
        return None
    if not is_json(truth):
        truth = _json_of_literal(truth) or "null"
    raw = Raw(truth.strip().encode())
    found = exact.elements(raw, "$") if exact.is_list(raw) else [raw]
    if verifier == "code" and exact.is_list(raw) and all(map(exact.is_text, found)):
        return tests_text("asserts", asserts=raw)
    if not found or not all(bytes(one)[:1] == b"{" for one in found):
        return None
    members = [exact.members(one, f"$.{_TRUTH}") for one in found]
    if verifier == "code_stdio" and all(set(one) == {"input", "output"} for one in members):
        return tests_text("stdin", cases=Raw(b"[" + b",".join(map(bytes, found)) + b"]"))
    ids, kwargs = (members[0].get(key, Raw(b"null")) for key in ("instruction_id", "kwargs"))
    if verifier == "ifeval" and exact.is_list(ids) and exact.is_list(kwargs):
        return tests_text("instructions", ids=ids, kwargs=kwargs)
    return None


def _json_of_literal(truth: str) -> str | None:
    """JSON text of a Python literal, None for anything that JSON cannot say without bending it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in the author's literal
            value = ast.literal_eval(truth)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return json.dumps(value, ensure_ascii=False) if _is_plain(value) else None


def _is_plain(value: object) -> bool:
    # a float would be written in another way than the author's
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int)


def _truth_of(grading: Grading) -> str | None:
    """The ground truth that says what the reference says: its answer, else its tests."""
    reference = grading.reference
    if reference is None or reference.answer is not None or reference.tests is None:
        return None if reference is None else reference.answer
    for style, member in (("asserts", "asserts"), ("stdin", "cases")):
        if f'"style":"{style}"' in reference.tests.replace(" ", ""):
            found = tests_members(reference.tests, style, member)
            return exact.json_text(found.get(member, _EMPTY))
    found = tests_members(reference.tests, "instructions", "ids", "kwargs")
    pairs = [("instruction_id", "ids"), ("kwargs", "kwargs")]
    return f"[{exact.object_text((key, bytes(found.get(name, _EMPTY))) for key, name in pairs)}]"


def _same_reward(said: Grading, named: Grading, path: str) -> None:
    if said.reward is None or named.reward is None or said.reward.name == named.reward.name:
        return
    raise RowError(
        f"{path}.{_NAME}: names a verifier of {named.reward.name}, the reward is "
        f"{said.reward.name}; change one of them"
    )


def write(row: Row) -> dict[str, Any]:
    """The members of an RLVR row; the reward says which verifier is named.

    Raises: InputError for a reward no verifier stands for, tests no verifier reads, no reference.
    """
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    said = grading_of(row)
    written = _put_prompt(row["prompt"], marker)
    truth = _truth_of(said)
    is_own = row.get("format") == FORMAT.name
    if truth is None and not is_own:
        raise InputError("reference: expected an answer or tests, got neither")
    if bytes(marker.get(_TRUTH, b"")) == b'"list"':
        written[_TRUTH] = [truth]
    else:
        put_answer(written, _TRUTH, truth, marker)
    if _NAME not in rest:
        written[_NAME] = _verifier_for(said)
    named = _understood(_verifier({**rest, **_raws(written, _NAME)}), truth)
    if not is_own and named.reward is None:
        raise InputError(f"meta.{_NAME}: expected the name of a verifier; rename this key")
    _same_reward(said, named, "meta")
    put_own(written, row, marker, FORMAT.name, named)
    return with_rest(written, rest)


def _raws(written: dict[str, Any], key: str) -> dict[str, Raw]:
    return {key: Raw(msgspec.json.encode(written[key]))} if key in written else {}


def _put_prompt(prompt: list[dict[str, Any]], marker: dict[str, Raw]) -> dict[str, Any]:
    how = bytes(marker.get("prompt", b""))
    if how == b'"text"' and roles_are(prompt, "user"):
        return {"prompt": prompt[0]["content"]}
    messages: list[Any] = write_messages(prompt)
    if "answered" in marker:
        messages.append(marker["answered"])
    return {"prompt" if how else "messages": messages}


def _verifier_for(said: Grading) -> str:
    name = None if said.reward is None else said.reward.name
    if name == "code" and said.reference is not None:
        tests = said.reference.tests or said.reference.answer or ""
        return "code_stdio" if '"input"' in tests else "code"
    if name not in _VERIFIERS:
        raise InputError(
            f"reward: expected one that open-instruct has a verifier for "
            f"({', '.join(sorted(_VERIFIERS))} or code), got {name}"
        )
    return _VERIFIERS[name]


FORMAT = Format(
    name="open_instruct_rlvr",
    kind="questions",
    about="open-instruct RLVR: messages or prompt, ground_truth, dataset (names of verifiers)",
    matches=matches,
    parse=parse,
    write=write,
)
