"""The page of an audit in a real browser, and the words that sum it up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tamis.reports.audit_page import clip, in_short, render_audit, show_share
from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.results import Audit
from tamis.rewards.audit.target import Options

from .test_browser import browser, open_page

__all__ = ["browser"]

WEAK = """
def score(response, reference):
    return float(reference in response) + min(len(response), 1000) / 10_000
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    file = tmp_path_factory.mktemp("weak") / "weak.py"
    file.write_text(WEAK)
    return audit(f"{file}:score", Options(), Settings(n_variants=1))


@pytest.fixture
def saved(tmp_path: Path, found: Audit) -> Path:
    path = tmp_path / "audit.html"
    path.write_text(render_audit(found), encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [1240, 360])
def test_the_page_is_alone_and_nothing_sticks_out(
    browser: Any,
    saved: Path,
    width: int,
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "java_script_enabled": True}
    page, asked, said = open_page(browser, saved, **options)
    assert (asked, said) == ([], [])
    assert page.evaluate("document.scripts.length") == 0
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_sentences_say_what_the_numbers_say(found: Audit) -> None:
    told = " ".join(in_short(found))
    own = sum(family.tried for family in found.families)
    paid = sum(family.paid for family in found.families)
    assert f"{paid:,} of {own:,} attacks were paid" in told
    assert f"Of {found.honest:,} right answers, {found.rejected:,} were rejected" in told
    assert "A wrong answer goes from " in told


def test_a_long_answer_is_cut_in_its_middle_and_says_so() -> None:
    assert clip("short") == "short"
    cut = clip("a" * 30_000 + "b" * 30_000)
    assert cut.startswith("aaa") and cut.endswith("bbb") and "59,300 characters left out" in cut


def test_few_tries_carry_an_interval() -> None:
    assert show_share(1, 10) == "10%, 1.8% to 40%"
    assert show_share(1, 100) == "1.0%"
    assert show_share(0, 0) == ""
