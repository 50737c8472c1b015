"""What crosses the link between test and candidate, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .children import Children, details, verdicts


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()


def _run(children: Children, source: str, *tests: str, **more: Any) -> list[dict[str, Any]]:
    return children.judge(
        source, {"style": "asserts", "tests": list(tests), "entry": ["f"], **more}
    )


def _holds(children: Children, source: str, *tests: str, **more: Any) -> None:
    frames = _run(children, source, *tests, **more)
    assert {k: d for k, d in details(frames).items() if d} == {}
    assert all(verdicts(frames).values()) and len(verdicts(frames)) == len(tests)


def test_values_of_every_kind_go_there_and_back(children: Children) -> None:
    texts = (
        "None", "True", "10**30", "-0.5", "float('inf')", "1j", "'é\\ud800'", "b'a'", "bytearray(b'a')",
        "[1, (2, {3})]", "{1: [2], (3,): {'a'}}", "frozenset({1})", "range(3)", "deque([1, 2], 5)",
        "Counter('aab')", "OrderedDict([(2, 1), (1, 2)])", "Decimal('1.50')", "Fraction(1, 3)",
        "date(2024, 2, 29)", "timedelta(seconds=3)", "Ellipsis",
    )  # fmt: skip
    setup = (
        "from collections import *\nfrom decimal import Decimal\nfrom fractions import Fraction\n"
        "from datetime import *\n"
    )
    tests = [
        f"x = {text}\ny = f(x)[0]\nassert x == y and type(x) is type(y) and repr(x) == repr(y)"
        for text in texts
    ]
    _holds(children, "def f(x):\n    return [x]", *tests, setup=setup)


def test_nan_and_negative_zero_keep_what_they_are(children: Children) -> None:
    _holds(
        children,
        "def f(x):\n    return -x",
        "assert str(f(0.0)) == '-0.0'",
        "x = f(float('nan'))\nassert x != x",
    )


def test_a_default_dict_keeps_its_factory(children: Children) -> None:
    source = "def f(d):\n    d['new'].append(1)\n    return d"
    test = "from collections import defaultdict\nd = defaultdict(list)\nassert f(d) is d and d == {'new': [1]}"
    _holds(children, source, test)


def test_changes_in_place_come_back_to_the_tests_own_objects(children: Children) -> None:
    source = (
        "def f(a, d, s, b, q):\n    a.sort()\n    a[1].append(9)\n    d['x'] = a[1]\n"
        "    del d['old']\n    s.add(1)\n    b += b'z'\n    q.rotate(1)\n"
    )
    test = (
        "from collections import deque\n"
        "inner = [5]\na = [inner, [1]]\nd = {'old': 1}\ns = {2}\nb = bytearray(b'a')\nq = deque([1, 2, 3])\n"
        "assert f(a, d, s, b, q) is None\n"
        "assert a == [[1], [5, 9]] and a[1] is inner and d == {'x': [5, 9]} and d['x'] is inner\n"
        "assert s == {1, 2} and b == b'az' and list(q) == [3, 1, 2]\n"
    )
    _holds(children, source, test)


def test_aliases_and_cycles_of_arguments_keep_their_identity(children: Children) -> None:
    source = (
        "def f(a, b=None):\n    if b is a:\n        return 'same'\n"
        "    if a[0] is a:\n        return 'cycle'\n    return [a, a[0]]\n"
    )
    _holds(
        children,
        source,
        "x = [1]\nassert f(x, x) == 'same' and f(x, b=[1]) != 'same'",
        "x = []\nx.append(x)\nassert f(x) == 'cycle'",
        "x = [[2]]\ny = f(x)\nassert y[0] is x and y[1] is x[0]",
    )


def test_a_container_changed_even_though_the_call_raised(children: Children) -> None:
    source = "def f(a):\n    a.append(1)\n    raise KeyError('k')\n"
    test = "a = []\ntry:\n    f(a)\nexcept KeyError as e:\n    assert e.args == ('k',) and a == [1]\nelse:\n    assert 0"
    _holds(children, source, test)


def test_functions_of_the_test_are_called_back_and_may_nest(children: Children) -> None:
    source = (
        "def f(g, n):\n    return g(n)\n"
        "def count(xs, key):\n    return sorted(xs, key=key)\n"
        "def compose(g, h):\n    return lambda x: g(h(x))\n"
        "def twice(g):\n    return g\n"
        "def keep(xs):\n    return [x(1) for x in xs]\n"
    )
    _holds(
        children,
        source,
        "assert f(lambda n: n + 1, 2) == 3",
        "assert count(['bb', 'a'], len) == ['a', 'bb'] and count([1, 2], key=lambda x: -x) == [2, 1]",
        "assert compose(lambda x: x + 1, lambda x: x * 10)(2) == 21",
        "def down(n):\n    return n if n == 0 else f(down, n - 1)\nassert f(down, 12) == 0",
        "g = lambda: 1\nassert twice(g) is g",
        "seen = []\nf(seen.append, 3)\nassert seen == [3]",
        "assert keep([str, float, lambda x: x]) == ['1', 1.0, 1]",
        "import math, operator\nassert f(math.sqrt, 9) == 3 and f(operator.neg, 1) == -1",
    )


def test_an_exception_of_the_tests_function_passes_through_as_itself(children: Children) -> None:
    source = "def f(g):\n    return g()\ndef h(g):\n    try:\n        g()\n    except ZeroDivisionError as e:\n        return str(e)"
    _holds(
        children,
        source,
        "class Mine(Exception): pass\ndef g():\n    raise Mine('x')\n"
        "try:\n    f(g)\nexcept Mine as e:\n    assert str(e) == 'x'\nelse:\n    assert 0",
        "assert h(lambda: 1 / 0) == 'division by zero'",
    )


def test_iterators_are_read_one_by_one_in_both_directions(children: Children) -> None:
    source = (
        "from itertools import count, islice\n"
        "def f(it):\n    return [next(it), next(it)]\n"
        "def naturals():\n    yield from count()\n"
        "def echo():\n    got = None\n    while got != 'end':\n        got = yield got\n    return 5\n"
        "class Box:\n    def __init__(self, xs):\n        self.xs = xs\n    def __iter__(self):\n        return iter(self.xs)\n"
        "class Steps:\n    def __iter__(self):\n        return self\n    def __next__(self):\n        raise StopIteration\n"
    )
    _holds(
        children,
        source,
        "import itertools\nit = itertools.count(3)\nassert f(it) == [3, 4] and next(it) == 5",
        "import itertools, types\ng = naturals()\nassert isinstance(g, types.GeneratorType)\n"
        "assert list(itertools.islice(g, 3)) == [0, 1, 2] and next(g) == 3",
        "e = echo()\nassert next(e) is None and e.send(4) == 4\ntry:\n    e.send('end')\n"
        "except StopIteration as s:\n    assert s.value == 5",
        "assert list(Box([1, 2])) == [1, 2] and list(Steps()) == []",
        "assert f(x for x in (7, 8, 9)) == [7, 8]",
    )


def test_exceptions_are_caught_by_their_names(children: Children) -> None:
    source = (
        "class AppError(Exception): pass\n"
        "class Bad(ValueError, AppError):\n    def __init__(self, code):\n        super().__init__('bad code')\n        self.code = code\n"
        "def f(x):\n    raise Bad(x)\n"
        "def g(kind):\n    raise kind\n"
        "def error():\n    return AppError('kept')\n"
        "def u():\n    b'\\xff'.decode()\n"
    )
    _holds(
        children,
        source,
        "for kind in (Bad, ValueError, AppError, Exception):\n    try:\n        f(3)\n"
        "    except kind as e:\n        assert str(e) == 'bad code' and e.code == 3\n    else:\n        assert 0",
        "try:\n    g(KeyError)\nexcept KeyError:\n    pass",
        "try:\n    g(Bad(1))\nexcept AppError as e:\n    assert e.code == 1" if False else "pass",
        "e = error()\nassert isinstance(e, AppError) and str(e) == 'kept' and not isinstance(e, ValueError)",
        "try:\n    u()\nexcept UnicodeDecodeError:\n    pass\nelse:\n    assert 0",
        "try:\n    g(KeyboardInterrupt)\nexcept BaseException as e:\n    assert type(e).__name__ == 'KeyboardInterrupt'",
    )


_STACK = """
class Stack:
    size = 0
    def __init__(self, items=()):
        self.items = list(items)
    def push(self, x):
        self.items.append(x)
        return self
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def __getitem__(self, i): return self.items[i]
    def __setitem__(self, i, x): self.items[i] = x
    def __repr__(self): return f"Stack({self.items})"
    def __eq__(self, other): return isinstance(other, Stack) and self.items == other.items
    def __lt__(self, other): return len(self) < len(other)
    def __add__(self, other): return Stack(self.items + other.items)
    def __enter__(self): return self
    def __exit__(self, *a): self.items.clear(); return True
    @property
    def top(self): return self.items[-1]
    def count(self, x): return self.items.count(x)
    @classmethod
    def of(cls, *items): return cls(items)
    @staticmethod
    def zero(): return 0
