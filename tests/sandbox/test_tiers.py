"""Which tier holds when mechanisms are really taken away, and what is said when none does."""

from __future__ import annotations

import pytest

from .users import User

CHOOSE = """
import json
from tamis.sandbox.limits import Profile
from tamis.sandbox.tiers import choose
choice = choose(Profile())
print(json.dumps({
    "tier": choice.tier,
    "mechanisms": choice.plan and choice.plan.mechanisms,
    "probes": {probe.name: [probe.ok, probe.seen, probe.mend] for probe in choice.probes},
}))
"""
OPEN = """
import json, sys
from tamis.sandbox import Call, SandboxError, open_sandbox
try:
    box = open_sandbox(lanes=1, allow_weak=sys.argv[1] == "weak")
    found = box.solve("def f(x): return x + 1", [Call(expr="f(1)")])
    print(json.dumps([box.tier, found[0].raw]))
except SandboxError as error:
    print(json.dumps(["refused", str(error)]))
"""


@pytest.mark.parametrize(
    ("without", "tier", "mechanisms"),
    [
        ((), "namespaces", ["landlock", "seccomp"]),
        (("landlock",), "namespaces", ["seccomp"]),
        (("namespaces",), "landlock", ["landlock", "seccomp"]),
    ],
)
def test_the_strongest_tier_that_is_left_is_taken(
    user: User, without: tuple[str, ...], tier: str, mechanisms: list[str]
) -> None:
    choice = user.run(CHOOSE, without=without)
    assert (choice["tier"], choice["mechanisms"]) == (tier, mechanisms), choice["probes"]


def test_bubblewrap_is_taken_where_our_own_launcher_is_not_let_in(users: dict[str, User]) -> None:
    choice = users["nobody"].run(CHOOSE, without=("launcher",))
    assert choice["tier"] == "bwrap", choice["probes"]
    assert "mount_setattr" in choice["probes"]["namespaces"][1]


@pytest.mark.parametrize(
    "without", [("seccomp",), ("namespaces", "landlock"), ("namespaces", "seccomp")]
)
def test_no_code_runs_where_no_tier_holds(user: User, without: tuple[str, ...]) -> None:
    word, reason = user.run(OPEN, "strong", without=without)
    assert word == "refused"
    assert reason.startswith("sandbox: no tier holds on this machine (")
    assert "allow_weak=True" in reason


@pytest.mark.parametrize(
    "without", [("seccomp",), ("namespaces", "landlock"), ("namespaces", "landlock", "seccomp")]
)
def test_a_weak_box_runs_code_only_when_asked_and_says_that_it_is_weak(
    user: User, without: tuple[str, ...]
) -> None:
    assert user.run(OPEN, "weak", without=without) == ["weak", 2]


def test_every_probe_that_failed_says_what_mends_it(users: dict[str, User]) -> None:
    choice = users["nobody"].run(CHOOSE, without=("namespaces", "landlock"))
    assert choice["tier"] is None
    failed = {name: mend for name, (ok, _, mend) in choice["probes"].items() if not ok}
    assert {"namespaces", "landlock"} <= failed.keys()
    assert all(failed.values())
