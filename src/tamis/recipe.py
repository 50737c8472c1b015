"""Recipes: the plain data that says what a run does.

A recipe is short YAML with `version`, `inputs`, `steps` and `outputs`, showing only what differs from
the defaults. Every data command is a recipe built in code; `--recipe-out` prints it.

    version: 1
    inputs: [raw/]
    steps:
      - think_tags
      - finding_counts: {checks: [think_tags]}
      - keep: {column: n_errors, at_most: 0}
    outputs: {path: clean.jsonl}
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import msgspec

from tamis import catalogue
from tamis.errors import RecipeError
from tamis.op import Op
from tamis.schema import Kind

VERSION = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One operator of a recipe: its catalogue name and its options."""

    op: str
    options: dict[str, Any] = {}


class Outputs(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Where rows go: a folder (data set) or a file by extension; `to` converts to another format.

    `for` names a trainer, whose folder `path` then is; `model`, `tokenizer`, `max_tokens` and `flatten`
    are told to it; `verify` runs its own loader with the interpreter `python`.
    """

    path: str | None = None
    to: str | None = None
    target: str | None = msgspec.field(default=None, name="for")
    model: str | None = None
    tokenizer: str | None = None
    max_tokens: int = 4096
    flatten: list[str] = []
    verify: bool = False
    python: str | None = None


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a run does, as plain data. Equal recipes over equal inputs give equal outputs.

    `kind` picks one kind of rows where the inputs hold several; `base_url` is the endpoint of the steps
    that ask a model, None for the local one.
    """

    inputs: list[str]
    steps: list[Step] = []
    outputs: Outputs = Outputs()
    as_format: str | None = None
    seed: int = 0
    limit: int | None = None
    where: str | None = None
    kind: Kind | None = None
    base_url: str | None = None

    def operators(self) -> list[tuple[str, Op]]:
        """(step name, operator) in order; a name used twice gets `-2`, `-3`, ...

        An operator with a `seed` of its own gets the recipe's unless its options name one.
        """
        seen: dict[str, int] = {}
        built = []
        for step in self.steps:
            base = step.op.rpartition(":")[2]
            seen[base] = seen.get(base, 0) + 1
            name = base if seen[base] == 1 else f"{base}-{seen[base]}"
            op = catalogue.make(step.op, step.options)
            if "seed" not in step.options and "seed" in op.__struct_fields__:
                op = msgspec.structs.replace(op, seed=self.seed)
            built.append((name, op))
        return built


_KEYS = (
    "version",
    "inputs",
    "steps",
    "outputs",
    "as",
    "seed",
    "limit",
    "where",
    "kind",
    "base_url",
)


def load(path: Path) -> Recipe:
    """Read and check a recipe file; relative inputs and outputs are relative to the working folder."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        loaded = yaml.safe_load(text)
        twice = _repeated(yaml.compose(text, Loader=yaml.SafeLoader))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    mistakes = [f"$.{key}: given twice" for key in twice]
    recipe = _build(loaded, mistakes)
    if mistakes or recipe is None:
        raise RecipeError("\n".join(f"{path} {mistake}" for mistake in mistakes))
    return recipe


def _repeated(node: Any) -> list[str]:
    """Keys that stand twice in one mapping: YAML's reader keeps the last without a word."""
    if node is None or isinstance(node.value, str):
        return []
    if node.id == "sequence":
        return [key for inner in node.value for key in _repeated(inner)]
    keys = [str(key.value) for key, _ in node.value]
    found = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    return found + [key for _, inner in node.value for key in _repeated(inner)]


def _build(loaded: Any, mistakes: list[str]) -> Recipe | None:
    if not isinstance(loaded, dict):
        mistakes.append(f"expected keys {', '.join(_KEYS)}, got {type(loaded).__name__}")
        return None
    for key in loaded:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            mistakes.append(
                f"$.{key}: unknown key" + (f"; did you mean `{near[0]}`?" if near else "")
            )
    if loaded.get("version") != VERSION:
        mistakes.append(f"$.version: expected {VERSION}, got {loaded.get('version')!r}")
    steps = [
        step
        for i, raw in enumerate(_list_of(loaded, "steps", mistakes))
        if (step := _step(raw, f"steps[{i}]", mistakes)) is not None
    ]
    fields = {
        "inputs": [str(item) for item in _list_of(loaded, "inputs", mistakes)],
        "outputs": loaded.get("outputs") or {},
        "as_format": loaded.get("as"),
        "seed": loaded.get("seed", 0),
        "limit": loaded.get("limit"),
        "where": loaded.get("where"),
        "kind": loaded.get("kind"),
        "base_url": loaded.get("base_url"),
    }
    if not fields["inputs"]:
        mistakes.append("$.inputs: expected at least one file, folder or data set")
    try:
        return msgspec.structs.replace(msgspec.convert(fields, Recipe), steps=steps)
    except msgspec.ValidationError as error:
        mistakes.append(str(error).replace(" - at `", ", at `"))
        return None


def _list_of(loaded: dict[str, Any], key: str, mistakes: list[str]) -> list[Any]:
    value = loaded.get(key, [])
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        mistakes.append(f"$.{key}: expected a list, got {type(value).__name__}")
        return []
    return value


def _step(raw: Any, where: str, mistakes: list[str]) -> Step | None:
    if isinstance(raw, str):
        raw = {raw: None}
    if not (isinstance(raw, dict) and len(raw) == 1):
        mistakes.append(f"{where}: expected `name` or `name: {{options}}`, got {raw!r}")
        return None
    ((op, options),) = raw.items()
    options = {} if options is None else options
    if not isinstance(options, dict):
        mistakes.append(f"{where}: expected options of `{op}` as keys and values, got {options!r}")
        return None
    try:
        catalogue.make(str(op), options)
    except RecipeError as error:
        mistakes.append(f"{where}: {error}")
        return None
    return Step(op=str(op), options=options)


def dump(recipe: Recipe) -> str:
    """The recipe as YAML, showing only what differs from the defaults."""
    import yaml

    shown: dict[str, Any] = {"version": VERSION, "inputs": recipe.inputs}
    for key, value in (
        ("as", recipe.as_format),
        ("kind", recipe.kind),
        ("limit", recipe.limit),
        ("where", recipe.where),
        ("base_url", recipe.base_url),
    ):
        if value is not None:
            shown[key] = value
    if recipe.seed:
        shown["seed"] = recipe.seed
    shown["steps"] = [{step.op: step.options} if step.options else step.op for step in recipe.steps]
    if outputs := msgspec.to_builtins(recipe.outputs):
        shown["outputs"] = outputs
    text: str = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)
    return text
