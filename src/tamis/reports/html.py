"""Renders `report.json` as one page that needs nothing else: no scripts, no requests.

Texts of rows are hostile: everything is escaped, control characters are shown, and a content security
policy in the page refuses whatever might slip through.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from tamis.kernels import compiled
from tamis.reports import charts, words
from tamis.reports.bins import show_number
from tamis.reports.contents import read_report
from tamis.reports.flow_chart import row_flow
from tamis.reports.visible import visible

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


def render(report: dict[str, object]) -> str:
    """The page of a report, from the content of `report.json` and nothing else.

    Raises:  SchemaError when `report` is not the content of a `report.json`.
    """
    return render_page("page.html.j2", report=read_report(report))


def render_page(template: str, **values: object) -> str:
    """A page from one of our templates, with its style and the digest that its security policy allows."""
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template(template)
    return page.render(style=Markup(style), style_digest=digest, **values)


@cache
def _environment() -> jinja2.Environment:
    # here, because a command that prints no page should not wait for it
    import jinja2

    kept = compiled.folder()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        bytecode_cache=None if kept is None else jinja2.FileSystemBytecodeCache(str(kept)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(charts=charts, row_flow=row_flow)
    environment.filters.update(
        number=show_number,
        percent=words.show_percent,
        interval=words.show_interval,
        counted=words.count_noun,
        coded=mark_code,
        emphasised=emphasise,
    )
    return environment


def _show(value: object) -> object:
    """Every text the page prints passes here, so that none can forget to be made visible."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def mark_code(text: str) -> Markup:
    """Text with what stands between backticks set as code; everything is escaped first.

    >>> mark_code("run `tamis fix` <now>")
    Markup('run <code>tamis fix</code> &lt;now&gt;')
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))


def emphasise(text: str) -> Markup:
    """A sentence with its numbers in bold and what stands between backticks set as code.

    >>> emphasise("240 came, 1.5% left by `a/b2`")
    Markup('<strong>240</strong> came, <strong>1.5%</strong> left by <code>a/b2</code>')
    """
    parts = re.split(r"(`[^`]+`)", text)
    return Markup("").join(_emphasise_part(part) for part in parts)


def _emphasise_part(part: str) -> Markup:
    if len(part) > 2 and part.startswith("`"):
        return mark_code(part)
    # split before escaping: an escaped quote holds a number of its own
    pieces = re.split(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?%?)(?![\w])", part)
    marked = [escape(visible(piece)) for piece in pieces]
    marked[1::2] = [Markup(f"<strong>{piece}</strong>") for piece in marked[1::2]]
    return Markup("").join(marked)
