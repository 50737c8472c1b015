"""Arguments and results between judge and candidate: values that keep their identity.

On top of the tags of `values`, every mutable container gets a number in the order of writing, and
`["ref", n]` stands for one already written. So aliases and cycles survive, what a function changes in
place can be sent back, and an argument that is returned is the same object again. Both ends number
alike: `Packer.shared` and `Unpacker.shared` are the same containers at either end. Objects of classes
that both ends have are `["node", n]`, their attributes written apart, so that long lists do not nest.
"""

from __future__ import annotations

import builtins
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from tamis.sandbox.frames import TooLarge, WireError
from tamis.sandbox.link import PEER_BYTES
from tamis.sandbox.named_tuples import named_fields, named_tuple
from tamis.sandbox.reading import decode, numpy_array
from tamis.sandbox.shared_classes import SharedClasses, restore, state_of
from tamis.sandbox.values import DEPTH, Budget, encode

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

PackObject = Callable[[Any], object]
UnpackObject = Callable[[list[Any]], object]

_SMALL_INT: Final = 1 << 62
_INFINITY: Final = float("inf")
_FACTORIES: Final = {
    kind.__name__: kind for kind in (int, float, str, list, dict, set, tuple, bool)
}
# exact classes of the standard library that keep their name on this link; by id, see `_base_of`
_MAPPINGS: Final = {"Counter": Counter, "OrderedDict": OrderedDict}
_MAPPING_TAGS: Final = {id(kind): name for name, kind in _MAPPINGS.items()}
_BASES: Final = (list, tuple, dict, set, frozenset, deque, bytearray)
_VIEWS: Final = {
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}


