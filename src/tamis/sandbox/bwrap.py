"""Bubblewrap as the second way into namespaces: where a distribution lets it in but not us (Ubuntu's AppArmor)."""

from __future__ import annotations

import os
import shutil

from tamis.sandbox.errors import SandboxError
from tamis.sandbox.layout import DEVICES, Layout
from tamis.sandbox.rootfs import WORK

_NOBODY = 65534


def user() -> int | None:
    """The user id to start it with: never root, whose process limit the kernel does not enforce."""
    return _NOBODY if os.geteuid() == 0 else None


def command(seen: Layout, interpreter: str, own_folder: str, *, workdir: bool) -> list[str]:
    """bwrap with the same root as `rootfs.enter` makes, and the interpreter to start in it.

    Raises: SandboxError where bwrap is not installed.
    """
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError("not found on the path; install bubblewrap")
    # one user more than `--dev` would make: the fork server must own its process namespace
    words = [found, "--unshare-all", "--uid", "0", "--gid", "0", "--as-pid-1", "--new-session"]
    words += ["--cap-add", "CAP_SYS_ADMIN", "--hostname", "sandbox"]
    for tree in seen.trees:
        words += ["--ro-bind", tree, tree]
    for path in (*seen.files, *_to_start(interpreter), *_own_files(own_folder)):
        words += ["--ro-bind", path, path]
    for path in seen.masked:
        words += ["--tmpfs", path, "--remount-ro", path]
    for device in DEVICES:
        words += ["--dev-bind", device, device]
    if workdir:
        words += ["--dir", WORK]
    return [*words, "--remount-ro", "/", "--chdir", "/", "--"]


def _to_start(interpreter: str) -> list[str]:
    """What running the interpreter takes beside its libraries: itself and the loader."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    return [interpreter, *([loader] if os.path.exists(loader) else [])]


def _own_files(own_folder: str) -> list[str]:
    return [
        os.path.join(own_folder, "tamis", name) for name in ("__init__.py", "errors.py", "sandbox")
    ]
