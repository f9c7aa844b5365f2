"""Ticks become quotes and bars: once, in order, whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from marketdata import calendars, selectors, services, store
from marketdata.batches.columns import TickColumns
from marketdata.models import Bar, Instrument, PricePath, Quote, SuspectCount, SuspectTick
from marketdata.ticks import Point, QuoteTick, Tick, TradeTick
from tests.patience import DEADLINE_SECONDS

NOW = datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC)
TODAY = date(2026, 3, 2)
SECOND = timedelta(seconds=1)


def listed(symbol: str = "IBM") -> Instrument:
    return Instrument.objects.create(
        code=symbol,
        symbol=symbol,
        name=symbol,
        asset_class=Instrument.AssetClass.US_EQUITY,
        exchange="NYSE",
        reference_price=Decimal(100),
    )


def quote(bid: str, ask: str, *, at: datetime = NOW, symbol: str = "IBM") -> QuoteTick:
    return QuoteTick(symbol, at, Decimal(bid), Decimal(100), Decimal(ask), Decimal(200))


def trade(
    price: str, size: str = "10", *, at: datetime = NOW, number: str = "", symbol: str = "IBM"
) -> TradeTick:
    return TradeTick(symbol, at, Decimal(price), Decimal(size), number)


def accept(*ticks: Tick, now: datetime = NOW, source: str = "feed") -> None:
    services.accept(TickColumns.of(ticks), source=source, now=now)


def minutes(instrument: Instrument) -> list[tuple[object, ...]]:
    return _bars(instrument, Bar.Timeframe.MINUTE)


def days(instrument: Instrument) -> list[tuple[object, ...]]:
    return _bars(instrument, Bar.Timeframe.DAY)


def _bars(instrument: Instrument, timeframe: str) -> list[tuple[object, ...]]:
    rows = Bar.objects.filter(instrument=instrument, timeframe=timeframe).order_by("start")
    return list(
        rows.values_list("start", "open", "high", "low", "close", "volume", "turnover", "trades")
    )


@pytest.mark.django_db
class TestAccept:
    def test_the_latest_quote_wins_and_takes_one_number(self) -> None:
        ibm, bac = listed(), listed("BAC")
        accept(quote("99", "100"), quote("99.5", "100.5"), quote("10", "11", symbol="BAC"))
        quotes = selectors.latest_quotes([ibm.pk, bac.pk])
        assert (quotes[ibm.pk].bid, quotes[ibm.pk].ask) == (Decimal("99.5"), Decimal("100.5"))
        assert quotes[ibm.pk].source == "feed"
        assert abs(quotes[ibm.pk].sequence - quotes[bac.pk].sequence) == 1

    def test_a_quote_told_again_is_confirmed_and_is_no_news(self) -> None:
        ibm = listed()
        accept(quote("99", "100"))
        before = Quote.objects.get(instrument=ibm)
        accept(quote("99", "100", at=NOW + SECOND), now=NOW + SECOND)
        after = Quote.objects.get(instrument=ibm)
        assert after.sequence == before.sequence
        assert after.received_at == NOW + SECOND
        assert selectors.quotes_since(before.sequence) == []
        accept(quote("99", "100.01", at=NOW + SECOND), now=NOW + SECOND)
        assert [each.instrument.symbol for each in selectors.quotes_since(before.sequence)] == [
            "IBM"
        ]

    def test_a_trade_confirms_no_quote(self) -> None:
        ibm = listed()
        accept(quote("99", "100"))
        accept(trade("99.5", at=NOW + SECOND), now=NOW + SECOND)
        after = Quote.objects.get(instrument=ibm)
        assert after.received_at == NOW
        assert after.last == Decimal("99.5")

    def test_trades_grow_minutes_and_days_batch_by_batch(self) -> None:
        ibm = listed()
        accept(trade("100", "10"), trade("103", "5", at=NOW + SECOND), now=NOW + SECOND)
        accept(trade("98", "1", at=NOW + 2 * SECOND), now=NOW + 2 * SECOND)
        later = NOW + 40 * SECOND
        accept(trade("101", "4", at=later), now=later)
        minute = NOW.replace(second=0)
        assert minutes(ibm) == [
            (minute, 100, 103, 98, 98, 16, 1613, 3),
            (minute + 60 * SECOND, 101, 101, 101, 101, 4, 404, 1),
        ]
        assert days(ibm) == [(calendars.midnight(TODAY), 100, 103, 98, 101, 20, 2017, 4)]
        latest = Quote.objects.get(instrument=ibm)
        assert (latest.last, latest.last_size) == (101, 4)
        assert (latest.day_open, latest.day_high, latest.day_low, latest.day_volume) == (
            100,
            103,
            98,
            20,
        )

    def test_a_print_that_sets_no_price_is_volume_alone(self) -> None:
        ibm = listed()
        accept(TradeTick("IBM", NOW, Decimal(150), Decimal(7), "1", sets_last=False))
        assert minutes(ibm) == [(NOW.replace(second=0), None, None, None, None, 7, 1050, 1)]
        assert selectors.bars(ibm, "1Min", start=NOW - 60 * SECOND, end=NOW) == []
        accept(trade("100", "3"))
        assert minutes(ibm) == [(NOW.replace(second=0), 100, 100, 100, 100, 10, 1350, 2)]

    def test_the_last_price_keeps_its_own_time_when_a_print_sets_no_price(self) -> None:
        ibm = listed()
        accept(trade("100", "3"))
        later = NOW + SECOND
        accept(TradeTick("IBM", later, Decimal(95), Decimal(7), "2", sets_last=False), now=later)
        latest = Quote.objects.get(instrument=ibm)
        assert (latest.last, latest.last_size, latest.last_at) == (100, 3, NOW)

    def test_amounts_of_coins_are_exact(self) -> None:
        ibm = listed()
        accept(trade("100.01", "0.00000001"), trade("99.99", "0.12345678"))
        assert minutes(ibm)[0][5:7] == (Decimal("0.12345679"), Decimal("12.3444444323"))

    def test_the_day_turns_at_midnight_in_new_york(self) -> None:
        ibm = listed()
        evening = datetime(2026, 3, 3, 4, 59, 59, tzinfo=UTC)
        accept(trade("100", at=evening), now=evening)
        accept(quote("99", "101", at=evening + SECOND), now=evening + SECOND)
        latest = Quote.objects.get(instrument=ibm)
        assert latest.day == date(2026, 3, 3)
        assert latest.previous_close == 100
        assert latest.day_open is None
        assert latest.day_volume == 0

    def test_what_is_not_believed_is_kept_aside_and_counted(self) -> None:
        ibm = listed()
        accept(quote("99", "100"))
        accept(trade("NaN"), trade("0"), trade("9900"), trade("5", symbol="NOBODY"))
        reasons = dict(SuspectTick.objects.values_list("reason", "symbol"))
        assert reasons == {
            "not_finite": "IBM", "zero": "IBM", "outlying": "IBM", "unknown_symbol": "NOBODY",
        }  # fmt: skip
        assert SuspectTick.objects.get(reason="not_finite").tick["price"] == "NaN"
        assert minutes(ibm) == []
        assert Quote.objects.get(instrument=ibm).last is None

    def test_a_flood_is_counted_whole_and_kept_in_part(self) -> None:
        listed()
        for _ in range(2):
            accept(*[trade("0") for _ in range(store.SUSPECTS_KEPT_MAX + 50)])
        assert SuspectTick.objects.count() == 2 * store.SUSPECTS_KEPT_MAX
        count = SuspectCount.objects.get()
        assert (count.day, count.source, count.reason) == (TODAY, "feed", "zero")
        assert count.count == 2 * (store.SUSPECTS_KEPT_MAX + 50)

    def test_doubts_are_remembered_between_batches(self) -> None:
        ibm = listed()
        accept(quote("99", "101"))
        for _ in range(9):
            accept(trade("150"))
        assert minutes(ibm) == []
        accept(trade("150"))
        assert Quote.objects.get(instrument=ibm).last == 150

    def test_a_batch_that_comes_again_counts_once(self) -> None:
        ibm = listed()
        batch = [trade("100", number="7"), trade("101", number="8")]
        accept(*batch)
        once = minutes(ibm), days(ibm)
        accept(*batch)
        assert (minutes(ibm), days(ibm)) == once
        accept(*batch, trade("102", number="9"))
        assert minutes(ibm)[0][7] == 3

    def test_two_sources_never_meet_in_a_bar_or_a_day(self) -> None:
        ibm = listed()
        yesterday = NOW - timedelta(days=1)
        accept(trade("90", at=yesterday), now=yesterday)
        accept(trade("91", number="5"), quote("90", "92"))
        accept(trade("185", "3", number="5"), source="replay")
        latest = Quote.objects.get(instrument=ibm)
        assert (latest.bid, latest.last, latest.day_high, latest.day_volume) == (None, 185, 185, 3)
        assert latest.previous_close is None
        assert minutes(ibm)[-1][1:] == (185, 185, 185, 185, 3, 555, 1)
        accept(trade("92"), source="feed")
        latest = Quote.objects.get(instrument=ibm)
        assert (latest.last, latest.previous_close, latest.day_low) == (92, 90, 92)
        assert Bar.objects.get(timeframe="1Min", start=NOW.replace(second=0)).source == "feed"

    def test_the_latest_paths_of_the_last_price_are_kept(self) -> None:
        ibm, bac = listed(), listed("BAC")
        accept(trade("99"), trade("103"), trade("101"), trade("50", symbol="BAC"))
        accept(quote("100", "102"))
        for _ in range(store.PATHS_KEPT + 1):
            accept(trade("102"))
        numbers = dict(Quote.objects.values_list("instrument__symbol", "paths"))
        assert numbers == {"IBM": store.PATHS_KEPT + 2, "BAC": 1}
        kept = selectors.price_paths([(ibm.pk, -1, numbers["IBM"] - 1), (bac.pk, 0, 1)])
        assert [path.number for path in kept[ibm.pk]] == list(range(3, store.PATHS_KEPT + 2))
        assert kept[bac.pk][0].points == [Point(Decimal(50), NOW)]
        assert PricePath.objects.count() == store.PATHS_KEPT + 1

    def test_a_path_goes_through_every_turn_and_says_who_told_it(self) -> None:
        ibm = listed()
        accept(trade("99.5"), trade("103"), trade("101", at=NOW + SECOND), source="replay")
        [path] = selectors.price_paths([(ibm.pk, 0, 1)])[ibm.pk]
        assert path.source == "replay"
        assert path.points == [
            Point(Decimal("99.5"), NOW),
            Point(Decimal(103), NOW),
            Point(Decimal(101), NOW + SECOND),
        ]

    def test_nothing_is_written_for_nothing(self) -> None:
        accept()
        accept(trade("1", symbol="NOBODY"))
        assert not Quote.objects.exists()

    def test_the_batch_takes_a_fixed_number_of_statements(
        self, django_assert_max_num_queries: object
    ) -> None:
        for number in range(20):
            listed(f"S{number}")
        batch: Sequence[Tick] = [
            tick
            for number in range(20)
            for tick in (trade("100", symbol=f"S{number}"), quote("99", "100", symbol=f"S{number}"))
        ]
        accept(*batch)
        with django_assert_max_num_queries(8):  # type: ignore[operator]
            accept(*batch)


@pytest.mark.django_db
class TestBars:
    def test_longer_bars_are_gathered_and_pages_fit_together(self) -> None:
        ibm = listed()
        start = datetime(2026, 3, 2, 15, tzinfo=UTC)
        for minute in range(10):
            at = start + timedelta(minutes=minute)
            accept(trade(str(100 + minute), at=at), now=at)
        end = start + timedelta(minutes=9)
        five = selectors.bars(ibm, "5Min", start=start, end=end)
        assert [(b.start, b.open, b.close, b.volume) for b in five] == [
            (start, 100, 104, 50),
            (start + timedelta(minutes=5), 105, 109, 50),
        ]
        assert selectors.bars(ibm, "5Min", start=start, end=end, limit=1) == five[:1]
        assert (
            selectors.bars(ibm, "5Min", start=start, end=end, limit=1, is_ascending=False)
            == five[1:]
        )
        # The bar that `start` falls into would be told in part, and so is not told.
        assert selectors.bars(ibm, "5Min", start=start + SECOND, end=end) == five[1:]
        one = selectors.bars(ibm, "1Min", start=start, end=end, limit=3, is_ascending=False)
        assert [b.open for b in one] == [109, 108, 107]
        (week,) = selectors.bars(ibm, "1Week", start=start - timedelta(days=30), end=end)
        assert (week.open, week.close, week.volume) == (100, 109, 100)


def test_two_writers_lose_nothing_and_numbers_appear_in_order(committed: None) -> None:
    symbols = [f"S{number}" for number in range(4)]
    instruments = [listed(symbol) for symbol in symbols]
    rounds, problems, seen = 15, [], [0]
    done = threading.Event()

    def write(order: Sequence[str]) -> None:
        try:
            for number in range(rounds):
                accept(*[trade("100", "1", symbol=s) for s in order], now=NOW + number * SECOND)
        except Exception as error:  # noqa: BLE001 - told to the test
            problems.append(error)
        finally:
            connection.close()

    def read() -> None:
        try:
            while not done.is_set():
                seen.extend(each.sequence for each in selectors.quotes_since(seen[-1]))
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(order,)) for order in (symbols, symbols[::-1])]
    reader = threading.Thread(target=read)
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert problems == []
    assert seen == sorted(set(seen))
    for instrument in instruments:
        assert minutes(instrument)[0][5] == 2 * rounds
        assert Quote.objects.get(instrument=instrument).day_volume == 2 * rounds
    # Whatever a reader has not seen is newer than all that it has.
    missed = {each.sequence for each in selectors.quotes_since(0)} - set(seen)
    assert all(number > seen[-1] for number in missed)


def test_without_the_writers_turn_one_of_two_would_be_lost(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ibm = listed()
    accept(trade("100", "1"))
    standing, both = services.standing, threading.Barrier(2, timeout=DEADLINE_SECONDS)

    def wait_for_the_other(symbols: set[str], *, now: datetime) -> dict[str, Quote]:
        quotes = standing(symbols, now=now)
        both.wait()
        return quotes

    def write() -> None:
        try:
            accept(trade("100", "1"))
        finally:
            connection.close()

    monkeypatch.setattr(services.store, "take_turn", lambda: None)
    monkeypatch.setattr(services, "standing", wait_for_the_other)
    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert Quote.objects.get(instrument=ibm).day_volume == 2  # and not 3
