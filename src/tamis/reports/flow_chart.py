"""The picture of how rows flow through a run and where they leave it."""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from tamis.reports.charts import clip_text, label, line, picture
from tamis.reports.contents import Section

_TOP, _TALL, _PITCH, _LEFT = 56.0, 120.0, 132.0, 62.0
_MAX_STOPS = 9


class _Stop(msgspec.Struct, frozen=True):
    """A place of the flow: how many rows stand there, and who left on the way to it."""

    name: str
    rows: int
    left: list[str]


def row_flow(key: str, section: Section) -> Markup:
    """A ribbon as thick as the rows it stands for; what leaves bends down with its reasons.

    Empty when the number of rows never changes: such a picture would say nothing.
    """
    stops = _stops(section)
    if len({stop.rows for stop in stops}) == 1:
        return Markup("")
    most = max((stop.rows for stop in stops), default=0)
    # a ribbon of one row in a million is still a line
    heights = [max(_TALL * s.rows / most, 1.5) if most and s.rows else 0.0 for s in stops]
    n_lines = max((len(stop.left) for stop in stops), default=0)
    width = max(_LEFT * 2 + _PITCH * (len(stops) - 1), 420.0)
    # spread few stops over the room there is
    pitch = max(_PITCH, (720 - _LEFT * 2) / max(len(stops) - 1, 1)) if len(stops) < 6 else _PITCH
    width = max(_LEFT * 2 + pitch * (len(stops) - 1), 420.0)
    parts: list[str] = []
    for i, stop in enumerate(stops):
        x = _LEFT + pitch * i
        if i + 1 < len(stops):
            parts.append(_ribbon((x, x + pitch), heights[i], heights[i + 1]))
            parts += _leaving((x, pitch), heights[i], heights[i + 1], stops[i + 1].left)
        parts.append(line(x, _TOP - 4, x, _TOP + heights[i] + 4, "post"))
        parts.append(label(x, _TOP - 28, f"{stop.rows:,}", "figure"))
        parts.append(label(x, _TOP - 12, clip_text(stop.name, pitch - 10), "tick"))
    height = _TOP + _TALL + (34 + 16 * n_lines if n_lines else 16)
    described = "; ".join(
        f"{stop.name}: {stop.rows:,}" + (f" ({', '.join(stop.left)})" if stop.left else "")
        for stop in stops
    )
    return picture(key, (width, height), ("How rows flow through the run", described), parts)


def _stops(section: Section) -> list[_Stop]:
    """Where the number of rows changes; steps that lose nothing are left out of the picture."""
    counts = section.counts
    stops = [_Stop(name="read", rows=counts.read, left=[])]
    lost = [f"−{counts.unreadable:,} unreadable"] if counts.unreadable else []
    stops.append(_Stop(name="parsed", rows=counts.parsed, left=lost))
    for step in section.steps:
        if step.rows_in == step.rows_out:
            continue
        left = [f"−{reason.count:,} {reason.reason}" for reason in step.dropped[:2]]
        rest = sum(reason.count for reason in step.dropped[2:])
        left += [f"−{rest:,} for other reasons"] if rest else []
        stops.append(_Stop(name=step.step, rows=step.rows_out, left=left))
    if len(stops) > _MAX_STOPS:
        hidden = stops[_MAX_STOPS - 1 :]
        lost = [line for stop in hidden for line in stop.left][:2]
        name = f"{len(hidden)} more steps"
        stops = [*stops[: _MAX_STOPS - 1], _Stop(name=name, rows=hidden[-1].rows, left=lost)]
    if section.only_looks:
        # a command that only looks writes no rows: the flow ends with what it would keep
        return stops
    return [*stops, _Stop(name="written", rows=counts.written, left=[])]


def _ribbon(ends: tuple[float, float], before: float, after: float) -> str:
    """The rows that go on: from a post to the next, top edge level."""
    x, x_next = ends
    y, y_next = _TOP + min(before, after), _TOP + after
    bend = (x + x_next) / 2
    return (
        f'<path class="flow" d="M{x:.1f},{_TOP:g} L{x_next:.1f},{_TOP:g} L{x_next:.1f},{y_next:.1f} '
        f'C{bend:.1f},{y_next:.1f} {bend:.1f},{y:.1f} {x:.1f},{y:.1f} Z"/>'
    )


def _leaving(place: tuple[float, float], before: float, after: float, left: list[str]) -> list[str]:
    """The rows that leave between two posts: a branch that bends down, and why they left."""
    x, pitch = place
    if not left:
        return []
    thick = max(before - after, 1.5)
    y, bottom = _TOP + min(after, before), _TOP + _TALL + 14
    turn = x + pitch * 0.5
    parts = [
        f'<path class="flow lost" d="M{x:.1f},{y:.1f} C{turn:.1f},{y:.1f} {turn - thick * 0.1:.1f},{y:.1f} '
        f"{turn:.1f},{bottom:.1f} L{turn - thick:.1f},{bottom:.1f} "
        f"C{turn - thick:.1f},{y + thick:.1f} {turn - thick:.1f},{y + thick:.1f} "
        f'{x:.1f},{y + thick:.1f} Z"/>'
    ]
    for i, reason in enumerate(left):
        middle = turn - thick / 2
        parts.append(label(middle, bottom + 16 + 16 * i, clip_text(reason, pitch + 6), "tick"))
    return parts
