"""The pages tell the truth: what they name exists, what they show runs, where they point there is something."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from tamis.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tamis"
DESIGN = sorted((ROOT / "docs" / "design").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#\s]+)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind == language]


def file_of(path: str) -> Path | None:
    found = [place for place in (SOURCE / path, ROOT / path) if place.is_file()]
    return found[0] if found else None


@cache
def defined(path: Path) -> frozenset[str]:
    """Functions and classes of a file; those of a class as `Class.name` too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{member.name}" for member in inner}
    return frozenset(names)


@cache
def all_defined() -> frozenset[str]:
    return frozenset().union(*(defined(path) for path in SOURCE.rglob("*.py")))


@pytest.mark.parametrize("page", DESIGN, ids=name)
def test_every_file_named_in_a_design_page_exists(page: Path) -> None:
    named = [code for code in CODE.findall(prose(page)) if re.fullmatch(r"[\w./-]+\.py", code)]
    assert [path for path in named if file_of(path) is None] == []


@pytest.mark.parametrize("page", DESIGN, ids=name)
def test_every_function_named_in_a_design_page_is_in_a_file_the_page_names(page: Path) -> None:
    codes = CODE.findall(prose(page))
    files = [found for code in codes if code.endswith(".py") and (found := file_of(code))]
    here = frozenset().union(*(defined(path) for path in files))
    called = [code[:-2] for code in codes if re.fullmatch(r"[A-Za-z_][\w.]*\(\)", code)]
    assert [function for function in called if function not in here] == []


@pytest.mark.parametrize("page", DESIGN, ids=name)
def test_every_class_named_in_a_design_page_exists(page: Path) -> None:
    words = [code.partition(".")[0] for code in CODE.findall(prose(page))]
    classes = {word for word in words if re.fullmatch(r"(?:[A-Z]+[a-z]+){2,}", word)}
    assert sorted(classes - all_defined()) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(prose(page)) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def commands(page: Path) -> list[str]:
    """What the page tells people to type, and inline code that is a whole command."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for _, block in FENCE.findall(text) for line in block.splitlines()]
    lines += [code for code in CODE.findall(prose(page)) if code.startswith("tamis ")]
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?tamis [a-z]", line)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_options_on_the_pages_exist(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    unknown = []
    for line in commands(page):
        words = shlex.split(line, comments=True)
        command = group.commands.get(words[1])
        if hasattr(command, "commands"):
            command = command.commands.get(words[2])
        known = {option for p in command.params for option in p.opts} if command else set()
        options = [word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)]
        if command is None or not {*options} <= known | {"--help"}:
            unknown.append(line)
    assert unknown == []


def run_tamis(*words: str, folder: Path, code: int = 0) -> str:
    """What `python -m tamis WORDS` prints in a folder; the modules of that folder can be imported."""
    done = subprocess.run(
        [sys.executable, "-m", "tamis", *words],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.partition("\n")[0]) == (code, "")
    return done.stdout


def test_the_walk_through_the_code_ends_as_the_page_says(tmp_path: Path) -> None:
    page = ROOT / "docs" / "design" / "core.md"
    (tmp_path / "pool.jsonl").write_text(blocks(page, "jsonl")[0], encoding="utf-8")
    (tmp_path / "vet.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    run_tamis("run", "vet.yaml", folder=tmp_path)
    ids = [f"pool.jsonl:{key}" for key in ("a1", "a2", "a1@3", "4")]
    told = [run_tamis("why", "sft.jsonl", one, folder=tmp_path) for one in ids]
    assert "".join(told) == blocks(page, "text")[0]
    first = (tmp_path / "pool.jsonl").read_bytes().splitlines(keepends=True)[0]
    assert (tmp_path / "sft.jsonl").read_bytes() == first


OPENAI = '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"%s"}]}\n'
RIVER = OPENAI % (
    "Where does the Rhine end?",
    "The Rhine ends in the North Sea, in the Netherlands.",
)
LOUD = OPENAI % ("TELL ME NOW?", "Shouting does not make the answer come any faster, I am afraid.")
PLEA = OPENAI % ("Name a river in France.", "The Loire is the longest river that France has.")
OPEN_THINK = OPENAI % ("What is 6 * 7?", "<think>6 * 7 = 42, so the answer must be 42.")
SHAREGPT = (
    '[{"conversations":[{"from":"human","value":"Where does the Danube end?"},'
    '{"from":"gpt","value":"The Danube ends in the Black Sea, in Romania."}]}]'
)


def test_the_operator_of_the_guide_runs_as_the_guide_says(tmp_path: Path) -> None:
    page = ROOT / "docs" / "guides" / "own-operator.md"
    module = next(text for text in blocks(page, "python") if text.startswith("import tamis"))
    (tmp_path / "house_rules.py").write_text(module, encoding="utf-8")
    (tmp_path / "asked.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    (tmp_path / "pool.jsonl").write_text(RIVER + LOUD + PLEA, encoding="utf-8")
    run_tamis("run", "asked.yaml", folder=tmp_path)
    assert (tmp_path / "asked.jsonl").read_text("utf-8") == RIVER
    reasons = [run_tamis("why", "asked.jsonl", f"pool.jsonl:{n}", folder=tmp_path) for n in (2, 3)]
    assert [said.splitlines()[2] for said in reasons] == [
        "  dropped by step `keep`: shouts",
        "  dropped by step `keep-2`: asks nothing",
    ]


def test_the_full_recipe_of_the_guide_runs(tmp_path: Path) -> None:
    page = ROOT / "docs" / "guides" / "recipes.md"
    (tmp_path / "vet.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "pool.jsonl").write_text(RIVER + OPEN_THINK + RIVER, encoding="utf-8")
    (tmp_path / "raw" / "share.json").write_text(SHAREGPT, encoding="utf-8")
    run_tamis("run", "vet.yaml", folder=tmp_path)
    run_tamis("export", "vetted", "--to", "openai", "-o", "sft.jsonl", folder=tmp_path)
    asked = (tmp_path / "sft.jsonl").read_text("utf-8")
    assert [asked.count(river) for river in ("Rhine end?", "Danube end?", "6 * 7")] == [1, 1, 0]


def test_the_gate_of_the_guide_fails_on_an_error_and_passes_without(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(OPEN_THINK, encoding="utf-8")
    (tmp_path / "good.jsonl").write_text(RIVER, encoding="utf-8")
    told = run_tamis("check", "bad.jsonl", "--format", "json", folder=tmp_path, code=1)
    assert '"gates_missed":[{"gate":"error","rules":["think-tags/unpaired"]}]' in told
    assert run_tamis("check", "good.jsonl", "--format", "quiet", folder=tmp_path) == ""


def test_the_first_screen_of_the_readme_is_what_the_demo_prints(tmp_path: Path) -> None:
    told = run_tamis("demo", "--recorded", folder=tmp_path)
    assert told == blocks(ROOT / "README.md", "text")[0]
