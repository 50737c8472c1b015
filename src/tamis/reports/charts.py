"""Pictures of binned numbers as inline SVG that follows the page's colours, dark mode and print.

Each picture is drawn from parts of `report.json` alone and carries a title and a description; colours
are CSS classes, so one picture serves light, dark and paper. Everything textual is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from tamis.reports.bins import show_number
from tamis.reports.contents import Bin, QuestionRate, RuleFindings
from tamis.reports.visible import visible
from tamis.reports.words import count_noun, show_percent

_LEFT, _TOP, _BOTTOM = 44.0, 14.0, 38.0


def picture(
    key: str, size: tuple[float, float], words: tuple[str, str], parts: list[str]
) -> Markup:
    """An SVG of the given (width, height) with its (title, description); `key` is unique on the page."""
    width, height = size
    title, description = (escape(visible(word)) for word in words)
    wide = " wide" if width > 400 else ""
    return Markup(
        f'<svg class="chart{wide}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{title}</title>'
        f'<desc id="{key}-d">{description}</desc>{"".join(parts)}</svg>'
    )


def label(x: float, y: float, text: str, classes: str = "", anchor: str = "middle") -> str:
    """A piece of text at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">'
        f"{escape(visible(text))}</text>"
    )


def box(x: float, y: float, width: float, height: float, classes: str) -> str:
    """A rectangle; its colour comes from its classes."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
        f'class="{classes}"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    """A straight line; its colour comes from its classes."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def histogram(
    key: str,
    bins: Sequence[Bin],
    title: str,
    *,
    rows: str = "rows",
    wide: bool = False,
    band: tuple[float | None, float | None] | None = None,
) -> Markup:
    """Bars of counts; where the bins know it, the kept part of each bar is darker.

    `band` shades the bars that lie inside the given bounds; a null bound is open.
    """
    width, height = (720.0, 250.0) if wide else (340.0, 190.0)
    top, floor = _TOP, height - _BOTTOM
    most = max((b.count for b in bins), default=0)
    scale = (floor - top) / most if most else 0.0
    pitch = (width - _LEFT - 8) / max(len(bins), 1)
    parts = _shaded(bins, band, (pitch, top, floor)) + _grid(most, (width, top, floor))
    gap = min(pitch * 0.14, 6)
    for i, a_bin in enumerate(bins):
        x = _LEFT + i * pitch + gap / 2
        tip = f"{a_bin.label}: {count_noun(a_bin.count, rows)}"
        inner = _bar(
            x, floor, pitch - gap, a_bin.count * scale, "all" if a_bin.kept is not None else ""
        )
        if a_bin.kept is not None:
            tip += f", {a_bin.kept:,} kept"
            inner += _bar(x, floor, pitch - gap, a_bin.kept * scale, "")
        parts.append(f"<g><title>{escape(visible(tip))}</title>{inner}</g>")
    parts.append(line(_LEFT, floor, width - 8, floor, "axis"))
    parts += _bin_labels(bins, pitch, floor)
    highest = max(bins, key=lambda b: b.count, default=None)
    described = f"{len(bins)} bars." + (
        f" The highest is {highest.label} with {count_noun(highest.count, rows)}."
        if highest
        else ""
    )
    return picture(key, (width, height), (title, described), parts)


def _bar(x: float, floor: float, width: float, height: float, extra: str) -> str:
    if height == 0:
        return ""
    # a single row among a million still shows
    tall = max(height, 1.5)
    return box(x, floor - tall, width, tall, f"bar {extra}".strip())


def _shaded(
    bins: Sequence[Bin],
    band: tuple[float | None, float | None] | None,
    place: tuple[float, float, float],
) -> list[str]:
    pitch, top, floor = place
    if band is None:
        return []
    low, high = band
    inside = [
        i
        for i, b in enumerate(bins)
        if b.low is not None
        and b.high is not None
        and (low is None or b.low >= low - 1e-9)
        and (high is None or b.high <= high + 1e-9)
    ]
    if not inside:
        return []
    left, right = _LEFT + inside[0] * pitch, _LEFT + (inside[-1] + 1) * pitch
    return [
        box(left, top - 12, right - left, floor - top + 12, "band"),
        label((left + right) / 2, top, "the band", "tick"),
    ]


