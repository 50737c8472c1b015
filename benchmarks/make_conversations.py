"""Writes a large file of plausible conversations in OpenAI shape, the same bytes for the same seed.

A stand-in for raw chat data: English and Chinese, about six messages a conversation, system prompts,
thinking, structured and textual tool calls, arithmetic, code; a few exact and near duplicates (of
a fixed set of popular conversations) and about 1 % with a fault. Sentences come from a small grammar,
pooled, so that two random conversations hardly share any.

    python benchmarks/make_conversations.py big.jsonl --rows 300000     # about 600 MB, under a minute
    python benchmarks/make_conversations.py half.jsonl --bytes 500e6
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path

import numpy as np

BLOCK_ROWS = 2000
N_ENGLISH, N_CHINESE, N_POPULAR = 60_000, 25_000, 400
DUPLICATE_SHARE, NEAR_SHARE, FAULT_SHARE = 0.02, 0.03, 0.01

WORDS = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
SYSTEMS = WORDS["systems"]
TOOLS = {
    "get_weather": {"city": "string", "days": "integer"},
    "search_orders": {"customer": "string", "limit": "integer"},
    "convert_units": {"value": "number", "unit": "string"},
    "find_route": {"start": "string", "goal": "string"},
}


def _tool_schema(name: str, parameters: dict[str, str]) -> dict[str, object]:
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    function = {"name": name, "description": f"Calls {name}.", "parameters": schema}
    return {"type": "function", "function": function}


class Draws:
    """Random numbers of one block, drawn in bulk: a Python list is quicker to read than a generator."""

    def __init__(self, seed: int, block: int) -> None:
        generator = np.random.default_rng([seed, block])
        self._numbers = iter(generator.random(BLOCK_ROWS * 120).tolist())

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""
        return int(next(self._numbers) * n)

    def chance(self, share: float) -> bool:
        """True in `share` of the calls."""
        return next(self._numbers) < share

    def pick(self, choices: list[str]) -> str:
        """One of the choices."""
        return choices[self.below(len(choices))]


def _pool(templates: list[str], slots: dict[str, list[str]], n: int, seed: int) -> list[str]:
    """`n` sentences: a template, then a word of its kind for every slot."""
    generator = np.random.default_rng([seed, 7])
    numbers = iter(generator.random(n * 10).tolist())
    sentences = []
    for _ in range(n):
        template = templates[int(next(numbers) * len(templates))]
        for slot, words in slots.items():
            while f"{{{slot}}}" in template:
                word = words[int(next(numbers) * len(words))]
                template = template.replace(f"{{{slot}}}", word, 1)
        sentences.append(template)
    return sentences


@cache
def sentence_pools(seed: int) -> tuple[list[str], list[str]]:
    """English and Chinese sentences, the same in every process."""
    english, chinese = WORDS["english"], WORDS["chinese"]
    return (
        _pool(english["templates"], english["slots"], N_ENGLISH, seed),
        _pool(chinese["templates"], chinese["slots"], N_CHINESE, seed + 1),
    )


def _text(draws: Draws, pool: list[str], least: int, most: int, joint: str) -> str:
    n_sentences = least + draws.below(most - least + 1)
    return joint.join([pool[draws.below(len(pool))] for _ in range(n_sentences)])


def _message(role: str, content: str | None, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def _chat(draws: Draws, pool: list[str], joint: str, system: str | None) -> list[dict[str, object]]:
    messages = [_message("system", system)] if system else []
    for _ in range(2 + draws.below(3)):
        messages.append(_message("user", _text(draws, pool, 1, 3, joint)))
        messages.append(_message("assistant", _text(draws, pool, 2, 6, joint)))
    return messages


def _english(draws: Draws, seed: int) -> dict[str, object]:
    system = draws.pick(SYSTEMS) if draws.chance(0.6) else None
    return {"messages": _chat(draws, sentence_pools(seed)[0], " ", system)}


def _chinese(draws: Draws, seed: int) -> dict[str, object]:
    system = WORDS["chinese"]["system"] if draws.chance(0.6) else None
    return {"messages": _chat(draws, sentence_pools(seed)[1], "", system)}


def _thinking(draws: Draws, seed: int) -> dict[str, object]:
    pool = sentence_pools(seed)[0]
    messages = _chat(draws, pool, " ", draws.pick(SYSTEMS))
    wrong = 1 if draws.chance(FAULT_SHARE) else 0
    for message in messages:
        if message["role"] == "assistant":
            left, right = 2 + draws.below(900), 2 + draws.below(90)
            sums = (
                f"{left} * {right} = {left * right + wrong}, and {left} + {right} = {left + right}."
            )
            thought = f"<think>\n{_text(draws, pool, 1, 4, ' ')} {sums}\n</think>\n\n"
            if draws.chance(FAULT_SHARE):
                thought = thought.replace("</think>", "")
            message["content"] = f"{thought}{message['content']}"
    return {"messages": messages}


def _tool_arguments(draws: Draws, name: str) -> dict[str, object]:
    values = {
        "string": draws.pick(WORDS["english"]["slots"]["place"]),
        "integer": draws.below(9) + 1,
    }
    values["number"] = draws.below(10_000) / 100
    return {key: values[kind] for key, kind in TOOLS[name].items()}


def _structured_tools(draws: Draws, seed: int) -> dict[str, object]:
    pool = sentence_pools(seed)[0]
    messages = [_message("system", draws.pick(SYSTEMS))]
    for turn in range(1 + draws.below(3)):
        name = draws.pick(list(TOOLS))
        arguments = json.dumps(_tool_arguments(draws, name))
        call = {"id": f"call_{turn}", "type": "function"}
        call["function"] = {"name": name, "arguments": arguments}  # type: ignore[assignment]
        answer = json.dumps({"result": _text(draws, pool, 1, 3, " ")})
        messages += [
            _message("user", _text(draws, pool, 1, 3, " ")),
            _message("assistant", None, tool_calls=[call]),
            _message("tool", answer, tool_call_id=f"call_{turn}"),
            _message("assistant", _text(draws, pool, 1, 5, " ")),
        ]
    return {"messages": messages, "tools": [_tool_schema(*tool) for tool in TOOLS.items()]}


def _textual_tools(draws: Draws, seed: int) -> dict[str, object]:
    pool = sentence_pools(seed)[0]
    messages = [_message("system", draws.pick(SYSTEMS))]
    for _ in range(1 + draws.below(3)):
        name = draws.pick(list(TOOLS))
        call = json.dumps({"name": name, "arguments": _tool_arguments(draws, name)})
        closing = "" if draws.chance(FAULT_SHARE) else "\n</tool_call>"
        messages += [
            _message("user", _text(draws, pool, 1, 3, " ")),
            _message(
                "assistant",
                f"<think>{_text(draws, pool, 1, 3, ' ')}</think>\n<tool_call>\n{call}{closing}",
            ),
            _message("tool", _text(draws, pool, 1, 3, " ")),
            _message("assistant", _text(draws, pool, 1, 5, " ")),
        ]
    return {"messages": messages}


def _code(draws: Draws, seed: int) -> dict[str, object]:
    pool = sentence_pools(seed)[0]
    messages = []
    for _ in range(2 + draws.below(2)):
        noun, number = draws.pick(WORDS["english"]["slots"]["noun"]), draws.below(1000)
        code = (
            f"```python\ndef count_{noun}(values, limit={number}):\n    total = 0\n    for value in values:\n"
            f"        if value > limit:\n            total += value\n    return total\n```"
        )
        messages.append(_message("user", _text(draws, pool, 1, 3, " ")))
        texts = (_text(draws, pool, 1, 3, " "), code, _text(draws, pool, 1, 4, " "))
        messages.append(_message("assistant", "\n\n".join(texts)))
    return {"messages": messages}


# How much of the file is of which make, in percent.
MIX: list[tuple[int, Callable[[Draws, int], dict[str, object]]]] = [
    (45, _english),
    (16, _chinese),
    (15, _thinking),
    (11, _structured_tools),
    (5, _textual_tools),
    (8, _code),
]
KINDS = [make for share, make in MIX for _ in range(share)]


@cache
def popular(seed: int) -> list[str]:
    """Conversations that come again and again, as JSON."""
    draws = Draws(seed, 2**31)
    kinds = [KINDS[draws.below(len(KINDS))] for _ in range(N_POPULAR)]
    return [json.dumps(kind(draws, seed), ensure_ascii=False) for kind in kinds]


def _spoil(conversation: dict[str, object], draws: Draws) -> None:
    """One of the faults that real data has: cut off, an empty reply, an address left in."""
    last = conversation["messages"][-1]  # type: ignore[index]
    fault = draws.below(3)
    if fault == 0:
        last["content"] = last["content"][: len(last["content"]) * 2 // 3]
    elif fault == 1:
        last["content"] = ""
    else:
        last["content"] += f" Write to user{draws.below(10_000)}@mail-{draws.below(100)}.com."


def _conversation(draws: Draws, seed: int) -> dict[str, object]:
    kind = draws.below(1000) / 1000
    if kind < DUPLICATE_SHARE + NEAR_SHARE:
        conversation: dict[str, object] = json.loads(popular(seed)[draws.below(N_POPULAR)])
        if kind >= DUPLICATE_SHARE:
            conversation["messages"][-1]["content"] += (  # type: ignore[index]
                " " + _text(draws, sentence_pools(seed)[0], 1, 1, "")
            )
        return conversation
    conversation = KINDS[draws.below(len(KINDS))](draws, seed)
    if draws.chance(FAULT_SHARE):
        _spoil(conversation, draws)
    return conversation


def make_block(seed: int, block: int) -> list[bytes]:
    """The lines of one block, each with its newline."""
    draws = Draws(seed, block)
    lines = []
    for row in range(BLOCK_ROWS):
        conversation = _conversation(draws, seed)
        conversation["id"] = f"c{block * BLOCK_ROWS + row}"
        lines.append(json.dumps(conversation, ensure_ascii=False).encode() + b"\n")
    return lines


def _make(task: tuple[int, int]) -> list[bytes]:
    return make_block(*task)


def lines(n_processes: int, seed: int, n_blocks: int | None) -> Iterator[list[bytes]]:
    """Blocks of lines in order, for ever when `n_blocks` is None."""
    tasks = ((seed, block) for block in (range(n_blocks) if n_blocks else count()))
    if n_processes == 1:
        yield from map(_make, tasks)
        return
    with multiprocessing.Pool(n_processes) as pool:
        while True:
            some = list(islice(tasks, 4 * n_processes))
            if not some:
                return
            yield from pool.imap(_make, some)


def write(
    path: Path, *, rows: int | None, n_bytes: int | None, seed: int, processes: int = 2
) -> int:
    """Write whole lines until there are `rows` of them or `n_bytes` are reached; the number of rows."""
    n_blocks = -(-rows // BLOCK_ROWS) if rows else None
    written = size = 0
    blocks = lines(processes, seed, n_blocks)
    with path.open("wb") as file:
        for block in blocks:
            kept = block[: rows - written] if rows else block
            if n_bytes is not None:
                total = np.cumsum([len(line) for line in kept])
                kept = kept[: int(np.searchsorted(total, n_bytes - size)) + 1]
            text = b"".join(kept)
            file.write(text)
            written, size = written + len(kept), size + len(text)
            if (n_bytes is not None and size >= n_bytes) or written == rows:
                break
    blocks.close()  # type: ignore[attr-defined]
    return written


def main() -> None:
    """Write the file and say how large it became."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--bytes", type=float, dest="n_bytes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if (arguments.rows is None) == (arguments.n_bytes is None):
        parser.error("give either --rows or --bytes")
    n_bytes = None if arguments.n_bytes is None else int(arguments.n_bytes)
    options = {"n_bytes": n_bytes, "seed": arguments.seed, "processes": arguments.processes}
    rows = write(arguments.path, rows=arguments.rows, **options)
    size_mb = arguments.path.stat().st_size / 1e6
    print(f"{arguments.path}: {rows:,} conversations, {size_mb:,.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
