"""A candidate that lies on the link itself: the test here plays the candidate, the judge is real.

Nothing it sends may pass a test by anything but the value it claims, or keep the judge from its verdicts.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.sandbox.frames import WireError, receive_frame, send_frame
from tamis.sandbox.link import PEER_BYTES

from .children import Children, details, frames_of, verdicts

F = ["callable", "function", 0]
Reply = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()


def _played(children: Children, answer: Reply, *tests: str) -> list[dict[str, Any]]:
    """The judge's frames when every request but that for names is answered by `answer`."""
    job = {"style": "asserts", "tests": list(tests), "entry": ["f"]}
    judging, peer = children.judge_with_peer(job)
    with judging, peer:
        while (request := _request(peer)) is not None:
            if request.get("do") == "names":
                send_frame(peer, {"value": ["list", [["tuple", ["f", F]]]]})
            else:
                raw = answer(request)
                peer.sendall(raw) if isinstance(raw, bytes) else send_frame(
                    peer, raw, cap=PEER_BYTES
                )
        return frames_of(judging)


def _request(peer: socket.socket) -> dict[str, Any] | None:
    try:
        return receive_frame(peer, cap=PEER_BYTES)
    except (WireError, OSError):
        return None


def _deep(n: int) -> Any:
    raw: Any = 1
    for _ in range(n):
        raw = ["list", [raw]]
    return raw


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"test": 0, "passed": True},
        {"done": True},
        {"value": ["unknown"]},
        {"value": []},
        {"value": {}},
        {"value": [["list"]]},
        {"value": ["list"]},
        {"value": ["list", 5]},
        {"value": ["dict", [[1]]]},
        {"value": ["dict", [[["list", []], 1]]]},
        {"value": ["set", [["list", []]]]},
        {"value": ["set", [["object", "X", 3]]]},
        {"value": ["ref", 9]},
        {"value": ["ref", -1]},
        {"value": ["ref", True]},
        {"value": ["object", "X", -1]},
        {"value": ["object", "X", "1"]},
        {"value": ["object", "X", None]},
        {"value": ["object", ["X"], 1]},
        {"value": ["class", "X", 1, 5]},
        {"value": ["class", "X", 1, [["BaseException"]]]},
        {"value": ["builtin", "eval"]},
        {"value": ["builtin", "open"]},
        {"value": ["builtin", ["int"]]},
        {"value": ["global", "os", "system"]},
        {"value": ["handle", 0]},
        {"value": ["function", 0, "g"]},
        {"value": ["test", 0]},
        {"value": ["test", "x"]},
        {"value": ["method", 5, 0]},
        {"value": ["exception", []]},
        {"value": ["exception", {"types": [5], "message": {}}]},
        {"value": ["namedtuple", "P", ["x", "__class__"], [1, 2]]},
        {"value": ["namedtuple", "P", ["import"], [1]]},
        {"value": ["namedtuple", 5, [], []]},
        {"value": ["defaultdict", [], "eval"]},
        {"value": ["deque", [1], "x"]},
        {"value": ["range", 1, 2, 0]},
        {"value": ["int", "zz"]},
        {"value": ["decimal", "x"]},
        {"value": ["ndarray", "float", [10**6], [1]]},
        {"value": _deep(150)},
        {"value": ["list", [4] * 100000]},
        {"value": 6, "changed": [[0, ["list", []]]]},
        {"value": 4, "changed": [[0, ["list", []]]]},
        {"value": 4, "changed": [[-1, ["list", []]]]},
        {"value": 4, "changed": 5},
        {"value": 4, "changed": [5]},
        {"value": 4, "nodes": 5},
        {"value": 4, "nodes": [[0, "X", []]]},
        {"value": ["node", 0]},
        {"raised": 5},
        {"raised": {}},
        {"raised": {"types": [], "message": 5, "args": [["x"]]}},
        {"raised": {"types": ["SystemExit"], "args": [0]}},
        {"raised": {"types": ["KeyboardInterrupt"], "args": []}},
        {"raised": {"types": ["GeneratorExit"], "args": []}},
        {"raised": {"types": ["SkipTest", "Exception"], "args": []}},
        {"raised": {"types": ["\x00bad", "Exception"], "args": []}},
        {"raised": {"types": ["X", "OSError", "MemoryError", "KeyError"], "args": []}},
        {"raised": {"types": ["TestEnded"], "ticket": 0}},
        {"raised": {"types": ["X"] * 10000, "args": []}},
        {"too_large": ["x"]},
    ],
    ids=lambda reply: str(reply)[:60],
)
def test_a_reply_that_nobody_honest_sends_fails_its_test_and_no_other(
    children: Children, reply: dict[str, Any]
) -> None:
    answers = iter([reply])
    frames = _played(
        children, lambda _: next(answers, {"value": 4}), "assert f(2) == 4", "assert f(2) == 4"
    )
    assert verdicts(frames) == {0: False, 1: True}
    assert frames[-1] == {"done": True}


