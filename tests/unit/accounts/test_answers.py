"""Which answers of a new customer will do, at the edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from accounts.customers import answers, profiles
from accounts.customers.answers import Home, Means, Person

TODAY = date(2026, 3, 1)
PERSON, HOME, MEANS = profiles.EXAMPLES


def wrong(given, **changed):
    return [each.field for each in answers.wrong_in(replace(given, **changed), today=TODAY)]


def test_the_examples_will_do():
    assert [answers.wrong_in(each, today=TODAY) for each in profiles.EXAMPLES] == [[], [], []]
    assert [type(each) for each in profiles.EXAMPLES] == [Person, Home, Means]


@pytest.mark.parametrize(
    ("born_on", "is_wrong"),
    [
        (date(2008, 3, 1), False),  # 18 today
        (date(2008, 3, 2), True),
        (date(2008, 2, 29), False),
        (date(1906, 3, 1), False),
        (date(1905, 3, 1), True),
        (date(2026, 3, 2), True),
    ],
)
def test_a_customer_is_eighteen_and_alive(born_on, is_wrong):
    assert wrong(PERSON, born_on=born_on) == (["born_on"] if is_wrong else [])


def test_whoever_was_born_on_29_february_is_eighteen_on_1_march():
    born = date(2008, 2, 29)
    assert answers.age(born, today=date(2026, 2, 28)) == 17
    assert answers.age(born, today=date(2026, 3, 1)) == 18


@pytest.mark.parametrize(
    ("country", "tax_id", "is_wrong"),
    [
        ("US", "123-45-6789", False),
        ("US", "123 45 6789", False),
        ("US", "912-70-1234", False),  # an ITIN
        ("US", "12345678", True),
        ("US", "000-45-6789", True),
        ("US", "666-45-6789", True),
        ("US", "123-00-6789", True),
        ("US", "123-45-0000", True),
        ("US", "123-45-678९", True),  # a digit, but none of ours
        ("AT", "12-345/6789", False),
        ("DE", "12 345 678 901", False),
        ("AT", "1234", True),
        ("AT", "1" * 9, True),
        ("AT", "1" * 8 + "2" * 13, True),
        ("AT", "12345<b>", True),
    ],
)
def test_a_tax_number_can_be_one(country, tax_id, is_wrong):
    assert wrong(PERSON, tax_country=country, tax_id=tax_id) == (["tax_id"] if is_wrong else [])


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"street": "P.O. Box 12"}, ["street"]),
        ({"street": "PO box 12"}, ["street"]),
        ({"street": "12 Boxwood Street"}, []),
        ({"street": " ", "city": ""}, ["street", "city"]),
        ({"country": ""}, ["country"]),
    ],
)
def test_a_home_is_where_somebody_lives(changed, fields):
    assert wrong(HOME, **changed) == fields


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"employment": "employed"}, ["employer"]),
        ({"employment": "self_employed", "employer": "Me"}, []),
        ({"employment": "retired"}, []),
        ({"controls_company": True}, ["company_symbol"]),
        ({"controls_company": True, "company_symbol": "ACME"}, []),
        ({"works_for_broker": True, "holds_public_office": True}, []),
    ],
)
def test_ties_are_told_whole(changed, fields):
    assert wrong(MEANS, **changed) == fields
