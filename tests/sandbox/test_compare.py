"""Questions about a claim: Python's answer for an honest one, a bounded one for any other."""

from __future__ import annotations

import json
import math
import operator
from collections import OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.sandbox import compare
from tamis.sandbox.compare import Comparison, NotComparable, equal, holds, unequal
from tamis.sandbox.values import encode

from .wire_values import HASHABLE, NUMBERS, VALUES, Point, holds_nan


def claim(value: object) -> Any:
    """What an honest child claims a value to be, as it arrives."""
    return json.loads(json.dumps(encode(value)))


def pythons(ask: Callable[[], Any]) -> object:
    """Python's own answer, or the name of the exception it raises."""
    try:
        return ask()
    except (TypeError, ValueError, ArithmeticError) as error:
        return type(error).__name__


def ours(answer: object) -> object:
    return answer.raises if isinstance(answer, NotComparable) else answer


def check_equality(expected: object, value: object) -> None:
    raw = claim(value)
    if holds_nan(expected) and holds_nan(value):
        # Python finds a NaN equal to itself where it is the same object; the wire cannot tell
        assert isinstance(equal(expected, raw), bool)
        return
    assert equal(expected, raw) is (expected == value)
    assert unequal(expected, raw) is (expected != value)


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES)
def test_equality_of_any_two_values_is_pythons(expected: object, value: object) -> None:
    check_equality(expected, value)
    check_equality(expected, expected)


@settings(max_examples=500, deadline=None)
@given(NUMBERS, NUMBERS)
def test_equality_of_numbers_of_any_two_types_is_pythons(expected: object, value: object) -> None:
    check_equality(expected, value)
    check_equality([expected], [value])
    check_equality({expected: 1}, {value: 1})
    check_equality({(expected, "a")}, {(value, "a")})
    check_equality(frozenset([frozenset([expected])]), frozenset([frozenset([value])]))


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(VALUES | NUMBERS, VALUES | NUMBERS)
def test_equality_of_thousands_of_pairs_is_pythons(expected: object, value: object) -> None:
    check_equality(expected, value)
    check_equality(expected, expected)


@settings(max_examples=150, deadline=None)
@given(st.lists(HASHABLE, max_size=5), st.randoms())
def test_sets_and_dicts_are_equal_in_any_order(members: list[object], random: Any) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)
    check_equality(set(members), set(shuffled))
    check_equality(dict.fromkeys(members, 1), dict.fromkeys(shuffled, True))


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ((1, 2), Point(1, 2)),
        (Point(1, 2), (1, 2)),
        ({1: 2}, OrderedDict({1: 2})),
        ([1, 2], deque([1, 2])),
        (deque([1, 2]), deque([1, 2], maxlen=5)),
        ([1, 2], map(int, "12")),
        ({1, 2}, {1: 0, 2: 0}.keys()),
        ({(1, 2)}, {1: 2}.items()),
        ([2], {1: 2}.values()),
        (range(0), range(5, 5)),
        (range(3), [0, 1, 2]),
        (b"a", bytearray(b"a")),
        (b"a", "a"),
        (None, False),
        (..., ...),
        ({1: [1.0, {2}]}, {True: [1, frozenset([2.0])]}),
        ({frozenset(range(40)): 1}, {frozenset(range(40)): 1}),
        ({(frozenset(range(40)), 1)}, {(frozenset(range(40)), 2)}),
        ({2**20_000, Decimal(10) ** 5000}, {2**20_000, 10**5000}),
        ({Fraction(1, 10**5000)}, {Decimal(10) ** -5000}),
    ],
)
def test_equality_across_related_types_is_pythons(expected: Any, value: Any) -> None:
    raw = claim(value)
    again = map(int, "12") if isinstance(value, map) else value
    assert equal(expected, raw) is (expected == again)
    assert unequal(expected, raw) is (expected != again)


NAN = float("nan")


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (NAN, NAN),
        ([NAN], [NAN]),
        ({NAN, 1}, {NAN, 1}),
        ({NAN: 1}, {NAN: 1}),
        ({frozenset([NAN])}, {frozenset([NAN])}),
        (Decimal("NaN"), NAN),
        (complex(NAN, 1), complex(NAN, 1)),
    ],
)
def test_a_nan_equals_a_nan_only_on_request(expected: object, value: object) -> None:
    raw = claim(value)
    assert not equal(expected, raw)
    assert equal(expected, raw, Comparison(nan_equal=True))


