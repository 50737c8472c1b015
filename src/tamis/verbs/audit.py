"""The verb that attacks a reward: one of ours, the user's function, or an address."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tamis.dataset import write_bytes
from tamis.engine.finish import version
from tamis.errors import RecipeError, StoreError
from tamis.reports.audit_lines import audit_lines
from tamis.reports.audit_page import render_audit
from tamis.reports.visible import visible
from tamis.rewards.audit.engine import Settings, audit
from tamis.rewards.audit.results import Audit
from tamis.rewards.audit.target import FORMS, Options
from tamis.verbs.common import Result

GATES = ("paid", "partly", "hung", "raised", "unstable", "rejected", "gold")
DEFAULT_GATE = ("paid", "hung", "unstable")
_WITH_RATE = ("rejected", "gold")


def reward_audit(
    target: str,
    *,
    options: Options | None = None,
    settings: Settings | None = None,
    gate: Sequence[str] = DEFAULT_GATE,
    output: str | None = None,
    quiet: bool = False,
) -> Result:
    """Attack a reward: what wrong answers are paid, what right ones are rejected, and what makes it waver.

    target: a reward of ours by name, `module:function` or `file.py:function`, or an http(s) address.
    `output` is a page ending in .html (its numbers as JSON beside it) or a folder for both. `gate` names
    what makes the exit code 1: paid, partly, hung, raised, unstable, rejected:RATE, gold:RATE, none.
    """
    options, settings = options or Options(), settings or Settings()
    if options.form is not None and options.form not in FORMS:
        raise RecipeError(f"--as-form {options.form}: expected {', '.join(FORMS)}")
    if settings.n_variants < 0:
        raise RecipeError(f"--variants {settings.n_variants}: expected 0 or more")
    if not options.limits.call_s > 0:
        raise RecipeError(f"--time-limit {options.limits.call_s:g}: expected more than 0 seconds")
    gates = [parse_gate(text) for text in gate if text != "none"]
    page = _page(output)
    found = audit(target, options, settings, say=_quiet if quiet else _say)
    found = msgspec.structs.replace(found, tamis_version=version())
    body: dict[str, Any] = msgspec.to_builtins(found)
    missed = [told for name, most in gates if (told := missed_gate(found, name, most)) is not None]
    lines = [*audit_lines(found), *(f"gate {told}" for told in missed)]
    if page is not None:
        write_bytes(page, render_audit(found).encode())
        write_bytes(page.with_suffix(".json"), msgspec.json.encode(body))
        lines.append(f"page: {page}")
    return Result(
        command="reward audit",
        output=None if page is None else str(page),
        exit_code=1 if missed else 0,
        lines=lines,
        body={"audit": body, "gates_missed": missed},
        renderings={"md": lambda: "\n".join(["```text", *map(visible, lines), "```"])},
    )


def parse_gate(text: str) -> tuple[str, float]:
    """A gate and the share up to which it is kept.

    >>> parse_gate("rejected:0.01")
    ('rejected', 0.01)
    """
    name, colon, rate = text.partition(":")
    if name not in GATES or bool(colon) != (name in _WITH_RATE):
        told = ", ".join(f"{g}:RATE" if g in _WITH_RATE else g for g in GATES)
        raise RecipeError(f"--gate {text}: expected {told} or none")
    try:
        most = float(rate) if colon else 0.0
    except ValueError:
        most = -1.0
    if not 0.0 <= most <= 1.0:
        raise RecipeError(f"--gate {text}: expected a rate between 0 and 1")
    return name, most


def missed_gate(found: Audit, name: str, most: float) -> str | None:
    """How a gate was missed, in words; None when it was kept."""
    n, of = _counts(found)[name]
    if n == 0 or (of and n / of <= most):
        return None
    return f"{name}: {n:,} of {of:,}" if of else f"{name}: {n:,}"


def _counts(found: Audit) -> dict[str, tuple[int, int]]:
    """What each gate counts, of how many; 0 where there is no number of tries."""
    twins = sum(n.twins for n in found.notations)
    ends = {group.failure: 0 for group in found.failures}
    for group in found.failures:
        ends[group.failure] += group.n
    return {
        "paid": (found.paid + sum(n.twins_paid for n in found.notations), found.tried + twins),
        "partly": (sum(f.partly for f in found.families), sum(f.tried for f in found.families)),
        "hung": (ends.get("hung", 0) + ends.get("died", 0), 0),
        "raised": (ends.get("raised", 0) + ends.get("no_score", 0), 0),
        "unstable": (
            sum(w.changed for w in found.stability),
            sum(w.tried for w in found.stability),
        ),
        "rejected": (found.rejected, found.honest),
        "gold": (found.gold.failed, found.gold.tried),
    }


def _page(output: str | None) -> Path | None:
    """Where the page goes; raises StoreError where something else stands."""
    if output is None:
        return None
    path = Path(output)
    page = path if path.suffix == ".html" else path / "audit.html"
    if path.suffix not in ("", ".html") and not path.is_dir():
        raise StoreError(
            f"-o {output}: an audit is a page ending in .html, or a folder to put it in"
        )
    for place in (page, page.with_suffix(".json")):
        if place.exists() and b"tamis" not in place.read_bytes()[-4_000:].lower():
            raise StoreError(f"{place}: exists and is not an audit; choose another name with -o")
    page.parent.mkdir(parents=True, exist_ok=True)
    return page


def _say(told: str) -> None:
    sys.stderr.write(f"{told}\n")


def _quiet(_told: str) -> None:
    pass
