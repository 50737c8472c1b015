"""The hack suite through the code reward: nothing hostile is credited, nothing honest loses a mark.

Every style of tests in the strongest tier; one style a program in the others, all with TAMIS_HACKS=all.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from .users import WAYS, User, name_way

RUN = "import hack_driver; hack_driver.main()"
_seen: dict[tuple[str, tuple[str, ...]], Any] = {}


@pytest.fixture(params=WAYS, ids=name_way)
def told(request: pytest.FixtureRequest, users: dict[str, User]) -> Any:
    """What the reward got wrong, found once for each way."""
    who, without, tier = request.param
    if who not in users:
        pytest.skip("the tests do not run as root")
    if (who, without) not in _seen:
        is_strongest = (who, without) == ("root" if "root" in users else "nobody", ())
        how_many = "all" if is_strongest or os.environ.get("TAMIS_HACKS") == "all" else "one"
        _seen[who, without] = users[who].run(RUN, how_many, without=without, timeout=900)
    assert _seen[who, without]["tier"] == tier
    return _seen[who, without]


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_no_hostile_program_is_credited(told: Any) -> None:
    assert told["fooled"] == {}


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_every_honest_program_gets_full_marks(told: Any) -> None:
    assert told["unfair"] == {}


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_work_directories_are_missing_only_without_namespaces(told: Any) -> None:
    assert told["has_workdir"] is (told["tier"] != "landlock")
