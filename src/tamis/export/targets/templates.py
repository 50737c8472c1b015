"""The files that stand beside exported rows, filled in from `export/templates`."""

from __future__ import annotations

import json
import shlex
from importlib.resources import files


def render(template: str, **values: object) -> str:
    """A template with its places filled; inside, `python` and `shell` write a value as a literal.

    template: the path below `export/templates`, such as `trl/reward.py.jinja`
    Raises:   jinja2.UndefinedError for a place that got no value.
    """
    import jinja2  # late: most exports render nothing

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["python"] = json.dumps
    environment.filters["shell"] = shlex.quote
    text = files("tamis.export").joinpath("templates", template).read_text(encoding="utf-8")
    return environment.from_string(text).render(**values)
