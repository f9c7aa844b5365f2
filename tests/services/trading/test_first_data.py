"""What a newcomer finds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import selectors
from accounts.factors import proving
from accounts.models import Account, User
from marketdata.instruments import listing
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from tests import parts
from trading import first_data


@pytest.fixture
def listed(db):
    """The instruments without their past, which takes the longest and is no matter of people."""
    listing.load(now=timezone.now())


@pytest.fixture
def few(db, settings):
    """A short list of instruments, each with its past."""
    settings.INSTRUMENTS = parts.FEW


def test_what_is_listed_is_the_shipped_list(settings):
    assert settings.INSTRUMENTS == listing.SHIPPED


def test_the_demo_customer_has_money_and_operations_may_enter_the_admin(few):
    first_data.load(now=timezone.now())

    demo, operations = first_data.people()
    account = selectors.account_of(demo)
    assert portfolio.snapshot(account.pk).cash == Decimal(100_000)
    assert (demo.is_staff, operations.is_staff) == (False, True)
    assert selectors.account_of(operations) is None
    assert Instrument.objects.count() == 3


def test_both_have_a_second_factor_and_no_password(listed):
    first_data.load(now=timezone.now())

    for person in first_data.people():
        assert len(proving.current_code(person, now=timezone.now())) == 6
        assert not person.has_usable_password()


def test_a_second_start_changes_nothing(listed):
    first_data.load(now=timezone.now())
    first_data.load(now=timezone.now())

    assert (User.objects.count(), Account.objects.count()) == (2, 1)
    demo = first_data.people()[0]
    assert portfolio.snapshot(selectors.account_of(demo).pk).cash == Decimal(100_000)


def test_production_lists_instruments_and_invents_nobody(few, settings):
    settings.DEMO = False

    first_data.load(now=timezone.now())

    assert first_data.people() == []
    assert Instrument.objects.exists()
