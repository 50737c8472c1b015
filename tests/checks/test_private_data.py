"""PrivateData: numbers with check digits, addresses and keys are found; invented ones are not.

The private things here are made up; check digits were worked out for these tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.checks.private_data import DETECTORS, PrivateData, masked, private_spans
from tamis.checks.private_numbers import is_iban, is_resident_id, passes_luhn

FindRules = Callable[..., list[list[str]]]
EVERY = list(range(len(DETECTORS)))
# a key would stop a commit if it stood here in one piece
FAKE_BODY = "q7Rk2ZpX9mTt4WvB8sLd6NcY3hJf5G1aKe0u"


def said(text: str, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": text}]


def luhn(body: str) -> str:
    return next(body + str(digit) for digit in range(10) if passes_luhn(body + str(digit)))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Write to anna.k+lib@city-library.org, please", "email"),
        ("发邮件到wang.li@tushuguan.com.cn吧", "email"),
        ("Call (415) 739-2846 today", "phone"),
        ("Call 415-739-2846.", "phone"),
        ("Call +44 20 7946 1832", "phone"),
        ("Ruf an: +49 30 4839 2716", "phone"),
        ("我的手机号是13817264950，谢谢", "phone"),
        ("138 1726 4950", "phone"),
        (f"Card {luhn('451234567890123')} please", "payment-card"),
        (f"Card {luhn('37123456789012')}.", "payment-card"),
        ("DE44 5001 0517 5407 3249 31", "iban"),
        ("Konto DE44500105175407324931!", "iban"),
        ("身份证号：11010519491231002X。", "resident-id"),
        ("SSN 536-22-8731", "social-security"),
        ("the server at 93.184.216.34 is down", "ip-address"),
        ("AKIA" + "Q7RK2ZPX9MTT4WVB", "secret"),
        ("AKIA" + "FRCQJUOGNTMMDUZM", "secret"),
        ("sk-" + "aBqRtYpLmNsKdZvWxCgHjF", "secret"),
        ("key: sk-" + FAKE_BODY, "secret"),
        ("ghp_" + FAKE_BODY, "secret"),
        ("xoxb-" + "4837261950-" + FAKE_BODY[:12], "secret"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MjcxIn0." + FAKE_BODY, "secret"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----\n" + FAKE_BODY * 2, "secret"),
    ],
)
def test_private_data_is_found_in_every_role(find_rules: FindRules, text: str, rule: str) -> None:
    talks = [said(text, role) for role in ("system", "user", "assistant", "tool")]
    assert find_rules(PrivateData(), *talks) == [[f"private-data/{rule}"]] * 4


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com and x@mail.example.org and me@host.test",
        "user@domain.com, your.name@yourcompany.com, noreply@library.org",
        "@property\ndef x(self): ... git@github.com:me/x.git",
        "icon@2x.png",
        "Call 555-0142 or (415) 555-0199 or 1-800-555-0100",
        "123-456-7890 and 000-000-0000",
        "5 + 415 = 420, 2024-05-17, 12:30:45, 3.14159265358979",
        "4242 4242 4242 4242 and 4111-1111-1111-1111",
        "4512 3456 7890 1235",
        "order 20240517123456789012345",
        "0.4512345678901237",
        "GB82 WEST 1234 5698 7654 32",
        "DE45 5001 0517 5407 3249 31",
        "110105194912310021",
        "11010519491331002X",
        "000-12-3456, 666-12-3456, 987-65-4321, 123-45-6789, 536-00-8731",
        "10.1.2.3, 192.168.0.17, 127.0.0.1, 192.0.2.44, 198.51.100.7, 203.0.113.9, 8.8.8.8, 0.0.0.0",
        "version 1.2.3.4 and 2.10.14.3, 93.184.216.340, 93.184.216.34.5",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx and sk-your-api-key-goes-right-here",
        "ghp_" + "x" * 36,
        "sk-learn-is-a-library-for-machine-learning and AKIAAAAAAAAAAAAAAAAA",
        "task-based-learning-is-great-for-all-of-us",
        "-----BEGIN PUBLIC KEY-----\n" + FAKE_BODY * 2,
        "-----BEGIN PRIVATE" + " KEY-----\n...\n",
        "https://example.com/1381726495013",
        "1700000000000",
    ],
)
def test_what_is_invented_or_reserved_is_let_go(find_rules: FindRules, text: str) -> None:
    assert find_rules(PrivateData(), said(text)) == [[]]


def test_arguments_of_tool_calls_and_reasoning_are_read(find: Callable[..., Any]) -> None:
    calls = [
        {"name": "noop", "arguments": "{}"},
        {"name": "mail", "arguments": '{"to": "anna@city-library.org"}'},
    ]
    talk = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": calls, "reasoning": "She is at 93.184.216.34"},
    ]
    [findings] = find(PrivateData(), talk)
    assert [(f["path"], f["start"], f["end"]) for f in findings] == [
        ("messages[1].reasoning", 10, 23),
        ("messages[1].tool_calls[1].arguments", 8, 29),
    ]


def test_excerpts_show_four_characters_at_most(find: Callable[..., Any]) -> None:
    private = "anna.k@city-library.org"
    [[finding]] = find(PrivateData(), said(f"😀 It is {private}"))
    assert (finding["excerpt"], finding["start"], finding["severity"]) == ("an***rg", 8, "warning")
    assert private not in str(finding)


@given(st.text(max_size=40))
def test_a_mask_hides_all_but_the_ends(private: str) -> None:
    assert len(masked(private)) <= 7
    assert len(masked(private).replace("***", "", 1)) <= max(1, len(private) // 3)


def test_a_card_is_not_a_telephone_number_too(find_rules: FindRules) -> None:
    number = luhn("451234567890123")
    assert find_rules(PrivateData(), said(f"{number} +{number}")) == [["private-data/payment-card"]]


@given(st.integers(0, 10**15 - 1), st.integers(1, 9))
def test_luhn_catches_every_single_wrong_digit(number: int, shift: int) -> None:
    right = luhn(f"{number:015d}")
    wrong = right[:7] + str((int(right[7]) + shift) % 10) + right[8:]
    assert passes_luhn(right) and not passes_luhn(wrong)


@given(st.integers(0, 10**18 - 1))
def test_one_pair_of_check_digits_makes_an_iban(account: int) -> None:
    right = [check for check in range(2, 99) if is_iban(f"DE{check:02d}{account:018d}")]
    assert len(right) == 1


@given(st.dates().filter(lambda day: day.year >= 1900), st.integers(0, 999))
def test_one_check_digit_makes_a_resident_id(day: Any, order: int) -> None:
    body = f"110105{day:%Y%m%d}" if day.year <= 2099 else "11010519800101"
    assert sum(is_resident_id(f"{body}{order:03d}{check}") for check in "0123456789X") == 1


@given(st.text(alphabet="+0123456789 -().@abAK_sk:/", max_size=60))
def test_the_prefilter_never_hides_a_finding(text: str) -> None:
    found = {DETECTORS.index(detector) for detector, _, _ in private_spans(text, EVERY)}
    scanned = {at for at, detector in enumerate(DETECTORS) if re.search(detector.scan, text)}
    assert found <= scanned
