"""Trades and quotes are kept as they came, each day in its partition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction

from marketdata import selectors, services
from marketdata.batches.columns import TickColumns
from marketdata.history import partitions, recording
from marketdata.history.models import TapeQuote, TapeTrade
from marketdata.history.partitions import Kind
from marketdata.history.records import Print, Sides
from marketdata.models import Instrument, Quote
from marketdata.ticks import QuoteTick, Tick, TradeTick

NOW = datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
D = Decimal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_partitions")]


def accept(*ticks: Tick, now: datetime = NOW, source: str = "feed") -> None:
    services.accept(TickColumns.of(ticks), source=source, now=now)


def quote(bid: str | None, ask: str | None, *, at: datetime = NOW) -> QuoteTick:
    sides = [(side and D(side), D(100) if side else D(0)) for side in (bid, ask)]
    return QuoteTick("IBM", at, *sides[0], *sides[1])


def trade(price: str, size: str = "10", *, at: datetime = NOW, number: str = "") -> TradeTick:
    return TradeTick("IBM", at, D(price), D(size), number)


def trades(ibm: Instrument, **how: object) -> list[Print]:
    span = {"start": NOW - SECOND * 60, "end": NOW + SECOND * 60, "limit": 100, **how}
    return selectors.trades(ibm, **span)


def quotes(ibm: Instrument, **how: object) -> list[Sides]:
    span = {"start": NOW - SECOND * 60, "end": NOW + SECOND * 60, "limit": 100, **how}
    return selectors.quotes(ibm, **span)


def test_time_and_sales_are_what_came_to_the_last_digit(ibm: Instrument) -> None:
    odd = "a\tb\\c\nd"
    accept(trade("100.000000001", "0.000000002", number=odd), trade("100.01", number="2"))
    late = NOW + SECOND
    accept(TradeTick("IBM", late, D(99), D("1E+2"), "3", sets_last=False), now=late)

    found = trades(ibm)
    assert [(t.at, t.price, t.size, t.trade_id, t.sets_last, t.source) for t in found] == [
        (NOW, D("100.000000001"), D("0.000000002"), odd, True, "feed"),
        (NOW, D("100.01"), D(10), "2", True, "feed"),
        (late, D(99), D(100), "3", False, "feed"),
    ]
    assert found[0].number < found[1].number < found[2].number


def test_numbers_of_every_size_are_kept_exactly_and_in_their_order(ibm: Instrument) -> None:
    numbers = ["0.000000001", "1", "9999.9999", "10000", "12345678.90000001", "999999999.999999999"]
    sizes = [*numbers, "4611686018.427387905", "100000000000000.000000001", "1E+15", "0.00000001"]
    told = [
        TradeTick("IBM", NOW, D(price), D(size), f"{price}\N{SNOWMAN}"[number % 7 :])
        for number, (price, size) in enumerate(product([*numbers, "0.0000000015"], sizes))
    ]
    standing = {"IBM": Quote(instrument=ibm)}
    with transaction.atomic():
        recording.record(TickColumns.of(told), standing=standing, source="test")
    kept = [(found.price, found.size, found.trade_id) for found in trades(ibm)]
    rounded = {D("0.0000000015"): D("0.000000002")}  # nine decimals are kept
    assert kept == [
        (rounded.get(tick.price, tick.price), tick.size, tick.trade_id) for tick in told
    ]


def test_quotes_that_fit_no_column_are_kept_among_the_others(ibm: Instrument) -> None:
    sizes = ["1", "1", "1E+13", "1E+13", "1", "7", "1E+14"]
    told = [QuoteTick("IBM", NOW, D(9), D(size), None, D(0)) for size in sizes]
    standing = {"IBM": Quote(instrument=ibm, source="test", bid=D(9), bid_size=D(1), at=NOW)}
    with transaction.atomic():
        recording.record(TickColumns.of(told), standing=standing, source="test")
    assert [found.bid_size for found in quotes(ibm)] == [D(10) ** 13, 1, 7, D(10) ** 14]


def test_quotes_are_kept_as_they_changed_also_those_that_no_screen_was_shown(
    ibm: Instrument,
) -> None:
    accept(quote("99", "100"), quote("99", "100"), quote("99.5", None), quote("99", "100"))
    accept(quote("99", "100", at=NOW + SECOND), now=NOW + SECOND)
    assert [(q.bid, q.bid_size, q.ask, q.ask_size) for q in quotes(ibm)] == [
        (99, 100, 100, 100),
        (D("99.5"), 100, None, 0),
        (99, 100, 100, 100),
    ]


def test_what_is_not_believed_is_no_history(ibm: Instrument) -> None:
    accept(trade("100"), trade("NaN"), trade("900"), quote("5", "4"))
    accept(trade("100", number="7"), source="feed")
    accept(trade("100", number="7"), source="feed")
    assert [t.price for t in trades(ibm)] == [100, 100]
    assert quotes(ibm) == []


def test_another_sources_quote_is_news_even_if_it_says_the_same(ibm: Instrument) -> None:
    accept(quote("99", "100"))
    accept(quote("99", "100"), source="replay")
    assert [q.source for q in quotes(ibm)] == ["feed", "replay"]


def test_a_reader_goes_on_after_the_place_it_has_reached_either_way(ibm: Instrument) -> None:
    accept(*(trade(f"100.0{n}", number=str(n)) for n in range(5)))  # all in one instant
    accept(trade("101", at=NOW + SECOND), now=NOW + SECOND)
    everything = trades(ibm)
    assert len(everything) == 6

    def in_pieces(*, is_ascending: bool) -> list[Print]:
        found, after = [], None
        while piece := trades(ibm, limit=2, is_ascending=is_ascending, after=after):
            found += piece
            after = piece[-1].place
        return found

    assert in_pieces(is_ascending=True) == everything
    assert in_pieces(is_ascending=False) == everything[::-1]
    assert trades(ibm, end=NOW) == everything[:5]


def test_partitions_are_made_once_for_today_and_a_week(ibm: Instrument) -> None:
    assert partitions.make_ahead(now=NOW) == 8 + 8 + 1
    assert partitions.make_ahead(now=NOW) == 0
    days = [date(2026, 3, 2) + n * partitions.DAY for n in range(8)]
    assert partitions.made(Kind.TRADES) == partitions.made(Kind.QUOTES) == days
    assert partitions.made(Kind.MINUTES) == [date(2026, 3, 1)]
    assert partitions.make_ahead(now=NOW + partitions.DAY) == 2
    assert partitions.make_ahead(now=datetime(2026, 12, 28, tzinfo=UTC)) == 8 + 8 + 2
    assert partitions.made(Kind.MINUTES)[1:] == [date(2026, 12, 1), date(2027, 1, 1)]


def test_what_came_before_its_partition_moves_there(ibm: Instrument) -> None:
    accept(trade("100"), quote("99", "101"))
    before = trades(ibm), quotes(ibm)
    assert (_in_part("tapetrade_default"), _in_part("tapequote_default")) == (1, 1)
    partitions.make_ahead(now=NOW)
    assert (_in_part("tapetrade_20260302"), _in_part("tapequote_20260302")) == (1, 1)
    assert (_in_part("tapetrade_default"), _in_part("tapequote_default")) == (0, 0)
    assert (trades(ibm), quotes(ibm)) == before


def test_a_dropped_day_takes_its_rows_and_no_others(ibm: Instrument) -> None:
    partitions.make_ahead(now=NOW - partitions.DAY)
    accept(trade("100", at=NOW - partitions.DAY), now=NOW - partitions.DAY)
    accept(trade("101"))
    assert partitions.drop(Kind.TRADES, date(2026, 3, 1))
    assert not partitions.drop(Kind.TRADES, date(2026, 3, 1))
    assert TapeTrade.objects.count() == 1
    assert TapeQuote.objects.count() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT openfloor_drop_part('instrument', '2026-03-02')",
        "SELECT openfloor_make_part('instrument', '2026-03-02', '2026-03-03')",
        "DROP TABLE marketdata_tapetrade",
        "DROP TABLE marketdata_parts.tapetrade_default",
    ],
)
def test_the_program_may_do_that_with_days_of_ticks_alone(statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def _in_part(name: str) -> int:
    """Count as the owner would: the program itself reads parts through their table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT tableoid::regclass::text AS part FROM"
            " marketdata_tapetrade UNION ALL SELECT tableoid::regclass::text FROM"
            " marketdata_tapequote) rows WHERE part = %s",
            [f"marketdata_parts.{name}"],
        )
        return int(cursor.fetchone()[0])