def _grid(most: int, place: tuple[float, float, float]) -> list[str]:
    width, top, floor = place
    parts = []
    for value in round_ticks(most):
        y = floor - (floor - top) * value / most
        parts.append(line(_LEFT, y, width - 8, y, "grid"))
        parts.append(label(_LEFT - 6, y + 4, show_short(value), "tick", "end"))
    return parts


def round_ticks(most: int) -> list[int]:
    """Two to five round numbers from 1 up to `most`; empty when `most` is 0.

    >>> round_ticks(47)
    [10, 20, 30, 40]
    """
    if most == 0:
        return []
    step = 1
    while most / step > 5:
        # 1, 2, 5, 10, 20, 50, ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return list(range(step, most + 1, step))


def show_short(value: float) -> str:
    """A count in few characters: 12k, 3.4M.

    >>> show_short(12000), show_short(1500000), show_short(950)
    ('12k', '1.5M', '950')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 1.0:
            return f"{value / size:.3g}{letter}"
    return show_number(value)


def show_edge(value: float) -> str:
    """A round edge between bars: 2.5k, 0.985."""
    return show_short(value) if value == int(value) else f"{value:.6g}"


def _bin_labels(bins: Sequence[Bin], pitch: float, floor: float) -> list[str]:
    """Each bar's own label where all fit; else round edges between bars, as many as fit."""
    if all(_text_width(b.label) + 4 <= pitch for b in bins):
        return [
            label(_LEFT + (i + 0.5) * pitch, floor + 16, b.label, "tick")
            for i, b in enumerate(bins)
        ]
    # exact rates such as 3/16 have no edges between bars: name every few of them
    is_exact = any(b.low is None or b.low == b.high for b in bins)
    names = [b.label if b.low is None or is_exact else show_edge(b.low) for b in bins]
    last = bins[-1]
    if not is_exact and last.low is not None and last.high is not None:
        names.append(show_edge(last.high))
    widest = max(_text_width(name) for name in names)
    every = math.ceil((widest + 10) / pitch)
    shift = 0.5 if is_exact else 0.0
    return [
        label(_LEFT + (i + shift) * pitch, floor + 16, names[i], "tick")
        for i in range(0, len(names), every)
    ]


def _text_width(text: str) -> float:
    """About how wide a label is, in the units of a picture; wide scripts take twice the room."""
    return sum(11.5 if ord(character) > 0x2E80 else 6.2 for character in text)


def clip_text(text: str, room: float) -> str:
    """`text` cut with an ellipsis to fit a room in the units of a picture."""
    if _text_width(text) <= room:
        return text
    while text and _text_width(text) > room - 8:
        text = text[:-1]
    return text + "…"


def word_bars(key: str, bins: Sequence[Bin], title: str) -> Markup:
    """Counts of words as lying bars, the word before and the count behind each."""
    height = 8 + 22.0 * len(bins)
    most = max((b.count for b in bins), default=1)
    parts = []
    for i, a_bin in enumerate(bins):
        y = 6 + 22.0 * i
        room = 150 * a_bin.count / most
        parts.append(label(112, y + 13, clip_text(a_bin.label, 106), "tick strong", "end"))
        parts.append(
            box(120, y + 2, max(room, 1.5), 14, "bar all" if a_bin.kept is not None else "bar")
        )
        if a_bin.kept:
            parts.append(box(120, y + 2, max(150 * a_bin.kept / most, 1.5), 14, "bar"))
        parts.append(label(126 + room, y + 13, f"{a_bin.count:,}", "tick", "start"))
    described = f"{len(bins)} values, the commonest {bins[0].label}." if bins else "No values."
    return picture(key, (340, height), (title, described), parts)


