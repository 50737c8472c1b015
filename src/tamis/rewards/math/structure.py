"""From tokens to an answer: lists, tuples, sets, intervals, unions, matrices, relations, values with units.

What stands at the top decides the kind; expressions inside are `grammar.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence as Run

from tamis.rewards.math.answers import (
    Answer,
    Based,
    Interval,
    Matrix,
    Named,
    Ratio,
    Reals,
    Relation,
    RelationKind,
    Scalar,
    Sequence,
    SequenceKind,
)
from tamis.rewards.math.form import are_near, is_calculation
from tamis.rewards.math.grammar import Grammar
from tamis.rewards.math.layout import (
    CLOSERS,
    OPENERS,
    is_infix,
    is_one_pair,
    name_of,
    set_named,
    split,
    word,
    written,
)
from tamis.rewards.math.ranges import inequality, interval, joined, meeting, without
from tamis.rewards.math.tokens import Separators, Token
from tamis.rewards.math.tree import (
    Both,
    Num,
    Tree,
    Unreadable,
    choose_sign,
    holds,
)
from tamis.rewards.math.units import Unit, read_unit, sign

_RELATIONS = {
    "=": "=",
    "==": "=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "!=": "!=",
    r"\le": "<=",
    r"\leq": "<=",
    r"\leqslant": "<=",
    r"\lt": "<",
    r"\gt": ">",
    r"\ge": ">=",
    r"\geq": ">=",
    r"\geqslant": ">=",
    r"\ne": "!=",
    r"\neq": "!=",
    r"\in": "in",
}
_TURNED: dict[str, RelationKind] = {">": "<", ">=": "<="}
_OR, _AND = frozenset({"or", "或"}), frozenset({"and", "和"})
_HENCE = frozenset({r"\therefore", r"\Rightarrow", r"\implies"})
_ABOUT = frozenset({r"\approx", r"\simeq"})
_MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array"})
# hours, minutes and seconds
_MAX_COMPOUND = 3
_CURRENCIES = frozenset({"$", "€", "£", "¥", r"\$"})


class Structure:
    """Reads answers from tokens under one convention of separators."""

    def __init__(self, *, separators: Separators = "en") -> None:
        self._separators = separators

    def whole(self, tokens: Run[Token]) -> Answer:
        """The answer that a whole text makes; raises Unreadable. A bare `\\over` or `\\choose` parts all of it."""
        if not any(map(is_infix, tokens)) or not split(tokens, is_infix)[1]:
            return self.answer(tokens)
        grammar = Grammar(tokens, separators=self._separators)
        return _with_each_sign(_all_read(grammar, grammar.group()), None)

    def answer(self, tokens: Run[Token]) -> Answer:
        """The answer that all the tokens make; raises Unreadable."""
        while tokens and written(tokens[0]) in _HENCE:
            tokens = tokens[1:]
        if not tokens:
            raise Unreadable("nothing is written")
        exact, about = split(tokens, lambda t: written(t) in _ABOUT)
        if about:
            return self._about(exact)
        items, cuts = split(tokens, _is_list_cut)
        if len(items) == 1:
            return self._item(tokens)
        return self._list(items, cuts)

    def _about(self, sides: list[Run[Token]]) -> Answer:
        """`22/7 \\approx 3.14` is 22/7, when both are near each other."""
        found, near = self.answer(sides[0]), self.answer(sides[-1])
        values = [each for each in (found, near) if isinstance(each, Scalar)]
        if len(values) == len(sides) == 2 and are_near(values[0].tree, values[1].tree):
            return found
        raise Unreadable("an approximation that is far off")

    def _list(self, runs: Run[Run[Token]], cuts: Run[Token]) -> Answer:
        kept = [run for run in runs if run]
        if not _has_no_gap(runs, cuts):
            raise Unreadable("a list with a gap")
        read = [self._item(run) for run in kept]
        if len(read) == 1:
            return read[0]
        if all(isinstance(item, Reals) for item in read) and any(_is_inequality(r) for r in kept):
            sets = [item for item in read if isinstance(item, Reals)]
            return joined(sets) if any(word(cut) in _OR for cut in cuts) else meeting(sets)
        return Sequence("list", tuple(part for item in read for part in _flat(item)))

    def _item(self, tokens: Run[Token]) -> Answer:
        if not tokens:
            raise Unreadable("nothing is written")
        sides, signs = split(tokens, _is_relation)
        if len(sides) > 1:
            return self._related(sides, [_RELATIONS[written(cut)] for cut in signs])
        parts, _ = split(tokens, lambda t: written(t) in (r"\cup", r"\bigcup"))
        if len(parts) > 1:
            return joined([self._reals(part) for part in parts])
        parts, _ = split(tokens, lambda t: written(t) in (r"\setminus", r"\backslash"))
        if len(parts) == 2:
            return without(self._reals(parts[0]), self._reals(parts[1]))
        parts, _ = split(tokens, lambda t: (t.kind == "op" and t.text == ":") or word(t) == "to")
        if len(parts) > 1:
            return Ratio(tuple(self.expression(part) for part in parts))
        return self._bracketed(tokens) or self._value(tokens)

    def _reals(self, tokens: Run[Token]) -> Reals:
        found = self._item(tokens)
        if isinstance(found, Sequence) and found.kind == "set":
            points = [item.tree for item in found.items if isinstance(item, Scalar)]
            if len(points) == len(found.items):
                return Reals(tuple(Interval(p, p, True, True) for p in points))
        made = interval(found)
        if made is None:
            raise Unreadable("a union of what are no sets of numbers")
        return made

    def _bracketed(self, tokens: Run[Token]) -> Answer | None:
        """What is wholly inside one pair of brackets; None when it is not, or only a value in parentheses."""
        if set_named(tokens) is not None:
            return set_named(tokens)
        if written(tokens[0]) == r"\begin":
            return self._matrix(tokens)
        opening, closing = written(tokens[0]), written(tokens[-1])
        if len(tokens) < 2 or opening not in OPENERS or closing not in CLOSERS:
            return None
        if not is_one_pair(tokens):
            return None
        inside = tokens[1:-1]
        if written(inside[0]) == r"\begin" if inside else False:
            return self._matrix(inside)
        runs, _ = split(inside, lambda t: t.kind == "op" and t.text in (",", ";"))
        if (opening, closing) in (("[", ")"), ("(", "]")) and len(runs) == 2:
            ends = [self.answer(run) for run in runs]
            return interval(Sequence("tuple", tuple(ends)), closed=(opening == "[", closing == "]"))
        if OPENERS[opening] != closing:
            raise Unreadable("brackets that do not match")
        return self._between(opening, inside, runs)

    def _between(self, opening: str, inside: Run[Token], runs: list[Run[Token]]) -> Answer | None:
        if opening == r"\{" or (opening == "{" and len(runs) > 1):
            return self._set(inside, runs)
        if opening == "[" and all(
            run and written(run[0]) == "[" and is_one_pair(run) for run in runs
        ):
            return self._nested_rows(runs)
        if len(runs) == 1 and opening in ("(", "{"):
            return None
        if not all(runs):
            raise Unreadable("a list with a gap")
        kind: SequenceKind = "bracket" if opening == "[" else "tuple"
        return Sequence(kind, tuple(self.answer(run) for run in runs))

    def _set(self, inside: Run[Token], runs: list[Run[Token]]) -> Answer:
        if not inside:
            return Reals(())
        parts, _ = split(inside, lambda t: written(t) in (r"\mid", "|", ":", r"\vert"))
        if len(parts) == 2:
            found = self.answer(parts[1])
            if isinstance(found, Reals):
                return found
            raise Unreadable("a set by a condition that is no range")
        if not all(runs):
            raise Unreadable("a list with a gap")
        return Sequence("set", tuple(p for run in runs for p in _flat(self.answer(run))))

    def _nested_rows(self, runs: Run[Run[Token]]) -> Answer:
        rows = [split(run[1:-1], lambda t: t.kind == "op" and t.text == ",")[0] for run in runs]
        return self._made_matrix(rows)

    def _matrix(self, tokens: Run[Token]) -> Answer:
        """`\\begin{pmatrix} … \\end{pmatrix}`; a determinant asks for a calculation."""
        name = "".join(token.text for token in tokens[2:3])
        if name not in _MATRICES or [written(t) for t in tokens[-4:-2]] != [r"\end", "{"]:
            raise Unreadable(f"unexpected environment `{name[:20]}`")
        inside = tokens[4:-4]
        if name == "array" and inside and written(inside[0]) == "{":
            inside = inside[next(i for i, t in enumerate(inside) if written(t) == "}") + 1 :]
        rows = [run for run in split(inside, lambda t: written(t) == "\\\\")[0] if run]
        return self._made_matrix([split(row, lambda t: written(t) == "&")[0] for row in rows])

    def _made_matrix(self, rows: Run[Run[Run[Token]]]) -> Matrix:
        if not rows or len({len(row) for row in rows}) != 1 or len(rows) * len(rows[0]) > 100:
            raise Unreadable("a matrix with rows of several lengths")
        return Matrix(tuple(tuple(self.expression(cell) for cell in row) for row in rows))

    def _related(self, sides: list[Run[Token]], signs: list[str]) -> Answer:
        if not all(sides):
            raise Unreadable("a relation with one side")
        if signs[0] == "in" and len(signs) == 1:
            if len(sides[0]) > 4:
                raise Unreadable("a membership of what is no letter")
            return self._set_of(sides[1])
        if set(signs) == {"="}:
            return self._equal_sides(sides)
        if "=" in signs or "in" in signs:
            raise Unreadable("several kinds of relations in one")
        trees = [self.expression(side) for side in sides]
        found = inequality(trees, signs)
        if found is not None:
            return found
        if len(trees) != 2:
            raise Unreadable("a chain of inequalities around no letter")
        left, right = trees if signs[0] not in _TURNED else (trees[1], trees[0])
        return Relation(_TURNED.get(signs[0], signs[0]), left, right)  # type: ignore[arg-type]

    def _set_of(self, tokens: Run[Token]) -> Answer:
        found = self._item(tokens)
        as_interval = interval(found)
        if as_interval is not None:
            return as_interval
        if isinstance(found, Sequence) and found.kind == "set":
            return found
        raise Unreadable("a member of what is no set")

    def _equal_sides(self, sides: list[Run[Token]]) -> Answer:
        """`x = 7` names a value, `3 + 4 = 7` ends in one, `x + y = 7` is an equation."""
        name = name_of(sides[0])
        if name is not None and len(sides) == 2:
            return Named(name, self._item(sides[1]))
        if name is not None:
            return Named(name, self._equal_sides(sides[1:]))
        trees = [self.expression(side) for side in sides[:-1]]
        last = self._item(sides[-1])
        if isinstance(last, Scalar) and is_calculation([*trees, last.tree]):
            return last
        if len(sides) == 2 and isinstance(last, Scalar) and last.unit is None:
            return Relation("=", trees[0], last.tree)
        raise Unreadable("a chain of equations")

    def expression(self, tokens: Run[Token]) -> Tree:
        """The tree that all the tokens make, without a unit."""
        grammar = Grammar(tokens, separators=self._separators)
        return _all_read(grammar, grammar.expression())

    def _value(self, tokens: Run[Token]) -> Answer:
        """An expression with a currency sign before it or a unit behind it."""
        negative = (
            written(tokens[0]) == "-" and len(tokens) > 1 and written(tokens[1]) in _CURRENCIES
        )
        if negative:
            tokens = [*tokens[1:2], tokens[0], *tokens[2:]]
        unit: Unit | None = None
        if written(tokens[0]) in _CURRENCIES:
            unit, tokens = sign(written(tokens[0])), tokens[1:]
        grammar = Grammar(tokens, separators=self._separators)
        tree = grammar.expression()
        if grammar.peek() == "_" and isinstance(tree, Num) and not unit:
            return _based(tree, grammar)
        rest = [written(token) for token in grammar.tokens[grammar.place :]]
        if rest:
            return self._with_unit(tree, unit, rest, grammar)
        return _with_each_sign(tree, unit)

    def _with_unit(
        self, tree: Tree, unit: Unit | None, rest: list[str], grammar: Grammar
    ) -> Answer:
        behind = _unit_behind(rest)
        if behind is None:
            further = self._compound(tree, grammar)
            if further is None:
                raise Unreadable(f"unexpected `{rest[0][:20]}`")
            return further
        if unit is not None and (unit.dimension, unit.factor) != (behind.dimension, behind.factor):
            # `$5 per hour`, `$5 each`: the words say more about the money
            if behind.dimension == unit.dimension:
                raise Unreadable("two units")
            behind = Unit(unit.factor, unit.dimension, behind.words)
        return Scalar(tree, behind)

    def _compound(self, tree: Tree, grammar: Grammar) -> Answer | None:
        """`2 hours 30 minutes`: values of one dimension, added up in the first unit."""
        tokens = grammar.tokens[grammar.place :]
        numbers = [place for place, token in enumerate(tokens) if token.kind == "num"]
        if not 0 < len(numbers) <= _MAX_COMPOUND or numbers[0] == 0 or not isinstance(tree, Num):
            return None
        named = [written(t) for t in tokens[: numbers[0]] if word(t) != "and"]
        first = _unit_behind(named) if named else None
        rest = self._value(tokens[numbers[0] :])
        if first is None or not isinstance(rest, Scalar) or not isinstance(rest.tree, Num):
            return None
        if rest.unit is None or rest.unit.dimension != first.dimension or first.words:
            return None
        if rest.unit.factor >= first.factor:
            return None
        total = tree.value + rest.tree.value * rest.unit.factor / first.factor
        return Scalar(Num(total, tree.is_decimal or rest.tree.is_decimal), first)


def _all_read(grammar: Grammar, tree: Tree) -> Tree:
    """The tree, when nothing is left behind it."""
    if grammar.place != len(grammar.tokens):
        raise Unreadable(f"unexpected `{grammar.peek()[:20]}`")
    return tree


def _with_each_sign(tree: Tree, unit: Unit | None) -> Answer:
    """A value, or the list of two that `\\pm` in it makes."""
    if not holds(tree, Both):
        return Scalar(tree, unit)
    return Sequence("list", tuple(Scalar(choose_sign(tree, upper=u), unit) for u in (True, False)))


def _is_list_cut(token: Token) -> bool:
    return (token.kind == "op" and token.text in (",", ";")) or word(token) in _OR | _AND


def _has_no_gap(runs: Run[Run[Token]], cuts: Run[Token]) -> bool:
    """Nothing stands between two cuts only where a word follows a comma: `a, b, or c`."""
    gaps = [place for place, run in enumerate(runs) if not run]
    inner = all(0 < place < len(runs) - 1 for place in gaps)
    return inner and all(cuts[p - 1].kind == "op" and word(cuts[p]) != "" for p in gaps)


def _is_relation(token: Token) -> bool:
    return token.kind in ("op", "cmd") and written(token) in _RELATIONS


def _is_inequality(tokens: Run[Token]) -> bool:
    return any(_RELATIONS.get(written(t), "=") not in ("=", "in") for t in tokens)


def _flat(item: Answer) -> tuple[Answer, ...]:
    """`\\pm 2` in a list is two of its items."""
    if isinstance(item, Sequence) and item.kind == "list":
        return item.items
    if isinstance(item, Named) and isinstance(item.answer, Sequence) and item.answer.kind == "list":
        return item.answer.items
    return (item,)


def _based(tree: Num, grammar: Grammar) -> Based:
    rest = "".join(written(t) for t in grammar.tokens[grammar.place + 1 :]).strip("{}")
    if tree.value.denominator != 1 or tree.value.numerator.bit_length() > 256:
        raise Unreadable("a number with an index that is no base")
    digits = str(tree.value)
    if not rest.isascii() or not rest.isdigit() or not 2 <= int(rest[:3]) <= 36 or len(rest) > 2:
        raise Unreadable("a number with an index that is no base")
    base = int(rest)
    if not digits.isdigit() or any(int(digit) >= base for digit in digits):
        raise Unreadable(f"no number in base {base}")
    return Based(digits, base)


def _unit_behind(rest: Run[str]) -> Unit | None:
    if rest in ([r"\%"], ["%"]):
        return sign("%")
    if rest[0] == "^" and "".join(rest).replace("{", "").replace("}", "") in (
        r"^\circ",
        r"^\degree",
    ):
        return read_unit(["degree"])
    if rest[0] == "^" and "".join(rest[:4]).replace("{", "").replace("}", "").startswith(r"^\circ"):
        scale = "".join(rest).replace("{", "").replace("}", "").removeprefix(r"^\circ").strip()
        return read_unit([{"C": "celsius", "F": "fahrenheit"}.get(scale, "")])
    if rest[0] in (r"\degree", r"\circ"):
        return read_unit(["degree"])
    if any(part in ("+", "=", "<", ">", "!", "(", ")", "[", "]", "|") for part in rest):
        return None
    if any(part.startswith("\\") and part not in (r"\cdot", r"\$") for part in rest):
        return None
    return read_unit([part.replace(r"\cdot", " ") for part in rest])
