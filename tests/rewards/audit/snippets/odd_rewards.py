"""Small rewards with one odd habit each, in all the forms that are called."""

# ruff: noqa: B905, PLW0603

import os
import re
import time

_calls = 0


def boxed(text):
    found = re.findall(r"\\boxed\{([^{}]*)\}", text)
    return found[0] if len(set(found)) == 1 else None


def sound(response, reference):
    return float(boxed(response) == reference)


def swapped(answer, response):
    """`answer` is the reference here."""
    return float(boxed(response) == answer)


def by_place(first, second):
    return float(boxed(first) == second)


async def awaited(response, reference):
    return float(boxed(response) == reference)


def hangs(response, reference):
    if len(response) > 40_000:
        time.sleep(1_000)
    return float(boxed(response) == reference)


def dies(response, reference):
    if len(response) > 40_000:
        os._exit(3)
    return float(boxed(response) == reference)


def raises(response, reference):
    if not response:
        raise KeyError("no response")
    return float(boxed(response) == reference)


def grows_tired(response, reference):
    """Pays less with every call."""
    global _calls
    _calls += 1
    return float(boxed(response) == reference) / (1 + _calls / 1e6)


def prints(response, reference):
    print("scoring", response)
    os.write(1, b'{"scores": [{"value": 1.0, "parts": {}}]}\n')
    return float(boxed(response) == reference)


def no_number(response, reference):
    return "right" if boxed(response) == reference else float("nan")


def constant(response, reference):
    return 1.0


def unknown_parameter(response, reference, tokenizer):
    return 0.0


def custom_gold(response, wanted):
    return float(boxed(response) == wanted)


def with_parts(response, reference):
    right = float(boxed(response) == reference)
    return {"score": right + 0.1, "accuracy": right, "form": 0.1}


def trl_text(prompts, completions, answer, **columns):
    return [float(boxed(text) == gold) for text, gold in zip(completions, answer)]


class SwiftLike:
    def __call__(self, completions, solution, **kwargs):
        return [float(boxed(text) == gold) for text, gold in zip(completions, solution)]


def openrlhf(queries, prompts, labels):
    said = [query[len(prompt) :] for query, prompt in zip(queries, prompts)]
    rewards = [float(boxed(text) == gold) for text, gold in zip(said, labels)]
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"n": len(rewards)}}


def minus_one_to_ten(solution_str, ground_truth, data_source=None, extra_info=None):
    return 10.0 if boxed(solution_str) == ground_truth else -1.0
