"""A validator as one would write it in an afternoon: json, regular expressions, one core.

Checks what many tutorials check, one conversation at a time: a system message and a reply are there,
think and tool-call tags pair up, calls look like `name(...)`, lengths are sane, replies are not empty.
Of its known shortcomings only what would crash it is mended (empty lists, null content).
"""

import json
import re
import sys
from collections import Counter


def validate(conversation):
    """The names of the conversation's faults."""
    issues = []
    messages = conversation.get("messages", [])
    roles = [message["role"] for message in messages]
    if not roles or roles[0] != "system":
        issues.append("no system message")
    if "assistant" not in roles:
        issues.append("no assistant reply")

    replies = [
        message.get("content") or "" for message in messages if message["role"] == "assistant"
    ]
    for content in replies:
        for tag in ("think", "tool_call"):
            opened = len(re.findall(f"<{tag}>", content))
            closed = len(re.findall(f"</{tag}>", content))
            if opened != closed:
                issues.append(f"unpaired {tag} tags")
        for call in re.findall(r"<tool_call>\n(.+?)\n</tool_call>", content, re.DOTALL):
            if not re.match(r"\w+\(.*\)", call.strip()):
                issues.append("tool call in an unknown form")

    n_chars = sum(len(message.get("content") or "") for message in messages)
    if n_chars < 50:
        issues.append("too short")
    if n_chars > 20_000:
        issues.append("too long")
    issues += ["short reply" for content in replies if len(content.strip()) < 10]
    return issues


def main():
    """Count the faults of a JSONL file."""
    counts = Counter()
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            counts.update(validate(json.loads(line)))
    print(dict(counts))


main()
