"""What a customer owns and trades: positions, open orders, the latest ones and why they ended."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import Account
from orders.lifecycle import Status
from orders.models import Order
from portfolio import particulars
from portfolio.selectors import Snapshot
from trading.operations.customer.tables import ROWS_MAX, Cell, Table, number, price, time, word
from trading.operations.customer.ways import listing
from trading.templatetags.figures import cents, gain, quantity

_OPEN = [status.value for status in Status if not status.is_final]


def positions(account: Account, owned: Snapshot) -> Table:
    """Return the positions that are worth the most."""
    held = sorted(owned.positions, key=lambda each: (-abs(each.market_value), each.instrument.code))
    return Table(
        "positions",
        "Positions",
        ("Symbol", "#Quantity", "#Average price", "#Price", "#Worth", "#Unrealised"),
        [
            (
                word(each.instrument.symbol),
                number(quantity(each.quantity)),
                price(each.average_price),
                price(each.price),
                number(cents(each.market_value)),
                number(gain(each.unrealised)),
            )
            for each in held[:ROWS_MAX]
        ],
        listing("portfolio_position", account.number),
        "No position.",
    )


def open_orders(account: Account) -> Table:
    """Return what is still open, the newest first."""
    rows = Order.objects.filter(account=account, status__in=_OPEN).select_related("instrument")
    return Table(
        "open-orders",
        "Open orders",
        ("Placed", "Order", "Type", "#Limit", "#Stop", "State", "#Filled"),
        [
            (
                time(each.created_at),
                _order(each),
                word(each.type.replace("_", " ")),
                price(each.limit_price),
                price(each.stop_price),
                word(each.status.replace("_", " ")),
                number(quantity(each.filled_quantity)),
            )
            for each in rows.order_by("-pk")[:ROWS_MAX]
        ],
        listing("orders_order", account.number),
        "Nothing is open.",
    )


def latest_orders(account: Account) -> Table:
    """Return the orders placed last, however they ended, and why."""
    rows = Order.objects.filter(account=account).select_related("instrument")
    return Table(
        "orders",
        "Latest orders",
        ("Placed", "Order", "State", "#Filled", "Code", "Why"),
        [
            (
                time(each.created_at),
                _order(each),
                word(each.status.replace("_", " "), bad=each.status == Status.REJECTED),
                number(quantity(each.filled_quantity)),
                word(each.denial_code or each.venue_code),
                word(each.status_reason),
            )
            for each in rows.order_by("-created_at", "-pk")[:ROWS_MAX]
        ],
        listing("orders_order", account.number),
        "No order was ever placed.",
    )


def holds(account: Account) -> Table:
    """Return what is held for open orders."""
    return Table(
        "holds",
        "Held for orders",
        ("Order", "Asset", "#Held", "#Left of it"),
        [
            (
                word(str(each.order_id)[:8], link=_page(each.order_id)),
                word(each.asset),
                number(quantity(each.amount)),
                number(quantity(each.remaining)),
            )
            for each in particulars.pending_holds(account.pk, most=ROWS_MAX)
        ],
        nothing="Nothing is held.",
    )


def _order(order: Order) -> Cell:
    return word(order, link=_page(order.pk))


def _page(order_id: object) -> str:
    return reverse("admin:orders_order_change", args=[order_id])