def rule_rates(key: str, rules: Sequence[RuleFindings]) -> Markup:
    """The share of rows each rule hit, with its interval as a whisker."""
    top, pitch, left, right = 22.0, 26.0, 262.0, 560.0
    most = max((r.rows.high for r in rules if r.rows.high is not None), default=1.0)
    scale = (right - left) / most
    height = top + pitch * len(rules) + 10
    parts = [line(left, top - 4, left, height - 8, "axis")]
    for i, rule in enumerate(rules):
        y = top + pitch * i + pitch / 2
        parts.append(severity_mark(14, y, rule.severity))
        parts.append(label(left - 8, y + 4, clip_text(rule.rule, 226), "tick strong", "end"))
        rate, low, high = rule.rows.rate, rule.rows.low, rule.rows.high
        if rate is None or low is None or high is None:
            continue
        parts.append(box(left, y - 7, max(rate * scale, 1.5), 14, f"bar {rule.severity}"))
        parts.append(line(left + low * scale, y, left + high * scale, y, "whisker"))
        for end in (low, high):
            parts.append(line(left + end * scale, y - 4, left + end * scale, y + 4, "whisker"))
        told = f"{rule.rows.count:,} · {show_percent(rate)}"
        parts.append(label(left + high * scale + 8, y + 4, told, "tick", "start"))
    words = ("How many rows each rule hit", f"{len(rules)} rules; whiskers are 95 % intervals.")
    return picture(key, (720, height), words, parts)


def severity_mark(x: float, y: float, severity: str) -> str:
    """A shape for a severity, so that colour is not needed: square error, triangle warning, dot info."""
    match severity:
        case "error":
            return box(x - 5, y - 5, 10, 10, "mark error")
        case "warning":
            points = f"{x - 6:.1f},{y + 5:.1f} {x + 6:.1f},{y + 5:.1f} {x:.1f},{y - 6:.1f}"
            return f'<polygon points="{points}" class="mark warning"/>'
        case _:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="mark info"/>'


def question_rates(
    key: str, shown: Sequence[QuestionRate], band: tuple[float | None, float | None] | None
) -> Markup:
    """The pass rate of single questions, hardest first, each with its interval."""
    width, top, floor = 720.0, 12.0, 212.0
    parts = []
    if band is not None:
        low, high = (0.0 if band[0] is None else band[0]), (1.0 if band[1] is None else band[1])
        y = floor - (floor - top) * high
        parts.append(box(_LEFT, y, width - _LEFT - 8, (floor - top) * (high - low), "band"))
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = floor - (floor - top) * tick
        parts.append(line(_LEFT, y, width - 8, y, "grid"))
        parts.append(label(_LEFT - 6, y + 4, f"{tick:g}", "tick", "end"))
    pitch = (width - _LEFT - 8) / max(len(shown), 1)
    for i, question in enumerate(shown):
        rate, low_end, high_end = question.passes.rate, question.passes.low, question.passes.high
        if rate is None or low_end is None or high_end is None:
            continue
        x = _LEFT + (i + 0.5) * pitch
        y_low, y_high = (floor - (floor - top) * end for end in (low_end, high_end))
        tip = f"{question.id}: {question.passes.count} of {question.passes.n} right"
        classes = "dot" if question.kept is not False else "dot out"
        parts.append(
            f"<g><title>{escape(visible(tip))}</title>{line(x, y_low, x, y_high, 'whisker')}"
            f'<circle cx="{x:.1f}" cy="{floor - (floor - top) * rate:.1f}" r="3.5" class="{classes}"/></g>'
        )
    parts.append(label(_LEFT, floor + 20, "hardest", "tick", "start"))
    parts.append(label(width - 8, floor + 20, "easiest", "tick", "end"))
    words = (
        "Pass rate of single questions",
        f"{len(shown)} questions from the hardest to the easiest, each with its 95 % interval.",
    )
    return picture(key, (width, floor + 30), words, parts)
