"""The real order path on PostgreSQL under a random load, between customers and a bad venue.

The venue is the exchange's engine behind a wire that misbehaves (`wire`). Tickets go in through
`orders.entry.submission`, what the outbox holds is sent, what arrives is stored in the inbox and
applied by `orders.executions`. Every ticket, request and report that arrives is one event.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account
from marketdata.models import Instrument
from orders import executions
from orders.entry import submission
from orders.lifecycle import Status
from orders.models import Order, Watch
from orders.tickets import (
    Actor,
    OrderClass,
    OrderTicket,
    ReplaceTicket,
    ResumeTicket,
    StopLoss,
    Ticket,
    TriggerTicket,
)
from portfolio import services as funding
from portfolio.fees import schedule
from portfolio.fees.models import FeeRule
from reconciliation.invariants import Finding, check_invariants
from tests import world
from tests.simulation.market import PARTS, STEPS, SYMBOLS, TICKS, Market, lot_of, price_of
from tests.simulation.wire import INVENTED, Line, Misbehaviour
from venues import inbox, outbox, wire
from venues.messages import ExecutionReport, OrderType, ReportKind, Request, Side, TimeInForce
from venues.models import InboxReport, OutboxMessage

ACCOUNTS = 12
OPEN_MAX = 150
BATCH_MAX = 16
CHECKED_EVERY = 1_000
ZERO = Decimal(0)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OPEN = [status.value for status in Status if not status.is_final]
UNANSWERED = [
    status.value
    for status in (Status.PENDING, Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.UNKNOWN)
]


class DatabaseSimulation:
    """One run, in the database as it is. Raises AssertionError when something is not as it must."""

    def __init__(self, *, seed: int, misbehaviour: Misbehaviour | None = None) -> None:
        self.draw = random.Random(seed)
        self.step = 0
        self.count: Counter[str] = Counter()
        wrong = misbehaviour or Misbehaviour(late=0.1, overfilled=0.01, delay_max=25, silence=80)
        self.requests: Line[Request] = Line(self.draw, wrong)
        self.reports: Line[ExecutionReport] = Line(self.draw, wrong)
        self.market = Market(self.draw, wrong, self._say, self._is_robust, busts_all=True)
        self.accounts: list[Account] = []
        self.instruments: list[Instrument] = []
        self._placed: list[UUID] = []
        self._with_legs: set[str] = set()
        self._earlier: list[OrderTicket] = []
        self._sent = 0
        self._names = 0
        self._checked_at = 0

    def run(self, events: int) -> None:
        """Do this many events, bring everything to rest, and compare all there is."""
        self._open()
        while self.step < events:
            self.next()
            if self.step - self._checked_at >= CHECKED_EVERY:
                self._checked_at = self.step
                self.check()
        self.come_to_rest()

    def _open(self) -> None:
        """Open accounts of all kinds, and charge them something."""
        self.accounts = [world.customer(cash="100000.00") for _ in range(ACCOUNTS)]
        for number, account in enumerate(self.accounts):
            account.margin = number % 4 == 3
            account.lot_method = list(Account.LotMethod)[number % 3]
            account.save(update_fields=["margin", "lot_method"])
        self.instruments = [
            world.instrument(symbol, increment=f"{lot_of(symbol):f}") for symbol in SYMBOLS
        ]
        Instrument.objects.update(marginable=True, shortable=True, easy_to_borrow=True)
        in_parts = [symbol for symbol in SYMBOLS if PARTS[symbol] > 1]
        Instrument.objects.filter(symbol__in=in_parts).update(fractionable=True)
        FeeRule.objects.create(
            name="commission",
            beneficiary="fees",
            valid_from=timezone.now().date() - timedelta(days=2),
            asset_class="us_equity",
            per_order=Decimal("0.35"),
            per_unit=Decimal("0.0035"),
            rate=Decimal("0.0001"),
        )
        schedule.forget()

    def next(self) -> None:
        """Let some customers ask for something, the market move, and messages arrive."""
        self._quote()
        open_orders = self._open_orders()
        tickets = [self._ticket(open_orders) for _ in range(self.draw.randrange(1, BATCH_MAX))]
        self._submit([*tickets, *self._triggers(), *self._resumptions()])
        self._act(open_orders)
        self._deliver()

    def come_to_rest(self) -> None:
        """Deliver all that is under way, then compare with the venue, order by order."""
        while len(self.requests) or len(self.reports):
            self._tick()
            self._deliver()
        self.check()
        disputed = self._disputed()
        waiting = InboxReport.objects.filter(state=InboxReport.State.EARLY)
        told = waiting.exclude(execution_id__startswith=INVENTED)
        genuine = [r for r in told if r.client_order_id not in disputed]
        assert not genuine, f"for ever early: {[(r.report, r.reason) for r in genuine[:3]]}"
        for order in Order.objects.order_by("created_at"):
            self._compare(order, disputed)

    def check(self) -> None:
        """Check the invariants of the house, but for what the venue lied about."""
        self.count["checks"] += 1
        disputed = self._disputed()
        broken = [
            f"{finding.number}: {what}"
            for finding in check_invariants(now=timezone.now())
            for what in _breaches(finding, disputed)
        ]
        assert not broken, "\n".join([*broken[:10], story(broken[0])])

    def figures(self) -> dict[str, int]:
        """Return how often what happened."""
        lines = {f"requests {what}": n for what, n in self.requests.count.items()}
        lines |= {f"reports {what}": n for what, n in self.reports.count.items()}
        states = Counter(Order.objects.values_list("status", flat=True))
        parked = InboxReport.objects.filter(state=InboxReport.State.PARKED).count()
        return {
            "events": self.step,
            **self.count,
            **self.market.count,
            **lines,
            **{f"orders {status}": n for status, n in states.items()},
            "reports parked": parked,
        }

    # --- Between the house and the venue ---------------------------------------------------

    def _tick(self) -> None:
        self.step += 1
        self.market.step = self.step

    def _say(self, report: ExecutionReport) -> None:
        self.reports.send(report, step=self.step)

    def _is_robust(self, name: str) -> bool:
        """Whether a lie about the order heals: legs may have sold what a late fill would need."""
        return name not in self._with_legs

    def _submit(self, tickets: list[Ticket]) -> None:
        for _ in tickets:
            self._tick()
        answers = submission.submit_batch(tickets, now=timezone.now())
        for ticket, answer in zip(tickets, answers, strict=True):
            self._note(ticket, answer)
        self._send()

    def _note(self, ticket: Ticket, answer: submission.Answer) -> None:
        what = type(ticket).__name__
        if answer.order is None:
            assert answer.refusal is not None
            self.count[f"{what} refused: {answer.refusal.code}"] += 1
            return
        self.count[f"{what} repeated" if answer.is_repeat else what] += 1
        if answer.order.denial_code:
            self.count[f"{what} denied: {answer.order.denial_code}"] += 1
        if isinstance(ticket, OrderTicket | ReplaceTicket) and not answer.is_repeat:
            family = [answer.order, *answer.legs]
            self._placed += [order.pk for order in family]
            if answer.order.group is not None:
                self._with_legs.update(str(order.pk) for order in family)

    def _send(self) -> None:
        """Put on the wire what the outbox has, as the gateway would."""
        messages = list(OutboxMessage.objects.filter(pk__gt=self._sent).order_by("pk"))
        for message in messages:
            self.requests.send(
                wire.request_from_json(message.kind, message.message), step=self.step
            )
            self._sent = message.pk
        outbox.confirm(messages, now=timezone.now())

    def _deliver(self) -> None:
        """Let arrive what is due, store it, and have it applied, whatever that sends then."""
        while (request := self.requests.arrived(step=self.step)) is not None:
            self._tick()
            self.count["requests arrived"] += 1
            self.market.enter(request)
        arrived = []
        while (report := self.reports.arrived(step=self.step)) is not None:
            self._tick()
            self.count["reports arrived"] += 1
            arrived.append(report)
        if self.draw.random() < 0.1:
            self.draw.shuffle(arrived)
        self._store(arrived)
        while executions.apply_next(limit=self.draw.choice((1, 3, 256))):
            pass
        self._send()

    def _store(self, reports: list[ExecutionReport]) -> None:
        # One statement ignores what the table has, not what itself brings twice.
        inbox.store(outbox.EMBEDDED, reports, now=timezone.now())

    def _act(self, open_orders: list[Order]) -> None:
        """Let something happen that no customer asked for."""
        draw, symbol = self.draw, self.draw.choice(SYMBOLS)
        self.market.move(symbol)
        if draw.random() < 0.5:
            self.market.trade(draw.choice(SYMBOLS))
        if draw.random() < 0.1:
            self.market.bust()
        if draw.random() < 0.1:
            self.market.halt(symbol)
        if draw.random() < 0.01:
            self.market.turn_the_day()
        if draw.random() < 0.05:
            self._make_up_with(draw.choice(self.accounts))
        if open_orders and draw.random() < 0.1:
            self._lose_the_link(draw.choice(open_orders))

    def _make_up_with(self, account: Account) -> None:
        """Let an account that a bust has left in debt pay, and go on."""
        account.refresh_from_db()
        if account.status != Account.Status.RESTRICTED:
            return
        self.count["restrictions lifted"] += 1
        now, actor, reference = timezone.now(), "operator:test", f"made up {self.step}"
        amount = Decimal("50000.00")
        funding.deposit(
            account_id=account.pk, amount=amount, reference=reference, actor=actor, now=now
        )
        active = Account.Status.ACTIVE
        accounts.change_status(account.pk, status=active, reason="Paid", actor=actor, now=now)

    def _lose_the_link(self, order: Order) -> None:
        """Say that the order is in doubt, and what the venue answers when it is there again."""
        if not Status(order.status).is_at_venue:
            return
        self.count["doubts"] += 1
        doubt = ExecutionReport(
            sequence=0,
            execution_id=f"doubt-{self.step}",
            kind=ReportKind.DOUBTED,
            client_order_id=str(order.pk),
            venue_order_id="",
            at=self.market.now,
            quantity=None,
            price=None,
            cumulative_quantity=ZERO,
            leaves_quantity=ZERO,
        )
        self._store([doubt])
        self.market.say_status(str(order.pk))

    def _quote(self) -> None:
        for instrument in self.instruments:
            symbol = instrument.symbol
            middle, steps = self.market.middle[symbol], STEPS[symbol]
            bid, ask = (
                str(ticks * TICKS[symbol])
                for ticks in (steps.down(middle - 1), steps.up(middle + 1))
            )
            world.quote(instrument, bid=bid, ask=ask)

    # --- What customers want ---------------------------------------------------------------

    def _open_orders(self) -> list[Order]:
        """Return the open orders, as they were placed: the database's own order is no seed's."""
        found = {
            order.pk: order
            for order in Order.objects.filter(status__in=OPEN).select_related(
                "account", "instrument"
            )
        }
        self._placed = [each for each in self._placed if each in found]
        return [found[each] for each in self._placed]

    def _ticket(self, open_orders: list[Order]) -> Ticket:
        draw = self.draw
        if open_orders and (len(open_orders) > OPEN_MAX or draw.random() < 0.12):
            return world.cancel_ticket(draw.choice(open_orders))
        if open_orders and draw.random() < 0.15:
            return self._replace(draw.choice(open_orders))
        if self._earlier and draw.random() < 0.04:
            earlier = draw.choice(self._earlier[-50:])
            is_misuse = draw.random() < 0.3
            return replace(earlier, quantity=Decimal(7_777)) if is_misuse else earlier
        order = draw.choices((self._simple, self._stop, self._bracket, self._oco), (60, 15, 15, 10))
        ticket = order[0]()
        self._earlier.append(ticket)
        return ticket

    def _name(self) -> str:
        self._names += 1
        return f"S{self._names}"

    def _price(self, symbol: str, ticks_away: int) -> Decimal:
        return price_of(symbol, self.market.middle[symbol] + ticks_away)

    def _of(self, side: Side, symbol: str, **wanted: object) -> OrderTicket:
        return world.ticket(
            self.draw.choice(self.accounts),
            symbol,
            **{
                "client_order_id": self._name(),
                "side": side,
                "quantity": self._quantity(symbol, 120),
                **wanted,
            },
        )

    def _quantity(self, symbol: str, units_max: int) -> Decimal:
        """Draw how much somebody wants; of what is traded in parts, often less than a unit more."""
        quantity = Decimal(self.draw.randrange(1, units_max))
        if PARTS[symbol] > 1 and self.draw.random() < 0.5:
            quantity -= self.draw.randrange(PARTS[symbol]) * lot_of(symbol)
        return quantity

    def _side(self) -> Side:
        return self.draw.choice((Side.BUY, Side.BUY, Side.SELL))

    def _simple(self) -> OrderTicket:
        draw, side, symbol = self.draw, self._side(), self.draw.choice(SYMBOLS)
        if draw.random() < 0.3:
            by_value = {"quantity": None, "notional": Decimal(draw.randrange(100, 9_000))}
            return self._of(side, symbol, **(by_value if draw.random() < 0.3 else {}))
        time_in_force = draw.choice(list(TimeInForce))
        rests = time_in_force in (TimeInForce.DAY, TimeInForce.GTC)
        return self._of(
            side,
            symbol,
            type=OrderType.LIMIT,
            limit_price=self._price(symbol, side.sign * draw.randrange(-40, 20)),
            time_in_force=time_in_force,
            is_post_only=rests and draw.random() < 0.1,
            display_quantity=Decimal(1) if rests and draw.random() < 0.1 else None,
        )

    def _stop(self) -> OrderTicket:
        draw, side, symbol = self.draw, self._side(), self.draw.choice(SYMBOLS)
        away = side.sign * draw.randrange(5, 60)
        stop = self._price(symbol, away)
        kind = draw.choice((OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP))
        terms: dict[str, object] = {"stop_price": stop}
        if kind is OrderType.STOP_LIMIT:
            terms["limit_price"] = self._price(symbol, away + side.sign * draw.randrange(0, 30))
        elif kind is OrderType.TRAILING_STOP:
            name = draw.choice(("trail_amount", "trail_percent"))
            terms = {name: Decimal(draw.randrange(1, 10)) / 10}
        return self._of(side, symbol, type=kind, **terms)

    def _bracket(self) -> OrderTicket:
        draw, symbol = self.draw, self.draw.choice(SYMBOLS)
        side = draw.choice((Side.BUY, Side.BUY, Side.SELL))
        away = draw.randrange(-10, 10)
        price = self._price(symbol, away)
        profit = self._price(symbol, away + side.sign * draw.randrange(3, 40))
        loss = self._price(symbol, away - side.sign * draw.randrange(3, 40))
        legs: dict[str, object] = {"take_profit": profit, "stop_loss": StopLoss(loss)}
        kind = draw.choice((OrderClass.BRACKET, OrderClass.OTO))
        if kind is OrderClass.OTO:
            legs = dict([draw.choice(list(legs.items()))])
        return self._of(
            side,
            symbol,
            type=OrderType.LIMIT,
            limit_price=price,
            order_class=kind,
            time_in_force=TimeInForce.GTC,
            **legs,
        )

    def _oco(self) -> OrderTicket:
        draw, symbol = self.draw, self.draw.choice(SYMBOLS)
        return self._of(
            Side.SELL,
            symbol,
            type=OrderType.LIMIT,
            limit_price=self._price(symbol, draw.randrange(3, 40)),
            stop_loss=StopLoss(self._price(symbol, -draw.randrange(3, 40))),
            order_class=OrderClass.OCO,
            time_in_force=TimeInForce.GTC,
        )

    def _replace(self, order: Order) -> ReplaceTicket:
        draw, symbol = self.draw, order.instrument.symbol
        has_limit = order.limit_price is not None
        price = self._price(symbol, Side(order.side).sign * draw.randrange(-40, 20))
        is_resized = order.group is None and draw.random() < 0.7
        return ReplaceTicket(
            account_id=order.account_id,
            order_id=order.pk,
            client_order_id=self._name(),
            quantity=self._quantity(symbol, 150) if is_resized else None,
            limit_price=price if has_limit and draw.random() < 0.7 else None,
            stop_price=None,
            trail=None,
            time_in_force=None,
            actor=Actor("user", str(order.account.user_id)),
            source_address="192.0.2.1",
            received_at=timezone.now(),
        )

    def _triggers(self) -> Iterable[Ticket]:
        """Yield a ticket for each watched order whose price is reached; trailing ones by chance."""
        watches = {w.order_id: w for w in Watch.objects.select_related("instrument")}
        for order_id in [each for each in self._placed if each in watches]:
            watch = watches[order_id]
            symbol = watch.instrument.symbol
            price = self.market.middle[symbol] * TICKS[symbol]
            if watch.stop_price is not None:
                is_reached = (price - watch.stop_price) * Side(watch.side).sign >= 0
            else:
                is_reached = self.draw.random() < 0.05
            if is_reached:
                now = timezone.now()
                yield TriggerTicket(watch.account_id, order_id, price, now, now, mark=watch.mark)

    def _resumptions(self) -> Iterable[Ticket]:
        """Yield a ticket for each order whose turn has come and whose way was not free."""
        waiting = {o.pk: o for o in Order.objects.filter(is_waiting=True)}
        for order_id in [each for each in self._placed if each in waiting]:
            yield ResumeTicket(waiting[order_id].account_id, order_id, timezone.now())

    # --- What must be true -----------------------------------------------------------------

    def _disputed(self) -> set[str]:
        """Return the orders about which something is parked that could not be applied.

        Only two kinds of reports may be: what the venue invented, and what an account can no
        longer pay because it came after the order's end.
        """
        parked = InboxReport.objects.filter(state=InboxReport.State.PARKED)
        unpaid = {r.client_order_id for r in parked if "is available" in r.reason}
        for report in parked.exclude(execution_id__startswith=INVENTED):
            # From then on the venue counts otherwise, and what it says later may be parked, too.
            is_explained = report.client_order_id in unpaid
            assert is_explained, f"parked: {report.reason}\n{story(report.client_order_id)}"
        return {report.client_order_id for report in parked}

    def _compare(self, order: Order, disputed: set[str]) -> None:
        name = str(order.pk)
        is_resting, status = self.market.is_resting(name), Status(order.status)
        executed = self.market.executed.get(name, ZERO)
        said = f"{order.type} order {name} is {status}, filled {order.filled_quantity}"
        assert order.status not in UNANSWERED, f"nobody answers: {said}"
        assert status.is_at_venue == is_resting, f"{said}, at the venue: {is_resting}"
        if name not in disputed:
            assert order.filled_quantity == executed, f"{said}, the venue says {executed}"


def story(sentence: str) -> str:
    """Return all that was said and done about the first order that the sentence names."""
    named = _UUID.search(sentence)
    order = named and Order.objects.filter(pk=named[0]).first()
    if not order:
        return ""
    family = {order.pk, order.replaces, order.replaced_by, order.group} - {None}
    about = {str(each) for each in family}
    steps = Order.history.filter(id__in=family).order_by("history_id")
    lines = [
        f"{step.id} {step.history_date:%H:%M:%S.%f} {step.role} {step.type} "
        f"{step.side} {step.filled_quantity:f}/{step.quantity:f} {step.status}: "
        f"{step.history_change_reason}"
        for step in steps
    ]
    lines += [
        f"{each.client_order_id} {each.state} {each.report['kind']} {each.report['quantity']} "
        f"of {each.report['reference']}, counts {each.report['cumulative_quantity']}, {each.reason}"
        for each in InboxReport.objects.filter(client_order_id__in=about).order_by("pk")
    ]
    return "\n".join(lines)


def _breaches(finding: Finding, disputed: set[str]) -> list[str]:
    """Return what speaks against an invariant, but for the orders that are disputed anyway."""
    return [
        breach.what
        for breach in finding.breaches
        if INVENTED not in breach.what
        and not (finding.number == 9 and any(name in breach.what for name in disputed))
        and "parked" not in breach.what
    ]
