"""What a run could leave behind, reach or change by means that look harmless: locks, flags, times, handles."""

from __future__ import annotations

import textwrap

import pytest

from tamis.sandbox import Box, Call, Profile, open_sandbox

from .users import User


@pytest.fixture
def box() -> Box:
    return open_sandbox()


def value_of(box: Box, source: str) -> object:
    outcome = box.solve(source, [Call(expr="f()")])[0]
    assert outcome.kind == "value", outcome
    return outcome.raw


def test_no_run_leaves_a_lock_or_a_flag_to_the_next() -> None:
    leave = """
        import fcntl, os
        def f():
            fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
            done = []
            for fd in (0, os.open(os.__file__, os.O_RDONLY)):
                for take in (lambda: fcntl.flock(fd, fcntl.LOCK_EX), lambda: fcntl.lockf(fd, fcntl.LOCK_EX),
                             lambda: fcntl.fcntl(fd, 1024, fcntl.F_RDLCK)):
                    try:
                        take()
                    except OSError:
                        continue
                    done.append(1)
            return len(done)
    """
    find = "import fcntl, os\ndef f():\n    return fcntl.fcntl(0, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND)\n"
    box = open_sandbox(lanes=1)
    assert value_of(box, textwrap.dedent(leave)) == 0
    assert value_of(box, find) == 0


TOUCH = """
import os
def f():
    before = os.stat("/dev/null").st_mtime
    try:
        os.utime("/dev/null")
    except OSError:
        pass
    open("/dev/null", "w").write("still of use")
    return os.stat("/dev/null").st_mtime == before
"""
ASK = f"""
import json
from tamis.sandbox import Call, Profile, open_sandbox
box = open_sandbox(Profile(workdir=True), lanes=1)
print(json.dumps([box.tier, box.solve({TOUCH!r}, [Call(expr="f()")])[0].raw]))
"""


def test_a_run_with_a_work_directory_changes_no_device() -> None:
    assert value_of(open_sandbox(Profile(workdir=True), lanes=1), TOUCH) is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("without", "tier"), [((), "namespaces"), (("launcher",), "bwrap")], ids=["namespaces", "bwrap"]
)
def test_no_device_is_changed_by_any_launcher(
    users: dict[str, User], without: tuple[str, ...], tier: str
) -> None:
    assert users["nobody"].run(ASK, without=without) == [tier, True]


def test_a_file_that_may_be_read_is_not_emptied_by_opening_it(box: Box) -> None:
    source = """
        import errno, os
        def f():
            open(os.devnull, "w").close()
            try:
                os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)
            except OSError as error:
                return error.errno == errno.EPERM
    """
    assert value_of(box, textwrap.dedent(source)) is True


def test_the_socket_gives_no_handle_of_the_parent(box: Box) -> None:
    source = """
        import socket
        def f():
            ours = socket.socket(fileno=3)
            try:
                ours.getsockopt(socket.SOL_SOCKET, 77, 4)
            except OSError:
                return True
            finally:
                ours.detach()
    """
    assert value_of(box, textwrap.dedent(source)) is True


def test_a_program_may_ask_for_a_larger_stack_and_for_nothing_else(box: Box) -> None:
    source = """
        import resource
        def f():
            resource.setrlimit(resource.RLIMIT_STACK, (256 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
            try:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            except (OSError, ValueError):
                return resource.getrlimit(resource.RLIMIT_STACK)[0]
    """
    assert value_of(box, textwrap.dedent(source)) == 256 << 20
