"""Role words: the many spellings in use, and the four Tamis knows."""

from __future__ import annotations

CANONICAL = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "tool": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "function": "tool",
    "ipython": "tool",
    "environment": "tool",
}
# Turns whose text is a tool call written as JSON.
CALL_WORDS = frozenset({"function_call", "tool_call"})
SWIFT = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool_response"}
SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def canonical_role(word: str) -> str:
    """The role a word stands for; an unknown word stays as it is, for a check to report."""
    return CANONICAL.get(word, word)
