"""Proof that a tier holds: before the first job, code in the sandbox tries what it must not be able to do."""

from __future__ import annotations

import os
import stat

from tamis.sandbox.errors import SandboxError
from tamis.sandbox.lane import Lane
from tamis.sandbox.limits import Limits
from tamis.sandbox.outcomes import Call
from tamis.sandbox.solving import solve

# Each attempt returns when it succeeded and raises when it was stopped. They aim at what is there anyway: a file
# made for them would stay when the parent is killed meanwhile.
_ATTEMPTS = """
import os, socket

def attempts(letter, folder, home, mode, parent):
    def read_a_file():
        open(letter, "rb").read(1)
    def write_a_file():
        path = os.path.join(folder, f"tamis-{parent}-{os.getpid()}")
        open(path, "x").close()
        os.unlink(path)
    def change_a_file():
        os.chmod(home, mode)
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
# What everybody may read outside a sandbox, one of them on every machine; the last is this file.
_LETTERS = ("/etc/passwd", "/etc/group", "/proc/version", __file__)
_LIMITS = Limits(time_s=10)


def prove(lane: Lane) -> None:
    """Raises: SandboxError naming what the code in this lane was able to do."""
    letter = next(filter(os.path.isfile, _LETTERS))
    home = os.path.expanduser("~")
    # to what it is: nothing changes where the change is let through
    mode = stat.S_IMODE(os.stat(home).st_mode) if os.path.isdir(home) else 0o755
    arguments = (letter, "/tmp", home, mode, os.getpid())
    asked = Call(expr=f"attempts(*{arguments!r})")
    outcome = solve(lane, _ATTEMPTS, [asked], setup="", limits=_LIMITS)[0]
    if outcome.kind != "value":
        raise SandboxError(
            f"self-test: expected an account of attempts, got {outcome.kind}: {outcome.detail}"
        )
    if outcome.raw != "":
        raise SandboxError(f"self-test: code in it was able to: {outcome.raw}")
