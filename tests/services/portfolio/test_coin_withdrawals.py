"""Coins that leave: set aside with their lots, sent, settled, cancelled and returned."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import hypothesis
import pytest
from django.utils import timezone
from hypothesis import strategies as st

from accounts import activity
from accounts.models import Account, User
from marketdata import calendars
from marketdata.models import Instrument, Quote
from orders.entry import submission
from portfolio import selectors
from portfolio import services as portfolio
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Step
from portfolio.lots import tax
from portfolio.models import (
    Balance,
    EquityPoint,
    EquitySnapshot,
    LedgerAccount,
    Lot,
    LotClosing,
    Position,
    Transfer,
)
from portfolio.payees import services as payees
from portfolio.worth import closing
from reconciliation import ours
from reconciliation.proof import journal
from reconciliation.statements import ledger
from reconciliation.statements.periods import Kind, Period
from tests import invariants, world
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
FEE = D("0.0001")


@pytest.fixture(autouse=True)
def the_books_agree(db):
    yield
    invariants.assert_hold()
    assert list(journal.replayed(lambda _: None)) == []


@pytest.fixture
def bitcoin() -> Instrument:
    return world.coin()


@pytest.fixture
def account(bitcoin) -> Account:
    """One that has bought 2 BTC at 90 and 1 at 100."""
    owner, venue = world.customer(), world.Venue()
    world.own(owner, "BTC/USD", "2", venue, price="90.00")
    world.own(owner, "BTC/USD", "1", venue, price="100.00")
    return owner


def person(name: str) -> User:
    return User.objects.create_user(f"{name}@example.com", is_staff=True)


def withdraw(account: Account, amount: str, *, reference: str = "W1", **more: object) -> Funding:
    wanted = {"payee_id": world.coin_payee(account).pk, "coin": "BTC", **more}
    return funding.request_withdrawal(
        account_id=account.pk, amount=D(amount), reference=reference, actor="user:test",
        **{"now": Quote.objects.get().received_at, **wanted},
    )  # fmt: skip


def refused(account: Account, amount: str, **more: object) -> str:
    """Return the code that it is refused with, seeing that nothing has changed."""
    before = (list(Balance.objects.order_by("pk").values()), Funding.objects.count())
    with pytest.raises(funding.UnableToWithdraw) as error:
        withdraw(account, amount, reference=f"no {amount}", **more)
    assert (list(Balance.objects.order_by("pk").values()), Funding.objects.count()) == before
    return str(error.value.code)


def take(found: Funding, *steps: Step) -> None:
    for step in steps:
        if step is Step.APPROVE:
            funding.approve(found.pk, by=person("ann"), reason="Known", now=timezone.now())
        else:
            funding.take(found.pk, step, actor="operator:c", reason="", now=timezone.now())


def held(account: Account) -> tuple[Decimal, Decimal]:
    """Return quantity and cost of the position."""
    found = Position.objects.get(account=account)
    return found.quantity, found.cost_basis


def house(kind: str, asset: str = "BTC/USD") -> Decimal:
    of = LedgerAccount.objects.filter(owner=None, kind=kind, asset=asset).first()
    came = Transfer.objects.filter(credit=of, asset=asset).values_list("amount", flat=True)
    went = Transfer.objects.filter(debit=of, asset=asset).values_list("amount", flat=True)
    return sum(came, D(0)) - sum(went, D(0))


def test_coins_leave_with_their_lots_and_their_fee_and_nothing_is_realised(account):
    found = withdraw(account, "2.5")
    assert (found.asset, found.amount, found.fee) == ("BTC/USD", D("2.5"), FEE)
    assert found.value == D("250.00")  # 2.5001 at 99.995, the middle of the quote
    assert held(account) == (D("0.4999"), D("49.99"))  # first in, first out: of the second lot
    assert Position.objects.get(account=account).realised == 0
    assert house("clearing") == D("2.5001")
    assert [each.realised for each in LotClosing.objects.all()] == [0, 0]
    assert funding.pending([account.pk])[account.pk].going == D("250.00")

    take(found, Step.APPROVE, Step.SEND)
    assert (house("clearing"), house("bank")) == (D(0), D("2.5001"))
    take(found, Step.SETTLE)
    assert held(account) == (D("0.4999"), D("49.99"))
    assert funding.pending([account.pk]) == {}


@pytest.mark.parametrize(
    ("method", "left"),
    [("fifo", "190.00"), ("lifo", "180.00"), ("highest_cost", "180.00")],
)
def test_the_accounts_method_says_which_lots_leave(account, method, left):
    Account.objects.filter(pk=account.pk).update(lot_method=method)
    withdraw(account, "0.9999")
    assert held(account) == (D(2), D(left))


@pytest.mark.parametrize(
    "way",
    [(Step.CANCEL,), (Step.APPROVE, Step.CANCEL), (Step.APPROVE, Step.SEND, Step.RETURN),
     (Step.APPROVE, Step.SEND, Step.SETTLE, Step.RETURN)],
)  # fmt: skip
def test_what_comes_back_brings_its_lots_as_they_were(account, way):
    before = list(Lot.objects.order_by("number").values())
    take(withdraw(account, "2.5"), *way)
    assert list(Lot.objects.order_by("number").values()) == before
    assert held(account) == (D(3), D("280.00"))
    assert (house("clearing"), house("bank")) == (D(0), D(0))
    assert not Balance.objects.get(account=account, asset="BTC/USD").may_be_negative


def test_a_withdrawal_is_a_flow_and_neither_profit_nor_loss(account):
    Quote.objects.update(last=D("110"), ask=D("110"), bid=D("110"))
    before = selectors.snapshot(account.pk)
    withdraw(account, "1")
    after = selectors.snapshot(account.pk)
    assert after.equity == before.equity - D("110.01")
    assert after.paid_in == before.paid_in - D("110.01")
    assert (after.profit, after.realised) == (before.profit, before.realised)
    take(Funding.objects.get(reference="W1"), Step.CANCEL)
    assert selectors.snapshot(account.pk).paid_in == before.paid_in


def test_the_history_of_an_account_takes_it_for_a_flow_too(account):
    now = timezone.now()
    took = Quote.objects.get().received_at
    withdraw(account, "1", now=took - timedelta(seconds=1))
    closing.mark_equity(now=now)
    point = EquityPoint.objects.get(account=account)
    live = selectors.snapshot(account.pk)
    assert (point.equity, point.paid_in) == (live.equity, live.paid_in)
    day = calendars.date_of(now)
    long_after = calendars.midnight(day + timedelta(days=1)) + timedelta(hours=2)
    closing.snapshot_equity(day=day, now=long_after)
    assert EquitySnapshot.objects.get(account=account).paid_in == live.paid_in
    take(Funding.objects.get(reference="W1"), Step.CANCEL)
    assert selectors.snapshot(account.pk).paid_in == D(100_000)


def test_what_is_withdrawn_cannot_be_sold_nor_what_is_for_sale_withdrawn(account):
    sale = world.limit_ticket(
        account, "120.00", symbol="BTC/USD", side=Side.SELL, quantity=D(1)
    )  # fmt: skip
    submission.submit_batch([sale], now=timezone.now())
    assert refused(account, "2") == "insufficient_funds"
    withdraw(account, "1.9999")
    again = world.limit_ticket(
        account, "120.00", symbol="BTC/USD", side=Side.SELL, quantity=D("0.00000001")
    )
    [answer] = submission.submit_batch([again], now=timezone.now())
    assert answer.order.status == "rejected"


def test_coins_that_unsettled_proceeds_have_paid_for_stay(account):
    Lot.objects.filter(number=1).update(funds_settle_on=timezone.now().date() + timedelta(days=3))
    assert refused(account, "1") == "insufficient_funds"
    withdraw(account, "0.9999")
    assert held(account) == (D(2), D("180.00"))


@pytest.mark.parametrize(
    ("amount", "more", "code"),
    [
        ("1.000000001", {}, "invalid_amount"),
        ("0.00009999", {}, "invalid_amount"),
        ("-1", {}, "invalid_amount"),
        ("1", {"coin": "DOGE"}, "other_asset"),
        ("1", {"coin": "ETH"}, "other_asset"),
        ("1", {"coin": "USD"}, "other_asset"),
        ("3", {}, "insufficient_funds"),
    ],
)
def test_what_cannot_leave_is_refused(account, amount, more, code):
    assert refused(account, amount, **more) == code


def test_a_coin_does_not_go_to_a_bank_nor_over_another_network(account, bitcoin):
    assert refused(account, "1", payee_id=world.payee(account).pk) == "other_asset"
    other = world.coin_payee(account, "ethereum")
    assert refused(account, "1", payee_id=other.pk) == "other_asset"


@pytest.mark.parametrize(
    "changed",
    [{"doubts": 1}, {"bid": D(100), "ask": D(90)}, {"bid": None, "last": None}],
)
def test_without_a_price_to_go_by_nothing_leaves(account, changed):
    Quote.objects.update(**changed)
    assert refused(account, "1") == "price_missing"


def test_an_old_price_is_none(account, settings):
    settings.QUOTE_AGE_SECONDS_MAX = 59
    late = Quote.objects.get().received_at + timedelta(minutes=1)
    assert refused(account, "1", now=late) == "price_missing"


def test_cash_and_coins_share_the_limit_of_a_day(account):
    now = Quote.objects.get().received_at
    payees.set_limit(account_id=account.pk, amount=D(300), actor="user:test", now=now)
    withdraw(account, "0.4999")
    assert payees.left_today(account.pk, now=now) == D("250.00")
    bank = world.payee(account).pk
    assert refused(account, "250.01", coin="USD", payee_id=bank) == "daily_limit"
    withdraw(account, "200", coin="USD", payee_id=bank, reference="cash")
    assert refused(account, "0.5") == "daily_limit"


def test_two_people_approve_coins_worth_more_than_ten_thousand(account):
    Quote.objects.update(last=D(10_000), bid=D(10_000), ask=D(10_000))
    found = withdraw(account, "1")
    assert found.value == D("10001.00")
    ann = person("ann")
    assert funding.approve(found.pk, by=ann, reason="1", now=timezone.now()).state == "requested"
    done = funding.approve(found.pk, by=person("bob"), reason="2", now=timezone.now())
    assert done.state == "approved"


def test_one_reference_is_one_withdrawal_of_one_thing(account):
    first = withdraw(account, "1")
    assert withdraw(account, "1").pk == first.pk
    with pytest.raises(funding.UnableToWithdraw, match="another amount"):
        withdraw(account, "1", coin="USD", payee_id=world.payee(account).pk)


def test_what_lies_at_the_custodian_falls_when_the_coins_are_sent(account):
    today = calendars.date_of(timezone.now())

    def there() -> list[Decimal]:
        return [each.amount for each in ours.positions(day=today)]

    found = withdraw(account, "1")
    assert there() == [D(3), D(3)]
    take(found, Step.APPROVE, Step.SEND)
    assert there() == [D("1.9999"), D("1.9999")]


@pytest.mark.parametrize(
    ("amount", "left", "cost"), [("1.4999", "-0.5", "-50.00"), ("0.4999", "0.5", "50.00")]
)
def test_what_had_left_of_a_busted_purchase_has_left_of_the_others(bitcoin, amount, left, cost):
    owner, venue = world.customer(), world.Venue()
    ticket = world.limit_ticket(owner, "100.00", symbol="BTC/USD", quantity=D(1))
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    fill = venue.fills(answer.order, "1", "100.00")
    world.apply_reports()
    world.own(owner, "BTC/USD", "1", venue, price="100.00")
    found = withdraw(owner, amount)
    venue.busts(answer.order, fill)
    world.apply_reports()
    assert held(owner) == (D(left), D(cost))
    assert Position.objects.get(account=owner).realised == 0
    take(found, Step.CANCEL)
    assert held(owner) == (D(1), D("100.00"))
    assert Position.objects.get(account=owner).realised == 0


def test_it_is_told_as_a_transfer_of_a_holding(account):
    withdraw(account, "1")
    [told] = [e for e in activity.since(account.pk, 0) if e.kind == "holding.withdrawal_requested"]
    assert told.payload["quantity"] == "-1.0001"
    assert (told.payload["sent"], told.payload["fee"]) == ("1", "0.0001")


def test_a_statement_lists_it_as_what_moved(account):
    found = withdraw(account, "1")
    today = calendars.date_of(timezone.now())
    period = Period(Kind.DAILY, today, today)
    cut = ledger.Cut(account.pk, period, before=0, through=2**62)
    moved = [each for each in ledger.movements(cut)() if each.kind == "withdrawal"]
    assert [(each.asset, each.amount, each.price) for each in moved] == [
        ("BTC/USD", -found.total, None)
    ]
    assert ledger.figures(cut).closing["BTC/USD"] == D("1.9999")


def test_what_was_withdrawn_is_no_sale_for_tax(account):
    withdraw(account, "2.5")
    assert tax.pairs(now=timezone.now()) == []
    today = calendars.date_of(timezone.now())
    year = ledger.Cut(account.pk, Period(Kind.TAX, today, today), 0, 2**62, closings=2**62)
    assert list(ledger.sales(year)()) == []
    assert tax.find(account.pk, Instrument.objects.get().pk, now=timezone.now()) == 0


# --- Whatever comes -----------------------------------------------------------------------------

_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "buy", "sell", "withdraw", "cash", "carry", "back"]),
        st.integers(1, 99),
    ),
    min_size=4,
    max_size=10,
)


@hypothesis.settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
@hypothesis.given(_ACTS, st.sampled_from(["fifo", "lifo", "highest_cost"]))
def test_random_deposits_trades_withdrawals_and_returns_keep_the_books(bitcoin, acts, method):
    """After each course the invariants and the replay hold (see the fixture), and profit is what
    the trades have made: no withdrawal, and no return, has a part in it."""
    owner, venue, going = world.customer(cash="50000.00"), world.Venue(), []
    Account.objects.filter(pk=owner.pk).update(lot_method=method)
    for number, (act, size) in enumerate(acts):
        before = selectors.snapshot(owner.pk)
        has = Balance.objects.filter(account=owner, asset="BTC/USD").first()
        some = ((has.amount if has else D(0)) * size / 100).quantize(D("0.0001"))
        if act == "deposit":
            portfolio.deposit(
                account_id=owner.pk, amount=D(size), reference=f"D{number}", actor="operator:x",
                now=timezone.now(),
            )  # fmt: skip
        elif act == "buy":
            world.own(owner, "BTC/USD", f"{D(size) / 10}", venue, price="100.00")
            continue
        elif act == "sell" and some > 0:
            wanted = world.limit_ticket(
                owner, "99.00", symbol="BTC/USD", side=Side.SELL, quantity=some
            )
            [answer] = submission.submit_batch([wanted], now=timezone.now())
            venue.fills(answer.order, f"{some}", "99.50")
            world.apply_reports()
            continue
        elif act == "withdraw" and some >= 2 * FEE:
            going.append(withdraw(owner, f"{some - FEE}", reference=f"C{number}"))
        elif act == "cash":
            bank = world.payee(owner).pk
            more = {"reference": f"U{number}", "coin": "USD", "payee_id": bank}
            going.append(withdraw(owner, f"{size}", **more))
        elif act == "carry" and going:
            approve(going[size % len(going)], number)
        elif act == "back" and going:
            found = going.pop(size % len(going))
            found.refresh_from_db()
            step = Step.CANCEL if found.state in ("requested", "approved") else Step.RETURN
            take(found, step)
        after = selectors.snapshot(owner.pk)
        assert after.realised == before.realised
        # The value of a withdrawal is rounded once, and that of what is left of the position.
        assert abs(after.profit - before.profit) <= D("0.01")


def approve(found: Funding, number: int) -> None:
    found.refresh_from_db()
    if found.state == "requested":
        by = person(f"p{number}-{found.pk}")
        funding.approve(found.pk, by=by, reason="Known", now=timezone.now())
    elif found.state == "approved":
        take(found, Step.SEND)
