"""Proof that a tier holds: before the first job, code in the sandbox tries what it must not be able to do."""

from __future__ import annotations

import os
import tempfile

from tamis.sandbox.errors import SandboxError
from tamis.sandbox.lane import Lane
from tamis.sandbox.limits import Limits
from tamis.sandbox.outcomes import Call
from tamis.sandbox.solving import solve

# Each attempt returns when it succeeded and raises when it was stopped.
_ATTEMPTS = """
import os, socket

def attempts(canary, folder, parent):
    def read_a_file():
        open(canary).read()
    def write_a_file():
        open(os.path.join(folder, "left"), "w").close()
    def change_a_file():
        os.chmod(canary, 0o600)
    def start_a_process():
        if os.fork() == 0:
            os._exit(0)
    def run_a_program():
        os.execv("/bin/true", ["true"])
    def open_a_socket():
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    def signal_the_parent():
        if parent == os.getpid():
            raise OSError("a number of another namespace")
        os.kill(parent, 0)
    def read_the_parent():
        open(f"/proc/{parent}/environ", "rb").read()
    succeeded = []
    for attempt in (read_a_file, write_a_file, change_a_file, start_a_process, open_a_socket,
                    signal_the_parent, read_the_parent, run_a_program):
        try:
            attempt()
        except OSError:
            continue
        succeeded.append(attempt.__name__)
    return " ".join(succeeded)
"""
_LIMITS = Limits(time_s=10)


def prove(lane: Lane) -> None:
    """Raises: SandboxError naming what the code in this lane was able to do."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        canary = os.path.join(folder, "canary")
        with open(canary, "w", encoding="ascii") as file:
            file.write("canary")
        os.chmod(canary, 0o666)
        asked = Call(expr=f"attempts({canary!r}, {folder!r}, {os.getpid()})")
        outcome = solve(lane, _ATTEMPTS, [asked], setup="", limits=_LIMITS)[0]
    if outcome.kind != "value":
        raise SandboxError(
            f"self-test: expected an account of attempts, got {outcome.kind}: {outcome.detail}"
        )
    if outcome.raw != "":
        raise SandboxError(f"self-test: code in it was able to: {outcome.raw}")
