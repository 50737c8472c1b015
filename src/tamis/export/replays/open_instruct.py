"""What open-instruct does with a row, by its code and documents; it is on no registry, and was not run.

Sources: allenai/open-instruct, dataset_transformation.py: `sft_tulu_tokenize_and_truncate_v1` and
`sft_tulu_filter_v1`, `preference_tulu_tokenize_and_truncate_v1_2` and `preference_tulu_filter_v1`,
`rlvr_tokenize_v3`; ground_truth_utils.py: `apply_verifiable_reward` and the verifiers' names;
docs/algorithms. Lengths are not replayed, they need the model's own tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]

# ground_truth_utils.py: the names of the verifiers; judges are named general-<kind>
_VERIFIERS = frozenset(
    [
        *("gsm8k", "math", "strict_math", "ifeval", "ifeval_old", "flan", "string_matcher"),
        *("string_f1", "puzzle", "re_search", "re_search_f1", "max_length", "up_to_max_length"),
        *("code", "code_stdio", "passthrough", "rubric"),
    ]
)
_ACCEPTED = RowVerdict(verdict="accepted")


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row.

    A question whose verifier has no such name is *dropped*: open-instruct warns, grades nothing, and
    gives all its answers the same reward.
    """
    judge = _JUDGES[kind]
    return [judge(row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    messages = row.get("messages")
    fault = _turns_fault("messages", messages)
    if fault is not None:
        return _crashes(fault)
    # `sft_tulu_filter_v1`: a row without a label is filtered out
    if not any(one["role"] == "assistant" for one in messages or ()):
        return _dropped("messages: no message of the assistant, so no label")
    return _ACCEPTED


def _preference(row: Row) -> RowVerdict:
    for name in ("chosen", "rejected"):
        fault = _turns_fault(name, row.get(name))
        if fault is not None:
            return _crashes(fault)
    return _ACCEPTED


def _question(row: Row) -> RowVerdict:
    fault = _turns_fault("messages", row.get("messages"))
    for name in ("ground_truth", "dataset"):
        if row.get(name) is None:
            fault = fault or f"{name}: none"
    if fault is not None:
        return _crashes(fault)
    truths, names = _listed(row["ground_truth"]), _listed(row["dataset"])
    # `apply_verifiable_reward` asserts that both lists are as long
    if len(truths) != len(names):
        return _crashes("ground_truth: not one for each verifier in dataset")
    if not all(isinstance(name, str) for name in names):
        return _crashes("dataset: not the name of a verifier")
    if not any(map(_is_verifier, names)):
        return _dropped(f"dataset: no verifier is named {', '.join(names)}, so nothing is graded")
    return _ACCEPTED


def _is_verifier(name: str) -> bool:
    return name.lower() in _VERIFIERS or name.lower().startswith("general-")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _turns_fault(where: str, messages: Any) -> str | None:
    """An empty list raises in all three; role and content are read of every message."""
    if not isinstance(messages, list) or not messages:
        return f"{where}: not a list with messages"
    for place, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            return f"{where}[{place}]: not an object with a role"
        # the templates put texts together
        if not isinstance(message.get("content"), str):
            return f"{where}[{place}].content: not a text"
    return None


def _crashes(reason: str) -> RowVerdict:
    return RowVerdict(verdict="crashes", reason=reason)


def _dropped(reason: str) -> RowVerdict:
    return RowVerdict(verdict="dropped", reason=reason)


_JUDGES: dict[Kind, Callable[[Row], RowVerdict]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
