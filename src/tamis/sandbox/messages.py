"""Requests and replies on the link: what a call carries there, and what it brings back.

Both ends write and read in the same order, for that is what numbers the shared containers: a request
holds its arguments and then the state of the objects among them; a reply holds the containers that
changed, the outcome, and then the state of objects that changed or are new.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tamis.sandbox.frames import WireError
from tamis.sandbox.graph import Packer, PackObject, Unpacker, has_changed, snapshot
from tamis.sandbox.link import Frame
from tamis.sandbox.shared_classes import SharedClasses, State, state_of

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))


def pack_call(packer: Packer, arguments: Iterable[object], named: Mapping[str, object]) -> Frame:
    """The part of a request that holds the arguments."""
    frame: Frame = {"args": [packer.pack(argument) for argument in arguments]}
    if named:
        frame["kwargs"] = [[name, packer.pack(value)] for name, value in named.items()]
    nodes = packer.pack_nodes(())
    if nodes:
        frame["nodes"] = nodes
    return frame


def unpack_call(unpacker: Unpacker, frame: Frame) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a request; raises `WireError` for anything malformed."""
    nodes = _list_in(frame, "nodes")
    unpacker.make_nodes(nodes)
    arguments = unpacker.members(frame.get("args"))
    named: dict[str, Any] = {}
    for pair in _list_in(frame, "kwargs"):
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise WireError("request: expected the name and the value of an argument")
        named[pair[0]] = unpacker.unpack(pair[1])
    unpacker.fill_nodes(nodes)
    return arguments, named


class Before:
    """What the arguments of a request held before the call, to find out what it changed."""

    def __init__(self, unpacker: Unpacker) -> None:
        self.shared = [*unpacker.shared]
        self.nodes = [*unpacker.nodes]
        self._containers = [snapshot(container) for container in self.shared]
        self._states = [state_of(node) for node in self.nodes]

    def packer(self, pack_object: PackObject, *, classes: SharedClasses) -> Packer:
        """A packer that knows what came with the request."""
        return Packer(pack_object, classes=classes, shared=[*self.shared], nodes=[*self.nodes])

    def pack_reply(self, packer: Packer, key: str, pack_outcome: Callable[[], object]) -> Frame:
        """A reply of one outcome, packed after the changes; `packer` must know `shared` and `nodes`."""
        changed = [
            [number, packer.contents(self.shared[number])]
            for number, held in enumerate(self._containers)
            if has_changed(self.shared[number], held)
        ]
        frame: Frame = {key: pack_outcome()}
        if changed:
            frame["changed"] = changed
        if self.nodes or packer.nodes:
            frame["nodes"] = packer.pack_nodes(self._changed_nodes())
        return frame

    def _changed_nodes(self) -> list[int]:
        pairs = enumerate(zip(self.nodes, self._states, strict=True))
        return [number for number, (node, held) in pairs if not _is_same(state_of(node), held)]


def take_changes(unpacker: Unpacker, reply: Frame) -> None:
    """Refill the containers that the other end changed; raises `WireError` for anything malformed.

    The outcome is to be unpacked after this, and `take_nodes` called after that.
    """
    n_shared = len(unpacker.shared)
    unpacker.make_nodes(_list_in(reply, "nodes"))
    for change in _list_in(reply, "changed"):
        if type(change) is not list or len(change) != 2 or type(change[0]) is not int:
            raise WireError("reply: expected a container and its members")
        if not 0 <= change[0] < n_shared:
            raise WireError("reply: a change of what was never sent")
        unpacker.refill(unpacker.shared[change[0]], change[1])


def take_nodes(unpacker: Unpacker, reply: Frame) -> None:
    """Give the objects of a reply their attributes."""
    unpacker.fill_nodes(_list_in(reply, "nodes"))


def _list_in(frame: Frame, key: str) -> list[Any]:
    found = frame.get(key, [])
    if type(found) is not list:
        raise WireError(f"frame: expected a list of {key}")
    return found


def _is_same(state: State, held: State) -> bool:
    return len(state) == len(held) and all(
        name == old_name and value is old_value
        for (name, value), (old_name, old_value) in zip(state, held, strict=True)
    )
