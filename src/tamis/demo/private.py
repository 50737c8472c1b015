"""Made-up private data that looks real: numbers with valid check digits, keys, addresses.

All of it is drawn by chance; a match with anything real would be an accident.
"""

from __future__ import annotations

import random
import string

_REGIONS = ["110101", "310104", "440106", "330106", "510107", "420111", "350203", "610113"]
_FACTORS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_HOSTS = ["larkmail.net", "postbox-nord.org", "hellomail.io", "quietinbox.com", "brieftaube.de"]
_NAMES = ["nadia.k", "tomas_w", "ines.ferro", "kofi.b", "marta77", "jonas.lind", "xiaowen.li"]


def _digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choices(string.digits, k=n))


def _letters(rng: random.Random, n: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits, k=n))


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` plus it pass the Luhn rule of payment cards.

    >>> luhn_digit("453201511283036")
    '6'
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban_check(country: str, account: str) -> str:
    """The two check digits of an IBAN (ISO 7064, modulo 97).

    >>> iban_check("DE", "370400440532013000")
    '89'
    """
    moved = f"{account}{country}00"
    number = int("".join(str(int(letter, 36)) for letter in moved))
    return f"{98 - number % 97:02d}"


def chinese_id_digit(digits: str) -> str:
    """The last character of a Chinese resident id (GB 11643, modulo 11).

    >>> chinese_id_digit("11010519491231002")
    'X'
    """
    total = sum(int(d) * factor for d, factor in zip(digits, _FACTORS, strict=True))
    return "10X98765432"[total % 11]


def card(rng: random.Random) -> str:
    """A payment card number of 16 digits, written together, in fours, or with dashes."""
    body = rng.choice(["4", "51", "53", "55"])
    body += _digits(rng, 15 - len(body))
    number = body + luhn_digit(body)
    return rng.choice(["", " ", "-"]).join(number[i : i + 4] for i in range(0, 16, 4))


def iban(rng: random.Random) -> str:
    """A German, Spanish or British account number, together or in fours."""
    country, length, bank = rng.choice([("DE", 18, ""), ("ES", 20, ""), ("GB", 14, "NWBK")])
    account = bank + _digits(rng, length)
    number = country + iban_check(country, account) + account
    if rng.random() < 0.5:
        return number
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def chinese_id(rng: random.Random) -> str:
    """A Chinese resident id: region, birthday, serial number, check character."""
    born = f"{rng.randint(1955, 2004)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    digits = rng.choice(_REGIONS) + born + _digits(rng, 3)
    return digits + chinese_id_digit(digits)


def api_key(rng: random.Random) -> str:
    """Something in the shape of a vendor's secret key."""
    return rng.choice(
        [
            "sk-" + _letters(rng, 48),
            "ghp_" + _letters(rng, 36),
            "AKIA" + "".join(rng.choices(string.ascii_uppercase + "234567", k=16)),
        ]
    )


def email(rng: random.Random) -> str:
    """An e-mail address at a made-up host."""
    return f"{rng.choice(_NAMES)}{rng.randint(2, 98)}@{rng.choice(_HOSTS)}"


def phone(rng: random.Random) -> str:
    """A Chinese mobile number, bare or with the country code."""
    number = rng.choice(["138", "139", "150", "186", "177"]) + _digits(rng, 8)
    return rng.choice([number, f"+86 {number}"])
