"""The house keeps its shape: what an import pulls in, what is documented, what may not appear."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tamis

PACKAGE = Path(tamis.__file__).parent
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], prefix="tamis."))
TABLES_AND_WEB = {"pyarrow", "sqlalchemy", "fastapi", "typer", "pandas", "torch", "duckdb"}
# Each takes a noticeable part of a second, or tens of megabytes; the one file that needs it loads it late.
HEAVY = {
    *("numba", "llvmlite", "hyperscan", "openai", "model2vec", "duckdb", "altair", "vl_convert"),
    *("jsonschema_rs", "pycld2", "pandas", "torch", "sklearn", "xllamacpp", "jinja2", "aiohttp"),
}


def roots_after_import(module: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded once it imported `module`."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def _exists(module: str) -> bool:
    return module in MODULES


@pytest.mark.parametrize(
    "module",
    ["errors", "records", "text", "rewards", "rewards.code", "sandbox", "sandbox.box", "llm"],
)
def test_a_trainer_can_import_the_light_rooms_without_tables_or_web(module: str) -> None:
    if not _exists(f"tamis.{module}"):
        pytest.skip(f"tamis.{module} is not built yet")
    assert roots_after_import(f"tamis.{module}") & (TABLES_AND_WEB | HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize("module", ["tamis", "tamis.cli.main"])
def test_importing_the_face_or_the_command_line_loads_nothing_heavy(module: str) -> None:
    if module != "tamis" and not _exists(module):
        pytest.skip(f"{module} is not built yet")
    assert roots_after_import(module) & HEAVY == set()


def test_importing_tamis_alone_does_not_load_arrow() -> None:
    assert "pyarrow" not in roots_after_import("tamis")


@pytest.mark.parametrize("room", ["checks", "measures", "rewrites", "selects", "formats"])
def test_importing_every_operator_of_a_room_loads_nothing_heavy(room: str) -> None:
    modules = [name for name in MODULES if name.startswith(f"tamis.{room}")]
    assert roots_after_import(", ".join(modules)) & HEAVY == set()


def test_the_public_face_is_a_sorted_list_of_names_that_exist() -> None:
    names = list(getattr(tamis, "__all__", []))
    assert names == sorted(names)
    assert [name for name in names if not hasattr(tamis, name)] == []


def test_the_verbs_stay_callable_when_the_rooms_of_the_same_name_are_loaded() -> None:
    """`tamis.export` is the verb even after `tamis.export.rows` was imported."""
    verbs = [name for name in getattr(tamis, "__all__", []) if name.islower()]
    code = f"import tamis, {', '.join(MODULES)}\nprint([v for v in {verbs} if not callable(getattr(tamis, v))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_module_can_be_imported() -> None:
    assert roots_after_import(", ".join(MODULES)) >= {"tamis"}


def test_every_test_file_stands_where_its_module_stands() -> None:
    """`tests/checks/test_x.py` tests `checks`: a folder of tests is named after a room, or on this list."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    folders = {path.name for path in (Path(__file__).parent).iterdir() if path.is_dir()}
    assert folders - rooms <= {
        "contract",
        "data",
        "trainers",
        "trainers_factory",
        "browser",
        "scripts",
        "__pycache__",
    }


def _undocumented(tree: ast.AST, place: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{place}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node, f"{place}.{node.name}")


def test_every_module_and_every_public_name_has_a_docstring() -> None:
    missing = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        missing += [] if ast.get_docstring(tree) else [name]
        missing += _undocumented(tree, name)
    assert missing == []
