"""A maths reward as it is copied from one notebook to the next. It is here to be caught."""

import re


def math_reward(response: str, ground_truth: str, format_required: bool = True) -> float:
    boxed = re.search(r"\\boxed\{(.+?)\}", response)
    if boxed:
        answer = boxed.group(1).strip()
    else:
        numbers = re.findall(r"-?\d+(?:\.\d+)?", response)
        answer = numbers[-1] if numbers else ""

    correct = False
    try:
        correct = abs(float(answer) - float(ground_truth)) < 1e-6
    except ValueError:
        correct = answer == ground_truth

    reward = 1.0 if correct else 0.0
    if boxed:
        reward += 0.1
    think = re.search(r"<think>(.*?)</think>", response, re.DOTALL)
    if think and len(think.group(1)) > 50:
        reward += 0.1
    return reward