@pytest.mark.parametrize(
    "raw",
    [
        b"\x7f\xff\xff\xff",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x05{bad}",
        b"\x00\x00\x00\x03nul",
        b"\x00\x00\x30\x00" + b'{"value":' + b"[" * 0x2FF7,
    ],
    ids=["2 GB", "array", "no JSON", "cut", "deep"],
)
def test_a_broken_frame_leaves_the_test_without_a_verdict(children: Children, raw: bytes) -> None:
    frames = _played(children, lambda _: raw, "assert f(2) == 4", "assert f(2) == 4")
    assert frames == [{"begin": 0}]


def test_replies_sent_before_they_are_asked_for_are_claims_like_any_other(
    children: Children,
) -> None:
    early = {"value": ["list", [["tuple", ["f", 5]]]]}
    judging, peer = children.judge_with_peer(
        {"style": "asserts", "tests": ["assert f == 6", "assert f == 5"], "entry": ["f"]}
    )
    with judging, peer:
        for reply in (early, {"value": True}, {"value": True}):
            send_frame(peer, reply)
        assert verdicts(frames_of(judging)) == {0: False, 1: True}


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "call"},
        {"do": "call", "on": 99, "args": []},
        {"do": "call", "on": -1, "args": []},
        {"do": "call", "on": 0, "args": 5},
        {"do": "call", "on": 0, "args": [["x"]]},
        {"do": "call", "on": 0, "args": [], "kwargs": [[1]]},
        {"do": "call", "on": 0, "args": [], "kwargs": 5},
        {"do": ["x"], "on": 0, "args": []},
    ],
    ids=str,
)
def test_a_call_back_that_nobody_honest_makes_does_not_pass(
    children: Children, request_: dict[str, Any]
) -> None:
    steps: list[Any] = []

    def answer(frame: dict[str, Any]) -> Any:
        steps.append(frame)
        return request_ if len(steps) == 1 else {"value": 4}

    frames = _played(children, answer, "assert f(lambda: 1 / 0) == 4", "assert f(2) == 4")
    assert verdicts(frames)[1] is True
    assert "raised" in steps[1] and frames[-1] == {"done": True}


def test_a_call_back_to_what_was_not_passed_in_is_refused(children: Children) -> None:
    steps: list[Any] = []

    def answer(frame: dict[str, Any]) -> Any:
        steps.append(frame)
        return {"do": "call", "on": 0, "args": []} if len(steps) == 1 else {"value": 4}

    frames = _played(children, answer, "assert f(2) == 4")
    assert verdicts(frames) == {0: False}
    assert details(frames)[0].startswith("crashed: ")


_claims = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(
        ["list", "tuple", "dict", "set", "ref", "object", "class", "method", "exception", "generator",
         "iterator", "coroutine", "callable", "builtin", "int", "namedtuple", "deque", "ndarray", "x",
         "BaseException", "ValueError"]
    ),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(
        st.sampled_from(["types", "message", "args", "ticket", "handle", "value"]), children, max_size=3
    ),
    max_leaves=12,
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["value", "raised", "changed", "too_large"]), _claims),
        max_size=4,
    )
)
def test_no_reply_keeps_the_judge_from_its_verdicts_or_passes_as_a_secret(
    children: Children, replies: list[dict[str, Any]]
) -> None:
    answers = iter(replies)
    tests = (
        "assert f([1, [2]], {'a': 1}) == 'secret'",
        "assert f(0)(1) == 'secret'",
        "assert abs(f(1) - 3.25) < 1e-6",
        "assert [x for x in f(2)] == ['secret']",
        "x = [3]\nf(x)\nassert x == ['secret']",
    )
    frames = _played(children, lambda _: next(answers, {"value": 4}), *tests)
    assert frames[-1] == {"done": True}
    assert verdicts(frames) == dict.fromkeys(range(5), False)


@pytest.mark.parametrize(
    "nodes",
    [
        [[1, "Point", [["__class__", ["builtin", "int"]]]]],
        [[1, "Point", [["__dict__", ["dict", []]]]]],
        [[1, "Point", [["a b", 1]]]],
        [[1, "Point", [[5, 1]]]],
        [[1, "Point", 5]],
        [[2, "Point", []]],
        [[-1, "Point", []]],
        [[1, "int", []]],
        [[1, ["Point"], []]],
        [[1, "Point"]],
        [[0, "Point", []]],
        [[0, "Point", [["x", ["node", 5]]]]],
    ],
    ids=str,
)
def test_forged_attributes_of_shared_objects_do_not_pass(children: Children, nodes: Any) -> None:
    point = "class Point:\n    def __init__(self, x):\n        self.x = x\n"
    job = {
        "style": "asserts",
        "tests": ["p = Point(1)\nassert f(p) == 4 and p.x == 1", "assert f(Point(1)) == 4"],
        "entry": ["f"],
        "reference_code": point,
        "candidate_setup": point,
    }
    judging, peer = children.judge_with_peer(job)
    replies = [
        {"value": ["list", ["Point"]]},
        {"value": ["list", [["tuple", ["f", F]]]]},
        {"value": 4, "nodes": nodes},
        {"value": 4},
    ]
    with judging, peer:
        for reply in replies:
            _request(peer)
            send_frame(peer, reply)
        assert verdicts(frames_of(judging)) == {0: False, 1: True}
