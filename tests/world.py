"""A small world for tests: customers with cash, instruments with prices, a venue that obeys."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import Account, User
from marketdata import price_steps
from marketdata.models import Instrument, Quote
from orders import executions
from orders.entry import submission
from orders.models import Order
from orders.tickets import Actor, CancelTicket, OrderTicket, ReplaceTicket, TriggerTicket
from portfolio import services as portfolio
from portfolio.models import DailyLimit, Payee
from risk.limits.models import Limits
from venues import inbox, outbox
from venues.messages import ExecutionReport, OrderType, ReportKind, Side, TimeInForce

_numbers = itertools.count(1)
# As the program's: whoever has read one of these reads on from there in the next test too.
_NEXT_SEQUENCE = RawSQL("nextval('marketdata_quote_sequence')", ())
ADDRESSES = {
    "bitcoin": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "xrp_ledger": "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
}
"""Addresses that stand in the specifications of their formats."""


def customer(*, cash: str = "100000.00") -> Account:
    """Open an account of a new user, with this much cash."""
    number = next(_numbers)
    user = User(email=f"customer{number}-{uuid.uuid4().hex[:8]}@example.com", name="A Customer")
    user.set_unusable_password()
    user.save()
    account = Account.objects.create(user=user, number=f"T{uuid.uuid4().hex[:12]}")
    if Decimal(cash):
        portfolio.deposit(
            account_id=account.pk,
            amount=Decimal(cash),
            reference="opening",
            actor="operator:test",
            now=timezone.now(),
        )
    return account


def payee(account: Account, *, daily_limit: str = "") -> Payee:
    """Return a payee of the account that may be paid; the same one whenever it is asked for."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    if daily_limit:
        DailyLimit.objects.create(
            account=account, amount=Decimal(daily_limit), holds_from=long_ago, set_at=long_ago,
            set_by="user:test",
        )  # fmt: skip
    found: Payee = Payee.objects.get_or_create(
        account=account,
        fingerprint="of a test",
        defaults={
            "kind": "us_bank", "holder": account.user.name, "usable_at": long_ago,
            "numbers": {"routing_number": "111000025", "account_number": "123456789"},
            "added_at": long_ago, "added_by": "user:test",
        },
    )[0]  # fmt: skip
    return found


