"""Formats Tamis knows by sight but does not read: their names, and the keys that give them away.

In the order they are asked; the first that fits names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _has(*keys: str) -> Callable[[Row], bool]:
    return lambda row: all(key in row for key in keys)


def _first(row: Row, key: str) -> Any:
    value = row.get(key)
    return value[0] if isinstance(value, list) and value else None


def _turn_keys(key: str, *wanted: str) -> Callable[[Row], bool]:
    def fits(row: Row) -> bool:
        turn = _first(row, key)
        return isinstance(turn, dict) and all(name in turn for name in wanted)

    return fits


def _is_bfcl(row: Row) -> bool:
    turn = _first(row, "question")
    return isinstance(turn, list)


def _is_bfcl_answers(row: Row) -> bool:
    accepted = _first(row, "ground_truth")
    return "id" in row and isinstance(accepted, dict)


def _is_rollouts(row: Row) -> bool:
    solutions = [
        value for value in row.values() if isinstance(value, dict) and "is_correct" in value
    ]
    return "question" in row and "ground_truth" in row and bool(solutions)


def _is_labelled(row: Row) -> bool:
    return isinstance(row.get("label"), bool) and "prompt" in row and "completion" in row


def _is_transcript(row: Row) -> bool:
    return str(row.get("chosen", "")).startswith("\n\nHuman:") and "rejected" in row


def _is_question_text(row: Row) -> bool:
    text = row.get("text")
    return isinstance(text, str) and text.startswith("Question:") and "\nAnswer:" in text


def _has_block(*kinds: str) -> Callable[[Row], bool]:
    def fits(row: Row) -> bool:
        messages = row.get("messages")
        parts = [
            part
            for message in (messages if isinstance(messages, list) else [])
            if isinstance(message, dict) and isinstance(message.get("content"), list)
            for part in message["content"]
            if isinstance(part, dict)
        ]
        return any(part.get("type") in kinds for part in parts)

    return fits


def _has_value_parts(row: Row) -> bool:
    message = _first(row, "messages")
    part = _first(message, "content") if isinstance(message, dict) else None
    return isinstance(part, dict) and "value" in part


# Asked before the supported formats: they share keys with one of those, and mean something else.
BEFORE: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("Responses / NeMo-Gym", _has("responses_create_params")),
    ("verl RL", _has("reward_model", "data_source")),
    ("open-instruct RLVR", lambda row: "ground_truth" in row and "dataset" in row),
    ("GSM8K rollouts of several models", _is_rollouts),
    ("prime-rl / verifiers", _has("prompt", "task", "info")),
    ("OpenAI DPO fine-tune", _has("input", "preferred_output", "non_preferred_output")),
    ("hh-rlhf transcripts", _is_transcript),
    ("LLaMA-Factory v1 preference", _has("chosen_messages", "rejected_messages")),
    ("LLaMA-Factory preference (chosen turn)", lambda row: isinstance(row.get("chosen"), dict)),
    ("ms-swift preference", lambda row: "rejected_response" in row or "rejected_messages" in row),
    ("argilla preference", _has("chosen_response", "rejected_response")),
    ("LLaMA-Factory KTO", _has("kto_tag")),
    ("KTO", _is_labelled),
    ("decon reference", _has("eval_key", "eval_instance_index")),
    ("Magpie", _has("uuid", "task_category")),
    ("LLaMA-Factory v1", _has_value_parts),
    ("Anthropic blocks", _has_block("tool_use", "tool_result")),
    ("MBPP", lambda row: "task_id" in row and "test_list" in row),
    ("BFCL questions", _is_bfcl),
    ("BFCL answers", _is_bfcl_answers),
    ("MATH-500", _has("problem", "solution", "level")),
    ("IFEval", _has("instruction_id_list", "prompt")),
)
# Asked when no supported format fits.
AFTER: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("HumanEval", _has("task_id", "prompt", "canonical_solution", "test")),
    ("self-instruct seeds", _has("instruction", "instances")),
    ("MT-bench questions (turns)", lambda row: isinstance(row.get("turns"), list)),
    ("nectar (prompt and ranked answers)", lambda row: isinstance(row.get("answers"), list)),
    ("stepwise PRM", lambda row: isinstance(row.get("completions"), list) and "labels" in row),
    ("ShareGPT variant of role and value", _turn_keys("conversations", "role", "value")),
    ("ShareGPT variant of from and content", _turn_keys("conversations", "from", "content")),
    ("ShareGPT variant of role and content", _turn_keys("conversations", "role", "content")),
    (
        "ms-swift conversation of human and assistant",
        _turn_keys("conversation", "human", "assistant"),
    ),
    ("a ShareGPT variant (`items`)", _turn_keys("items", "from", "value")),
    ("a ShareGPT variant (`dialog`)", lambda row: "dialog" in row or "dialogue" in row),
    ("axolotl template-free segments", lambda row: isinstance(row.get("segments"), list)),
    ("oasst tree", _has("message_tree_id")),
    ("oasst messages", _has("message_id", "parent_id", "text")),
    ("open-instruct code", _has("question", "test_cases")),
    ("OpenOrca", _has("system_prompt", "question", "response")),
    ("MATH-500", _has("problem", "solution", "answer")),
    ("GPTeacher", _has("instruction", "response")),
    ("metharme", _has("prompt", "generation")),
    ("distilabel", _has("instruction", "generation")),
    ("query and response", _has("query", "response")),
    ("query and response (question, answer)", _has("question", "answer")),
    ("query and response (prompt, response)", _has("prompt", "response")),
    ("query and response (problem, solution)", _has("problem", "solution")),
    ("query and response (INSTRUCTION, RESPONSE)", _has("INSTRUCTION", "RESPONSE")),
    ("query and response (message_1, message_2)", _has("message_1", "message_2")),
    ("text of Question: and Answer:", _is_question_text),
    ("plain text", lambda row: isinstance(row.get("text"), str)),
    ("TRL prompt-only", lambda row: isinstance(row.get("prompt"), str | list)),
)
