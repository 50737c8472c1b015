"""What the judge tells the trusted parent: which test begins, and how it went."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.sandbox.frames import readable, send_frame

_DETAIL_CHARS = 300


class Reports:
    """The judge's frames on the job socket; the first verdict on a test is the one that counts."""

    def __init__(self, descriptor: int, skip: Sequence[int] = ()) -> None:
        self._descriptor = descriptor
        self.settled = set(skip)

    def begin(self, number: int | None) -> None:
        """Say which test is about to run, for the parent to blame; None between tests."""
        send_frame(self._descriptor, {"begin": number})

    def verdict(self, number: int, failure: str | None, *, weak: bool = False) -> None:
        """Say how a test went: `failure` is None when it passed."""
        if number in self.settled:
            return
        self.settled.add(number)
        detail = "" if failure is None else readable(failure, limit=_DETAIL_CHARS)
        passed = failure is None
        frame = {"test": number, "passed": passed, "detail": detail, "weak": weak}
        send_frame(self._descriptor, frame)

    def done(self) -> None:
        """Say that there is nothing more to come."""
        send_frame(self._descriptor, {"done": True})


def failure_of(error: BaseException) -> str:
    """Why an exception ended a test, in one line; never fails, though a `__str__` may."""
    try:
        message = str(error)
    except BaseException as second:  # noqa: BLE001  (its text may come from the candidate)
        message = f"<no message: {type(second).__name__}>"
    first = message.strip().partition("\n")[0]
    if first.startswith(("unsupported: ", "crashed: ", "too large: ")):
        return first
    name = type(error).__name__
    return f"{name}: {first}" if first else name
