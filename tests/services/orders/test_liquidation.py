"""Liquidation by rule: what an overdue call closes, in which waves, and what holds them up."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Quote
from orders.models import Order
from orders.safeguards import liquidation
from orders.safeguards.liquidation import Watch
from orders.tickets import OrderTicket
from portfolio.models import Position
from risk.models import Alert, Decision, LiquidationWave, MarginCall
from tests import held, on_margin, world
from tests.on_margin import submit
from tests.services.orders.watched import Firm, indebted, told
from venues import links
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


def overdue(firm: Firm, price: str = "60.00") -> MarginCall:
    firm.price("AAPL", price)
    firm.look()
    MarginCall.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    firm.price("AAPL", price)
    return MarginCall.objects.get()


def test_an_overdue_call_is_cured_by_what_it_takes_and_not_a_share_more(firm):
    account = indebted(firm)
    overdue(firm)
    firm.look()
    [order] = firm.fill_liquidations("60.00")
    assert (order.side, order.quantity, order.type, order.time_in_force) == (
        "sell", D(89), "market", "ioc"
    )  # fmt: skip
    assert order.history.last().actor == "rule:liquidation"
    firm.look()
    call = MarginCall.objects.get()
    assert (call.status, call.met_by, call.wave) == ("met", "liquidation", 1)
    found = on_margin.standing(account)
    assert found.deficit == 0
    assert found.equity - found.maintenance < D(18)  # what one share relieves
    assert told(account) == ["margin.called", "margin.liquidating", "margin.call_met"]
    firm.look()
    assert Order.objects.filter(client_order_id__startswith="liq").count() == 1


def test_a_short_is_bought_back_to_cure(firm):
    account = on_margin.customer(cash="10500.00")
    firm.short(account, "200")
    overdue(firm, "117.00")  # equity about 7,100, required 8,190
    firm.look()
    [order] = firm.fill_liquidations("117.00")
    assert (order.side, order.position_intent) == ("buy", "buy_to_close")
    firm.look()
    assert MarginCall.objects.get().status == "met"
    assert -200 < Position.objects.get(account=account).quantity < 0


def test_what_adds_risk_is_cancelled_first_and_waited_for(firm):
    on_margin.instrument("MSFT", bid="9.99", ask="10.00")
    account = on_margin.customer(cash="10050.00")
    firm.buy(account, "200")
    firm.price("MSFT", "10.00")
    [opening] = submit(world.limit_ticket(account, "10.00", symbol="MSFT", quantity=D(10)))
    [closing] = submit(world.limit_ticket(account, "120.00", side=Side.SELL, quantity=D(200)))
    overdue(firm)
    firm.look()
    statuses = Order.objects.filter(pk__in=[opening.order.pk, closing.order.pk])
    assert {o.status for o in statuses} == {"pending_cancel"}
    firm.look()
    assert not LiquidationWave.objects.exists()
    for order in statuses:
        firm.venue.cancels(order)
    world.apply_reports()
    firm.look()
    assert [o.quantity for o in firm.fill_liquidations("60.00")] == [D(87)]  # 1,550 / 18


def test_a_wave_is_sent_once_whoever_starts_again(firm):
    indebted(firm)
    overdue(firm)
    firm.look()
    firm.watch = Watch(held.at_once)  # another process
    firm.look()
    firm.look()
    assert Order.objects.filter(client_order_id__startswith="liq").count() == 1
    assert LiquidationWave.objects.count() == 1


def test_a_wave_that_was_written_down_and_not_sent_is_sent_after_a_restart(firm):
    indebted(firm)
    overdue(firm)

    def dies(_ticket):
        raise KeyboardInterrupt

    firm.watch = Watch(dies)
    with pytest.raises(KeyboardInterrupt):
        firm.look()
    assert not Order.objects.filter(client_order_id__startswith="liq").exists()
    firm.watch = Watch(held.at_once)
    firm.price("AAPL", "60.00")
    firm.look()
    [order] = firm.fill_liquidations("60.00")
    assert order.quantity == D(89)
    assert LiquidationWave.objects.count() == 1


def killed_before_sending(firm: Firm) -> list[OrderTicket]:
    """Have the wave written down, and the process end before the intake has its orders."""
    tickets = []

    def dies(ticket):
        tickets.append(ticket)
        raise KeyboardInterrupt

    firm.watch = Watch(dies)
    with pytest.raises(KeyboardInterrupt):
        firm.look()
    firm.watch = Watch(held.at_once)
    firm.price("AAPL", "60.00")
    return tickets


def test_a_wave_of_which_nothing_exists_is_planned_anew(firm):
    account = indebted(firm)
    overdue(firm)
    [late] = killed_before_sending(firm)
    on_margin.deposit(account, "1000.00", reference="most of it")
    firm.look()
    first, second = LiquidationWave.objects.order_by("number")
    # 600 are missing, and a share relieves 18; the name is one of both, so that of a ticket that
    # is on its way somewhere and of this one, one alone becomes an order.
    assert (first.orders[0][2], second.orders[0][2]) == ("89", "34")
    assert first.orders[0][3] == second.orders[0][3]
    [refused] = submit(late)
    assert refused.refusal.code == "client_order_id_reused"
    [order] = firm.fill_liquidations("60.00")
    assert order.quantity == D(34)
    firm.look()
    assert MarginCall.objects.get().met_by == "liquidation"


def test_what_is_paid_in_before_anything_is_sent_meets_the_call(firm):
    account = indebted(firm)
    overdue(firm)
    killed_before_sending(firm)
    on_margin.deposit(account, "1600.00", reference="all of it")
    firm.look()
    assert not Order.objects.filter(client_order_id__startswith="liq").exists()
    assert MarginCall.objects.get().met_by == "deposit"


def test_what_is_missing_of_a_wave_that_went_in_part_is_planned_anew(firm):
    on_margin.instrument("MSFT")
    account = on_margin.customer(cash="10000.00")
    firm.buy(account, "100")
    firm.buy(account, "100", "MSFT")
    firm.price("AAPL", "51.00")
    firm.price("MSFT", "51.00")
    entered = []

    def takes_one(ticket):
        entered.append(ticket)
        if len(entered) > 1:
            raise KeyboardInterrupt
        return held.at_once(ticket)

    firm.watch = Watch(takes_one)
    with pytest.raises(KeyboardInterrupt):
        firm.look()
    [gone] = Order.objects.filter(client_order_id__startswith="liq")
    firm.watch = Watch(held.at_once)
    firm.look()
    assert LiquidationWave.objects.count() == 1  # what is on its way is waited for
    on_margin.deposit(account, "1000.00", reference="some of it")
    firm.fill(gone, "51.00")
    firm.look()
    first, second = LiquidationWave.objects.order_by("number")
    assert second.orders[0][3] == first.orders[1][3]
    assert D(second.orders[0][2]) < D(first.orders[1][2])


@pytest.mark.parametrize("has_names", [True, False])
def test_no_order_of_the_customers_passes_for_one_of_a_wave(firm, has_names):
    account = indebted(firm)
    firm.look()
    firm.price("AAPL", "100.00")
    [own] = submit(world.limit_ticket(account, "150.00", side=Side.SELL, quantity=D(1)))
    call = overdue(firm)
    if has_names:  # that he gave before they were ours
        name = f"liquidation-{call.pk}-1-AAPL"
        Order.objects.filter(pk=own.order.pk).update(client_order_id=name)
    firm.look()
    firm.venue.cancels(own.order)
    world.apply_reports()
    firm.look()
    [sale] = Order.objects.filter(account=account, status="submitted")
    [[_, _, _, kept]] = LiquidationWave.objects.get().orders
    assert (sale.side, sale.quantity, sale.client_order_id) == ("sell", D(89), kept)


def test_a_wave_of_before_is_sent_under_the_names_of_before(firm):
    account = indebted(firm)
    call = overdue(firm)
    LiquidationWave.objects.create(
        call=call, number=1, at=timezone.now(), deficit=D(1600), orders=[["AAPL", "sell", "89"]]
    )
    MarginCall.objects.filter(pk=call.pk).update(status="liquidating", wave=1)
    firm.look()
    [sale] = Order.objects.filter(account=account, status="submitted")
    assert (sale.client_order_id, sale.quantity) == (f"liquidation-{call.pk}-1-AAPL", D(89))


def test_nobody_holds_off_a_liquidation_with_orders_of_his_own(firm):
    account = indebted(firm)
    call = overdue(firm)
    wanted = [
        world.limit_ticket(account, "62.00", side=Side.SELL, quantity=D(200)),
        world.ticket(account, side=Side.SELL, quantity=D(200)),
        world.limit_ticket(account, "60.00", quantity=D(1)),
    ]
    before = Order.objects.filter(denial_code="").count()
    assert {answer.order.denial_code for answer in submit(*wanted)} == {"being_liquidated"}
    assert Order.objects.filter(denial_code="").count() == before
    firm.look()
    firm.fill_liquidations("60.00")
    firm.look()
    call.refresh_from_db()
    assert (call.status, LiquidationWave.objects.count()) == ("met", 1)
    [answer] = submit(world.limit_ticket(account, "62.00", side=Side.SELL, quantity=D(1)))
    assert answer.order.denial_code == ""


def test_a_wave_that_waited_opens_nothing_in_an_account_that_has_sold_all_itself(firm):
    account = indebted(firm)
    overdue(firm)
    waiting = []

    def keep(ticket):
        waiting.append(ticket)
        return Future()

    firm.watch = Watch(keep)
    firm.look()
    on_margin.deposit(account, "20000.00", reference="cured")
    firm.watch = Watch(held.at_once)
    firm.price("AAPL", "60.00")
    firm.look()
    [sold] = submit(world.limit_ticket(account, "60.00", side=Side.SELL, quantity=D(200)))
    firm.fill(sold.order, "60.00")
    [late] = submit(waiting[0])
    assert (late.order.status, late.order.denial_code) == ("rejected", "position_intent_mismatch")
    assert Position.objects.get(account=account).quantity == 0


def test_what_a_wave_leaves_the_next_one_cures(firm):
    indebted(firm)
    overdue(firm)
    firm.look()
    firm.price("AAPL", "59.00")  # it falls further while the first wave executes
    firm.fill_liquidations("59.00")
    firm.look()
    assert MarginCall.objects.get().wave == 2
    firm.fill_liquidations("59.00")
    firm.look()
    assert MarginCall.objects.get().status == "met"


@pytest.mark.parametrize("state", [{"status": "restricted"}, {"is_suspended": True}])
def test_an_account_that_may_not_trade_is_liquidated_all_the_same(firm, state):
    account = indebted(firm)
    overdue(firm)
    Account.objects.filter(pk=account.pk).update(**state)
    firm.look()
    [order] = firm.fill_liquidations("60.00")
    assert Decision.objects.get(order_id=order.pk).allowed


def test_a_wave_that_is_denied_is_told_once_and_tried_again_later(firm, monkeypatch):
    indebted(firm)
    overdue(firm)
    monkeypatch.setattr(links, "is_up", lambda *_: False)
    firm.look()
    [denied] = Order.objects.filter(client_order_id__startswith="liq")
    assert denied.denial_code == "venue_unavailable"
    firm.look()
    firm.look()
    assert Order.objects.filter(client_order_id__startswith="liq").count() == 1
    assert Alert.objects.filter(kind="liquidation").count() == 1
    monkeypatch.undo()
    firm.look(after=liquidation.PAUSE)
    assert [order.quantity for order in firm.fill_liquidations("60.00")] == [D(89)]


def test_nothing_is_closed_while_a_price_is_missing(firm):
    indebted(firm)
    overdue(firm)
    Quote.objects.update(received_at=timezone.now() - timedelta(minutes=5))
    firm.look()
    assert not LiquidationWave.objects.exists()
