"""Rows written and read in bulk are what the ORM would have written and read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError, transaction

from accounts.models import Account, Activity, Watchlist
from foundation import bulk
from marketdata.models import Quote
from portfolio.models import Balance, LedgerAccount
from tests import world
from venues.models import OutboxMessage

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 1, 12, 30, 15, 123457, tzinfo=UTC)


def message(note: str) -> OutboxMessage:
    return OutboxMessage(
        venue="V", order_id=uuid.uuid4(), kind="new", message={"note": note}, created_at=AT
    )


@pytest.mark.parametrize("count", [1, 8, 300])
def test_rows_keep_their_order_and_every_value(count):
    awkward = 'é \\ " \n\t {}, NULL €𝄞 ' + "'"
    written = [message(f"{number} {awkward}") for number in range(count)]
    bulk.insert(written)
    read = OutboxMessage.objects.order_by("pk")
    assert [(m.order_id, m.message, m.created_at) for m in read] == [
        (m.order_id, m.message, AT) for m in written
    ]


def test_what_is_read_equals_what_the_orm_reads():
    bulk.insert([message("one"), message("two")])
    for model in (OutboxMessage, Account, Balance, Activity):
        world.customer()
        found = bulk.select(model, "%s ORDER BY 1", [True])
        assert found
        for one, other in zip(found, model.objects.order_by("pk"), strict=True):
            names = [field.attname for field in model._meta.concrete_fields]
            assert [getattr(one, n) for n in names] == [getattr(other, n) for n in names]
            assert one == other
            assert not one._state.adding
            assert one._state.db == other._state.db


@pytest.mark.parametrize(
    "amount",
    ["0.000000001", "1E-9", "12345678901234567890123456789.123456789", "1E+3", "-0", "100.50"],
)
def test_numbers_travel_exactly(amount):
    account = world.customer(cash="0.00")
    ledger = LedgerAccount.objects.create(owner=account, kind="customer", asset="X")
    bulk.insert([Balance(ledger_account=ledger, account=account, asset="X")])
    balance = Balance.objects.get(asset="X")
    balance.amount = Decimal(amount)
    bulk.update([balance], fields=("amount",))
    assert Balance.objects.get(asset="X").amount == Decimal(amount)


def test_lists_and_missing_values_are_written():
    account = world.customer(cash="0.00")
    watched = ["A,B", 'C"', "D{}"]
    bulk.insert(
        [Watchlist(account=account, name="W", symbols=watched, created_at=AT, updated_at=AT)]
    )
    assert Watchlist.objects.get().symbols == watched
    assert bulk.select(Watchlist, "account_id = %s", [account.pk])[0].updated_at == AT


@pytest.mark.parametrize("number", ["nul \x00", "x" * 17])
def test_what_a_column_cannot_hold_raises(number):
    account = world.customer(cash="0.00")
    account.number = number
    with pytest.raises(DataError):
        bulk.update([account], fields=("number",))


def test_what_has_no_exact_text_is_not_written():
    with pytest.raises(TypeError, match="complex"):
        bulk.insert([message(1j)])  # type: ignore[arg-type]


def test_what_is_new_equals_what_the_model_makes():
    account = world.customer(cash="0.00")
    given = {"account_id": account.pk, "asset": "USD", "amount": Decimal("1.5")}
    ours, orm = bulk.new(Balance, **given), Balance(**given)
    for field in Balance._meta.concrete_fields:
        assert getattr(ours, field.attname) == getattr(orm, field.attname)
    assert ours._state.adding
    assert ours.account == account
    first, second = (bulk.new(Account, user_id=account.user_id, number=n) for n in ("A", "B"))
    assert first.pk != second.pk


def test_rows_that_are_there_already_are_skipped_where_that_is_asked_for():
    account = world.customer(cash="0.00")
    known = bulk.new(Account, user_id=account.user_id, number=account.number)
    other = bulk.new(Account, user_id=account.user_id, number="new")
    bulk.insert([known, other], skips_known=True)
    assert set(Account.objects.values_list("number", flat=True)) == {account.number, "new"}


def test_what_is_empty_or_false_is_not_taken_for_what_is_missing():
    account = world.customer(cash="0.00")
    account.status_reason, account.allows_shorting = "A reason", True
    account.save()
    account.status_reason, account.allows_shorting, account.multiplier_max = "", False, 0
    bulk.update([account], fields=("status_reason", "allows_shorting", "multiplier_max"))
    account.refresh_from_db()
    assert (account.status_reason, account.allows_shorting, account.multiplier_max) == (
        "",
        False,
        0,
    )
    # Where there may be none, what is empty is something.
    listed = world.instrument(bid=None, ask="0")
    quote = Quote.objects.get(instrument=listed)
    assert quote.bid is None
    quote.bid, quote.ask = Decimal(0), None
    bulk.update([quote], fields=("bid", "ask"))
    quote.refresh_from_db()
    assert (quote.bid, quote.ask) == (Decimal(0), None)


def test_a_number_that_is_missing_is_no_zero():
    account = world.customer(cash="1.00")
    balance = Balance.objects.get(account=account, asset="USD")
    balance.amount = None
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.update([balance], fields=("amount",))