class Sub(Stack): pass
def f(x): return Stack([x])
def size(stack): return len(stack)
def adder(n): return lambda x: x + n
"""


def test_objects_of_the_candidate_can_be_used_through_their_handles(children: Children) -> None:
    _holds(
        children,
        _STACK,
        "s = Stack([1])\ns.push(2).push(3)\nassert len(s) == 3 and list(s) == [1, 2, 3] and s[0] == 1 and s.top == 3",
        "s = Stack([1])\ns[0] = 5\nassert s.items == [5] and str(s) == 'Stack([5])' and f'{s}' == repr(s)",
        "s = Stack()\ns.size = 4\nassert s.size == 4 and Stack.size == 0 and not hasattr(s, 'nothing')",
        "assert Stack([1, 1]).count(1) == 2 and Stack.of(1, 2).items == [1, 2] and Stack.zero() == 0",
        "assert size(f(2)) == 1 and adder(2)(3) == 5",
        "assert isinstance(Sub(), Stack) and not isinstance(3, Stack) and issubclass(Sub, Stack)",
        "assert not isinstance(f(1), (int, str, list))",
        "with Stack([1]) as s:\n    1 / 0\nassert len(s) == 0",
        "s = f(1)\nassert s is s.push(2) and s == s",
    )


def test_what_two_handles_say_of_each_other_is_weak(children: Children) -> None:
    tests = (
        "assert f(1) == f(1)", "x = f(1)\nassert x == x", "assert f(1) != f(2)",
        "assert f(1) < f(1).push(2)", "assert f(1)", "assert isinstance(f(1), Stack)",
        "assert f(1).items == [1]", "assert f(1)[0] == 1", "assert f(1).push(2)",
        "assert Stack([1]).push(2).items == [1, 2]", "assert Stack([1]).items == [1]",
        "assert len(f(1)) == 1", "assert list(f(1)) == [1]",
    )  # fmt: skip
    frames = _run(children, _STACK, *tests)
    assert all(verdicts(frames).values())
    weak = [frame["weak"] for frame in frames if "test" in frame]
    assert weak == [True] * 9 + [False] * 4


_LIAR = """
class Liar(list):
    pass
