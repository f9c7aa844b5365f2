"""A brokerage in memory on the pure rules of the house: lifecycle, groups and accounting.

It does with those rules what `orders` does with them over tables, in the fewest words, and checks
after every step what must always be true. A breach raises `AssertionError`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from orders import groups, lifecycle
from orders.lifecycle import Event, IllegalTransition, Status
from orders.tickets import Role
from portfolio import accounting
from tests.simulation.books import ZERO, Books, Fill, Uncovered
from tests.simulation.order import Order, Trade
from venues.messages import (
    CancelOrder,
    ExecutionReport,
    NewOrder,
    OrderType,
    ReplaceOrder,
    ReportKind,
    Request,
    Side,
)

EVENTS = {
    ReportKind.ACCEPTED: Event.ACCEPT,
    ReportKind.REJECTED: Event.REJECT,
    ReportKind.FILL: Event.FILL,
    ReportKind.CANCELLED: Event.CANCEL,
    ReportKind.EXPIRED: Event.EXPIRE,
    ReportKind.CANCEL_REJECTED: Event.REJECT_CANCEL,
    ReportKind.STATUS: Event.CONFIRM,
    ReportKind.BUSTED: Event.BUST,
}
COUNTING = frozenset({ReportKind.FILL, ReportKind.BUSTED})
BOUNDLESS = Decimal(10) ** 20
WHATEVER_THE_COUNT = frozenset({ReportKind.ACCEPTED, ReportKind.CANCEL_REJECTED})


class Early(Exception):
    """The report speaks of something that we have not heard yet: it waits."""


class Impossible(Exception):
    """The report cannot be true of the order, or the account cannot bear it: it is parked."""


class Firm:
    """Customers' orders and what was said of them. Requests to the venue pile up in `outbox`."""

    def __init__(self) -> None:
        self.books = Books()
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.groups: dict[str, list[Order]] = {}
        self.outbox: list[Request] = []
        self.heard: set[str] = set()
        self.waiting: dict[str, list[ExecutionReport]] = {}
        self.parked: list[tuple[ExecutionReport, str]] = []
        self.parked_fills: set[str] = set()
        self.disputed: set[str] = set()
        self.count: Counter[str] = Counter()
        self._requests = 0

    # --- What customers want ---------------------------------------------------------------

    def place(self, order: Order, worst: Decimal) -> bool:
        """Hold what the order may need and send it, or keep it until its time; False if denied."""
        self.orders[order.id] = self.open[order.id] = order
        is_leg_without_position = bool(order.group) and order.role in groups.LEGS
        is_held = order.type is OrderType.STOP or is_leg_without_position
        if order.group:
            self.groups.setdefault(order.group, []).append(order)
        try:
            if not is_leg_without_position:
                self._hold(order, worst)
        except Uncovered:
            self._carry(order, Event.DENY)
            return False
        if is_held:
            self._carry(order, Event.HOLD)
        else:
            self._send(order, worst)
        return True

    def cancel(self, order: Order) -> None:
        """Cancel what is left of the order, as far as its state allows."""
        try:
            if order.status is Status.HELD:
                self._end(order, Event.CANCEL)
            else:
                self._request_cancel(order)
        except IllegalTransition:
            self.count["cancels refused"] += 1
        self._plan(order)

    def replace(self, order: Order, by: Order, worst: Decimal) -> None:
        """Ask the venue to let `by`, whose quantity is the total wanted, take the order's place."""
        if by.quantity <= order.filled:
            return
        try:
            status = self._following(order, Event.REQUEST_REPLACE)
        except IllegalTransition:
            self.count["replaces refused"] += 1
            return
        self.orders[by.id] = self.open[by.id] = by
        by.replaces, by.took_over = order.id, False
        try:
            self._hold_difference(order, by, worst)
        except Uncovered:
            self._carry(by, Event.DENY)
            return
        self._set(order, status)
        order.replaced_by = by.id
        self.outbox.append(ReplaceOrder(order.id, by.id, by.quantity, by.limit_price))

    def trigger(self, order: Order, worst: Decimal) -> None:
        """The stop price of a held order was reached."""
        if order.status is not Status.HELD:
            return
        order.is_triggered = True
        if order.group:
            self._plan(order)
        else:
            self._send_held(order, worst)

    def doubt(self, order: Order) -> None:
        """The link was lost: what became of the order is not known."""
        if order.status.is_at_venue:
            self._carry(order, Event.DOUBT)

    # --- What the venue says ---------------------------------------------------------------

    def hear(self, report: ExecutionReport) -> None:
        """Apply a report once: now, later when what it waits for has come, or never."""
        if report.execution_id in self.heard:
            self.count["reports doubled"] += 1
            return
        self.heard.add(report.execution_id)
        queue = [report]
        while queue:
            next_one = queue.pop(0)
            try:
                self._apply(next_one)
            except Early:
                self.count["reports early"] += 1
                self.waiting.setdefault(next_one.client_order_id, []).append(next_one)
                continue
            except (Impossible, Uncovered, IllegalTransition) as error:
                self._park(next_one, str(error))
                continue
            for name in self._related(next_one):
                queue += self.waiting.pop(name, ())

    def _park(self, report: ExecutionReport, reason: str) -> None:
        """Set aside what cannot be applied; without it the counts of its order stay apart."""
        self.parked.append((report, reason))
        if report.kind is ReportKind.FILL:
            self.parked_fills.add(report.execution_id)
        if "uncovered" in reason:
            self.disputed.add(report.client_order_id)

    def _related(self, report: ExecutionReport) -> Iterator[str]:
        """Yield the orders whose waiting reports may be possible now."""
        yield report.client_order_id
        order = self.orders[report.client_order_id]
        yield from (name for name in (order.replaces, order.replaced_by) if name)

    def _apply(self, report: ExecutionReport) -> None:
        order = self.orders.get(report.client_order_id)
        if order is None:
            raise Impossible("no such order")
        if report.kind in (ReportKind.REPLACED, ReportKind.REPLACE_REJECTED):
            self._answer_replace(report, order)
        else:
            if not order.took_over and report.kind is not ReportKind.CANCEL_REJECTED:
                raise Early
            filled_now = self._filled_now(report, order)
            self._make_sure_of_the_count(report, order.filled + filled_now)
            self._step(order, report, filled_now)
        self._plan(order)
        self.check(order)

    def _make_sure_of_the_count(self, report: ExecutionReport, filled: Decimal) -> None:
        """A fill or bust comes in its turn; whatever else comes late has been overtaken."""
        counted = report.cumulative_quantity
        if report.kind in COUNTING and counted != filled:
            raise Early
        if report.kind not in WHATEVER_THE_COUNT and counted > filled:
            raise Early

    def _filled_now(self, report: ExecutionReport, order: Order) -> Decimal:
        if report.kind is ReportKind.FILL:
            assert report.quantity is not None
            if report.quantity > order.leaves:
                raise Impossible("overfill")
            return report.quantity
        if report.kind is ReportKind.BUSTED:
            trade = self.trades.get(report.reference)
            if report.reference in self.parked_fills:
                raise Impossible("uncovered: the fill was parked")
            if trade is None:
                raise Early
            if trade.is_busted:
                raise Impossible("busted before")
            return -trade.quantity
        return ZERO

    def _step(self, order: Order, report: ExecutionReport, filled_now: Decimal) -> None:
        event = EVENTS[report.kind]
        status = lifecycle.next_status(
            order.status,
            event,
            is_filled=event is Event.FILL and filled_now == order.leaves,
            has_fills=order.filled + filled_now > 0,
        )
        if event is Event.FILL:
            assert report.price is not None
            self._book(report.execution_id, order, filled_now, report.price)
            self.trades[report.execution_id] = Trade(order.id, filled_now, report.price)
        elif event is Event.BUST:
            self._unbook(report.reference, order, self.trades[report.reference])
        self._set(order, status)

    def _answer_replace(self, report: ExecutionReport, order: Order) -> None:
        old = self.orders[order.replaces]
        if report.kind is ReportKind.REPLACE_REJECTED:
            new_status = self._following(order, Event.REJECT)
            self._set(old, self._following(old, Event.REJECT_REPLACE))
            old.replaced_by = ""
            order.took_over = True
            self._set(order, new_status)
        else:
            if report.cumulative_quantity != old.filled or not old.took_over:
                raise Early
            old_status = self._following(old, Event.REPLACE)
            new_status = self._following(order, Event.ACCEPT)
            per_unit = self.books.release(order.id) or self.books.holds[old.id].per_unit
            self._set(old, old_status)
            order.quantity, order.took_over = report.leaves_quantity, True
            try:
                self._hold(order, per_unit)
            except Uncovered as error:
                raise AssertionError(f"what was held does not cover {order}") from error
            self._set(order, new_status)
        self.check(old)

    # --- Steps -----------------------------------------------------------------------------

    def _following(self, order: Order, event: Event) -> Status:
        return lifecycle.next_status(
            order.status, event, is_filled=not order.leaves, has_fills=order.filled > 0
        )

    def _carry(self, order: Order, event: Event) -> None:
        self._set(order, self._following(order, event))
        self.check(order)

    def _set(self, order: Order, status: Status) -> None:
        """Give the order its state; one that ends holds nothing more."""
        was, order.status = order.status, status
        self.count[f"{was} > {status}"] += was is not status
        if status.is_final:
            self.books.release(order.id)
            self.open.pop(order.id, None)

    def _end(self, order: Order, event: Event) -> None:
        self._carry(order, event)

    def _send(self, order: Order, worst: Decimal) -> None:
        self._set(order, self._following(order, Event.SUBMIT))
        is_limit = order.limit_price is not None
        self.outbox.append(
            NewOrder(
                client_order_id=order.id,
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                type=OrderType.LIMIT if is_limit else OrderType.MARKET,
                time_in_force=order.time_in_force,
                limit_price=order.limit_price if is_limit else worst,
                is_post_only=order.is_post_only,
                display_quantity=order.display_quantity,
                party=str(order.customer),
            )
        )

    def _send_held(self, order: Order, worst: Decimal) -> None:
        """Send what was held, for no more than is set aside for it or still available."""
        try:
            self._hold(order, worst)
        except Uncovered:
            self._end(order, Event.CANCEL)
            return
        self._send(order, worst)
        self.check(order)

    def _request_cancel(self, order: Order) -> None:
        self._set(order, self._following(order, Event.REQUEST_CANCEL))
        self._requests += 1
        self.outbox.append(CancelOrder(f"C{self._requests}", order.id))

    def _plan(self, order: Order) -> None:
        """Do what the order's group does next, until it does nothing more."""
        if not order.group:
            return
        kin = self.groups[order.group]
        for _ in range(10):
            plan = groups.plan([each.member() for each in kin])
            for leg in kin:
                leg.quantity = plan.sizes.get(leg.id, leg.quantity)  # type: ignore[call-overload]
            is_settled = not (plan.sent or plan.cancelled or plan.dropped)
            self._carry_out(plan, {each.id: each for each in kin})
            if is_settled:
                break
        else:
            raise AssertionError(f"the group {order.group} never comes to rest")
        self._check_group(kin)

    def _carry_out(self, plan: groups.Plan, kin: dict[str, Order]) -> None:
        for name in plan.dropped:
            self._end(kin[str(name)], Event.CANCEL)
        for name in plan.cancelled:
            self._request_cancel(kin[str(name)])
        chosen = plan.sent or plan.holder
        if chosen is None:
            return
        for leg in kin.values():
            if leg.role in groups.LEGS and leg.status is Status.HELD:
                self.books.release(leg.id)
        leg = kin[str(chosen)]
        worst = leg.limit_price or leg.stop_price or ZERO
        if plan.sent:
            self._send_held(leg, worst if leg.limit_price else worst * Decimal("0.5"))
        elif leg.leaves > 0:
            try:
                self._hold(leg, worst)
            except Uncovered:
                self._end(leg, Event.CANCEL)

    # --- Holds and fills -------------------------------------------------------------------

    def _hold(self, order: Order, worst: Decimal) -> None:
        per_unit = worst if order.side is Side.BUY else Decimal(1)
        amount = self.books.needed(
            order.customer, order.asset, per_unit=per_unit, quantity=order.leaves
        )
        self.books.hold(order.id, order.customer, order.asset, per_unit=per_unit, amount=amount)

    def _hold_difference(self, old: Order, new: Order, worst: Decimal) -> None:
        """Set aside what the replacement may need beyond what the replaced order holds.

        Both free what executes meanwhile, each at its own price.
        """
        per_unit = worst if new.side is Side.BUY else Decimal(1)
        terms = self.books.terms_of(new.customer, new.asset)

        def needed(quantity: Decimal) -> Decimal:
            return self.books.needed(
                new.customer, new.asset, per_unit=per_unit, quantity=max(quantity, ZERO)
            )

        left = new.quantity - old.filled
        amount = accounting.replaced_hold(
            asset=new.asset,
            needed=needed(left),
            needed_beyond=max(needed(left - old.leaves), terms.per_order),
            held=self.books.holds[old.id].remaining,
            due=terms.per_order if not old.filled else ZERO,
            available=BOUNDLESS,
            roundings=4,
        )
        self.books.hold(new.id, new.customer, new.asset, per_unit=per_unit, amount=amount)

    def _book(self, name: str, order: Order, quantity: Decimal, price: Decimal) -> None:
        self.books.book(name, self._fill(order, quantity, price, leaves=order.leaves - quantity))
        order.filled += quantity
        order.value += price * quantity

    def _unbook(self, name: str, order: Order, trade: Trade) -> None:
        order.filled -= trade.quantity
        order.value -= trade.price * trade.quantity
        try:
            self.books.take_back(
                name, self._fill(order, trade.quantity, trade.price, leaves=order.leaves)
            )
        except Uncovered:
            order.filled += trade.quantity
            order.value += trade.price * trade.quantity
            raise
        trade.is_busted = True
        order.busted += trade.quantity

    def _fill(self, order: Order, quantity: Decimal, price: Decimal, leaves: Decimal) -> Fill:
        return Fill(
            order=order.id,
            customer=order.customer,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            filled=order.filled,
            value=order.value,
            leaves=leaves,
        )

    # --- What must be true -----------------------------------------------------------------

    def check(self, order: Order) -> None:
        """Check an order and its account after a step of it."""
        assert ZERO <= order.filled <= order.quantity, f"filled beyond its quantity: {order}"
        assert order.leaves >= 0, f"less than nothing is left: {order}"
        self.books.check_account(order.customer, order.symbol)
        if order.status.is_final:
            assert order.id not in self.books.holds, f"has ended and holds: {order}"
        elif order.status.is_at_venue and order.took_over:
            # A held leg need hold nothing, a replacement only the difference.
            self.books.check_hold(order.id, order.leaves)

    def _check_group(self, kin: list[Order]) -> None:
        entered = sum((o.filled for o in kin if o.role is Role.ENTRY), ZERO)
        closed = sum((o.filled for o in kin if o.role in groups.LEGS), ZERO)
        at_venue = [o for o in kin if o.role in groups.LEGS and o.status.is_at_venue]
        assert closed <= entered, f"closed {closed} of {entered}: {kin}"
        assert len(at_venue) <= 1, f"more than one leg is at the venue: {kin}"

    def forget(self, order: Order) -> None:
        """Forget an order that ended long ago."""
        del self.orders[order.id]
        if order.group and all(each.id not in self.orders for each in self.groups[order.group]):
            del self.groups[order.group]
