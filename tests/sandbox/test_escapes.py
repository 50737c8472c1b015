"""Every attempt to leave the sandbox is stopped, in every tier and for every user, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from .hack_suite import escapes
from .users import WAYS, User, name_way

RUN = "import escape_driver; escape_driver.main()"
_seen: dict[tuple[str, tuple[str, ...]], Any] = {}


@pytest.fixture(params=WAYS, ids=name_way)
def account(request: pytest.FixtureRequest, users: dict[str, User]) -> Any:
    """What all attempts achieved, made once for each way."""
    who, without, tier = request.param
    if who not in users:
        pytest.skip("the tests do not run as root")
    if (who, without) not in _seen:
        _seen[who, without] = users[who].run(RUN, without=without, timeout=300)
    assert _seen[who, without]["tier"] == tier
    return _seen[who, without]


@pytest.mark.slow
@pytest.mark.parametrize("name", [escape.name for escape in escapes()])
def test_the_attempt_is_stopped(account: Any, name: str) -> None:
    said = account["accounts"][name]
    # a call by another table of numbers ends the process: no value, and nothing done
    assert said.startswith(("blocked", "crashed", "memory")), said


@pytest.mark.slow
def test_nothing_was_left_behind(account: Any) -> None:
    assert account["left"] == []