class Yes:
    def __getattr__(self, name):
        if name.startswith('__array'): raise AttributeError
        return self
    def __call__(self, *a): return self
    for name in 'eq ne lt le gt ge contains bool add radd sub rsub mul rmul truediv rtruediv'.split():
        locals()[f'__{name}__'] = lambda self, *a: True
    def __hash__(self): return 1
    def __abs__(self): return 0
    def __round__(self, n=0): return 0
    __class__ = int
def f(*a): return Yes()
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert f() == 5",
        "assert 5 == f()",
        "assert not f() != 5",
        "assert [f()] == [5]",
        "assert f() in [5]",
        "assert f() in {5: 1}",
        "assert {f()} == {5}",
        "assert 5 in f()",
        "assert abs(f() - 5) < 0.1",
        "assert abs(5 - f()) < 0.1",
        "assert f() < 5",
        "assert 5 > f()",
        "assert round(f(), 2) == 5",
        "assert f() * 0 == 0",
        "assert sum([f()]) == 5",
        "assert isinstance(f(), int)",
        "assert sorted([f(), 5]) == [5, 5]",
        "import math\nassert math.isclose(f(), 5)",
        "assert f().startswith('a')",
        "assert f().isdigit()",
        "assert f().issuperset({1})",
        "assert f().count(1) > 0",
        "import copy\nassert copy.deepcopy(f()) == 5",
        "try:\n    assert f() < 5\nexcept Exception:\n    pass",
        "try:\n    f() - 5\nexcept:\n    pass",
    ],
)
def test_an_object_equal_to_everything_passes_nothing(children: Children, test: str) -> None:
    assert verdicts(_run(children, _LIAR, test)) == {0: False}


