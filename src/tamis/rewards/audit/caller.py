"""The process that calls a reward under audit: run as a script, it needs nothing but the standard library.

It reads orders as JSON lines from standard input and answers each with one line on a pipe of its own, so
that whatever the reward prints changes nothing. Not a sandbox: the reward is the user's own code, with the
user's own rights; what is held here is its time and its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Item = dict[str, Any]
Shape = dict[str, Any]

# Parameters of users' functions by what they are called; `answer` and `solution` may be either side.
RESPONSES = (
    *("response", "completion", "output", "prediction", "pred", "generation", "solution_str"),
    *("model_answer", "model_output", "candidate", "given", "text", "predicted", "resp"),
)
GOLDS = (
    *("reference", "gold", "ground_truth", "truth", "label", "target", "expected", "gt"),
    *("expected_answer", "correct_answer", "reference_answer", "gold_answer", "ref"),
    *("test_cases", "tests", "test_list", "test_code", "unit_tests"),
)
EITHER = ("answer", "solution")
QUESTIONS = ("question", "prompt", "problem", "query", "instruction")
# What TRL hands to a reward beside the columns of the data set.
_TRL_OWN = ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric")
FORMS = ("ours", "plain", "trl", "verl", "openrlhf")
_THREADS = 4
_MOST_SIGNS = 500


class CannotCallError(Exception):
    """The reward cannot be called this way: said in one line."""


class Called:
    """A reward, how it wants to be called, and what is handed over to it."""

    def __init__(self, function: Callable[..., Any], form: str, columns: dict[str, Any]) -> None:
        self.function = function
        self.form = form
        self.columns = columns
        self.reference_as: str | None = None

    def score(self, items: Sequence[Item], shape: Shape) -> list[Any]:
        """What the reward gives back for these items, one thing for each."""
        if self.form == "ours":
            return _ours(items)
        if self.form == "trl":
            return _listed(_finished(self.function(**self._trl(items, shape))), len(items))
        if self.form == "openrlhf":
            return self._openrlhf(items, shape)
        build = self._verl if self.form == "verl" else self._plain
        return [_finished(self.function(**build(item, shape))) for item in items]

    def _trl(self, items: Sequence[Item], shape: Shape) -> dict[str, Any]:
        spoken = shape.get("as_messages", False)
        given: dict[str, Any] = {
            "prompts": [item["prompt"] if spoken else item["asked"] for item in items],
            "completions": [_said(item) if spoken else item["answer"] for item in items],
            "completion_ids": [[0] * len(item["answer"].split()) for item in items],
            "trainer_state": None,
            "log_extra": lambda *_: None,
            "log_metric": lambda *_: None,
        }
        golds = [_gold(item, shape) for item in items]
        names = [*GOLDS, *EITHER] + ([self.reference_as] if self.reference_as else [])
        given |= dict.fromkeys(names, golds)
        asked = [item["asked"] for item in items]
        given |= {name: asked for name in QUESTIONS if name != "prompt"}
        given |= {name: [value] * len(items) for name, value in self.columns.items()}
        return _taken(self.function, given)

    def _verl(self, item: Item, shape: Shape) -> dict[str, Any]:
        extra = {"index": 0, "split": "train", "question": item["asked"]}
        given = {
            "data_source": self.columns.get("data_source", "tamis_audit"),
            "solution_str": item["answer"],
            "ground_truth": _gold(item, shape),
            "extra_info": {**extra, **self.columns.get("extra_info", {})},
        }
        others = {k: v for k, v in self.columns.items() if k not in given}
        return _taken(self.function, {**given, **others})

    def _openrlhf(self, items: Sequence[Item], shape: Shape) -> list[Any]:
        given: dict[str, Any] = {
            "queries": [item["asked"] + item["answer"] for item in items],
            "prompts": [item["asked"] for item in items],
            "labels": [_gold(item, shape) for item in items],
            **self.columns,
        }
        told = _finished(self.function(**_taken(self.function, given)))
        rewards = told.get("rewards", told.get("scores")) if isinstance(told, dict) else told
        return _listed(rewards, len(items))

    def _plain(self, item: Item, shape: Shape) -> dict[str, Any]:
        told = {"response": item["answer"], "gold": _gold(item, shape), "question": item["asked"]}
        roles = plain_roles(self.function, reference_as=self.reference_as)
        return {name: told[role] for name, role in roles.items()} | _own_columns(self)


def plain_roles(function: Callable[..., Any], *, reference_as: str | None) -> dict[str, str]:
    """Which parameter takes the response, which the gold, which the question: by name, else by place."""
    parameters = _parameters(function)
    names = [p.name for p in parameters]
    roles = {name: "question" for name in names if name in QUESTIONS}
    rest = [name for name in names if name not in roles]
    response = next((name for name in rest if name in RESPONSES), None)
    gold = reference_as or next((name for name in rest if name in GOLDS), None)
    either = [name for name in rest if name in EITHER and name not in (response, gold)]
    first = [p.name for p in parameters if p.name in rest and p.default is p.empty]
    response = response or _first([*either, *first], but=gold)
    gold = gold or _first([*either, *first], but=response)
    if response is not None:
        roles[response] = "response"
    if gold is not None:
        roles[gold] = "gold"
    return roles


def _first(names: Sequence[str], *, but: str | None) -> str | None:
    return next((name for name in names if name != but), None)


def _own_columns(called: Called) -> dict[str, Any]:
    return _taken(called.function, dict(called.columns)) if called.columns else {}


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def _taken(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Of what could be given, what the function takes; its rest parameter takes all."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return given
    names = {p.name for p in parameters}
    return {name: value for name, value in given.items() if name in names}


def _gold(item: Item, shape: Shape) -> Any:
    golds = item["golds"]
    wanted = shape.get("reference_as", "text")
    if wanted not in golds:
        raise CannotCallError(f"this question has no reference as {wanted}")
    return golds[wanted]


def _said(item: Item) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": item["answer"]}]


def _finished(value: Any) -> Any:
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:
    return await value


def _listed(value: Any, n: int) -> list[Any]:
    told = value.tolist() if hasattr(value, "tolist") else value
    if n == 1 and isinstance(told, int | float):
        return [told]
    if not isinstance(told, list | tuple) or len(told) != n:
        got = f"{len(told)}" if isinstance(told, list | tuple) else type(told).__name__
        raise CannotCallError(f"expected a list of {n} scores, got {got}")
    return list(told)


def _ours(items: Sequence[Item]) -> list[Any]:
    # only here: another interpreter may call a user's function without Tamis
    from tamis.rewards.audit.own import score_items

    return score_items(items)


def plain_score(value: Any) -> dict[str, Any]:
    """A returned value as {value, parts}, or as {error} where it is no score."""
    if isinstance(value, tuple) and value:
        value = value[0]
    parts: dict[str, float] = {}
    if isinstance(value, dict):
        told = value
        name = next((key for key in ("score", "reward", "value") if key in told), None)
        if name is None:
            return {"error": f"the dict has no `score`: {', '.join(map(str, told))}"[:_MOST_SIGNS]}
        value = told[name]
        others = told["parts"] if isinstance(told.get("parts"), dict) else told
        parts = {k: float(v) for k, v in others.items() if k != name and _is_number(v)}
    if hasattr(value, "item") and not isinstance(value, int | float):
        value = value.item()
    if value is None:
        return {"value": None, "parts": parts}
    if not _is_number(value):
        shown = f"{type(value).__name__} {value!r}"
        return {"error": f"no finite number: {shown}"[:_MOST_SIGNS]}
    return {"value": float(value), "parts": parts}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def load(order: dict[str, Any]) -> Called:
    """The reward that an order names, and the form it is called in."""
    if order["form"] == "ours":
        return Called(_ours, "ours", {})
    sys.path.insert(0, os.getcwd())
    found = _found(order["module"], order["name"])
    # ms-swift and some others want a class, whose objects are called
    function = found() if inspect.isclass(found) else found
    if not callable(function):
        raise CannotCallError(f"`{order['name']}` is a {type(found).__name__}, nothing to call")
    form = order["form"] or detect_form(function)
    called = Called(function, form, order["columns"])
    called.reference_as = order["reference_as"]
    _check_parameters(called)
    return called


def _found(module: str, name: str) -> Any:
    path = Path(module)
    if path.suffix == ".py":
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.exists():
            raise CannotCallError(f"no file {module}")
        loaded = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(path.resolve().parent))
        sys.modules[path.stem] = loaded
        spec.loader.exec_module(loaded)
    else:
        loaded = importlib.import_module(module)
    found: Any = loaded
    for part in name.split("."):
        if not hasattr(found, part):
            names = [n for n, v in vars(found).items() if callable(v) and not n.startswith("_")]
            raise CannotCallError(f"no `{part}` in {module}; it has {', '.join(names[:12])}")
        found = getattr(found, part)
    return found


def detect_form(function: Callable[..., Any]) -> str:
    """The calling convention that the names of the parameters tell."""
    names = {p.name for p in _parameters(function)}
    if {"solution_str", "ground_truth"} <= names:
        return "verl"
    if {"queries", "prompts"} <= names:
        return "openrlhf"
    if "completions" in names:
        return "trl"
    if len(names) < 2:
        shown = ", ".join(sorted(names)) or "none"
        raise CannotCallError(f"its parameters ({shown}) tell no form; say which with --as-form")
    return "plain"


def _check_parameters(called: Called) -> None:
    """Refuse a function that wants something nobody would give it."""
    known: set[str] = set(called.columns)
    if called.form == "plain":
        known |= set(plain_roles(called.function, reference_as=called.reference_as))
    elif called.form == "verl":
        known |= {"data_source", "solution_str", "ground_truth", "extra_info"}
    elif called.form == "openrlhf":
        known |= {"queries", "prompts", "labels"}
    else:
        known |= {*_TRL_OWN, *GOLDS, *EITHER, *QUESTIONS, called.reference_as or ""}
    wanted = [p.name for p in _parameters(called.function) if p.default is p.empty]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise CannotCallError(
            f"nothing to give as `{missing[0]}`; name the parameter of the reference with "
            "--reference-as, or give a value with --columns"
        )


def answer(called: Called | None, order: dict[str, Any]) -> tuple[Called | None, dict[str, Any]]:
    """What an order comes to: the loaded reward, or the scores of items."""
    if order["do"] == "load":
        called = load(order)
        return called, {"form": called.form, "name": getattr(called.function, "__name__", "")}
    assert called is not None  # the parent loads first
    started = time.perf_counter()
    items, shape = order["items"], order["shape"]
    if order["in_threads"]:
        one_each = called.form in ("plain", "verl")
        batches = [[item] for item in items] if one_each else [items]
        with ThreadPoolExecutor(_THREADS) as pool:
            told = list(pool.map(lambda batch: called.score(batch, shape), batches))
        values = [value for batch in told for value in batch]
    else:
        values = called.score(items, shape)
    scores = [plain_score(value) for value in values]
    return called, {"scores": scores, "seconds": time.perf_counter() - started}


def main() -> None:
    """Serve orders until standard input ends."""
    own_folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != own_folder]
    orders = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nothing, place)
    called: Called | None = None
    for line in orders:
        order = json.loads(line)
        if order.get("memory_mb"):
            most = order["memory_mb"] << 20
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            called, told = answer(called, order)
        except CannotCallError as error:
            told = {"refused": str(error)}
        except BaseException as error:  # noqa: BLE001 - whatever a user's code raises is what we report
            told = {"raised": _shown(error)}
        replies.write(json.dumps(told).encode() + b"\n")
        replies.flush()


def _shown(error: BaseException) -> str:
    message = "a message that cannot be shown"
    with contextlib.suppress(Exception):
        message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:_MOST_SIGNS]


if __name__ == "__main__":
    main()