def test_each_nan_of_a_set_needs_its_own() -> None:
    options = Comparison(nan_equal=True)
    two = {float("nan"), float("nan")}
    assert equal(two, claim(two), options)
    assert not equal(two, claim({NAN, 1}), options)


@pytest.mark.parametrize(
    ("expected", "value", "is_equal"),
    [
        (1.0, 1.0 + 1e-7, True),
        (1.0, 1.0 + 1e-5, False),
        (1000.0, 1000.0005, True),
        (0.001, 0.001 + 5e-7, True),
        (1, 1.0000001, True),
        (1.0, 1, True),
        (10**9, 10**9 + 1, False),
        (10**9, 10**9 + 1.0, True),
        (True, 1.0000001, False),
        (1.0, Decimal("1.0000001"), False),
        (1.0, Fraction(10**7 + 1, 10**7), False),
        (math.inf, 1e308, False),
        (1e308, math.inf, False),
        (math.inf, math.inf, True),
        (-math.inf, math.inf, False),
        (NAN, NAN, False),
        (1.0, 10**400, False),
        (10**400, 1.0, False),
        (1j, 1.0000001j, True),
        ([0.1 + 0.2, {"a": (1.0,)}], [0.3, {"a": (1.0000001,)}], True),
        ({0.1 + 0.2}, {0.3}, False),
        ("1.0", "1.0000001", False),
        ([1.0, 2.0], np.array([1.0, 2.0000001]), True),
        ([[1.0], [2.0]], np.array([[1.0], [2.0000001]]), True),
        ([1.0, 2.0], np.array([[1.0, 2.0]]), False),
        ([1.0, 2.0], np.array([1.0, 2.1]), False),
        ([[], []], np.zeros((2, 0)), True),
        ([], np.zeros(0), True),
    ],
)
def test_a_tolerance_is_relative_above_one_and_absolute_below(
    expected: object, value: object, is_equal: bool
) -> None:
    assert equal(expected, claim(value), Comparison(tolerance=1e-6)) is is_equal


@pytest.mark.parametrize("tolerance", [-1.0, math.inf, NAN])
def test_a_tolerance_that_means_nothing_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        Comparison(tolerance=tolerance)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (1, True),
        (1, 1.0),
        (b"a", bytearray(b"a")),
        ({1}, frozenset([1])),
        ([1], [1.0]),
        ({1: 2}, {True: 2}),
        ({1}, {1.0}),
        (1, Decimal(1)),
        ({(1, 2)}, {(1, 2.0)}),
    ],
)
def test_strict_types_tell_equal_values_of_different_types_apart(
    expected: object, value: object
) -> None:
    assert equal(expected, claim(value))
    assert not equal(expected, claim(value), Comparison(strict_types=True))
    assert equal(expected, claim(expected), Comparison(strict_types=True))


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ([1, 2], np.array([1, 2])),
        (1, np.array([1, 2])),
        (None, np.array([1, 2])),
        ([5], np.array([5])),
        (5, np.array([5])),
        (5, np.array(5)),
        (6, np.array([[5]])),
        ([5, 5], np.array([5])),
        ("a", np.array(["a"])),
        ([[1, 2]], [np.array([1, 2])]),
        ([[5]], [np.array([5])]),
    ],
)
def test_an_array_in_an_assert_is_as_ambiguous_as_in_python(expected: Any, value: Any) -> None:
    answer = pythons(lambda: bool(value == expected))
    assert ours(compare.compared(expected, claim(value))) == answer
    assert equal(expected, claim(value)) is (answer is True)
    assert unequal(expected, claim(value)) is (answer is False)


def test_an_object_of_the_candidate_is_neither_equal_nor_unequal_to_anything() -> None:
    raw = ["object", "AlwaysEqual", 1]
    for expected in (1, None, [1], {1}, "a", True):
        assert not equal(expected, raw)
        assert not unequal(expected, raw)
        assert not equal([expected], ["list", [raw]])
    assert not compare.is_none(raw)
    for answer in (compare.truth(raw), compare.length(raw), compare.contained(raw, {1})):
        assert isinstance(answer, NotComparable) and answer.raises is None