@pytest.mark.parametrize(
    "test",
    [
        "assert f() - 5 == 0",
        "assert hash(f())",
        "import inspect\nassert 'def' in inspect.getsource(f)",
        "import inspect\ninspect.signature(f)",
        "import solution\nsolution.f = None",
        "from unittest import mock\nwith mock.patch('solution.f'):\n    pass",
        "class Mine(Yes): pass",
        "class Mine: pass\nf(Mine())",
        "class Mine: pass\nf(Mine)",
        "import solution, inspect\ninspect.getsource(solution)",
        "try:\n    f(object())\nexcept BaseException:\n    pass",
    ],
)
def test_what_cannot_cross_the_link_is_called_unsupported(children: Children, test: str) -> None:
    frames = _run(children, _LIAR, test, "assert 1 == 1")
    assert verdicts(frames) == {0: False, 1: True}
    assert details(frames)[0].startswith("unsupported: ")


def test_subclasses_of_builtin_types_arrive_as_what_they_hold(children: Children) -> None:
    source = (
        "class Odd(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "class All(list):\n    def __eq__(self, other): return True\n"
        "def f(x):\n    return Odd(x)\ndef g():\n    return All([1])\n"
    )
    frames = _run(
        children,
        source,
        "assert f(3) == 4",
        "assert f(3) == 3",
        "assert g() == [2]",
        "assert g() == [1]",
    )
    assert verdicts(frames) == {0: False, 1: True, 2: False, 3: True}


def test_named_tuples_are_tuples_with_names(children: Children) -> None:
    source = (
        "from collections import namedtuple\nfrom typing import NamedTuple\nP = namedtuple('P', 'x y')\n"
        "class Q(NamedTuple):\n    a: int\n    b: int = 2\ndef f(p=None):\n    return p.x if p else P(1, 2)\n"
    )
    _holds(
        children,
        source,
        "assert f() == (1, 2) and f().y == 2 and repr(f()) == 'P(x=1, y=2)'",
        "assert f(f()) == 1 and f(P(5, 6)) == 5 and Q(1) == (1, 2) and Q(a=3).a == 3",
        "from collections import namedtuple\nassert f(namedtuple('R', 'x')(8)) == 8",
    )


def test_a_coroutine_runs_to_its_end_when_awaited(children: Children) -> None:
    source = "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x * 2\n"
    _holds(children, source, "import asyncio\nassert asyncio.run(f(2)) == 4")


def test_callbacks_from_threads_of_the_candidate_take_turns(children: Children) -> None:
    source = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(g, xs):\n    with ThreadPoolExecutor(4) as pool:\n        return list(pool.map(g, xs))\n"
    )
    _holds(children, source, "assert f(lambda x: x + 1, list(range(50))) == list(range(1, 51))")


def test_endless_callbacks_end_as_recursion_and_the_next_test_runs(children: Children) -> None:
    source = "def f(g):\n    return g(f)\n"
    frames = _run(
        children, source, "def g(h):\n    return h(g)\nf(g)", "assert f(lambda h: 1) == 1"
    )
    assert verdicts(frames) == {0: False, 1: True}
    assert "RecursionError" in details(frames)[0]


def test_values_too_large_for_the_link_fail_their_test_only(children: Children) -> None:
    source = "def f(n):\n    return 'x' * n if isinstance(n, int) else 1\n"
    frames = _run(children, source, "f(9 << 20)", "f('x' * (9 << 20))", "assert f(2) == 'xx'")
    assert verdicts(frames) == {0: False, 1: False, 2: True}
    assert details(frames)[0].startswith("too large: ")
    assert details(frames)[1].startswith("unsupported: ")


_NODE = """
from dataclasses import dataclass
class Node:
    def __init__(self, v, next=None):
        self.v, self.next = v, next
    def __eq__(self, other):
        return isinstance(other, Node) and self.v == other.v and self.next == other.next
    def __hash__(self):
        return id(self)
@dataclass
class Point:
    x: int
    y: int = 0
class Slotted:
    __slots__ = ("a", "b")
def build(values):
    head = None
    for v in reversed(values):
        head = Node(v, head)
    return head
def values_of(node):
    found = []
    while node is not None:
        found.append(node.v)
        node = node.next
    return found
"""

