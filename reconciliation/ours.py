"""What our books say of some days, to be held against what others say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Instrument
from orders.lifecycle import Status
from orders.models import Order, Trade
from portfolio.models import LedgerAccount, Transfer
from reconciliation.breaks.models import Break
from reconciliation.records import ZERO, BankLine, Basis, Execution, Holding, OpenOrder

MOVING: Final = timedelta(minutes=1)
"""How near to the end of a day an order changes whose sides may see it on either side of it."""
CHAIN_MAX: Final = 100
CORRECTION: Final = "break:"
"""What the references of correcting entries begin with; the number of the break follows."""
_FINAL: Final = [status.value for status in Status if status.is_final]
_NOT_SENT: Final = [Status.HELD.value, Status.PENDING.value]
_REGULATORY: Final = LedgerAccount.Kind.REGULATORY


def executions(*, venue: str, first: date, last: date, named: Collection[str]) -> list[Execution]:
    """Return our trades and busts at a venue from `first` to `last`, and those that are named.

    Their fees are what we have collected for regulators with them.
    """
    when = Q(executed_at__gte=calendars.midnight(first)) & Q(executed_at__lt=_end(last))
    found = list(
        Trade.objects.filter(when | Q(execution_id__in=named), venue=venue)
        .select_related("instrument", "busts")
        .order_by("executed_at", "pk")
    )
    fees = _fees(found)
    return [
        Execution(
            id=trade.execution_id,
            day=calendars.date_of(trade.executed_at),
            order=str(trade.order_id),
            symbol=trade.instrument.symbol,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            at=trade.executed_at,
            busts=trade.busts.execution_id if trade.busts else "",
            fee=fees.get(_reference(trade), ZERO),
        )
        for trade in found
    ]


def _reference(trade: Trade) -> str:
    return f"{'bust' if trade.busts_id else 'trade'}:{trade.pk}"


def _fees(trades: Iterable[Trade]) -> dict[str, Decimal]:
    paid = Transfer.objects.filter(
        kind=Transfer.Kind.FEE, reference__in=[_reference(trade) for trade in trades]
    )
    fees: dict[str, Decimal] = {}
    for side, sign in (("credit", 1), ("debit", -1)):
        sums = paid.filter(**{f"{side}__kind": _REGULATORY}).values_list("reference")
        for reference, amount in sums.annotate(sum=Sum("amount")):
            fees[reference] = fees.get(reference, ZERO) + sign * amount
    return fees


def open_orders(*, venue: str, day: date, until: datetime | None = None) -> list[OpenOrder]:
    """Return the orders that lay open at the venue at the end of the day, or `until` then.

    Those sent just after it are among them, as moving: who looks later, or by another clock, may
    have them.
    """
    end = until or _end(day)
    found = (
        Order.objects.filter(venue=venue, submitted_at__lt=end + MOVING)
        .exclude(status__in=_NOT_SENT)
        .filter(_ended_after(end - MOVING) | ~Q(status__in=_FINAL))
        .select_related("instrument")
        .order_by("pk")
    )
    orders = list(found)
    later = _executed_since(end, orders)
    return [_open_order(order, day, end, later.get(order.pk, ZERO)) for order in orders]


def _open_order(order: Order, day: date, end: datetime, later: Decimal) -> OpenOrder:
    ended_at = _ended_at(order)
    leaves = order.leaves_quantity + later
    if ended_at is not None and ended_at < end:
        leaves = ZERO
    return OpenOrder(
        str(order.pk), day, order.instrument.symbol, order.side, leaves,
        is_moving=any(
            at is not None and abs(at - end) < MOVING
            for at in (order.submitted_at, ended_at, order.updated_at)
        ),
    )  # fmt: skip


def _ended_after(at: datetime) -> Q:
    return (
        Q(filled_at__gte=at) | Q(cancelled_at__gte=at) | Q(expired_at__gte=at)
        | Q(rejected_at__gte=at) | Q(replaced_at__gte=at)
    )  # fmt: skip


def _ended_at(order: Order) -> datetime | None:
    if not Status(order.status).is_final:
        return None
    times = (
        order.filled_at, order.cancelled_at, order.expired_at, order.rejected_at, order.replaced_at
    )  # fmt: skip
    return max((at for at in times if at is not None), default=order.updated_at)


def _executed_since(end: datetime, orders: Iterable[Order]) -> dict[UUID, Decimal]:
    executed: dict[UUID, Decimal] = {}
    since = Trade.objects.filter(executed_at__gte=end, order__in=[order.pk for order in orders])
    for is_bust, sign in ((False, 1), (True, -1)):
        sums = since.filter(busts__isnull=not is_bust).values_list("order_id")
        for order_id, quantity in sums.annotate(sum=Sum("quantity")):
            executed[order_id] = executed.get(order_id, ZERO) + sign * quantity
    return executed


def firsts(order_ids: Collection[str]) -> dict[str, str]:
    """Return, of each of these orders that has replaced another, the first of its chain."""
    replaces: dict[str, str] = {}
    asked: set[str] = {each for each in order_ids if _is_uuid(each)}
    for _ in range(CHAIN_MAX):
        if not asked:
            break
        rows = Order.objects.filter(pk__in=asked, replaces__isnull=False)
        found = {str(pk): str(before) for pk, before in rows.values_list("pk", "replaces")}
        replaces |= found
        asked = set(found.values()) - replaces.keys()
    chains = {}
    for order in order_ids:
        first = order
        for _ in range(CHAIN_MAX):
            if first not in replaces:
                break
            first = replaces[first]
        if first != order:
            chains[order] = first
    return chains


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def positions(*, day: date) -> list[Holding]:
    """Return what lies at custodians of each instrument at the end of the day, on both bases: what
    customers have, and coins that are on their way out and have not been sent."""
    symbols = dict(Instrument.objects.values_list("code", "symbol"))
    found = []
    for asset, traded, settled, today, following in _sums(_AT_CUSTODIANS, day):
        if asset in symbols:
            timing = frozenset({-today, following} - {ZERO})
            symbol = symbols[asset]
            found.append(Holding(symbol, day, traded, Basis.TRADED))
            found.append(Holding(symbol, day, settled, Basis.SETTLED, timing))
    return found


def booked(*, venue: str, day: date) -> list[Holding]:
    """Return what the ledger has moved for the trades of a day at a venue, by symbol."""
    query = """
        SELECT i.symbol, sum(CASE WHEN l.id = m.credit_id THEN m.amount ELSE -m.amount END)
          FROM orders_trade t JOIN marketdata_instrument i ON i.id = t.instrument_id
          JOIN portfolio_transfer m ON m.asset = i.code
           AND m.reference = CASE WHEN t.busts_id IS NULL THEN 'trade:' ELSE 'bust:' END || t.id
          JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
           AND l.owner_id = t.account_id
         WHERE t.venue = %s AND t.executed_at >= %s AND t.executed_at < %s
         GROUP BY 1 ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [venue, calendars.midnight(day), _end(day)])
        return [Holding(symbol, day, amount) for symbol, amount in cursor.fetchall()]


