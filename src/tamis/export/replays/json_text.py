"""Values that stand in a file as JSON text."""

from __future__ import annotations

import json
from typing import Any


def read_json(value: Any) -> Any:
    """The value of a JSON text; a text that is no JSON, and all else, as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