class Packer:
    """Writes values for the other end; `pack_object` turns what has no tag into a tagged array.

    `shared` and `nodes` are the containers and objects that both ends number already.
    """

    def __init__(
        self,
        pack_object: PackObject,
        *,
        classes: SharedClasses | None = None,
        shared: list[object] | None = None,
        nodes: list[object] | None = None,
    ) -> None:
        self._pack_object = pack_object
        self._classes = classes or SharedClasses()
        self.shared: list[object] = [] if shared is None else shared
        self.nodes: list[object] = [] if nodes is None else nodes
        self._n_known = len(self.nodes)
        self._node_numbers = {id(node): n for n, node in enumerate(self.nodes)}
        self._numbers = {id(container): n for n, container in enumerate(self.shared)}
        self._budget = Budget(PEER_BYTES // 2)
        self._depth = 0

    def pack(self, value: Any) -> object:
        """The tagged JSON of a value; raises `TooLarge` for what one frame cannot carry."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int and -_SMALL_INT < value < _SMALL_INT:
            self._budget.spend(8)
            return value
        if kind is str:
            self._budget.spend(2 + len(value) * (1 if value.isascii() else 6))
            return value
        if kind is float and -_INFINITY < value < _INFINITY:
            self._budget.spend(12)
            return value
        base = _base_of(kind)
        if base is not None:
            return self._pack_container(value, base)
        return self._pack_leaf(value, kind)

    def _pack_container(self, value: Any, base: type) -> object:
        self._budget.spend(16)
        if base is not tuple and base is not frozenset:
            number = self._numbers.get(id(value))
            if number is not None:
                return ["ref", number]
            self._numbers[id(value)] = len(self.shared)
            self.shared.append(value)
        self._depth += 1
        if self._depth > DEPTH:
            raise TooLarge(f"value: more than {DEPTH} containers inside each other")
        try:
            return self.contents(value)
        finally:
            self._depth -= 1

    def contents(self, value: Any) -> object:
        """A container with its members, whether or not it was written before."""
        base = _base_of(type(value))
        if base is tuple:
            return self._pack_tuple(value)
        if base is dict:
            return self._pack_mapping(value)
        if base is bytearray or base is None:
            return encode(value, budget=self._budget)
        members = [self.pack(member) for member in base.__iter__(value)]  # type: ignore[attr-defined]
        if base is deque:
            return ["deque", members, value.maxlen]
        return [base.__name__, members]

    def _pack_tuple(self, value: tuple[object, ...]) -> object:
        members = [self.pack(member) for member in tuple.__iter__(value)]
        if type(value) is not tuple:
            fields = named_fields(type(value))
            if fields is not None:
                return ["namedtuple", type(value).__name__, fields, members]
        return ["tuple", members]

    def _pack_mapping(self, value: dict[object, object]) -> object:
        pairs = [[self.pack(key), self.pack(member)] for key, member in dict.items(value)]
        tag = _MAPPING_TAGS.get(id(type(value)))
        if tag is not None:
            return [tag, pairs]
        if type(value) is defaultdict:
            factory = value.default_factory
            name = getattr(factory, "__name__", None)
            known = factory is None or _FACTORIES.get(str(name)) is factory
            return ["defaultdict", pairs, name if known else None]
        return ["dict", pairs]

    def _pack_leaf(self, value: Any, kind: type) -> object:
        view = _VIEWS.get(kind)
        if view is not None:
            return [view, [self.pack(member) for member in [*value]]]
        numpy = sys.modules.get("numpy")
        if numpy is not None and issubclass(kind, numpy.ndarray):
            number = self._numbers.get(id(value))
            if number is not None:
                return ["ref", number]
            self._numbers[id(value)] = len(self.shared)
            self.shared.append(value)
            return encode(value, budget=self._budget)
        raw = encode(value, budget=self._budget, materialise=False)
        if type(raw) is not list or raw[0] != "object":
            return raw
        if self._classes and self._classes.name_of(kind) is not None:
            return ["node", self._node_number(value)]
        return self._pack_object(value)

    def _node_number(self, value: object) -> int:
        number = self._node_numbers.get(id(value))
        if number is None:
            number = self._node_numbers[id(value)] = len(self.nodes)
            self.nodes.append(value)
        return number

    def pack_nodes(self, changed: Iterable[int]) -> list[object]:
        """Number, class and attributes of the objects that changed, then of all new ones."""
        packed = [self._pack_node(number) for number in changed]
        number = self._n_known
        # packing an object may find more of them
        while number < len(self.nodes):
            packed.append(self._pack_node(number))
            number += 1
        return packed

    def _pack_node(self, number: int) -> object:
        value = self.nodes[number]
        state = [[name, self.pack(member)] for name, member in state_of(value)]
        return [number, self._classes.name_of(type(value)), state]


class Unpacker:
    """Reads what the other end's `Packer` wrote; raises `WireError` for anything it cannot have written."""

    def __init__(
        self,
        unpack_object: UnpackObject,
        *,
        classes: SharedClasses | None = None,
        shared: list[object] | None = None,
        nodes: list[object] | None = None,
    ) -> None:
        self._unpack_object = unpack_object
        self._classes = classes or SharedClasses()
        self.shared: list[object] = [] if shared is None else shared
        self.nodes: list[object] = [] if nodes is None else nodes

    def make_nodes(self, packed: list[Any]) -> None:
        """Make the new ones of the objects that `pack_nodes` wrote, still without attributes."""
        for node in packed:
            if type(node) is not list or len(node) != 3 or type(node[0]) is not int:
                raise WireError("value: expected an object's number, class and attributes")
            if node[0] == len(self.nodes):
                self.nodes.append(self._classes.blank(node[1]))
            elif not 0 <= node[0] < len(self.nodes):
                raise WireError("value: an object out of its turn")

    def fill_nodes(self, packed: list[Any]) -> None:
        """Give the objects that `pack_nodes` wrote their attributes."""
        for number, _, state in packed:
            restore(self.nodes[number], state, unpack=self.unpack)

    def unpack(self, raw: Any) -> Any:
        """The value behind one tagged JSON text."""
        if type(raw) is not list:
            return decode(raw)
        if not raw or type(raw[0]) is not str:
            raise WireError("value: expected a tag")
        read = _READERS.get(raw[0])
        if read is not None:
            return self._read(read, raw)
        if raw[0] in _LEAVES:
            value = decode(raw, arrays=numpy_array)
            if raw[0] in {"bytearray", "ndarray"}:
                self.shared.append(value)
            return value
        return self._unpack_object(raw)

    def _read(self, read: Callable[[Unpacker, list[Any]], Any], raw: list[Any]) -> Any:
        try:
            return read(self, raw)
        except (IndexError, TypeError, ValueError, KeyError) as error:
            if isinstance(error, WireError):
                raise
            raise WireError(f"value: not a {raw[0]}: {error}") from None

    def members(self, raw: Any) -> list[Any]:
        """The values of a JSON array."""
        if type(raw) is not list:
            raise WireError("value: expected an array of members")
        return [self.unpack(member) for member in raw]

    def pairs(self, raw: Any) -> list[tuple[Any, Any]]:
        """The keys and values of a JSON array of pairs."""
        if type(raw) is not list:
            raise WireError("value: expected an array of pairs")
        return [(self.unpack(key), self.unpack(member)) for key, member in raw]

    def refill(self, container: Any, raw: Any) -> None:
        """Give a container the members that the other end says it has now."""
        if type(raw) is not list or not raw:
            raise WireError("value: expected the members of a container")
        if raw[0] in {"bytearray", "ndarray"}:
            _refill_flat(container, decode(raw, arrays=numpy_array))
        elif isinstance(container, dict):
            pairs = self.pairs(raw[1])
            container.clear()
            dict.update(container, pairs)
        elif isinstance(container, list):
            container[:] = self.members(raw[1])
        elif isinstance(container, set | deque):
            members = self.members(raw[1])
            container.clear()
            container.update(members) if isinstance(container, set) else container.extend(members)
        else:
            raise WireError("value: a container changed its kind")


def snapshot(container: Any) -> Any:
    """What a container holds now, to compare with later; members by identity."""
    if isinstance(container, dict):
        return [part for pair in dict.items(container) for part in pair]
    if isinstance(container, bytearray):
        return bytes(container)
    if isinstance(container, list | set | deque):
        return [*container]
    return container.copy()


def has_changed(container: Any, before: Any) -> bool:
    """Whether a container holds other members than when the snapshot was taken."""
    now = snapshot(container)
    if type(now) is list:
        return len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True))
    if type(now) is bytes:
        return bool(now != before)
    return bool(now.shape != before.shape or now.tobytes() != before.tobytes())