def test_a_signalling_nan_fails_as_it_does_in_python() -> None:
    raw = claim(Decimal("sNaN"))
    assert not equal(1, raw) and not unequal(1, raw)


@pytest.mark.parametrize(
    "raw", [{}, [], ["what", 1], ["list"], ["int", "xyz"], ["fraction", 1, 0], [["list"]]]
)
def test_a_malformed_claim_satisfies_no_question(raw: Any) -> None:
    for expected in (1, [], {1}, {}, 1.5, None):
        assert not equal(expected, raw)
    assert not holds(compare.truth(raw)) and not holds(compare.truth(raw), negated=True)
    assert isinstance(compare.length(raw), NotComparable)


def test_no_answer_is_neither_true_nor_false() -> None:
    answer = compare.length(5)
    assert isinstance(answer, NotComparable) and answer.raises == "TypeError"
    assert not holds(answer) and not holds(answer, negated=True)
    with pytest.raises(TypeError, match="holds"):
        bool(answer)


def test_an_expected_value_no_claim_can_be_compared_with_is_our_error() -> None:
    with pytest.raises(TypeError, match="judge"):
        equal(object(), 1)


PLAIN = VALUES.filter(lambda value: not holds_nan(value) and value is not NotImplemented)


@settings(max_examples=300, deadline=None)
@given(PLAIN)
def test_truth_length_and_conversions_are_pythons(value: Any) -> None:
    raw = claim(value)
    assert ours(compare.truth(raw)) == pythons(lambda: bool(value))
    assert ours(compare.length(raw)) == pythons(lambda: len(value))
    for ask, convert in [
        (compare.as_list_equal, list),
        (compare.as_tuple_equal, tuple),
        (compare.set_equal, set),
    ]:
        converted = pythons(lambda convert=convert: convert(value))  # type: ignore[misc]
        if isinstance(converted, str):
            assert ours(ask([], raw)) == converted
        else:
            assert ask(converted, raw) is True
            assert ask(convert([1, 2, 3]), raw) is (converted == convert([1, 2, 3]))


ORDERED = st.lists(
    st.integers() | st.floats(allow_nan=False) | st.fractions() | st.booleans(), max_size=6
) | st.lists(PLAIN, max_size=3)


@settings(max_examples=300, deadline=None)
@given(ORDERED, st.booleans())
def test_sorting_a_claim_is_pythons(members: list[Any], reverse: bool) -> None:
    answer = pythons(lambda: sorted(members, reverse=reverse))
    expected = members if isinstance(answer, str) else answer
    ask = compare.sorted_equal(expected, claim(members), reverse=reverse)
    if isinstance(ask, NotComparable) and ask.raises is None:
        assert any(isinstance(member, set | frozenset | deque | tuple | list) for member in members)
        return
    assert ours(ask) == (answer if isinstance(answer, str) else True)


@pytest.mark.parametrize(
    "value", ["bca", (3, 1), {3, 1}, {3: 0, 1: 0}, b"ba", deque([2, 1]), range(3, 0, -1)]
)
def test_anything_iterable_can_be_sorted(value: Any) -> None:
    assert compare.sorted_equal(sorted(value), claim(value)) is True
    assert compare.sorted_equal([1], claim(value)) is False


@settings(max_examples=150, deadline=None)
@given(PLAIN, st.lists(HASHABLE, max_size=4))
def test_membership_is_pythons(value: Any, members: list[Any]) -> None:
    for container in (members, tuple(members), set(members), dict.fromkeys(members), "abc"):
        if not holds_nan(members):
            answer = pythons(lambda container=container: value in container)  # type: ignore[misc]
            # Python looks a set up in a set by a frozenset of it; a claim does not say that much
            if not isinstance(value, set) or not isinstance(container, set):
                assert ours(compare.contained(claim(value), container)) == answer
    if value not in (..., NotImplemented) and not holds_nan(members):
        assert compare.contains(claim(members), value) is (value in members)


@pytest.mark.parametrize(
    ("value", "member"),
    [
        *[("abc", "b"), ("abc", 1), (b"abc", 97), (b"abc", b"bc"), ({1: 2}, 1), ({1, 2}, 3)],
        *[(range(10**30), 5), (range(10**30), 5.5), (range(10), 5.0), (range(5), "a"), (5, 5)],
    ],
)
def test_what_a_claim_contains_is_pythons(value: Any, member: Any) -> None:
    walks_for_ever = isinstance(value, range) and member == 5.5
    answer = False if walks_for_ever else pythons(lambda: member in value)
    assert ours(compare.contains(claim(value), member)) == answer


