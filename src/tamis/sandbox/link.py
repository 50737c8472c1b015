"""The link between judge and candidate: requests and replies that nest, the same code at both ends.

Whoever asks reads until its reply comes; a request that comes instead (a callback) is answered first.
So requests nest like calls on a stack, and one descriptor is enough for both directions.
"""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable
from typing import Final

from tamis.sandbox.frames import WireError, receive_frame, send_frame

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

PEER_BYTES: Final = 4 << 20
"""The longest frame between judge and candidate; both live under a memory limit of their own."""

MAX_DEPTH: Final = 48
"""How deep calls and callbacks may nest before the innermost is refused."""

Frame = dict[str, object]


class LinkClosed(Exception):
    """The other process has ended or closed its end."""


class Link:
    """One end of the link; `answer` turns a request of the other end into a reply."""

    def __init__(self, descriptor: int, answer: Callable[[Frame], Frame]) -> None:
        self._descriptor = descriptor
        self._answer = answer
        # a candidate may call back from its own threads: one exchange at a time
        self._turn = threading.RLock()
        self._depth = 0
        self._idle = False
        self.in_step = True

    def ask(self, request: Frame) -> Frame:
        """Send a request and return its reply; answers whatever is asked meanwhile."""
        if self._idle:
            raise RuntimeError("a call back to the test after the call it was passed to has ended")
        with self._turn:
            if self._depth >= MAX_DEPTH:
                raise RecursionError(f"calls between test and candidate nest over {MAX_DEPTH} deep")
            self._depth += 1
            try:
                self._send(request)
                frame = self._await()
                while "do" in frame:
                    self._reply(frame)
                    frame = self._await()
                return frame
            finally:
                self._depth -= 1

    def serve(self) -> None:
        """Answer requests until the other end closes."""
        while True:
            self._idle = True
            try:
                frame = self._receive()
            except LinkClosed:
                return
            self._idle = False
            if "do" in frame:
                self._reply(frame)

    def _await(self) -> Frame:
        # whatever interrupts this leaves a reply unread
        self.in_step = False
        frame = self._receive()
        self.in_step = True
        return frame

    def _reply(self, frame: Frame) -> None:
        is_answered = False
        try:
            reply = self._answer(frame)
            try:
                self._send(reply)
            except WireError as error:
                self._send({"too_large": str(error)})
            is_answered = True
        finally:
            self.in_step = is_answered

    def _send(self, frame: Frame) -> None:
        try:
            send_frame(self._descriptor, frame, cap=PEER_BYTES)
        except OSError as error:
            raise LinkClosed(str(error)) from None

    def _receive(self) -> Frame:
        try:
            frame = receive_frame(self._descriptor, cap=PEER_BYTES)
        except OSError as error:
            raise LinkClosed(str(error)) from None
        if frame is None:
            raise LinkClosed("the other process ended")
        return frame