def _base_of(kind: type) -> type | None:
    if kind in _EXACT:
        return kind
    # subclasses go as their base; by the class, never by isinstance: __class__ lies
    for base in _BASES:
        if issubclass(kind, base):
            return base
    return None


def _refill_flat(container: Any, value: Any) -> None:
    if type(container) is bytearray and type(value) is bytearray:
        container[:] = value
    elif type(container) is type(value) and container.shape == value.shape:
        container[...] = value
    else:
        raise WireError("value: a container changed its kind")


def _read_ref(unpacker: Unpacker, raw: list[Any]) -> Any:
    if type(raw[1]) is not int or raw[1] < 0:
        raise WireError("value: expected the number of a container")
    return unpacker.shared[raw[1]]


def _read_node(unpacker: Unpacker, raw: list[Any]) -> Any:
    if type(raw[1]) is not int or raw[1] < 0:
        raise WireError("value: expected the number of an object")
    return unpacker.nodes[raw[1]]


def _read_list(unpacker: Unpacker, raw: list[Any]) -> Any:
    value: list[Any] = []
    unpacker.shared.append(value)
    value.extend(unpacker.members(raw[1]))
    return value


def _read_set(unpacker: Unpacker, raw: list[Any]) -> Any:
    value: set[Any] = set()
    unpacker.shared.append(value)
    value.update(unpacker.members(raw[1]))
    return value


def _read_deque(unpacker: Unpacker, raw: list[Any]) -> Any:
    value: deque[Any] = deque(maxlen=raw[2])
    unpacker.shared.append(value)
    value.extend(unpacker.members(raw[1]))
    return value


def _read_mapping(unpacker: Unpacker, raw: list[Any]) -> Any:
    value: dict[Any, Any] = _MAPPINGS.get(raw[0], dict)()
    unpacker.shared.append(value)
    dict.update(value, unpacker.pairs(raw[1]))
    return value


def _read_default_mapping(unpacker: Unpacker, raw: list[Any]) -> Any:
    value: dict[Any, Any] = defaultdict(None if raw[2] is None else _FACTORIES[raw[2]])
    unpacker.shared.append(value)
    dict.update(value, unpacker.pairs(raw[1]))
    return value


def _read_named_tuple(unpacker: Unpacker, raw: list[Any]) -> Any:
    members = unpacker.members(raw[3])
    return named_tuple(raw[1], raw[2], members)


_EXACT: Final = frozenset(_BASES)
_LEAVES: Final = frozenset(
    "int float complex bytes bytearray range decimal fraction ndarray date time datetime timedelta"
    " ellipsis notimplemented".split()
)
_READERS: Final[dict[str, Callable[[Unpacker, list[Any]], Any]]] = {
    "ref": _read_ref,
    "node": _read_node,
    "list": _read_list,
    "tuple": lambda unpacker, raw: tuple(unpacker.members(raw[1])),
    "set": _read_set,
    "frozenset": lambda unpacker, raw: frozenset(unpacker.members(raw[1])),
    "deque": _read_deque,
    "dict": _read_mapping,
    "Counter": _read_mapping,
    "OrderedDict": _read_mapping,
    "defaultdict": _read_default_mapping,
    "namedtuple": _read_named_tuple,
    # views of a dict of their own: they compare as views do
    "keys": lambda unpacker, raw: dict.fromkeys(unpacker.members(raw[1])).keys(),
    "values": lambda unpacker, raw: dict(enumerate(unpacker.members(raw[1]))).values(),
    "items": lambda unpacker, raw: dict(unpacker.members(raw[1])).items(),
}
