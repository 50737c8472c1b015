"""What a row declares of its answers, as parameters of our own maths reward."""

from __future__ import annotations

from typing import Any

from tamis.rewards.audit.rows import Policy

_PERCENT = {"points": "unit", "fraction": "value"}


def declared(policy: Policy) -> dict[str, Any]:
    """The parameters that tell `math` this policy; empty where nothing is declared.

    >>> declared(Policy(percent="fraction"))
    {'percent': 'value'}
    """
    told: dict[str, Any] = {}
    if policy.percent is not None:
        told["percent"] = _PERCENT[policy.percent]
    if policy.decimal_mark == ",":
        told |= {"separators": "eu", "reference_separators": "en"}
    if policy.lists is not None:
        told["ordered"] = policy.lists == "ordered"
    if policy.date_order is not None:
        told["dates"] = policy.date_order.lower()
    if policy.choices is not None:
        told["choices"] = policy.choices
    if policy.last_line:
        told["fallback"] = "last_line"
    if policy.relative_tolerance is not None:
        told["tolerance"] = policy.relative_tolerance
    return told