def coin_payee(account: Account, network: str = "bitcoin", *, daily_limit: str = "") -> Payee:
    """Return an address of coins that the account may pay; the same one whenever it is asked."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    if daily_limit:
        payee(account, daily_limit=daily_limit)
    found: Payee = Payee.objects.get_or_create(
        account=account,
        fingerprint=f"of a test on {network}",
        defaults={
            "kind": "coin", "holder": account.user.name, "usable_at": long_ago,
            "numbers": {
                "network": network, "address": ADDRESSES[network], "memo": "",
                "wallet": "self_hosted", "provider": "",
            },
            "added_at": long_ago, "added_by": "user:test",
        },
    )[0]  # fmt: skip
    return found


def coin(
    name: str = "BTC", *, bid: str = "99.99", ask: str = "100.00", at: datetime | None = None
) -> Instrument:
    """List a coin against USD, with a live quote."""
    listed = instrument(f"{name}/USD", bid=bid, ask=ask, increment="0.00000001", at=at)
    crypto = Instrument.AssetClass.CRYPTO
    Instrument.objects.filter(pk=listed.pk).update(asset_class=crypto, fractionable=True)
    listed.refresh_from_db()
    return listed


def instrument(
    symbol: str = "AAPL",
    *,
    bid: str | None = "99.99",
    ask: str | None = "100.00",
    increment: str = "1",
    at: datetime | None = None,
) -> Instrument:
    """List an instrument with a live quote; `increment` is that of its quantity."""
    listed = Instrument.objects.create(
        code=symbol,
        symbol=symbol,
        name=f"{symbol} Inc.",
        asset_class=Instrument.AssetClass.US_EQUITY,
        exchange="NASDAQ",
        reference_price=Decimal("100"),
        fine_increment=price_steps.US_EQUITY_FINE,
        fine_below=price_steps.US_EQUITY_FINE_BELOW,
        quantity_increment=Decimal(increment),
        quantity_min=Decimal(increment),
    )
    quote(listed, bid=bid, ask=ask, at=at)
    return listed


def limits(
    *,
    account: Account | None = None,
    tier: str = "",
    instrument: Instrument | None = None,
    **values: object,
) -> Limits:
    """Set limits of a scope from now on; of the firm, those that are not named stay."""
    is_firm = account is None and not tier and instrument is None
    firm = Limits.objects.filter(account=None, tier="", instrument=None, is_override=False)
    before = firm.latest("valid_from", "pk").values if is_firm else {}
    return Limits.objects.create(
        account=account,
        tier=tier,
        instrument=instrument,
        set_by="operator:test",
        reason="A test",
        **{**before, **values},
    )


def quote(of: Instrument, *, bid: str | None, ask: str | None, at: datetime | None = None) -> None:
    at = at or timezone.now()
    Quote.objects.update_or_create(
        instrument=of,
        defaults={
            "sequence": _NEXT_SEQUENCE,
            "source": "test",
            "at": at,
            "received_at": at,
            "bid": bid and Decimal(bid),
            "bid_size": Decimal(1000),
            "ask": ask and Decimal(ask),
            "ask_size": Decimal(1000),
            "day": at.date(),
        },
    )


def ticket(account: Account, symbol: str = "AAPL", **wanted: object) -> OrderTicket:
    """Return a ticket to buy ten at the market, but for what is wanted otherwise."""
    return OrderTicket(
        **{
            "account_id": account.pk,
            "client_order_id": str(uuid.uuid4()),
            "symbol": symbol,
            "side": Side.BUY,
            "quantity": Decimal(10),
            "type": OrderType.MARKET,
            "time_in_force": TimeInForce.DAY,
            "limit_price": None,
            "extended_hours": False,
            "actor": Actor("user", str(account.user_id)),
            "source_address": "192.0.2.1",
            "received_at": timezone.now(),
            **wanted,
        }  # type: ignore[arg-type]
    )


def limit_ticket(account: Account, price: str, **wanted: object) -> OrderTicket:
    return ticket(account, type=OrderType.LIMIT, limit_price=Decimal(price), **wanted)


def cancel_ticket(order: Order) -> CancelTicket:
    return CancelTicket(
        account_id=order.account_id,
        order_id=order.pk,
        actor=Actor("user", str(order.account.user_id)),
        source_address="192.0.2.1",
        reason="Changed my mind",
        received_at=timezone.now(),
    )


class Venue:
    """Says whatever a test wants a venue to say, with numbers that rise."""

    def __init__(self) -> None:
        self._sequence = itertools.count(1)
        self._filled: dict[str, Decimal] = {}

    def says(
        self,
        order: Order,
        kind: ReportKind,
        *,
        quantity: str | None = None,
        price: str | None = None,
        execution_id: str | None = None,
        reason: str = "",
        reference: str = "",
        cumulative: Decimal | None = None,
        leaves: Decimal | None = None,
    ) -> ExecutionReport:
        """Put a report about the order into the inbox, as the gateway would."""
        key, sequence = str(order.pk), next(self._sequence)
        if quantity is not None:
            sign = -1 if kind is ReportKind.BUSTED else 1
            self._filled[key] = self._filled.get(key, Decimal(0)) + sign * Decimal(quantity)
        filled = self._filled.get(key, Decimal(0)) if cumulative is None else cumulative
        report = ExecutionReport(
            sequence=sequence,
            execution_id=execution_id or f"X{sequence}",
            kind=kind,
            client_order_id=key,
            venue_order_id=f"V{key[:8]}",
            at=timezone.now(),
            quantity=None if quantity is None else Decimal(quantity),
            price=None if price is None else Decimal(price),
            cumulative_quantity=filled,
            leaves_quantity=order.quantity - filled if leaves is None else leaves,
            reason=reason,
            reference=reference,
        )
        inbox.store(outbox.EMBEDDED, [report], now=timezone.now())
        return report

    def accepts(self, order: Order) -> None:
        self.says(order, ReportKind.ACCEPTED)

    def fills(self, order: Order, quantity: str, price: str) -> ExecutionReport:
        return self.says(order, ReportKind.FILL, quantity=quantity, price=price)

    def cancels(self, order: Order) -> None:
        self.says(order, ReportKind.CANCELLED, reason="requested")

    def replaces(self, old: Order, new: Order, *, total: str) -> None:
        """Let `new` take over from `old`, of which so much was executed as was said."""
        executed = self._filled.get(str(old.pk), Decimal(0))
        self.says(
            new,
            ReportKind.REPLACED,
            reference=str(old.pk),
            cumulative=executed,
            leaves=Decimal(total) - executed,
        )

    def refuses_to_replace(self, old: Order, new: Order, reason: str = "order_not_open") -> None:
        self.says(new, ReportKind.REPLACE_REJECTED, reference=str(old.pk), reason=reason)

    def busts(self, order: Order, fill: ExecutionReport) -> None:
        self.says(
            order,
            ReportKind.BUSTED,
            quantity=str(fill.quantity),
            price=str(fill.price),
            reference=fill.execution_id,
            reason="trade_busted",
        )


def replace_ticket(order: Order, **wanted: object) -> ReplaceTicket:
    """Return a ticket that changes nothing, but for what is wanted otherwise."""
    return ReplaceTicket(
        **{
            "account_id": order.account_id,
            "order_id": order.pk,
            "client_order_id": str(uuid.uuid4()),
            "quantity": None,
            "limit_price": None,
            "stop_price": None,
            "trail": None,
            "time_in_force": None,
            "actor": Actor("user", str(order.account.user_id)),
            "source_address": "192.0.2.1",
            "received_at": timezone.now(),
            **wanted,
        }  # type: ignore[arg-type]
    )


def trigger_ticket(order: Order, price: str, **more: object) -> TriggerTicket:
    """Return the ticket of a held order whose price was reached."""
    now = timezone.now()
    return TriggerTicket(
        account_id=order.account_id,
        order_id=order.pk,
        price=Decimal(price),
        price_at=now,
        received_at=now,
        **more,  # type: ignore[arg-type]
    )


def own(account: Account, symbol: str, quantity: str, venue: Venue, *, price: str) -> None:
    """Let the account buy what it is to own."""
    wanted = limit_ticket(account, price, symbol=symbol, quantity=Decimal(quantity))
    [answer] = submission.submit_batch([wanted], now=timezone.now())
    if answer.order is None:
        raise ValueError(f"not bought: {answer.refusal}")
    venue.fills(answer.order, quantity, price)
    apply_reports()


def apply_reports() -> int:
    """Apply everything in the inbox; return how many reports were handled."""
    handled = 0
    while count := executions.apply_next():
        handled += count
    return handled
