import random
import re

import pytest

from tamis.demo import private
from tamis.demo.conversations import clean_conversations, jaccard, shingles
from tamis.demo.copies import near_copy
from tamis.demo.faults import FAULTS
from tamis.demo.planting import Fault
from tamis.records import Conversation


@pytest.fixture(scope="module")
def rows() -> list[Conversation]:
    return clean_conversations(11, 240)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_a_planted_fault_changes_one_place_of_the_row(
    fault: Fault, rows: list[Conversation]
) -> None:
    rng = random.Random(fault.kind)
    planted = [(row, fault.plant(rng, row)) for row in rows]
    found = [(row, result) for row, result in planted if result is not None]
    assert found
    for row, result in found:
        assert result.row != row
        assert (result.row.id, result.row.tools, result.row.meta) == (row.id, row.tools, row.meta)
        if result.where.endswith((".content", ".arguments")):
            pairs = zip(row.messages, result.row.messages, strict=True)
            changed = [place for place, (old, new) in enumerate(pairs) if old != new]
            assert result.where.startswith(f"messages[{changed[0]}]") and len(changed) == 1


def test_fault_kinds_are_named_once() -> None:
    kinds = [fault.kind for fault in FAULTS]
    assert len(kinds) == len(set(kinds)) == 46


def _luhn_holds(number: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(number))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def test_card_numbers_pass_the_luhn_rule() -> None:
    rng = random.Random(1)
    numbers = [re.sub(r"[ -]", "", private.card(rng)) for _ in range(200)]
    assert all(len(number) == 16 and _luhn_holds(number) for number in numbers)


def test_ibans_are_one_modulo_97() -> None:
    rng = random.Random(2)
    for _ in range(200):
        iban = private.iban(rng).replace(" ", "")
        moved = iban[4:] + iban[:4]
        assert int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


def test_chinese_ids_have_their_check_character() -> None:
    rng = random.Random(3)
    weights = [2 ** (17 - place) % 11 for place in range(18)]
    for _ in range(200):
        number = private.chinese_id(rng)
        values = [10 if letter == "X" else int(letter) for letter in number]
        total = sum(value * weight for value, weight in zip(values, weights, strict=True))
        assert len(number) == 18 and total % 11 == 1


def test_a_near_copy_is_as_similar_as_it_says(rows: list[Conversation]) -> None:
    rng = random.Random(4)
    copies = [(row, near_copy(rng, row, "en-c001")) for row in rows]
    made = [(row, copy) for row, copy in copies if copy is not None]
    assert len(made) > 60
    for row, copy in made:
        assert copy.row.messages != row.messages
        assert copy.similarity_5 >= 0.75 and copy.similarity_3 <= 0.99
        assert copy.similarity_3 == pytest.approx(
            jaccard(shingles(row), shingles(copy.row)), abs=1e-4
        )
