"""Which ways to isolate this machine offers, strongest first, and what would mend the others."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass

from tamis.sandbox import syscalls
from tamis.sandbox.errors import SandboxError
from tamis.sandbox.lane import Lane
from tamis.sandbox.launch import launch
from tamis.sandbox.layout import package_folders
from tamis.sandbox.limits import Profile
from tamis.sandbox.plan import Plan
from tamis.sandbox.selftest import prove

STRONG = ("namespaces", "bwrap", "landlock")
WEAK = "weak"
_NAMESPACES_MEND = (
    "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1; Ubuntu: an AppArmor "
    "profile, or install bubblewrap; Docker: a seccomp profile that allows unshare and mount)"
)
_LANDLOCK_MEND = (
    "use Linux 5.13 or newer with `landlock` among its security modules (boot parameter lsm=)"
)
_SECCOMP_MEND = "use a kernel and a container runtime that allow seccomp filters"


@dataclass(frozen=True, slots=True)
class Probe:
    """One mechanism or tier as seen here; `seen` says why it does not hold, `mend` what to do."""

    name: str
    ok: bool
    seen: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The strongest tier that proved itself, with the plan that starts it, and all that was probed on the way."""

    tier: str | None
    plan: Plan | None
    probes: tuple[Probe, ...]

    def refusal(self) -> str:
        """One line for who asked for a sandbox where none holds."""
        failed = "; ".join(f"{p.name}: {p.seen}" for p in self.probes if not p.ok)
        return (
            f"sandbox: no tier holds on this machine ({failed}); `tamis doctor` says what mends it, or run with "
            "allow_weak=True only for code you trust"
        )


def choose(profile: Profile, *, allow_weak: bool = False) -> Choice:
    """Try the tiers, strongest first; a tier counts when a fork server of it starts and passes the self-test."""
    probes = [_landlock(), _seccomp()]
    folders = tuple(package_folders(profile.packages))
    held = {probe.name for probe in probes if probe.ok}
    for tier in (*STRONG, *([WEAK] if allow_weak else [])):
        plan = Plan(
            tier=tier,
            mechanisms=tuple(sorted(held)),
            packages=profile.packages,
            package_folders=folders,
            workdir_bytes=profile.workdir_bytes if profile.workdir else None,
        )
        probe = _try(plan, held)
        probes.append(probe)
        if probe.ok:
            return Choice(tier, plan, tuple(probes))
    return Choice(None, None, tuple(probes))


def _try(plan: Plan, held: set[str]) -> Probe:
    missing = _missing(plan, held)
    if missing is not None:
        return missing
    try:
        lane = Lane(launch(plan))
        try:
            if plan.tier != WEAK:
                prove(lane)
        finally:
            lane.close()
    except SandboxError as error:
        return Probe(plan.tier, False, str(error).removeprefix(f"{plan.tier}: "), _mend(plan.tier))
    return Probe(plan.tier, True, "starts and passes its self-test")


def _missing(plan: Plan, held: set[str]) -> Probe | None:
    """What rules a tier out before it is tried."""
    if plan.tier == WEAK:
        return None
    if "seccomp" not in held:
        return Probe(plan.tier, False, "needs seccomp", _SECCOMP_MEND)
    if plan.tier == "landlock" and "landlock" not in held:
        return Probe("landlock", False, "needs Landlock", _LANDLOCK_MEND)
    if plan.tier == "landlock" and plan.workdir_bytes is not None:
        return Probe(plan.tier, False, "a work directory needs namespaces", _NAMESPACES_MEND)
    if plan.tier == "bwrap" and shutil.which("bwrap") is None:
        return Probe(plan.tier, False, "not installed", _mend("bwrap"))
    return None


def _mend(tier: str) -> str:
    if tier == "bwrap":
        return "install bubblewrap (apt install bubblewrap)"
    return _LANDLOCK_MEND if tier == "landlock" else _NAMESPACES_MEND


def _landlock() -> Probe:
    if not syscalls.is_known_machine():
        return Probe("landlock", False, _machine(), _MACHINE_MEND)
    try:
        abi = syscalls.landlock_abi()
    except OSError as error:
        return Probe("landlock", False, os.strerror(error.errno or 0), _LANDLOCK_MEND)
    return Probe("landlock", True, f"version {abi}")


def _seccomp() -> Probe:
    if not syscalls.is_known_machine():
        return Probe("seccomp", False, _machine(), _MACHINE_MEND)
    try:
        syscalls.seccomp_speaks_errno()
    except OSError as error:
        return Probe("seccomp", False, os.strerror(error.errno or 0), _SECCOMP_MEND)
    return Probe("seccomp", True, "filters can be installed")


_MACHINE_MEND = "run on Linux, x86_64; elsewhere in a container or virtual machine of that kind"


def _machine() -> str:
    return f"{platform.system()} on {platform.machine()} is not known to the sandbox"
