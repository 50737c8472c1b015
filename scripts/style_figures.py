"""The shape of our code in figures, beside the same figures of code that others admire or dread.

`style_figures.py` prints the table; `--check` prints what is over a budget and fails on a hard one.
Lengths are physical lines, docstrings included; a function's length runs from `def` to its last line;
parameters do not count `self` and `cls`; a class chain counts this package's own classes in one line
of inheritance; "public" is every module, and every class, function and method without an underscore
in its path, nested functions apart.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "tamis"

# Measured by us, with the same definitions as far as they go, on the published sources of these projects.
OTHERS = """\
| httpx | 23 | 8,827 | 248 | 641 | 2,019 | 47 | 133 | 20 | 100% | 5 (errors only) | 48% |
| starlette | 34 | 6,712 | 145 | 548 | 876 | 39 | 149 | 14 | 98% | 3 | |
| thinc/layers | 68 | 5,094 | 66 | 143 | 319 | 32 | 73 | 10 | 86% | none | 22% |
| inspect scorer | 32 | 6,548 | 130 | 523 | 1,266 | 70 | 135 | 7 | 100% | 2 | |
| semhash | 7 | 1,020 | 89 | 551 | 551 | 68 | 68 | 6 | 100% | 1 | 96-100% |
| model2vec | 27 | 3,230 | 55 | 320 | 561 | 62 | 140 | 15 | 100% | 2 | 96-100% |
| nanochat | 14 | 3,414 | 262 | 459 | 555 | 65 | 100 | 10 | 9% | 2 | |
| *heavy:* data-juicer | 271 | 48,382 | 124 | 349 | 1,215 | 76 | 513 | 31 | 9% | 5 | |
| *heavy:* verl | 356 | 108,166 | 196 | 696 | 2,548 | 82 | 466 | 35 | 44% | 5 | |
| *heavy:* LLaMA-Factory | 215 | 48,574 | 111 | 425 | 3,688 | 77 | 434 | 19 | 80% | 4 | |
| *heavy:* NeMo Curator | 453 | 70,411 | 116 | 378 | 798 | 55 | 158 | 30 | 93% | 4 | |
| *heavy:* TRL | 153 | 62,224 | 164 | 1,154 | 3,374 | 130 | 894 | 26 | 49% | 3 | |"""
COLUMNS = (
    "code|files|lines|median file|p90 file|largest file|p95 function|longest function|most params"
    "|return types|deepest class chain|public docstrings"
)

FILE_SOFT, FILE_HARD = 400, 600
FUNCTION_SOFT, FUNCTION_HARD = 45, 80
PARAMS_SOFT, PARAMS_HARD = 6, 8
CHAIN_HARD, ERROR_CHAIN_HARD = 2, 3
# Where a failure has to be caught whole: the shard loop, the sandbox's parent, and the outermost frame
# of the command line, which turns a bug of ours into exit code 5.
CATCHES_ALL = ("engine/", "sandbox/", "cli/main.py", "rewards/audit/caller.py")


@dataclass(frozen=True)
class Function:
    """One `def`: where it stands, how long it is, what it takes and promises."""

    place: str
    n_lines: int
    n_params: int
    typed: bool


@dataclass(frozen=True)
class Figures:
    """Everything counted in one pass over the package."""

    files: dict[str, int] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    class_places: dict[str, str] = field(default_factory=dict)
    public: dict[str, bool] = field(default_factory=dict)
    offences: list[str] = field(default_factory=list)


def measure(package: Path) -> Figures:
    """Figures of every Python file below `package`."""
    figures = Figures()
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        name = path.relative_to(package).as_posix()
        tree = ast.parse(source, filename=name)
        figures.files[name] = source.count("\n")
        figures.public[name] = ast.get_docstring(tree) is not None
        _walk(tree, name, True, _imports(tree), figures)
        figures.offences.extend(_offences(tree, source, name))
    return figures


def _imports(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a file stands for."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}" if node.module else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _walk(
    node: ast.AST, name: str, public: bool, imports: dict[str, str], figures: Figures
) -> None:
    module = "tamis." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            place = f"{name}:{child.lineno} {child.name}"
            visible = public and not child.name.startswith("_")
            full = f"{module}.{child.name}"
            figures.bases[full] = tuple(_full_name(base, module, imports) for base in child.bases)
            figures.class_places[full] = place
            if visible:
                figures.public[place] = ast.get_docstring(child) is not None
            _walk(child, name, visible, imports, figures)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{name}:{child.lineno} {child.name}"
            figures.functions.append(_function(child, place))
            if public and not child.name.startswith("_"):
                figures.public[place] = ast.get_docstring(child) is not None
            _walk(child, name, False, imports, figures)
        else:
            _walk(child, name, public, imports, figures)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, place: str) -> Function:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    stars = [star for star in (node.args.vararg, node.args.kwarg) if star]
    params = [arg for arg in named if arg.arg not in ("self", "cls")] + stars
    assert node.end_lineno
    return Function(place, node.end_lineno - node.lineno + 1, len(params), node.returns is not None)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _full_name(node: ast.expr, module: str, imports: dict[str, str]) -> str:
    if isinstance(node, ast.Subscript):
        return _full_name(node.value, module, imports)
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, module, imports)}.{node.attr}"
    name = getattr(node, "id", "")
    return imports.get(name, f"{module}.{name}")


def _offences(tree: ast.Module, source: str, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and not name.startswith(CATCHES_ALL):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(
                kind is None or _last_name(kind) in ("Exception", "BaseException")
                for kind in caught
            ):
                yield f"{name}:{node.lineno}: catches everything; name the errors you expect"
        if isinstance(node, ast.Global):
            yield f"{name}:{node.lineno}: a function writes to module-level {', '.join(node.names)}"
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if (
                    isinstance(method, ast.FunctionDef)
                    and method.name == "__init__"
                    and method.args.kwarg
                ):
                    yield f"{name}:{method.lineno}: a constructor swallows **{method.args.kwarg.arg}"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX)\b", token.string):
            yield f"{name}:{token.start[0]}: {token.string.strip()}"


def chain(name: str, bases: dict[str, tuple[str, ...]], seen: frozenset[str] = frozenset()) -> int:
    """How many classes of the package stand in the longest line of inheritance that ends in `name`."""
    if name not in bases or name in seen:
        return 0
    below = [chain(base, bases, seen | {name}) for base in bases[name]]
    return 1 + max(below, default=0)


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def row(figures: Figures) -> list[str]:
    """Our line of the table."""
    sizes = list(figures.files.values())
    lengths = [function.n_lines for function in figures.functions]
    typed = sum(function.typed for function in figures.functions) / len(figures.functions)
    documented = sum(figures.public.values()) / len(figures.public)
    return [
        "**tamis**",
        str(len(sizes)),
        f"{sum(sizes):,}",
        f"{median(sizes):.0f}",
        str(percentile(sizes, 0.9)),
        f"{max(sizes):,}",
        str(percentile(lengths, 0.95)),
        str(max(lengths)),
        str(max(function.n_params for function in figures.functions)),
        f"{typed:.0%}",
        _deepest(figures),
        f"{documented:.0%}",
    ]


def _is_error(name: str) -> bool:
    return name.endswith(("Error", "Interrupted", "Timeout"))


def _deepest(figures: Figures) -> str:
    chains = {name: chain(name, figures.bases) for name in figures.bases}
    errors = max((depth for name, depth in chains.items() if _is_error(name)), default=0)
    rest = max((depth for name, depth in chains.items() if not _is_error(name)), default=0)
    return f"{errors} (errors), {rest}" if errors > rest else str(rest)


def table(figures: Figures) -> str:
    """Our figures and everyone else's, as a Markdown table."""
    columns = COLUMNS.split("|")
    return "\n".join(
        [
            f"| {' | '.join(columns)} |",
            "|---|" + "--:|" * (len(columns) - 1),
            f"| {' | '.join(row(figures))} |",
            OTHERS,
        ]
    )


