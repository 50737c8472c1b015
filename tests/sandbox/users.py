"""Run a piece of Python as root or as a user without any rights, with chosen mechanisms really taken away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tamis

SOURCES = Path(tamis.__file__).parent.parent
NOBODY = 65534
_STRIPPED = Path(__file__).parent / "stripped.py"
# Who, what is taken away, which tier that leaves.
WAYS = [
    ("root", (), "namespaces"),
    ("root", ("landlock",), "namespaces"),
    ("root", ("namespaces",), "landlock"),
    ("nobody", (), "namespaces"),
    ("nobody", ("landlock",), "namespaces"),
    ("nobody", ("launcher",), "bwrap"),
    ("nobody", ("namespaces",), "landlock"),
]
_PACKAGES = ("msgspec", "numpy", "numpy.libs")


@dataclass(frozen=True)
class User:
    """Who runs, with which interpreter, and the folders it imports from; all readable for this user."""

    uid: int
    python: str
    path: str

    def run(
        self, code: str, *arguments: str, without: tuple[str, ...] = (), timeout: float = 120
    ) -> Any:
        """What `code` prints, as JSON; AssertionError with its complaint when it fails."""
        command = [self.python, str(Path(self.path.split(":")[0]) / "stripped.py"), *without, "--"]
        command += [self.python, "-W", "ignore", "-c", code, *arguments]
        is_other = self.uid != os.geteuid()
        done = subprocess.run(
            command,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": self.path,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            user=self.uid if is_other else None,
            group=self.uid if is_other else None,
            extra_groups=[] if is_other else None,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)


def name_way(way: tuple[str, tuple[str, ...], str]) -> str:
    """A way as the id of a test."""
    who, without, tier = way
    return "-".join((who, *without, tier))


def this_user(folder: Path) -> User:
    """The user of the tests."""
    return _user(folder, os.geteuid(), sys.executable)


def nobody(folder: Path) -> User:
    """A user that owns nothing, with an interpreter of the same version that it can read."""
    return _user(folder, NOBODY, _readable_python(folder))


def _user(folder: Path, uid: int, python: str) -> User:
    """Copies of what is imported: nobody may not walk into the home that a checkout may lie in."""
    if not folder.exists():
        folder.mkdir(parents=True)
        shutil.copytree(
            SOURCES / "tamis", folder / "tamis", ignore=shutil.ignore_patterns("__pycache__")
        )
        for file in Path(__file__).parent.glob("*.py"):
            shutil.copy(file, folder)
        shutil.copytree(Path(__file__).parent / "hacks", folder / "hacks")
        for name in _PACKAGES:
            source = next(Path(p) / name for p in sys.path if (Path(p) / name).is_dir())
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("tests", "__pycache__")
            )
        _open_to_all(folder)
    return User(uid, python, str(folder))


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)


def _readable_python(folder: Path) -> str:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = getattr(sys, "_base_executable", sys.executable)
    for candidate in (os.path.realpath(own), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if _starts_for_nobody(candidate, version):
            return candidate
    copied = folder.parent / "python"
    if not copied.exists():
        skipped = shutil.ignore_patterns(
            "site-packages", "test", "__pycache__", "*.a", "share", "include"
        )
        shutil.copytree(sys.base_prefix, copied, symlinks=True, ignore=skipped)
        _open_to_all(copied)
    return str(copied / "bin" / version)


def _starts_for_nobody(python: str, version: str) -> bool:
    asks = "import sys; print(f'python{sys.version_info[0]}.{sys.version_info[1]}')"
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", asks],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