def cash(*, kinds: Collection[LedgerAccount.Kind], day: date) -> list[Holding]:
    """Return the money that our books say lies with others: what came to these accounts of the
    house less what left them, on both bases."""
    names = ", ".join(f"'{kind.value}'" for kind in kinds)
    of = f"l.kind IN ({names}) AND l.asset = '{CASH}'"
    [row] = _sums(of, day) or [(CASH, ZERO, ZERO, ZERO, ZERO)]
    _, traded, settled, today, following = row
    timing = frozenset({today, -following} - {ZERO})
    # What the house's account gave to customers has come to us from outside: the signs turn.
    return [
        Holding(CASH, day, -traded, Basis.TRADED),
        Holding(CASH, day, -settled, Basis.SETTLED, timing),
    ]


_AT_CUSTODIANS: Final = "l.kind IN ('customer', 'clearing')"


def _sums(of: str, day: date) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
    """Return by asset: the total, what of it has settled, what settles on the day and next."""
    following = next(
        each.date
        for each in calendars.sessions("XNYS", first=day, last=day + timedelta(days=14))
        if each.date > day
    )
    query = f"""
        SELECT l.asset, sum(m.signed),
               coalesce(sum(m.signed) FILTER (WHERE coalesce(m.settles_on, m.day) <= %(day)s), 0),
               coalesce(sum(m.signed) FILTER (WHERE m.settles_on = %(day)s), 0),
               coalesce(sum(m.signed) FILTER (WHERE m.settles_on > %(day)s
                                                AND m.settles_on <= %(following)s), 0)
          FROM (SELECT credit_id AS id, amount AS signed, settles_on, at,
                       (at AT TIME ZONE 'America/New_York')::date AS day FROM portfolio_transfer
                UNION ALL
                SELECT debit_id, -amount, settles_on, at,
                       (at AT TIME ZONE 'America/New_York')::date FROM portfolio_transfer) m
          JOIN portfolio_ledgeraccount l USING (id)
         WHERE {of} AND m.at < %(end)s
         GROUP BY l.asset ORDER BY l.asset
    """  # noqa: S608 - the words of `of` are ours
    with connection.cursor() as cursor:
        cursor.execute(query, {"day": day, "following": following, "end": _end(day)})
        rows: list[tuple[str, Decimal, Decimal, Decimal, Decimal]] = cursor.fetchall()
    return rows


def bank_lines(*, source: str, first: date, last: date) -> list[BankLine]:
    """Return what our books say came to the bank or left it, with the entries that correct it."""
    kind = LedgerAccount.Kind.BANK
    moved = Transfer.objects.filter(Q(debit__kind=kind) | Q(credit__kind=kind), asset=CASH)
    moved = moved.filter(at__lt=_end(last)).select_related("debit", "reverses").order_by("pk")
    ordinary = moved.filter(at__gte=calendars.midnight(first))
    ordinary = ordinary.exclude(reference__startswith=CORRECTION)
    lines = [_line(transfer) for transfer in ordinary]
    return lines + list(_corrections(moved, source, first))


def _corrections(moved: QuerySet[Transfer], source: str, first: date) -> Iterable[BankLine]:
    corrected = Break.objects.filter(source=source, rule="corrected", day__gte=first)
    keys = {f"{CORRECTION}{pk}": key for pk, key in corrected.values_list("pk", "key")}
    for transfer in moved.filter(reference__in=keys):
        line = _line(transfer)
        about = keys[transfer.reference].removeprefix("line:")
        yield BankLine(line.id, line.day, line.amount, corrects=about)


def _line(transfer: Transfer) -> BankLine:
    named = transfer.reverses or transfer
    is_in = transfer.debit.kind == LedgerAccount.Kind.BANK
    return BankLine(
        id=f"transfer:{transfer.pk}",
        day=calendars.date_of(transfer.at),
        amount=transfer.amount if is_in else -transfer.amount,
        reference=named.reference.rpartition(":")[2],
    )


def _end(day: date) -> datetime:
    return calendars.midnight(day + timedelta(days=1))
