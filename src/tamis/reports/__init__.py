"""Reports: numbers counted from run folders, and the page, lines and Markdown made of them.

Reads files only: `build_report` counts, `render` makes the page from those counts and nothing else.
"""

from tamis.reports.contents import report_schema
from tamis.reports.html import render
from tamis.reports.numbers import build_report
from tamis.reports.terminal import markdown, summary_lines

__all__ = [
    "build_report",
    "markdown",
    "render",
    "report_schema",
    "summary_lines",
]
