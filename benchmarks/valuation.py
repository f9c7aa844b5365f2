"""What it costs to keep accounts valued: a thousand with twenty positions each, every second.

Every price is another in every round. First the figures alone, then all that a web process does:
what every page shows of it, as text. CPU time, as one of a machine's processors spends it; below a
second a round, the aim is met. Then reading the books of all of them, and writing the end of a day
for ten thousand accounts, where the database works. `python -m benchmarks.valuation`.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.db import connection, models
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument, Quote
from portfolio.models import Balance, LedgerAccount, Position, Transfer
from portfolio.worth import closing, owned
from portfolio.worth.live import ReadModel
from portfolio.worth.valuation import Valuation
from tests import holdings, world
from trading.streams.desk import Desk
from trading.streams.faces import Seen
from trading.streams.mailbox import Mailbox

ACCOUNTS = 1_000
CLOSED_ACCOUNTS = 10_000
POSITIONS = 20
INSTRUMENTS = 500
ROUNDS = 15
CENT = Decimal("0.01")


def main() -> None:
    stage.set_up()
    world.instrument("S0")
    copy_instruments()
    account = world.customer(cash="1000.00")
    holdings.hold(account, Instrument.objects.get(code="S0"), Decimal(1), cost=Decimal(100))
    fill_up(account, ACCOUNTS)
    dice = random.Random(1)
    quotes = list(Quote.objects.select_related("instrument"))
    ids = list(Account.objects.exclude(pk=account.pk).values_list("pk", flat=True))
    print(f"{ACCOUNTS:,} accounts with {POSITIONS} positions each, {INSTRUMENTS} prices a round")
    print(f"{'':<52}{'ms of CPU':>12}")
    row("their figures, once every price is another", figures(ids, quotes, dice))
    row("the same with what every page shows, as text", pages(ids, quotes, dice))
    model = ReadModel()
    row("reading the books of all of them", cpu(lambda: model.refresh(ids)))
    fill_up(account, CLOSED_ACCOUNTS - ACCOUNTS)
    connection.cursor().execute("ANALYZE")
    print(f"\n{CLOSED_ACCOUNTS:,} accounts with {POSITIONS} positions each\n{'':<52}{'ms':>12}")
    row("the end of a day, written for all", wall(holdings.close_yesterday))
    row("a point of the curve, where all moved", wall(lambda: closing.mark_equity(now=later(2))))
    row("the same where nothing did", wall(lambda: closing.mark_equity(now=later(3))))


def later(days: int) -> datetime:
    return timezone.now() + timedelta(days=days)


def copy_instruments() -> None:
    """List the others like the first, with a quote each."""
    first = Instrument.objects.get()
    names = [f"S{number}" for number in range(1, INSTRUMENTS)]
    Instrument.objects.bulk_create(
        Instrument(
            code=name, symbol=name, name=name, asset_class=first.asset_class, exchange="NASDAQ",
            reference_price=first.reference_price,
        )
        for name in names
    )  # fmt: skip
    for instrument in Instrument.objects.filter(code__in=names):
        world.quote(instrument, bid="99.99", ask="100.01")


def fill_up(pattern: Account, count: int) -> None:
    """Open so many accounts like the pattern, with cash, a deposit and positions of the books."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE opened AS SELECT gen_random_uuid() AS id, n"
            " FROM generate_series(1, %s) AS n",
            [count],
        )
        own = "JOIN portfolio_ledgeraccount l ON l.owner_id = opened.id"
        place = f"CROSS JOIN generate_series(0, {POSITIONS} - 1) AS place"
        instruments = f"""JOIN (SELECT id, row_number() OVER (ORDER BY code) - 1 AS number
                                  FROM marketdata_instrument) i
                            ON i.number = (opened.n * 7 + place * 13) % {INSTRUMENTS}"""
        short = "CASE WHEN place % 5 = 0 THEN"
        copies: tuple[tuple[type[models.Model], str, dict[str, str], str], ...] = (
            (Account, "id", {"id": "opened.id", "number": "substr(md5(opened.id::text), 1, 16)"},
             "FROM opened"),
            (LedgerAccount, "owner_id", {"owner_id": "opened.id"}, "FROM opened"),
            (Balance, "account_id",
             {"ledger_account_id": "l.id", "account_id": "opened.id"}, f"FROM opened {own}"),
            (Transfer, "credit_id",
             {"credit_id": "l.id", "reference": "'bench:' || l.id"}, f"FROM opened {own}"),
            (Position, "account_id",
             {"account_id": "opened.id", "instrument_id": "i.id",
              "quantity": f"{short} -7 ELSE 11 END", "cost_basis": f"{short} -700 ELSE 1100 END"},
             f"FROM opened {place} {instruments}"),
        )  # fmt: skip
        for model, key, changed, source in copies:
            of = pattern.pk
            if model is Transfer:
                of = LedgerAccount.objects.get(owner=pattern, asset="USD").pk
            copy(cursor, model, f"{key} = %s", [of], changed, source)
        cursor.execute("DROP TABLE opened")


