"""`VERIFY.md`: what was verified of a handover, told so that a person can decide to train on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tamis.export.flatten import WAYS
from tamis.export.handed import Handed
from tamis.export.targets.base import Handover, Target
from tamis.export.targets.templates import render
from tamis.export.verify import Tokens

_EDGES = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
_BAR_CHARS = 40
_MOST_PLACES = 10


def page(handover: Handover, target: Target, handed: Handed) -> str:
    """The page. A check that was not made is said to be not made, and why."""
    tokens = handed.verified.tokens
    return render(
        "VERIFY.md.jinja",
        handover=handover,
        target=target,
        handed=handed,
        replayed=handed.verified.replayed,
        proof=handed.proof,
        tokens=tokens,
        rules=[] if tokens is None else _rules(tokens),
        facts=[] if tokens is None else _facts(tokens, handover, target),
        bars=[] if tokens is None else _bars(tokens.lengths, handover.max_tokens),
        examples=[] if tokens is None else [list(_marked(example)) for example in tokens.examples],
        flattened=[(way, n, WAYS[way]) for way, n in sorted(handed.flattened.items())],
    )


class _Rule(NamedTuple):
    """A rule, how many rows break it of how many, and the first of them."""

    name: str
    n: int
    of: int
    places: str


def _rules(tokens: Tokens) -> list[_Rule]:
    n_masked = len(tokens.lengths)
    return [
        _Rule("0 trained tokens", len(tokens.no_trained), n_masked, _places(tokens.no_trained)),
        _Rule(
            "end of turn not trained",
            len(tokens.end_not_trained),
            n_masked,
            _places(tokens.end_not_trained),
        ),
    ]


def _places(rows: Sequence[int]) -> str:
    told = ", ".join(map(str, rows[:_MOST_PLACES]))
    return f"{told}, …" if len(rows) > _MOST_PLACES else told or "–"


_OVER = {
    "cut": "longer than the limit, cut in training",
    "dropped": "longer than the limit, dropped by the trainer",
    "stops the training": "longer than the limit, at which the trainer stops with an error",
}


def _facts(tokens: Tokens, handover: Handover, target: Target) -> list[tuple[str, str]]:
    """What the tokens say, as (what, how much)."""
    n_masked = len(tokens.lengths)
    ordered = sorted(tokens.lengths)
    facts = [
        ("rows looked at", f"{tokens.n_rows:,} of {handover.n_rows:,}"),
        (_OVER[target.over_limit], f"{tokens.n_cut:,} of {n_masked:,} rows"),
    ]
    if ordered:
        middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        facts.append(
            ("tokens a row", f"median {middle:,}, 95 % ≤ {late:,}, longest {ordered[-1]:,}")
        )
    if tokens.n_tokens and handover.kind != "questions":
        share = tokens.n_trained / tokens.n_tokens
        facts.append(
            ("trained tokens", f"{tokens.n_trained:,} of {tokens.n_tokens:,} ({share:.1%})")
        )
    facts += [(f"mask not found: {why}", f"{n:,} rows") for why, n in tokens.unalignable.items()]
    facts += [(f"not rendered: {why}", f"{n:,} rows") for why, n in tokens.broken.items()]
    return facts


def _bars(lengths: Sequence[int], limit: int) -> list[str]:
    """The histogram of lengths as text, with a line at the limit."""
    if not lengths:
        return []
    edges = sorted({*_EDGES, limit})
    counts = [0] * (len(edges) + 1)
    for length in lengths:
        counts[bisect_right(edges, length - 1)] += 1
    filled = [place for place, n in enumerate(counts) if n]
    most = max(counts)
    lines = []
    for place in range(filled[0], filled[-1] + 1):
        low = edges[place - 1] + 1 if place else 1
        span = f"{low:>6,} – {edges[place]:>6,}" if place < len(edges) else f"{low:>6,} and more"
        bar = "█" * max(round(counts[place] / most * _BAR_CHARS), 1 if counts[place] else 0)
        lines.append(f"{span:<16} {counts[place]:>7,} {bar}".rstrip())
        if place < len(edges) and edges[place] == limit and place < filled[-1]:
            lines.append(f"{'─' * 16} limit {limit:,} tokens {'─' * 20}")
    return lines


def _marked(example: Sequence[tuple[str, bool]]) -> Iterator[str]:
    """Rendered text in lines, `+` before what is trained; a line that is both is broken in two."""
    for text, trained in example:
        sign = "+ " if trained else "  "
        for line in text.split("\n"):
            if line:
                yield sign + line.replace("```", "ʼʼʼ")
