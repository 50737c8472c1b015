"""The page stands alone, shows hostile text as text, and says what `report.json` says."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tamis.reports import build_report, render
from tamis.reports.html import emphasise

from .make_run import make_check_run

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: tags, attributes, ids, and whether tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return render(json.loads(json.dumps(report)))


def test_hostile_text_is_shown_and_never_obeyed(page: str) -> None:
    seen = Page(page)
    assert "<script>alert('x')</script> ⟨U+0000⟩⟨U+001B⟩[31m ⟨U+202E⟩gnp.exe" in "".join(seen.text)
    assert not seen.tags & {"script", "img", "iframe", "object", "link", "base", "form"}
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]


def test_no_control_character_reaches_the_page(page: str) -> None:
    assert [c for c in page if ord(c) < 32 and c != "\n"] == []
    assert not {*map(chr, [*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])} & {
        *page
    }


def test_the_page_refers_to_nothing_outside_itself(page: str) -> None:
    seen = Page(page)
    ids = [value for name, value in seen.attributes if name == "id"]
    links = [value or "" for name, value in seen.attributes if name in ("href", "src", "action")]
    assert links and {link[1:] for link in links} <= set(ids) and all(k[0] == "#" for k in links)
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_ids_are_unique_and_tags_are_closed_in_order(page: str) -> None:
    seen = Page(page)
    ids = [value for name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids)) and seen.open == []


def test_every_picture_has_a_title_a_description_and_a_table(page: str) -> None:
    n = page.count('<svg class="chart')
    assert n > 10 and page.count("<desc id=") == n
    assert page.count("The numbers behind it") >= n - 3  # flow and rules have tables of their own


def test_a_report_is_rendered_from_its_json_alone(
    page: str, sft_run: Path, report: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert render(json.loads(json.dumps(report))) == page


def test_small_words_on_the_page_are_right(page: str) -> None:
    text = "".join(Page(page).text)
    assert "240 conversations came in; 9 could not be read" in text
    assert "Recorded answers." in text
    assert not re.search(r"(?<![\d,])1 (conversations|findings|rows|clusters|values)\b", text)


def test_quotes_and_entities_in_a_sentence_stay_text() -> None:
    assert emphasise("it's 3 < `a<b` & \x00") == (
        "it&#39;s <strong>3</strong> &lt; <code>a&lt;b</code> &amp; ⟨U+0000⟩"
    )


@pytest.mark.slow
def test_a_hundred_thousand_rows_make_a_small_page_quickly(tmp_path: Path) -> None:
    run = make_check_run(tmp_path / "run", n=100_000, shards=4)
    before = time.process_time()
    report = build_report(run)
    page = render(report)
    assert time.process_time() - before < 10  # about 1 s alone on a quiet core
    assert len(page.encode()) < 3_000_000 and len(json.dumps(report)) < 1_000_000
