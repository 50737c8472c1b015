"""`tamis reward audit` as a verb: lines, a page, gates, refusals."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tamis.errors import RecipeError, StoreError
from tamis.rewards.audit.engine import Settings
from tamis.verbs.audit import parse_gate, reward_audit

BARE = Settings(n_variants=0)
GOOD = """
import re
def score(response, reference):
    found = set(re.findall(r"\\\\boxed\\{([^{}]*)\\}", response.split("</think>")[-1]))
    return float(found == {reference})
"""
# the hostile text must stand on the page as text
BAD = """
def score(response, reference):
    return float(reference in response)
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    (tmp_path / "good.py").write_text(GOOD)
    return f"{tmp_path}/good.py:score"


@pytest.fixture
def bad(tmp_path: Path) -> str:
    (tmp_path / "bad.py").write_text(BAD)
    return f"{tmp_path}/bad.py:score"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_weak_reward_fails_the_gate_and_each_paid_family_is_told_with_its_mend(bad: str) -> None:
    result = reward_audit(bad, settings=BARE, quiet=True)
    assert result.exit_code == 1
    assert result.body["gates_missed"][0].startswith("paid: ")
    shown = "\n".join(result.lines)
    paid = [f for f in result.body["audit"]["families"] if f["paid"]]
    assert len(paid) >= 5
    for family in paid:
        assert family["family"].replace("_", " ") in shown and family["mend"] in shown


def test_the_page_needs_nothing_else_and_shows_attacks_as_text(bad: str, tmp_path: Path) -> None:
    result = reward_audit(bad, settings=BARE, output=str(tmp_path / "out" / "a.html"), quiet=True)
    page = (tmp_path / "out" / "a.html").read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.found}
    assert all(
        (attrs.get("href") or "#").startswith("#") for tag, attrs in tags.found if tag == "a"
    )
    anchors = {attrs["id"] for _, attrs in tags.found if "id" in attrs}
    linked = {(attrs.get("href") or "")[1:] for tag, attrs in tags.found if tag == "a"}
    assert linked <= anchors
    assert "<!-- \\boxed" not in page and "&lt;!-- \\boxed" in page
    assert "\u202e" not in page
    assert result.output == str(tmp_path / "out" / "a.html")
    numbers = json.loads((tmp_path / "out" / "a.json").read_text())
    assert numbers == result.body["audit"]


def test_every_family_and_what_was_not_tried_stand_on_the_page(bad: str, tmp_path: Path) -> None:
    result = reward_audit(bad, settings=BARE, output=str(tmp_path / "pages"), quiet=True)
    page = (tmp_path / "pages" / "audit.html").read_text(encoding="utf-8")
    for family in result.body["audit"]["families"]:
        assert family["family"].replace("_", " ") in page
    for one in result.body["audit"]["skipped"]:
        assert f'<td class="n">{one["n"]}</td>' in page


def test_an_audit_is_written_again_but_never_over_something_else(good: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("<p>my page</p>")
    with pytest.raises(StoreError, match="exists and is not an audit"):
        reward_audit(good, settings=BARE, output=str(mine), quiet=True)
    for _ in range(2):
        reward_audit(good, settings=BARE, output=str(tmp_path / "own.html"), quiet=True)
    with pytest.raises(StoreError, match=r"a page ending in \.html"):
        reward_audit(good, settings=BARE, output=str(tmp_path / "own.pdf"), quiet=True)


@pytest.mark.parametrize(
    "gate", ["piad", "rejected", "paid:0.5", "gold:2", "rejected:x", "rejected:-1", "rejected:nan"]
)
def test_a_gate_that_says_nothing_is_refused(gate: str) -> None:
    with pytest.raises(RecipeError, match=f"--gate {gate}: expected"):
        parse_gate(gate)


def test_gates_by_share_and_none(good: str) -> None:
    codes = [
        reward_audit(good, settings=BARE, gate=[gate], quiet=True).exit_code
        for gate in ("none", "rejected:1", "rejected:0", "gold:1", "unstable")
    ]
    assert codes == [0, 0, 1, 0, 0]
