"""Users that the sandbox is tried as."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .users import User, nobody, this_user

# Run by tests as programs, by themselves: they import what lies beside them by its plain name.
collect_ignore = ["escape_driver.py", "hack_driver.py"]


@pytest.fixture(scope="session")
def users() -> Iterator[dict[str, User]]:
    """`root` (when the tests run as root) and `nobody`; else only the user of the tests."""
    # not in pytest's own folder, which it closes to everybody else
    with tempfile.TemporaryDirectory(prefix="tamis-users-") as place:
        folder = Path(place) / "code"
        if os.geteuid() != 0:
            yield {"nobody": this_user(folder)}
        else:
            yield {"root": this_user(folder), "nobody": nobody(folder)}


@pytest.fixture(scope="session", params=["root", "nobody"])
def user(request: pytest.FixtureRequest, users: dict[str, User]) -> User:
    """Each of the users; root only where the tests run as root."""
    if request.param not in users:
        pytest.skip("the tests do not run as root")
    return users[request.param]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A user's file with something in it."""
    path = tmp_path / "secret.txt"
    path.write_text("the secret of the user")
    path.chmod(0o666)
    return path
