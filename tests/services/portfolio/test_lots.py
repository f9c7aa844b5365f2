"""Lots, fees, unsettled cash and shorts on the order path, with PostgreSQL."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import locks
from accounts.models import Account, Activity
from marketdata import calendars
from marketdata.models import Instrument
from orders import flaws
from orders.entry import submission
from orders.models import Trade
from portfolio import books, settlement
from portfolio.fees import schedule
from portfolio.fees.models import FeeRule
from portfolio.models import (
    Balance,
    GoodFaithViolation,
    Hold,
    Lot,
    LotClosing,
    Position,
    Transfer,
)
from tests import invariants, world
from venues.messages import OrderType, Side

D = Decimal


@pytest.fixture(autouse=True)
def the_books_agree(db):
    schedule.forget()
    yield
    invariants.assert_hold(has_gateway=False)
    schedule.forget()


@pytest.fixture
def venue():
    return world.Venue()


@pytest.fixture
def aapl():
    return world.instrument()


def place(ticket):
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    return answer.order


def trade(account, venue, quantity, price, *, is_buy=True, symbol="AAPL", **wanted):
    """Let the account trade so much at this price; return the order and its report."""
    side = Side.BUY if is_buy else Side.SELL
    far = str(D(price) + 1) if is_buy else str(D(price) - 1)
    order = place(
        world.limit_ticket(account, far, symbol=symbol, side=side, quantity=D(quantity), **wanted)
    )
    assert order.status == "submitted", order.denial_code
    report = venue.fills(order, quantity, price)
    world.apply_reports()
    return order, report


def figures(account):
    position = Position.objects.get(account=account)
    return position.quantity, position.cost_basis, position.realised


def cash(account):
    return Balance.objects.get(account=account, asset="USD").amount


def test_each_purchase_is_a_lot_and_a_sale_closes_the_first_ones(aapl, venue):
    account = world.customer()
    for price in ("100.00", "101.00", "99.00"):
        trade(account, venue, "10", price)
    trade(account, venue, "15", "102.00", is_buy=False)
    lots = Lot.objects.order_by("number").values_list("quantity", "cost_basis", "opened_cost")
    assert list(lots) == [
        (D(0), D(0), D(1000)),
        (D(5), D(505), D(1010)),
        (D(10), D(990), D(990)),
    ]
    closings = LotClosing.objects.order_by("lot__number")
    assert [(c.quantity, c.cost, c.proceeds, c.realised) for c in closings] == [
        (D(10), D(1000), D(1020), D(20)),
        (D(5), D(505), D(510), D(5)),
    ]
    assert figures(account) == (D(15), D(1495), D(25))
    assert not any(c.is_long_term for c in closings)


@pytest.mark.parametrize(
    ("method", "realised"), [("fifo", D(20)), ("lifo", D(30)), ("highest_cost", D(10))]
)
def test_the_accounts_method_chooses(aapl, venue, method, realised):
    account = world.customer()
    Account.objects.filter(pk=account.pk).update(lot_method=method)
    for price in ("100.00", "101.00", "99.00"):
        trade(account, venue, "10", price)
    trade(account, venue, "10", "102.00", is_buy=False)
    assert figures(account)[2] == realised


def test_a_sale_closes_the_lots_that_it_names(aapl, venue):
    account, other = world.customer(), world.customer()
    for price in ("100.00", "101.00", "99.00"):
        trade(account, venue, "10", price)
    trade(other, venue, "10", "100.00")
    third = Lot.objects.get(account=account, number=3)
    order, _ = trade(account, venue, "12", "102.00", is_buy=False, lots=(third.pk,))
    assert figures(account)[2] == D(30) + D(4)
    named = [third.pk, Lot.objects.get(account=other).pk]  # one is closed, one another's
    count = Trade.objects.count()
    for lot_id in named:
        wanted = world.limit_ticket(account, "98.00", side=Side.SELL, lots=(lot_id,))
        [answer] = submission.submit_batch([wanted], now=timezone.now())
        assert (answer.order, answer.refusal.code) == (None, "unknown_lot")
    assert Trade.objects.count() == count
    assert Hold.objects.get(order_id=order.pk).lots == [str(third.pk)]


def test_a_stop_that_is_replaced_closes_the_lots_that_were_named(aapl, venue):
    account = world.customer()
    for price in ("100.00", "99.00"):
        trade(account, venue, "10", price)
    second = Lot.objects.get(account=account, number=2)
    stop = world.ticket(
        account, side=Side.SELL, type=OrderType.STOP, stop_price=D(95), lots=(second.pk,)
    )
    [placed] = submission.submit_batch([stop], now=timezone.now())
    wanted = world.replace_ticket(placed.order, stop_price=D(94))
    [replaced] = submission.submit_batch([wanted], now=timezone.now())
    submission.submit_batch([world.trigger_ticket(replaced.order, "94")], now=timezone.now())
    venue.fills(replaced.order, "10", "99.90")
    world.apply_reports()
    assert Hold.objects.get(order_id=replaced.order.pk).lots == [str(second.pk)]
    assert LotClosing.objects.get().lot_id == second.pk


def test_a_purchase_names_no_lots(aapl):
    wanted = world.limit_ticket(world.customer(), "98.00", lots=(uuid.uuid4(),))
    assert flaws.of_order(wanted).code == "lots_unfit"


def test_closings_are_never_edited(aapl, venue):
    account = world.customer()
    trade(account, venue, "10", "100.00")
    trade(account, venue, "10", "101.00", is_buy=False)
    for change in (
        lambda: LotClosing.objects.update(realised=0),
        lambda: LotClosing.objects.all().delete(),
        lambda: FeeRule.objects.update(rate=0),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_bust_of_a_sale_opens_its_lots_again_and_gives_the_fees_back(aapl, venue):
    account = world.customer()
    for price in ("100.00", "101.00"):
        trade(account, venue, "10", price)
    before, lots = cash(account), list(Lot.objects.order_by("number").values())
    order, fill = trade(account, venue, "15", "102.00", is_buy=False)
    # 1,530.00 x 20.60 per million is 0.04, 15 x 0.000195 is 0.01.
    assert cash(account) == before + D("1529.95")
    venue.busts(order, fill)
    world.apply_reports()
    assert cash(account) == before
    assert list(Lot.objects.order_by("number").values()) == lots
    assert figures(account) == (D(20), D(2010), D(0))


def test_what_was_sold_of_a_busted_purchase_is_sold_of_another(aapl, venue):
    account = world.customer()
    order, fill = trade(account, venue, "10", "100.00")
    trade(account, venue, "10", "101.00")
    trade(account, venue, "8", "103.00", is_buy=False)
    venue.busts(order, fill)
    world.apply_reports()
    assert figures(account) == (D(2), D(202), D(16))


def test_crypto_is_charged_25_basis_points_and_held_for(venue):
    bitcoin = world.instrument("BTC/USD", increment="0.0001")
    Instrument.objects.filter(pk=bitcoin.pk).update(asset_class="crypto", fractionable=True)
    account = world.customer(cash="1002.50")
    order = place(world.limit_ticket(account, "100.00", symbol="BTC/USD"))
    hold = Hold.objects.get(order_id=order.pk)
    assert (hold.remaining, hold.fee_rate) == (D("1002.50"), D("0.0025"))
    venue.fills(order, "4", "100.00")
    world.apply_reports()
    hold.refresh_from_db()
    assert (cash(account), hold.remaining) == (D("601.50"), D("601.50"))
    venue.fills(order, "6", "99.00")
    world.apply_reports()
    # 400.00 and 594.00, of which 994.00 x 0.0025 = 2.485 is 2.49.
    assert cash(account) == D("1002.50") - D("994.00") - D("2.49")
    assert Transfer.objects.filter(kind="fee", credit__kind="fees").count() == 2
    transfers = Transfer.objects.filter(kind__in=("trade", "fee"))
    assert set(transfers.values_list("settles_on", flat=True)) == {None}


def test_a_purchase_that_leaves_nothing_for_its_fee_is_denied(venue):
    bitcoin = world.instrument("BTC/USD", increment="0.0001")
    Instrument.objects.filter(pk=bitcoin.pk).update(asset_class="crypto", fractionable=True)
    account = world.customer(cash="1002.49")
    order = place(world.limit_ticket(account, "100.00", symbol="BTC/USD"))
    assert order.denial_code == "insufficient_buying_power"
    assert not Hold.objects.exists()
    by_value = place(world.ticket(account, "BTC/USD", quantity=None, notional=D("1000.00")))
    assert by_value.denial_code == "insufficient_buying_power"
    assert (cash(account), Balance.objects.get(account=account, asset="USD").held) == (
        D("1002.49"),
        D(0),
    )


def test_a_new_line_of_the_schedule_counts_from_its_day(aapl, venue):
    account = world.customer()
    today = calendars.date_of(timezone.now())
    for day, fee in ((today, "1.00"), (today + timedelta(days=1), "9.00")):
        FeeRule.objects.create(
            name="commission",
            beneficiary="fees",
            valid_from=day,
            asset_class="us_equity",
            per_order=D(fee),
        )
    schedule.forget()
    order = place(world.limit_ticket(account, "100.00"))
    venue.fills(order, "4", "100.00")
    venue.fills(order, "6", "100.00")
    world.apply_reports()
    assert cash(account) == D("98999.00")
    assert Hold.objects.get(order_id=order.pk).remaining == 0


# --- Settlement --------------------------------------------------------------------------------


def test_proceeds_are_unsettled_until_the_next_business_day(aapl, venue):
    account = world.customer()
    trade(account, venue, "10", "100.00")
    assert Balance.objects.get(account=account, asset="USD").unsettled == {}
    trade(account, venue, "10", "101.00", is_buy=False)
    due = settlement.settles_on(is_at_once=False, calendar=aapl.calendar, traded_at=timezone.now())
    balance = Balance.objects.get(account=account, asset="USD")
    assert balance.unsettled == {due.isoformat(): "1010"}
    legs = Transfer.objects.filter(kind__in=("trade", "fee"))
    assert set(legs.values_list("settles_on", flat=True)) == {due}


def sell_bought_with_unsettled(account, venue):
    """Sell all, buy with the proceeds, and sell that before they settle."""
    trade(account, venue, "10", "100.00", is_buy=False)
    trade(account, venue, "10", "99.00")
    return trade(account, venue, "10", "98.00", is_buy=False)[0]


def test_selling_what_unsettled_proceeds_paid_for_is_a_violation_and_three_restrict(aapl, venue):
    account = world.customer(cash="1100.00")
    trade(account, venue, "10", "100.00")
    # 100.00 are settled: what it buys is paid with the proceeds of its own sale.
    order = sell_bought_with_unsettled(account, venue)
    violation = GoodFaithViolation.objects.get()
    assert (violation.order_id, violation.lot.number) == (order.pk, 2)
    told = Activity.objects.get(account=account, kind="account.good_faith_violation")
    assert told.payload["settled_only_until"] is None
    for _ in range(2):
        trade(account, venue, "10", "97.00")
        trade(account, venue, "10", "96.50", is_buy=False)
    balance = Balance.objects.get(account=account, asset="USD")
    until = calendars.date_of(timezone.now()) + timedelta(days=90)
    assert GoodFaithViolation.objects.count() == 3
    assert balance.settled_only_until == until
    denied = place(world.limit_ticket(account, "97.00", quantity=D(9)))
    assert denied.denial_code == "insufficient_buying_power"


def test_a_purchase_with_settled_cash_may_be_sold_at_once(aapl, venue):
    account = world.customer(cash="5000.00")
    trade(account, venue, "10", "100.00")
    sell_bought_with_unsettled(account, venue)
    assert not GoodFaithViolation.objects.exists()


# --- Margin ------------------------------------------------------------------------------------


def fill(instrument, quantity, price, **more):
    trade_id = uuid.uuid4()
    return books.Fill(
        trade_id=trade_id,
        order_id=trade_id,
        instrument=instrument,
        signed_quantity=D(quantity),
        price=D(price),
        value_before=D(0),
        filled_quantity=abs(D(quantity)),
        leaves_quantity=D(0),
        at=timezone.now(),
        **more,
    )


def booked(account, *fills):
    """Book fills past the order path, and undo that again: no order stands behind them."""
    with transaction.atomic():
        locked = locks.lock(account.pk)
        opened = books.ask_books(
            account_ids=[account.pk],
            instrument_ids=[each.instrument.pk for each in fills],
            for_fills=True,
        ).get()
        for each in fills:
            opened.book_fill(locked, each)
        opened.close()
        found = (
            figures(account),
            cash(account),
            list(Balance.objects.filter(account=account).values_list("may_be_negative", flat=True)),
        )
        transaction.set_rollback(True)
    return found


def test_a_margin_account_may_owe_cash_and_securities(aapl):
    account = world.customer(cash="1000.00")
    with pytest.raises(books.Uncovered):
        booked(account, fill(aapl, "-5", "100"))
    with pytest.raises(books.Uncovered):
        booked(account, fill(aapl, "50", "100"))
    Account.objects.filter(pk=account.pk).update(margin=True)
    assert booked(account, fill(aapl, "50", "100")) == (
        (D(50), D(5000), D(0)),
        D(-4000),
        [True, True],
    )
    short, amount, _ = booked(account, fill(aapl, "-5", "100"))
    assert (short, amount) == ((D(-5), D(-500), D(0)), D("1499.97"))
    covered, amount, _ = booked(account, fill(aapl, "-5", "100"), fill(aapl, "3", "90"))
    assert covered == (D(-2), D(-200), D(30))


def test_the_database_refuses_a_debit_of_a_cash_account():
    account = world.customer(cash="10.00")
    with pytest.raises(DatabaseError), transaction.atomic():
        Balance.objects.filter(account=account).update(amount=D(-1))
    Balance.objects.filter(account=account).update(amount=D(10))


# --- Replay ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_random_trades_and_busts_replay_to_the_bit(aapl, venue, seed):
    """Lots, positions and balances are what the append-only rows say, whatever came."""
    draw = random.Random(seed)
    account = world.customer(cash="50000.00")
    method = draw.choice(["fifo", "lifo", "highest_cost"])
    Account.objects.filter(pk=account.pk).update(lot_method=method)
    done = []
    for _ in range(14):
        position = Position.objects.filter(account=account).first()
        held = int(position.quantity) if position else 0
        price = f"{draw.randrange(9_500, 10_500) / 100:.2f}"
        if held and draw.random() < 0.5:
            done.append(
                trade(account, venue, str(draw.randrange(1, held + 1)), price, is_buy=False)
            )
        else:
            done.append(trade(account, venue, str(draw.randrange(1, 30)), price))
        if draw.random() < 0.3:
            order, report = done.pop(draw.randrange(len(done)))
            held = Position.objects.get(account=account).quantity
            if order.side == Side.BUY and held < report.quantity:
                continue  # it would be parked: what it brought is sold
            venue.busts(order, report)
            world.apply_reports()
    assert figures(account) == replayed_position(account)
    assert cash(account) == replayed_cash(account)


def replayed_position(account):
    quantity = cost = realised = D(0)
    for lot in Lot.objects.filter(account=account):
        quantity, cost = quantity + lot.opened_quantity, cost + lot.opened_cost
    for closing in LotClosing.objects.filter(account=account):
        quantity, cost = quantity - closing.quantity, cost - closing.cost
        realised += closing.realised
    signs = {"buy": 1, "sell": -1}
    traded = sum(
        signs[t.side] * t.quantity * (-1 if t.busts_id else 1)
        for t in Trade.objects.filter(account=account)
    )
    assert traded == quantity
    return quantity, cost, realised


def replayed_cash(account):
    legs = Transfer.objects.filter(asset="USD")
    came = sum(t.amount for t in legs.filter(credit__owner=account))
    return came - sum(t.amount for t in legs.filter(debit__owner=account))


def test_business_days_follow_the_calendar():
    friday = datetime(2026, 11, 20, 20, tzinfo=UTC)
    on = {
        name: settlement.settles_on(is_at_once=False, calendar=name, traded_at=friday)
        for name in ("XNYS", "always")
    }
    assert {str(day) for day in on.values()} == {"2026-11-23"}
    thanksgiving_eve = datetime(2026, 11, 25, 20, tzinfo=UTC)
    found = settlement.settles_on(is_at_once=False, calendar="XNYS", traded_at=thanksgiving_eve)
    assert str(found) == "2026-11-27"
    then = datetime(2024, 5, 24, 20, tzinfo=UTC)  # T+2 over Memorial Day
    assert str(settlement.settles_on(is_at_once=False, calendar="XNYS", traded_at=then)) == (
        "2024-05-29"
    )
    assert settlement.settles_on(is_at_once=True, calendar="always", traded_at=friday) is None