_LISTS = """
def f(head):
    last = None
    while head:
        head.next, last, head = last, head, head.next
    return last
def ring(n):
    head = Node(0)
    head.next = head
    return head
def moved(p):
    p.x += 1
    p.seen = [p]
    return Point(p.x, 5), [p]
def slotted(s):
    s.b = s.a
    del s.a
    return s
def call(g, node):
    return g(node)
"""


def test_objects_of_the_tasks_own_classes_cross_as_values(children: Children) -> None:
    job = {"reference_code": _NODE + "def f(x): return x", "candidate_setup": _NODE}
    tests = [
        "assert values_of(f(build([1, 2, 3]))) == [3, 2, 1]",
        "assert f(Node(1, Node(2))) == Node(2, Node(1))",
        "a = build([1, 2])\nb = a.next\nassert f(a) is b and b.next is a and a.next is None",
        "r = ring(1)\nassert r.next is r and type(r) is Node and r.v == 0",
        "p = Point(1)\nq, [same] = moved(p)\nassert (p.x, p.seen, q) == (2, [p], Point(2, 5)) and same is p",
        "s = Slotted()\ns.a = 4\nassert slotted(s) is s and s.b == 4 and not hasattr(s, 'a')",
        "def g(n):\n    n.v = 9\n    return n.next\nn = Node(1, Node(2))\nassert call(g, n) == Node(2) and n.v == 9",
        "long = build(list(range(3000)))\nassert values_of(f(long)) == list(range(2999, -1, -1))",
    ]
    frames = children.judge(
        _LISTS, {"style": "asserts", "tests": tests, "entry": ["f"], **job}, setup=_NODE
    )
    assert {k: d for k, d in details(frames).items() if d} == {}
    assert all(verdicts(frames).values())
    assert not any(frame.get("weak") for frame in frames)


def test_a_candidates_own_version_of_a_tasks_class_is_only_data(children: Children) -> None:
    source = (
        "class Point:\n    def __init__(self, *a): pass\n    def __eq__(self, other): return True\n"
        "def f(p):\n    q = Point()\n    q.x, q.y = p.x, 7\n    return q\n"
    )
    job = {"reference_code": _NODE, "candidate_setup": _NODE}
    tests = ["assert f(Point(3)) == Point(3, 0)", "assert f(Point(3)) == Point(3, 7)"]
    frames = children.judge(
        source, {"style": "asserts", "tests": tests, "entry": ["f"], **job}, setup=_NODE
    )
    assert verdicts(frames) == {0: False, 1: True}


def test_a_class_the_candidate_made_special_is_not_shared(children: Children) -> None:
    source = "class Point(int): pass\ndef f(p):\n    return 1\n"
    job = {"reference_code": _NODE, "candidate_setup": _NODE}
    tests = ["assert f(Point(3)) == 1", "assert f(2) == 1"]
    frames = children.judge(
        source, {"style": "asserts", "tests": tests, "entry": ["f"], **job}, setup=_NODE
    )
    assert verdicts(frames) == {0: False, 1: True}
    assert details(frames)[0].startswith("unsupported: ")


def test_numpy_arrays_cross_and_change_in_place(children: Children) -> None:
    pytest.importorskip("numpy")
    source = "import numpy as np\ndef f(a):\n    a[0] = 7\n    return a * 2, a\n"
    tests = [
        "import numpy as np\na = np.array([[1, 2], [3, 4]])\nb, same = f(a)\n"
        "assert same is a and a.tolist() == [[7, 7], [3, 4]] and np.array_equal(b, a * 2) and b.dtype == a.dtype",
        "import numpy as np\nassert np.allclose(f(np.array([0.5, 1.5]))[0], [14, 3])",
        "import numpy as np\nassert not np.allclose(f(np.array([0.5]))[0], [3])",
    ]
    _holds(children, source, *tests)


def test_a_view_of_a_dict_compares_as_a_view_not_as_a_list(children: Children) -> None:
    source = "D = {1: 'a', 2: 'b'}\ndef f(what):\n    return getattr(D, what)()\n"
    _holds(
        children,
        source,
        "assert f('keys') == {1, 2} and f('keys') != [1, 2] and list(f('keys')) == [1, 2]",
        "assert f('values') != ['a', 'b'] and sorted(f('values')) == ['a', 'b']",
        "assert f('items') == {(1, 'a'), (2, 'b')} and len(f('items')) == 2",
    )