def copy(
    cursor: Any,
    model: type[models.Model],
    pattern: str,
    parameters: list[object],
    changed: dict[str, str],
    source: str,
) -> None:
    """Insert a row like the pattern's for each of the source's, but for what is changed."""
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if field.column in changed or not isinstance(field, models.AutoField)
    ]
    values = ", ".join(changed.get(column, f'pattern."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    source = source.replace("%", "%%")
    values = values.replace("%", "%%")
    cursor.execute(
        f"""INSERT INTO {table} ({names}) SELECT {values} {source}
            CROSS JOIN (SELECT * FROM {table} WHERE {pattern} LIMIT 1) AS pattern""",
        parameters,
    )


def moved(quotes: list[Quote], dice: random.Random) -> list[Quote]:
    """Give every instrument another price."""
    for quote in quotes:
        before = quote.last or quote.bid
        quote.last = before + dice.choice((-1, 1)) * dice.randint(1, 50) * CENT
        quote.sequence += len(quotes) * 10
    return quotes


def figures(ids: list[UUID], quotes: list[Quote], dice: random.Random) -> float:
    model = Valuation()
    model.reprice((q.instrument_id, owned.price_of(q)) for q in quotes)
    for each in owned.owned(ids).values():
        model.put(each)

    def value() -> None:
        touched = model.reprice((q.instrument_id, owned.price_of(q)) for q in quotes)
        for account_id in touched:
            worth = model.worth(account_id)
            if not worth.equity or len(worth.positions) != POSITIONS:
                raise SystemExit(f"not valued: {worth}")

    return rounds(value, quotes, dice)


def pages(ids: list[UUID], quotes: list[Quote], dice: random.Random) -> float:
    """Measure a desk whose every account has a page that takes each difference."""
    desk, seen = Desk(), dict.fromkeys(ids)
    boxes: dict[UUID, Mailbox] = asyncio.run(boxes_of(ids))
    for account_id, box in boxes.items():
        desk.join(account_id, box)
    desk.prices_moved(quotes)
    desk.read_books(lambda: None)
    desk.take_prices()

    def value() -> None:
        desk.prices_moved(quotes)
        desk.take_prices()
        for account_id in ids:
            news = desk.news(account_id, seen[account_id])
            if news is None:
                raise SystemExit("nothing was told")
            seen[account_id] = boxes[account_id].seen = told(*news)

    return rounds(value, quotes, dice)


async def boxes_of(ids: list[UUID]) -> dict[UUID, Mailbox]:
    return {account_id: Mailbox() for account_id in ids}


def told(frame: str, seen: Seen) -> Seen:
    if len(frame) < 100:
        raise SystemExit(f"no news: {frame}")
    return seen


def rounds(value: Callable[[], None], quotes: list[Quote], dice: random.Random) -> float:
    found = []
    for _ in range(ROUNDS):
        moved(quotes, dice)
        found.append(cpu(value))
    return median(found)


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds that this process spends on it."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def wall(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def row(label: str, seconds: float) -> None:
    print(f"{label:<52}{seconds * 1e3:>12.0f}", flush=True)


if __name__ == "__main__":
    main()
