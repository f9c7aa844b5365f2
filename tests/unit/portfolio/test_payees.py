"""Bank accounts and whose they are; when money may leave for one."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.payees import destinations, precautions
from portfolio.payees.destinations import InvalidDestination
from portfolio.payees.precautions import Code

D = Decimal
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def us_bank(routing="111000025", account="0012345678", holder="Ada Lovelace"):
    return destinations.destination(
        "us_bank", holder=holder, numbers={"routing_number": routing, "account_number": account}
    )


def iban(number, holder="Ada Lovelace"):
    return destinations.destination("iban", holder=holder, numbers={"iban": number})


def test_numbers_are_kept_without_the_blanks_that_people_write():
    assert us_bank("1110-0002 5", " 0012 3456-78").numbers == {
        "routing_number": "111000025",
        "account_number": "0012345678",
    }
    assert iban("de89 3704 0044 0532 0130 00").numbers == {"iban": "DE89370400440532013000"}


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: us_bank(routing="111000026"), "routing_number"),  # the check digit
        (lambda: us_bank(routing="11100002"), "routing_number"),
        (lambda: us_bank(routing="１１１００００２５"), "routing_number"),  # digits, but not ours
        (lambda: us_bank(account="123"), "account_number"),
        (lambda: us_bank(account="1" * 18), "account_number"),
        (lambda: us_bank(account="12345a"), "account_number"),
        (lambda: iban("DE88370400440532013000"), "iban"),
        (lambda: iban("DE8937040044053201300"), "iban"),
        (lambda: iban("XX89370400440532013000"), "iban"),
        (lambda: iban(""), "iban"),
        (lambda: us_bank(holder="  "), "holder"),
        (lambda: us_bank(holder="a" * 121), "holder"),
        (lambda: us_bank(holder="Ada\x00Lovelace"), "holder"),
        (lambda: destinations.destination("paypal", holder="Ada", numbers={}), "kind"),
        (
            lambda: destinations.destination(
                "iban", holder="Ada", numbers={"iban": "DE89370400440532013000", "bic": "X"}
            ),
            "bic",
        ),
    ],
)
def test_what_is_no_bank_account_is_refused_by_its_field(make, field):
    with pytest.raises(InvalidDestination) as refused:
        make()
    assert refused.value.field == field


@given(st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_of_a_routing_number_is_always_found(place, by):
    digits = [int(each) for each in "111000025"]
    digits[place] = (digits[place] + by) % 10
    with pytest.raises(InvalidDestination):
        us_bank(routing="".join(map(str, digits)))


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_that_is_typed_breaks_it(routing, holder):
    with contextlib.suppress(InvalidDestination):
        assert us_bank(routing=routing, holder=holder).holder


def test_customers_see_the_last_digits_and_operations_all_of_them():
    assert us_bank().masked == "Account … 5678"
    assert us_bank().text == "Ada Lovelace, routing 111000025, account 0012345678"
    assert iban("GB82WEST12345698765432").masked == "IBAN GB … 5432"
    assert iban("GB82WEST12345698765432").text == "Ada Lovelace, IBAN GB82 WEST 1234 5698 7654 32"


@pytest.mark.parametrize(
    ("holder", "person", "is_theirs"),
    [
        ("Ada Lovelace", "Ada Lovelace", True),
        ("LOVELACE, ADA", "Ada Lovelace", True),
        ("Ada K. Lovelace", "Ada King Lovelace", True),
        ("Ada Lovelace", "Ada King Lovelace", True),
        ("Jose Nunez", "José Núñez", True),
        ("Conan O'Brien", "Conan O\N{RIGHT SINGLE QUOTATION MARK}Brien", True),
        ("Anna-Maria Weiss", "Anna Maria Weiß", True),
        ("Ada B Lovelace", "Ada King Lovelace", False),
        ("Ada Byron Lovelace", "Ada Lovelace", False),  # somebody else beside them
        ("Ada Lovelace and Charles Babbage", "Ada Lovelace", False),
        ("A Lovelace", "Ada Lovelace", False),
        ("Ada", "Ada Lovelace", False),
        ("Lovelace", "Ada Lovelace", False),
        ("Plato", "Plato", True),
        ("", "", False),
        ("Ada Lovelace", "", False),
    ],
)
def test_an_account_is_of_the_person_whose_names_it_bears(holder, person, is_theirs):
    assert destinations.is_of(holder, person) is is_theirs


def test_the_first_payee_waits_two_days_and_others_one():
    assert precautions.usable_at(NOW, is_first=True) == NOW + timedelta(hours=48)
    assert precautions.usable_at(NOW, is_first=False) == NOW + timedelta(hours=24)


@pytest.mark.parametrize(("wanted", "waits"), [("99.99", 0), ("100", 0), ("100.01", 24)])
def test_a_higher_limit_waits_a_day_and_a_lower_one_holds_at_once(wanted, waits):
    from_ = precautions.limit_holds_from(D(wanted), now_held=D(100), set_at=NOW)
    assert from_ == NOW + timedelta(hours=waits)


def objection(**changed):
    asked = {
        "amount": D("100.00"), "usable_at": NOW, "held_until": None, "left_today": D("100.00"),
        "limit": D("500.00"), "now": NOW, **changed,
    }  # fmt: skip
    return precautions.objection(**asked)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"usable_at": NOW + SECOND}, Code.COOLING_OFF),
        ({"usable_at": NOW - SECOND}, None),
        ({"held_until": NOW + SECOND}, Code.SECURITY_HOLD),
        ({"held_until": NOW}, None),
        ({"amount": D("99.99")}, None),
        ({"amount": D("100.01")}, Code.DAILY_LIMIT),
        ({"left_today": D("-5.00")}, Code.DAILY_LIMIT),
    ],
)
def test_money_leaves_at_the_boundary_and_not_before(changed, code):
    found = objection(**changed)
    assert (found and found.code) == code


def test_the_day_that_is_used_up_says_so_and_never_less_than_nothing():
    assert (
        objection(left_today=D("-5.00")).message == "0.00 USD are left of today's limit of 500.00."
    )
