"""The page in a real browser, from `file://`, with scripts off: quiet, alone, and right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from tamis.reports import render

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def saved(tmp_path: Path, report: dict[str, Any]) -> Path:
    path = tmp_path / "report.html"
    path.write_text(render(json.loads(json.dumps(report))), encoding="utf-8")
    return path


def open_page(browser: Any, path: Path, **options: Any) -> tuple[Any, list[str], list[str]]:
    """The opened page, the requests it made beside itself, and what its console said."""
    context = browser.new_context(**{"java_script_enabled": False, **options})
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return page, [url for url in asked if url != path.as_uri()], said


def at(report: dict[str, Any], key: str) -> int:
    """The number of `report.json` behind a `data-key` of the page."""
    run, *path = key.split(".")
    number, _, part = run.removeprefix("run-").partition("-")
    section = report["sections"][int(number) - 1]
    if path[0] == "rule":
        rules = section["checks"]["findings"]["rules"]
        return next(r["rows"]["count"] for r in rules if r["rule"] == ".".join(path[1:]))
    if part:
        value = section["pass_rates"][int(part.removeprefix("rates-")) - 1][path[0]]
        return value["count"] if isinstance(value, dict) else value
    found: int = reduce(lambda place, name: place[name], path, section)
    return found


def test_the_page_is_alone_and_quiet_and_says_the_numbers_of_its_json(
    browser: Any, saved: Path, report: dict[str, Any]
) -> None:
    page, asked, said = open_page(browser, saved)
    assert (asked, said) == ([], [])
    shown = page.locator("data[data-key]").all()
    keys = [one.get_attribute("data-key") for one in shown]
    assert {"run-1.counts.read", "run-1.checks.findings.total", "run-2-rates-1.never"} <= {*keys}
    assert len(keys) > 20
    for key, one in zip(keys, shown, strict=True):
        assert int(one.get_attribute("value")) == at(report, key)
        assert one.text_content().split()[0] == f"{at(report, key):,}"


def test_the_page_is_quiet_with_scripts_on_too(browser: Any, saved: Path) -> None:
    page, asked, said = open_page(browser, saved, java_script_enabled=True)
    assert (asked, said) == ([], [])
    assert page.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("width", [1240, 620, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(
    browser: Any, saved: Path, width: int, scheme: str
) -> None:
    # a page at 200 % zoom is a page at half the width
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    page, _, _ = open_page(browser, saved, **options, java_script_enabled=True)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, saved: Path, scheme: str) -> None:
    page, _, _ = open_page(browser, saved, color_scheme=scheme, java_script_enabled=True)
    names = ["ink", "muted", "blue", "red", "amber", "green"]
    script = "n => getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim()"
    for ground in ("paper", "card", "soft"):
        behind = luminance(page.evaluate(script, ground))
        for name in names:
            before = luminance(page.evaluate(script, name))
            light, dark = max(before, behind), min(before, behind)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`. Source: WCAG 2.1, definition of relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
