"""The whole path on a machine without any network: the demo, where not even loopback is up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.run_tamis import COMMAND

from .files import names_in, read_lines

# As root a network namespace is enough; others map themselves to root in a user namespace first.
ALONE = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)))


def can_be_alone() -> bool:
    """Whether a process here can be cut off from all networks."""
    try:
        return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


if not can_be_alone():
    pytest.skip("`unshare --net` is not possible here", allow_module_level=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """`tamis demo --recorded` in a network namespace of its own, and where it worked."""
    folder = tmp_path_factory.mktemp("offline")
    # the first words of the output say which network there is
    command = [*ALONE, "sh", "-c", 'cat /proc/net/route /proc/net/dev; echo ---; exec "$@"', "sh"]
    done = subprocess.run(
        [*command, *COMMAND, "demo", "--recorded", "--format", "json"],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, folder / "demo"


@pytest.mark.slow
def test_the_demo_needs_no_network(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, folder = demo
    assert done.returncode == 0, done.stderr
    network, _, said = done.stdout.partition("---\n")
    interfaces = [line.split(":")[0].strip() for line in network.splitlines() if ":" in line]
    assert interfaces in ([], ["lo"])
    answer = json.loads(said)
    assert answer["recorded"] is True
    assert {"sft.jsonl", "rl.jsonl", "report.html", "report.json"} <= set(names_in(folder))
    for name, key in (("sft.jsonl", "messages"), ("rl.jsonl", "question")):
        rows = read_lines(folder / name)
        assert rows
        assert all(key in row for row in rows)
    runs = answer["runs"]
    assert runs["calibrate"]["counts"]["kept"] == len(read_lines(folder / "rl.jsonl"))
    assert len(json.loads((folder / "report.json").read_bytes())["sections"]) == 4