def over_budget(figures: Figures) -> tuple[list[str], list[str]]:
    """What is over a soft budget, and what is over a hard one, each as one line."""
    soft, hard = [], list(figures.offences)
    sized = [
        (f"{name}: file of {n} lines", n, FILE_SOFT, FILE_HARD) for name, n in figures.files.items()
    ]
    for function in figures.functions:
        sized.append(
            (
                f"{function.place}: {function.n_lines} lines",
                function.n_lines,
                FUNCTION_SOFT,
                FUNCTION_HARD,
            )
        )
        sized.append(
            (
                f"{function.place}: {function.n_params} parameters",
                function.n_params,
                PARAMS_SOFT,
                PARAMS_HARD,
            )
        )
        if not function.typed:
            hard.append(f"{function.place}: no return type")
    for text, value, soft_limit, hard_limit in sized:
        if value > soft_limit:
            (hard if value > hard_limit else soft).append(
                f"{text} (at most {soft_limit}, never {hard_limit})"
            )
    for name, place in figures.class_places.items():
        limit = ERROR_CHAIN_HARD if _is_error(name) else CHAIN_HARD
        if chain(name, figures.bases) > limit:
            hard.append(f"{place}: more than {limit} classes deep")
    hard += [
        f"{place}: no docstring" for place, documented in figures.public.items() if not documented
    ]
    return soft, hard


def main() -> int:
    """Print the table, or with `--check` what is over budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when a hard budget is broken")
    arguments = parser.parse_args()
    figures = measure(PACKAGE)
    if not arguments.check:
        print(table(figures))
        print(
            "\nOther projects: measured by us on their published sources; blank where we did not measure."
        )
        return 0
    soft, hard = over_budget(figures)
    for line in soft:
        print(f"note: {line}")
    for line in hard:
        print(f"src/tamis/{line}", file=sys.stderr)
    print(
        f"size budgets: {len(figures.files)} files, {len(soft)} over a soft budget, {len(hard)} broken"
    )
    return 1 if hard else 0


if __name__ == "__main__":
    sys.exit(main())
