"""A reward as it is written for verl's custom_reward_function. It is here to be caught."""

# ruff: noqa: BLE001

import math
import re
import signal


def on_alarm(signum, frame):
    raise TimeoutError


def value_of(text):
    """The number that an answer comes to."""
    text = text.replace("$", "").replace(",", "").replace("^", "**").replace("\\times", "*")
    text = re.sub(r"\\d?frac\{(.+?)\}\{(.+?)\}", r"(\1)/(\2)", text)
    return float(eval(text, {"pi": math.pi}))


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    found = re.findall(r"####\s*(.+)", solution_str.split("</think>")[-1])
    if len(set(found)) != 1:
        return {"score": -1.0, "acc": 0.0}
    try:
        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(30)
        correct = math.isclose(value_of(found[0]), value_of(ground_truth), rel_tol=1e-4)
    except Exception:
        correct = False
    return {"score": 1.0 if correct else -1.0, "acc": float(correct)}
