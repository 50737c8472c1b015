"""Whether an answer is the reference: by kind first, then by value, and undecided where algebra is needed.

`compare` is pure and quick. Where a pair of expressions has letters under functions, or values without an
exact form, it asks `decide`; without one the verdict is `undecided`, and nothing is credited for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Run
from fractions import Fraction

from tamis.rewards.math.answers import (
    Answer,
    Based,
    Choice,
    Clock,
    Date,
    Interval,
    Matrix,
    Named,
    NoAnswer,
    Ratio,
    Reals,
    Relation,
    Scalar,
    Sequence,
    Text,
    Truth,
)
from tamis.rewards.math.exact import (
    times,
)
from tamis.rewards.math.form import is_closed, unevaluated, value_of
from tamis.rewards.math.ranges import interval
from tamis.rewards.math.relations import same_relation
from tamis.rewards.math.scalars import (
    NOT_CARRIED_OUT,
    Judgement,
    Rules,
    Verdict,
    compare_scalars,
    different,
    holds_infinity,
)
from tamis.rewards.math.tree import Const, Num, Product, Tree, Unreadable, Var, children

_HALF_DAY = 12 * 3600
_NOTHING = frozenset(
    {"no solution", "no solutions", "no real solution", "no real solutions", "empty set"}
)
_MISSING = {"dne": "does not exist"}


def compare(*, gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    """Whether `answer` is right when `gold` is the reference."""
    if isinstance(answer, NoAnswer):
        return different(answer.reason)
    if isinstance(gold, NoAnswer):
        return different("the reference is unreadable")
    try:
        return _compare(gold, answer, rules)
    except Unreadable as error:
        return different(str(error))


def check_values(answer: Answer) -> None:
    """Raises Unreadable when a value in the answer does not exist, like one over zero, or is past the caps."""
    if isinstance(answer, Scalar) and not holds_infinity(answer.tree):
        value_of(answer.tree)
    elif isinstance(answer, Named):
        check_values(answer.answer)
    elif isinstance(answer, Sequence):
        for item in answer.items:
            check_values(item)


def _compare(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    if isinstance(gold, Named) or isinstance(answer, Named):
        return _named(gold, answer, rules)
    if isinstance(gold, Choice) or isinstance(answer, Choice):
        return _choice(gold, answer, rules)
    if isinstance(gold, Scalar) and isinstance(answer, Scalar):
        return compare_scalars(gold, answer, rules)
    if isinstance(gold, Reals) or isinstance(answer, Reals):
        return _reals(gold, answer, rules)
    if isinstance(gold, Sequence) and isinstance(answer, Sequence):
        return _sequences(gold, answer, rules)
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return _matrices(gold, answer, rules)
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        found = same_relation(gold, answer)
        return Judgement(found, "the same relation" if found == "equal" else "the relation differs")
    if isinstance(gold, Ratio) or isinstance(answer, Ratio):
        return _ratios(gold, answer, rules)
    return _plain(gold, answer, rules)


def _plain(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    """Kinds that are what they say: words, truths, dates, times, digits in a base."""
    gold, answer = _in_letters(gold, answer), _in_letters(answer, gold)
    if isinstance(gold, Text) and isinstance(answer, Text):
        same = _MISSING.get(gold.words, gold.words) == _MISSING.get(answer.words, answer.words)
        return Judgement("equal", "the same words") if same else different("other words")
    if isinstance(gold, Truth) and isinstance(answer, Truth):
        return _same(gold.holds == answer.holds, "truth")
    if isinstance(gold, Date) and isinstance(answer, Date):
        pairs = ((gold.year, answer.year), (gold.month, answer.month), (gold.day, answer.day))
        return _same(all(one is None or one == two for one, two in pairs), "date")
    if isinstance(gold, Clock) and isinstance(answer, Clock):
        apart = gold.seconds - answer.seconds
        # without am or pm, a reference from 1:00 to 12:59 leaves the half of the day open
        is_open = not gold.half and 3600 <= gold.seconds < _HALF_DAY + 3600
        same = apart == 0 or (is_open and answer.half and apart % _HALF_DAY == 0)
        return _same(same, "time of day")
    if isinstance(gold, Based):
        if isinstance(answer, Based):
            return _same(gold == answer, "number in its base")
        if isinstance(answer, Scalar) and isinstance(answer.tree, Num):
            same = gold.digits.isdigit() and answer.tree.value == int(gold.digits)
            return _same(same and answer.unit is None, "digits")
    return different(f"{_kind(answer)} for {_kind(gold)}")


def _in_letters(answer: Answer, other: Answer) -> Answer:
    """`bo` is a product of two letters unless the other side is a word."""
    if not isinstance(other, Text) or not isinstance(answer, Scalar) or answer.unit is not None:
        return answer
    letters = children(answer.tree) if isinstance(answer.tree, Product) else ()
    names = [part.name for part in letters if isinstance(part, Const | Var)]
    return Text("".join(names)) if names and len(names) == len(letters) else answer


def _same(is_same: bool, what: str) -> Judgement:
    return Judgement("equal", f"the same {what}") if is_same else different(f"the {what} differs")


def _kind(answer: Answer) -> str:
    names = {"Scalar": "a value", "Reals": "a range", "Text": "words", "Truth": "yes or no"}
    kind = answer.kind if isinstance(answer, Sequence) else type(answer).__name__
    return names.get(kind, f"a {kind.lower()}")


def _choice(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    if isinstance(gold, Choice) and isinstance(answer, Choice):
        return _same(gold.letter == answer.letter, "choice")
    if isinstance(gold, Choice):
        if isinstance(answer, Scalar) and isinstance(answer.tree, Var) and not answer.unit:
            return _same(answer.tree.name.upper() == gold.letter, "choice")
        meaning = gold.meaning or rules.choices.get(gold.letter)
        if meaning is not None:
            return compare(gold=meaning, answer=answer, rules=rules)
    elif isinstance(answer, Choice):
        if isinstance(gold, Scalar) and gold.tree == Var(answer.letter) and not answer.says:
            return Judgement("equal", "the same letter")
        meaning = answer.meaning or rules.choices.get(answer.letter)
        if meaning is not None:
            return compare(gold=gold, answer=meaning, rules=rules)
    return different(f"{_kind(answer)} for {_kind(gold)}")


def _named(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    """Names must not contradict each other; a named formula is also an equation."""
    one = gold.name if isinstance(gold, Named) else None
    two = answer.name if isinstance(answer, Named) else None
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        equations = [_as_equation(gold), _as_equation(answer)]
        if equations[0] is None or equations[1] is None:
            return different(f"{_kind(answer)} for {_kind(gold)}")
        return _compare(equations[0], equations[1], rules)
    if one is not None and two is not None and one != two and len(one) == len(two) == 1:
        return different(f"`{two}` for `{one}`")
    inner = gold.answer if isinstance(gold, Named) else gold
    said = answer.answer if isinstance(answer, Named) else answer
    return _compare(_in_order(inner, two), _in_order(said, one), rules)


def _as_equation(answer: Answer) -> Answer | None:
    if isinstance(answer, Relation):
        return answer
    if not isinstance(answer, Named) or len(answer.name) != 1:
        return None
    if not isinstance(answer.answer, Scalar) or is_closed(answer.answer.tree):
        return None
    return Relation("=", Var(answer.name), answer.answer.tree)


def _in_order(answer: Answer, names: str | None) -> Answer:
    """`x = 1, y = 2` as the tuple (1, 2), in the order of `(x, y)` when the other side gives one."""
    if not isinstance(answer, Sequence) or answer.kind != "list":
        return answer
    given = {item.name: item.answer for item in answer.items if isinstance(item, Named)}
    if len(given) != len(answer.items):
        return answer
    order = (names or "").strip("()").split(",")
    wanted = order if sorted(order) == sorted(given) else sorted(given)
    return Sequence("tuple", tuple(given[name] for name in wanted))


def _all(judgements: Iterable[Judgement], rule: str) -> Judgement:
    """Equal when all are; different as soon as one is."""
    undecided: Judgement | None = None
    for judgement in judgements:
        if judgement.verdict == "different":
            return judgement
        if judgement.verdict == "undecided":
            undecided = judgement
    return undecided or Judgement("equal", rule)


def _sequences(gold: Sequence, answer: Sequence, rules: Rules) -> Judgement:
    unordered = {"list", "set"}
    if {gold.kind, answer.kind} <= unordered:
        is_set = "set" in (gold.kind, answer.kind)
        return _matched(gold.items, answer.items, rules, is_set=is_set)
    if gold.kind != answer.kind:
        ordered = (_in_order(gold, None), _in_order(answer, None))
        if ordered[0] == gold and ordered[1] == answer:
            return different(f"a {answer.kind} for a {gold.kind}")
        return _compare(*ordered, rules)
    return _itemwise(gold.items, answer.items, rules)


def _itemwise(gold: Run[Answer], answer: Run[Answer], rules: Rules) -> Judgement:
    if len(gold) != len(answer):
        return different(f"{len(answer)} parts for {len(gold)}")
    pairs = zip(gold, answer, strict=True)
    return _all((_compare(one, two, rules) for one, two in pairs), "the same parts")


def _matched(gold: Run[Answer], answer: Run[Answer], rules: Rules, *, is_set: bool) -> Judgement:
    """Each item of one side has its equal on the other; in lists no item is used twice."""
    if not is_set and len(gold) != len(answer):
        return different(f"{len(answer)} items for {len(gold)}")
    if rules.ordered and not is_set:
        return _itemwise(gold, answer, rules)
    rows = [[_compare(one, two, rules) for two in answer] for one in gold]
    verdicts = [[judgement.verdict for judgement in row] for row in rows]
    if is_set:
        lines = [*verdicts, *map(list, zip(*verdicts, strict=True))]
        found: Verdict = "equal" if all("equal" in line for line in lines) else "different"
    else:
        found = "equal" if _pairs_up(verdicts) else "different"
    if found == "different" and any("undecided" in row for row in verdicts):
        return Judgement("undecided", "no rule decides without algebra")
    return Judgement(found, "the same items" if found == "equal" else "the items differ")


def _pairs_up(verdicts: Run[Run[Verdict]]) -> bool:
    left = list(range(len(verdicts)))
    for row in verdicts:
        partner = next((place for place in left if row[place] == "equal"), None)
        if partner is None:
            return False
        left.remove(partner)
    return True


def _reals(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    if isinstance(gold, Text) or isinstance(answer, Text):
        texts = [each.words for each in (gold, answer) if isinstance(each, Text)]
        return _same(Reals(()) in (gold, answer) and texts[0] in _NOTHING, "range")
    one, two = interval(gold), interval(answer)
    if one is None or two is None:
        return different(f"{_kind(answer)} for {_kind(gold)}")
    if len(one.parts) != len(two.parts):
        return different("the range differs")
    pairs = zip(one.parts, two.parts, strict=True)
    return _all((_intervals(a, b, rules) for a, b in pairs), "the same range")


def _intervals(gold: Interval, answer: Interval, rules: Rules) -> Judgement:
    if (gold.low_closed, gold.high_closed) != (answer.low_closed, answer.high_closed):
        return different("an end is closed on one side only")
    ends = ((gold.low, answer.low), (gold.high, answer.high))
    if any((one is None) != (two is None) for one, two in ends):
        return different("the range differs")
    both = [(one, two) for one, two in ends if one is not None and two is not None]
    return _all((compare_scalars(Scalar(a), Scalar(b), rules) for a, b in both), "the same range")


def _matrices(gold: Matrix, answer: Matrix, rules: Rules) -> Judgement:
    if [len(row) for row in gold.rows] != [len(row) for row in answer.rows]:
        return different("the shape differs")
    cells = [
        (one, two)
        for wanted, found in zip(gold.rows, answer.rows, strict=True)
        for one, two in zip(wanted, found, strict=True)
    ]
    return _all((compare_scalars(Scalar(a), Scalar(b), rules) for a, b in cells), "the same cells")


def _ratios(gold: Answer, answer: Answer, rules: Rules) -> Judgement:
    one, two = _parts(gold), _parts(answer)
    if one is None or two is None or len(one) != len(two):
        return different(f"{_kind(answer)} for {_kind(gold)}")
    if any(unevaluated(wanted, said) for wanted, said in zip(one, two, strict=True)):
        return different(NOT_CARRIED_OUT)
    wanted, found = [value_of(part) for part in one], [value_of(part) for part in two]
    if any(not value for value in [*wanted[-1:], *found[-1:]]) or None in [*wanted, *found]:
        return different("the ratio differs")
    known, said = [v for v in wanted if v is not None], [v for v in found if v is not None]
    same = all(times(a, said[-1]) == times(b, known[-1]) for a, b in zip(known, said, strict=True))
    return _same(same, "ratio")


def _parts(answer: Answer) -> tuple[Tree, ...] | None:
    """The parts of a ratio; a plain number is one to 1."""
    if isinstance(answer, Ratio):
        return answer.parts
    if isinstance(answer, Scalar) and answer.unit is None and is_closed(answer.tree):
        return (answer.tree, Num(Fraction(1)))
    return None
