"""How much disk the core install takes: Tamis and all it needs at run time, without extras.

Sums the files of the installed distributions that `tamis` requires, directly or not. `--check` fails
above the budget. Compiled `.pyc` files are left out: they depend on what has been run.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

BUDGET_MB = 650
SHOWN = 8


def requirements_of(name: str) -> list[str]:
    """Names of the distributions that `name` needs here, extras it is asked for included."""
    from packaging.requirements import Requirement  # a development tool brings it

    needed = []
    wanted, extras = split_extras(name)
    for line in metadata.requires(wanted) or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            extra_text = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            needed.append(requirement.name + extra_text)
    return needed


def split_extras(name: str) -> tuple[str, tuple[str, ...]]:
    """`openai[aiohttp]` as its name and its extras."""
    match = re.fullmatch(r"([^\[]+)(?:\[(.*)\])?", name)
    assert match
    return match[1], tuple(match[2].split(",")) if match[2] else ()


def closure(root: str) -> set[str]:
    """Normalised names of every distribution that `root` needs, itself included."""
    waiting, seen = [root], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting.extend(requirements_of(name))
    return {re.sub(r"[-_.]+", "-", split_extras(name)[0]).lower() for name in seen}


def size_bytes(name: str) -> int:
    """Bytes of the files a distribution installed."""
    paths = (Path(str(file.locate())) for file in metadata.files(name) or [])
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def main() -> int:
    """Print the size and the largest parts."""
    sizes = sorted(((size_bytes(name), name) for name in closure("tamis")), reverse=True)
    total_mb = sum(size for size, _ in sizes) / 1e6
    parts = ", ".join(f"{name} {size / 1e6:.0f}" for size, name in sizes[:SHOWN])
    print(f"core install: {total_mb:.0f} MB in {len(sizes)} distributions ({parts}, ...)")
    if "--check" in sys.argv and total_mb > BUDGET_MB:
        print(
            f"core install: expected at most {BUDGET_MB} MB, got {total_mb:.0f} MB", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