@settings(max_examples=300, deadline=None)
@given(NUMBERS | st.none() | st.text(max_size=2), st.integers() | st.floats())
def test_distances_and_closeness_are_pythons(value: Any, expected: Any) -> None:
    raw = claim(value)
    assert ours(compare.is_close(raw, expected)) == pythons(lambda: math.isclose(value, expected))
    for inclusive, less in [(False, operator.lt), (True, operator.le)]:
        answer = pythons(lambda less=less: less(abs(value - expected), 0.5))  # type: ignore[misc]
        ask = compare.within(raw, expected, 0.5, inclusive=inclusive)
        assert ours(ask) == answer


def test_constants_are_told_by_identity() -> None:
    assert compare.is_none(claim(None)) and not compare.is_none(claim(0))
    assert compare.is_true(claim(True)) and not compare.is_true(claim(1))
    assert compare.is_false(claim(False)) and not compare.is_false(claim(0))
    assert compare.number(claim(Fraction(1, 2))) == Fraction(1, 2)
    assert compare.number(claim("1")) is compare.number(claim(1 << 300_000)) is None
    assert [compare.kind(claim(value)) for value in (None, 1, "a", {1}, len)] == [
        "none",
        "int",
        "str",
        "set",
        "object",
    ]


# Hash of an int is its value modulo this prime: all of these fall into one slot of any table.
PRIME = 2**61 - 1
COLLIDING = [PRIME * k for k in range(1, 45_000)]
HUGE = ["int", "f" * 1_000_000]


@pytest.mark.parametrize(
    "raw",
    [
        ["set", COLLIDING],
        ["list", COLLIDING],
        ["dict", [[member, 1] for member in COLLIDING]],
        ["set", [["frozenset", COLLIDING], ["tuple", COLLIDING], 3]],
        ["list", [["frozenset", COLLIDING], 2, 3]],
        ["set", [HUGE, 1, 2]],
        ["list", [HUGE, 1, ["decimal", "1"]]],
        HUGE,
        ["fraction", HUGE, ["int", "e" * 40_000]],
        ["decimal", "1E+999999999"],
        ["decimal", "1" * 1_000_000],
        ["range", 0, HUGE, 1],
        ["range", 0, 10**18, 1],
        ["ndarray", "int64", [1 << 31, 0], []],
    ],
    ids=lambda raw: f"{raw[0]}-{str(raw[1])[:12]}",
)
@pytest.mark.timeout(20)
def test_a_claim_made_to_be_slow_is_answered_at_once(raw: Any) -> None:
    for expected in [{1, 2, 3}, {1: 1, 2: 1, 3: 1}, [1, 2, 3], 5, 5.0, Decimal(5), Fraction(1, 3)]:
        assert not equal(expected, raw)
        compare.sorted_equal(expected, raw)
        compare.set_equal(expected, raw)
        compare.as_list_equal(expected, raw)
        compare.contains(raw, expected)
        if not isinstance(expected, int | float | Decimal | Fraction):
            compare.contained(raw, expected)
        else:
            compare.is_close(raw, expected)  # type: ignore[arg-type]
            compare.within(raw, expected, 0.5)
    compare.contained(raw, {Decimal(1): 1, 2: 2})
    compare.contained(raw, range(10**18))
    assert not equal(Decimal("9E+999999"), raw)
    compare.truth(raw)
    compare.length(raw)
    compare.number(raw)


@pytest.mark.parametrize("tag", ["list", "tuple", "frozenset", "set", "deque"])
def test_a_claim_nested_without_end_does_not_exhaust_the_stack(tag: str) -> None:
    raw: Any = 1
    for _ in range(100_000):
        raw = [tag, [raw], None] if tag == "deque" else [tag, [raw]]
    expected: Any = 1
    for _ in range(1000):
        expected = [expected] if tag == "list" else (expected,)
    for one in (expected, {1}, {(1,)}, 1):
        assert not equal(one, raw)
        assert not holds(compare.sorted_equal([1, 2], ["list", [raw, raw]]))
        assert not holds(compare.set_equal({1}, raw))
    assert not holds(compare.contained(raw, {(1,)}))
