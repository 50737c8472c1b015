"""Finds the elements of a JSON array in a file of any size, without reading them as JSON.

One pass with a little state (where the current element starts, how deep we are), holding no more than
a block and the current element. The bytes between two commas at the array's own level are an element,
whatever they are: the reader judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_BLOCK = 1 << 22
_SPACE = b" \t\r\n"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Everything up to and with the next byte that matters; texts are passed over whole. At the array's own
# level commas matter, deeper only brackets do.
_AT_TOP = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+([\[\]{},])', re.DOTALL)
_DEEPER = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL)


class Element(msgspec.Struct, frozen=True):
    """The bytes `start` to `end` of one element; `odd` when they stand where no element should.

    Odd are the bytes behind the closing bracket, and the empty end of an array that is never closed.
    """

    start: int
    end: int
    odd: bool = False


class _Scan(msgspec.Struct):
    """How far a scan is: all positions are in `held`, which starts at byte `base` of the file."""

    held: bytes
    base: int
    depth: int
    place: int = 0
    start: int = 0
    closed: bool = False

    def feed(self, block: bytes) -> None:
        self.held = self.held[self.start :] + block
        self.base += self.start
        self.place -= self.start
        self.start = 0

    def elements(self) -> Iterator[Element]:
        """The elements that end in what is held."""
        while not self.closed:
            pattern = _AT_TOP if self.depth <= 1 else _DEEPER
            match = pattern.match(self.held, self.place)
            if match is None:
                return
            byte = match.group(1)
            self.place = match.end()
            if byte in b"[{":
                self.depth += 1
                if self.depth == 1:
                    self.start = self.place
            elif byte in b"]}":
                self.depth -= 1
                if self.depth == 0:
                    self.closed = True
                    yield from self.piece(self.place - 1, is_last=True)
                    self.start = self.place
            elif self.depth == 1:
                yield from self.piece(self.place - 1, is_last=False)
                self.start = self.place

    def piece(self, end: int, *, is_last: bool, odd: bool = False) -> Iterator[Element]:
        """What stands between `start` and `end`, without blanks; a blank last piece is none."""
        written = self.held[self.start : end]
        stripped = written.strip(_SPACE)
        if stripped:
            start = self.base + self.start + len(written) - len(written.lstrip(_SPACE))
            yield Element(start, start + len(stripped), odd)
        elif not is_last:
            yield Element(self.base + self.start, self.base + self.start)


def iter_elements(path: str) -> Iterator[Element]:
    """The elements of the array a file holds, in order; those of odd places last."""
    with Path(path).open("rb") as stream:
        scan = _Scan(b"", 0, 0)
        n_wanted = _BLOCK
        while block := stream.read(n_wanted):
            place = scan.place
            scan.feed(block)
            yield from scan.elements()
            # a text longer than the block is looked at from its start again, so take more each time
            n_wanted = _BLOCK if scan.place != place or scan.closed else 2 * n_wanted
            if scan.closed:
                scan.held += stream.read()
                break
    if scan.closed:
        yield from scan.piece(len(scan.held), is_last=True, odd=True)
        return
    yield from scan.piece(len(scan.held), is_last=True)
    yield Element(scan.base + len(scan.held), scan.base + len(scan.held), odd=True)


def elements_within(block: bytes, base: int) -> Iterator[Element]:
    """The elements in a piece of an array that was cut between elements; `block` starts at `base`."""
    scan = _Scan(block, base, 1)
    yield from scan.elements()
    yield from scan.piece(len(block), is_last=False)
