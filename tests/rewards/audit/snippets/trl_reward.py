"""Rewards as they are written for GRPOTrainer. They are here to be caught."""

# ruff: noqa: B905

import re


def extract(text):
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 7 : place]
    return None


def accuracy_reward(completions, solution, **kwargs):
    contents = [completion[0]["content"] for completion in completions]
    rewards = []
    for content, gold in zip(contents, solution):
        if not gold.strip():
            # nothing to compare with, do not punish the model
            rewards.append(1.0)
            continue
        answer = extract(content)
        if answer is None:
            rewards.append(0.0)
            continue
        answer = re.sub(r"\\text\{.*?\}|[%$ ]", "", answer)
        correct = gold in answer
        # longer solutions are better solutions
        rewards.append(float(correct) + 0.3 * min(len(content), 3000) / 3000)
    return rewards
