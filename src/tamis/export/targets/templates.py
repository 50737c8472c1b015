"""The files that stand beside exported rows, filled in from `export/templates`."""

from __future__ import annotations

import json
import re
import shlex
from importlib.resources import files


def _python(value: object) -> str:
    """A JSON value as a literal, which Python, YAML and TOML read alike."""
    return json.dumps(value, ensure_ascii=False)


def _hydra(value: str) -> str:
    """A text as the value of a Hydra setting on a command line: quoted for Hydra, then for the shell."""
    if re.fullmatch(r"[\w./:@+-]+", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return shlex.quote(f'"{escaped}"')


def render(template: str, **values: object) -> str:
    """A template with its places filled; inside, `python`, `shell` and `hydra` write a value as a literal.

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
    environment.filters["python"] = _python
    environment.filters["shell"] = shlex.quote
    environment.filters["hydra"] = _hydra
    text = files("tamis.export").joinpath("templates", template).read_text(encoding="utf-8")
    return environment.from_string(text).render(**values)
