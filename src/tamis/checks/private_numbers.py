"""Whether characters that look private are: check digits, issued ranges, nothing reserved."""

from __future__ import annotations

import functools
import ipaddress
import math
import re
from collections import Counter
from datetime import date

# numbers that payment companies publish for tests
_TEST_CARDS_TEXT = (
    "4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444 "
    "5105105105105100 5200828282828210 378282246310005 371449635398431 378734493671000 "
    "6011111111111117 6011000990139424 30569309025904 38520000023237 3530111333300000 "
    "3566002020360505 2223003122003222 6200000000000005 4222222222222 5454545454545454 "
    "4444333322221111 4917610000000000"
)
_TEST_CARDS = frozenset(_TEST_CARDS_TEXT.split())
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25,
    "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
# the ones that appear in standards and bank manuals
_TEST_IBANS = frozenset(
    [
        "GB82WEST12345698765432",
        "DE89370400440532013000",
        "GB33BUKB20201555555555",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
        "BE68539007547034",
        "CH9300762011623852957",
        "ES9121000418450200051332",
        "IT60X0542811101000000123456",
    ]
)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_RESERVED_SSN = frozenset(("078-05-1120", "219-09-9999", "123-45-6789", "111-11-1111"))
_RESERVED_DOMAINS = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|(?:[a-z0-9-]+\.)?(?:example|test|invalid|localhost|local))$"
)
# what people write when they mean any address at all
_PLACEHOLDER_LOCAL_TEXT = (
    "you your user username name yourname firstname lastname first.last someone somebody me "
    "email your.email youremail your_email example test noreply no-reply donotreply do-not- "
    "reply git"
)
_PLACEHOLDER_LOCAL = frozenset(_PLACEHOLDER_LOCAL_TEXT.split())
_PLACEHOLDER_DOMAINS_TEXT = (
    "email.com domain.com yourdomain.com mydomain.com company.com yourcompany.com mail.com "
    "test.com site.com website.com xyz.com abc.com host.com provider.com mycompany.com "
    "acme.com sample.com foo.com bar.com yoursite.com"
)
_PLACEHOLDER_DOMAINS = frozenset(_PLACEHOLDER_DOMAINS_TEXT.split())
_PUBLIC_RESOLVERS = frozenset(
    ("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "114.114.114.114")
)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others.

    >>> passes_luhn("79927398713"), passes_luhn("79927398710")
    (True, False)
    """
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def is_card(written: str) -> bool:
    """Whether it is a card number: issuer prefix, its length, Luhn; published test cards are not."""
    digits = re.sub(r"[ -]", "", written)
    if digits in _TEST_CARDS or len(set(digits)) < 4 or digits in "01234567890123456789" * 2:
        return False
    return len(digits) in _card_lengths(digits) and passes_luhn(digits)


def _card_lengths(digits: str) -> tuple[int, ...]:
    """Lengths that the issuer with this prefix uses."""
    two, four, six = int(digits[:2]), int(digits[:4]), int(digits[:6])
    if digits[0] == "4":
        return (16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return (16,)
    if two in (34, 37):
        return (15,)
    if two in (36, 38) or 300 <= four // 10 <= 305:
        return (14,)
    if 3528 <= four <= 3589 or four == 6011 or two == 65 or 644 <= four // 10 <= 649:
        return (16, 19)
    if two == 62 or 622126 <= six <= 622925:
        return (16, 17, 18, 19)
    if two in (50, 56, 57, 58, 60, 63, 67):
        return (16, 19)
    return ()


def is_iban(written: str) -> bool:
    """Whether it is a bank account number: its country's length and ISO 7064 check digits.

    >>> is_iban("DE44 5001 0517 5407 3249 31"), is_iban("DE45 5001 0517 5407 3249 31")
    (True, False)
    """
    compact = written.replace(" ", "")
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact) or compact in _TEST_IBANS:
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def is_resident_id(written: str) -> bool:
    """Whether it is a Chinese resident id: province, a real birthday, check digit."""
    if int(written[:2]) not in (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83):  # fmt: skip
        return False
    year, month, day = int(written[6:10]), int(written[10:12]), int(written[12:14])
    if not 1880 <= year <= 2099:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    total = sum(w * int(c) for w, c in zip(_RESIDENT_WEIGHTS, written[:17], strict=True))
    return _RESIDENT_CHECKS[total % 11] == written[17].upper()


def is_social_security(written: str) -> bool:
    """Whether it is a US social security number that can have been issued."""
    area, group, serial = written.split("-")
    if area in ("000", "666") or area >= "900" or group == "00" or serial == "0000":
        return False
    return written not in _RESERVED_SSN


def is_personal_email(written: str) -> bool:
    """Whether it is an address somebody may read: no reserved domain, no placeholder."""
    local, _, domain = written.lower().rpartition("@")
    if _RESERVED_DOMAINS.search(domain) or domain in _PLACEHOLDER_DOMAINS:
        return False
    if ".." in local or re.fullmatch(
        r"(?:png|jpe?g|gif|svg|webp|js|css|py)", domain.rpartition(".")[2]
    ):
        return False
    return local not in _PLACEHOLDER_LOCAL


def is_phone(written: str) -> bool:
    """Whether it is a telephone number somebody may answer; numbers kept for fiction are not."""
    digits = re.sub(r"\D", "", written)
    if not 10 <= len(digits) <= 15 or len(set(digits)) < 4:
        return False
    if digits in "12345678901234567890" or "1234567" in digits or "0000000" in digits:
        return False
    if written[0] == "+":
        is_north_american = digits[0] == "1"
    else:
        is_north_american = not re.fullmatch(r"1[3-9]\d(?:\d{8}|([ -])\d{4}\1\d{4})", written)
    if is_north_american and len(digits) in (10, 11):
        area, exchange, line = digits[-10:-7], digits[-7:-4], digits[-4:]
        is_assigned = area[0] >= "2" and exchange[0] >= "2" and exchange[1:] != "11"
        return is_assigned and exchange != "555" and area not in ("555", "123") and line != "0000"
    return written[0] == "+" or len(digits) == 11


@functools.cache
def _reserved_networks() -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(
        ipaddress.IPv4Network(network)
        for network in (
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "100.64.0.0/10",
            "198.18.0.0/15",
        )
    )


def is_public_ipv4(written: str) -> bool:
    """Whether it is a routable address: four plain bytes, not private, reserved or for documents.

    Small first and last bytes are let go as versions and section numbers (`1.2.3.4`).
    """
    parts = written.split(".")
    if any(int(part) > 255 or (len(part) > 1 and part[0] == "0") for part in parts):
        return False
    if (
        written in _PUBLIC_RESOLVERS
        or all(int(part) < 32 for part in parts)
        or parts[1:] == ["0", "0", "0"]
    ):
        return False
    address = ipaddress.IPv4Address(written)
    if address.is_multicast or not address.is_global:
        return False
    return all(address not in network for network in _reserved_networks())


def is_secret(written: str) -> bool:
    """Whether it is random enough for a key; `sk-xxxxxxxx` and `AKIA…EXAMPLE` are placeholders."""
    if written.startswith("-----BEGIN"):
        return True
    if re.search(
        r"example|placeholder|your|xxxx|1234567890|abcdefgh|0000000|\*\*\*|\.\.\.",
        written,
        re.IGNORECASE,
    ):
        return False
    body = (
        written.rsplit("_", maxsplit=1)[-1]
        if "_" in written[:12]
        else re.sub(r"^(?:[A-Za-z]+-)+", "", written)
    )
    # words have no digits; a key of capitals alone has none now and then, nor has one of mixed case
    has_digit = re.search(r"\d", body) is not None
    is_random = written.startswith(("AKIA", "ASIA")) or len(re.findall("[a-z][A-Z]", body)) >= 4
    return (has_digit or is_random) and _entropy(body) >= 2.8


def _entropy(text: str) -> float:
    """Bits for a character, by the text's own frequencies."""
    n = len(text)
    return -sum(c / n * math.log2(c / n) for c in Counter(text).values()) if n else 0.0
