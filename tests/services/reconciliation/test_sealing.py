"""Days are sealed once, in order, under a key; and what was sealed is proved from nothing."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portfolio.models import LotClosing, Transfer
from reconciliation.models import Seal
from reconciliation.proof import exporting, keys, proving, signed
from tests import world
from tests.sealing import nothing, sealed, trade

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seals")]


def proved() -> list[str]:
    found = proving.prove(now=timezone.now(), progress=nothing).findings
    return [str(each) for each in found]


@pytest.fixture
def traded(db):
    world.instrument()
    account, venue = world.customer(cash="100000.00"), world.Venue()
    trade(account, venue)
    return account, venue


def listed(seal: Seal) -> dict[str, int]:
    return {entry["table"]: entry["rows"] for entry in seal.content["tables"]}


def test_an_honest_past_is_proved(traded, seals):
    for day in range(4):
        sealed(day)
        trade(*traded)
    assert proved() == []
    assert [path.name for path in sorted(seals.iterdir())] == [
        f"{number:08}.json" for number in (1, 2, 3, 4)
    ]


def test_without_a_seal_the_books_are_replayed_all_the_same(traded):
    assert proved() == []


def test_each_row_is_listed_once_in_the_seal_after_it(traded):
    first = listed(sealed(0))
    assert first["orders_trade"] == 2
    assert first["risk_decision"] == 4
    again = listed(sealed(1))
    assert again["orders_trade"] == again["portfolio_lotclosing"] == again["risk_decision"] == 0
    assert again["accounts_approval"] == 0
    trade(*traded)
    third = listed(sealed(2))
    assert third["orders_trade"] == 2
    assert third["portfolio_lotclosing"] == 1
    assert third["accounts_activity"] == 1
    assert listed(sealed(3))["orders_trade"] == 0


def test_what_was_written_late_is_listed_by_the_next_seal(traded):
    """A row may get its key before a seal is made, and be committed after it."""
    sealed(0)
    late = Transfer.objects.order_by("-id").first()
    assert late is not None
    late.pk, late.reference = 10**9, "early"
    late.save(force_insert=True)
    sealed(1)
    late.pk, late.reference = 10**9 - 5, "late"
    late.save(force_insert=True)
    assert listed(sealed(2))["portfolio_transfer"] == 1
    assert listed(sealed(3))["portfolio_transfer"] == 0


def test_a_bust_of_a_sale_that_was_sealed_long_ago_is_listed_and_proved(traded):
    """It takes back closings in the name of the trade that made them, whose key is long listed."""
    account, venue = traded
    order = account.orders.get(side="sell", status="filled")
    [fill] = order.trades.all()
    for day in range(3):
        sealed(day)
    venue.says(
        order, world.ReportKind.BUSTED, quantity="4", price="99.99", reference=fill.execution_id,
        reason="trade_busted",
    )  # fmt: skip
    world.apply_reports()
    written = LotClosing.objects.count() - 1
    assert written > 0
    assert proved() == []
    assert listed(sealed(3))["portfolio_lotclosing"] == written
    for day in range(4, 7):
        assert listed(sealed(day))["portfolio_lotclosing"] == 0
    assert proved() == []


def test_a_day_is_sealed_once(traded, seals):
    made = sealed(0)
    trade(*traded)
    again = sealed(0)
    assert (again.pk, again.signature, Seal.objects.count()) == (made.pk, made.signature, 1)


def test_a_file_that_is_missing_is_written_again(traded, seals):
    made = sealed(0)
    path = exporting.file_of(made.number)
    written = path.read_text()
    path.unlink()
    sealed(0)
    assert path.read_text() == written


def test_seals_are_linked_and_signed(traded):
    first, second = sealed(0), sealed(1)
    assert (first.content["previous"], second.content["previous"]) == ("", first.digest)
    for seal in (first, second):
        assert signed.is_signed(seal.content, signature=seal.signature, key=seal.key)
        other = {**seal.content, "day": "2026-11-20"}
        assert not signed.is_signed(other, signature=seal.signature, key=seal.key)


def test_nothing_is_sealed_without_a_key(traded, settings):
    settings.SEAL_KEY = "short"
    with pytest.raises(keys.NoSealKey):
        sealed(0)
    assert not Seal.objects.exists()


def test_a_key_is_followed_by_another_and_signs_nothing_more(traded, settings):
    former = sealed(0).key
    settings.SEAL_KEY = "another secret of at least 32 characters"
    settings.SEAL_KEYS_FORMER = [f"{former}@1"]
    present = sealed(1).key
    assert present != former
    assert proved() == []
    assert [keys.is_believed(former, number=n) for n in (1, 2)] == [True, False]
    assert [keys.is_believed(present, number=n) for n in (1, 2)] == [False, True]
    settings.SEAL_KEYS_FORMER = []
    assert proved()[0].startswith("reconciliation_seal 1: it is signed with the key")
