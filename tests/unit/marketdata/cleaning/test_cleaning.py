"""Which ticks are believed, one table for each reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.cleaning import rules
from marketdata.cleaning.rules import Cleaned, Known, Reason
from marketdata.ticks import QuoteTick, Tick, TradeTick

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def quote(bid: str | None, ask: str | None, *, at: datetime = NOW, size: str = "100") -> QuoteTick:
    return QuoteTick(
        "IBM",
        at,
        None if bid is None else Decimal(bid),
        Decimal(size),
        None if ask is None else Decimal(ask),
        Decimal(size),
    )


def trade(
    price: str, *, at: datetime = NOW, size: str = "100", number: str = "", sets_last: bool = True
) -> TradeTick:
    return TradeTick("IBM", at, Decimal(price), Decimal(size), number, sets_last)


def known(**facts: object) -> Known:
    return Known(
        **{"asset_class": "us_equity", "source": "feed", "price": Decimal(100), **facts}  # type: ignore[arg-type]
    )


def clean(*ticks: Tick, before: Known | None = None, source: str = "feed") -> Cleaned:
    facts = {"IBM": before or known()}
    return rules.clean(ticks=ticks, known=facts, source=source, now=NOW)


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (quote("99.99", "100.01"), None),
        (quote("100", "100"), None),  # locked, which happens
        (quote(None, "100.01"), None),
        (quote(None, None), None),  # nobody is there, which is true and news
        (trade("100"), None),
        (trade("0"), Reason.ZERO),
        (trade("100", size="0"), Reason.ZERO),
        (quote("0", "100"), Reason.ZERO),
        (quote("99", "100", size="0"), Reason.ZERO),
        (trade("-1"), Reason.NEGATIVE),
        (quote("-99.99", "100.01"), Reason.NEGATIVE),
        (trade("NaN"), Reason.NOT_FINITE),
        (trade("sNaN"), Reason.NOT_FINITE),
        (quote("99.99", "Infinity"), Reason.NOT_FINITE),
        (trade("1e30"), Reason.TOO_LARGE),
        (trade("100", size="1e20"), Reason.TOO_LARGE),
        (quote("100.02", "100.01"), Reason.CROSSED),
        (trade("10000"), Reason.OUTLYING),  # times a hundred
        (trade("1.00"), Reason.OUTLYING),
        (trade("110.01"), Reason.OUTLYING),
        (trade("110.00"), None),
        (trade("90.00"), None),
        (trade("89.99"), Reason.OUTLYING),
        (quote("0.01", "199999"), Reason.OUTLYING),  # stub quotes
        (trade("150", sets_last=False), None),  # nobody reads a price from it
    ],
)
def test_a_tick_is_judged_by_its_numbers(tick: Tick, reason: Reason | None) -> None:
    cleaned = clean(tick)
    assert [suspect.reason for suspect in cleaned.suspects] == ([reason] if reason else [])
    assert list(cleaned.believed) == ([] if reason else [tick])


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (quote("100", "101", at=NOW + timedelta(seconds=1)), None),
        (quote("100", "101", at=NOW + timedelta(seconds=1, microseconds=1)), Reason.FUTURE),
        (quote("100", "101", at=NOW - timedelta(seconds=5)), None),
        (quote("100", "101", at=NOW - timedelta(seconds=5, microseconds=1)), Reason.STALE),
        (trade("100", at=NOW - timedelta(minutes=5)), None),
        (trade("100", at=NOW - timedelta(minutes=5, microseconds=1)), Reason.STALE),
    ],
)
def test_a_tick_is_judged_by_its_age(tick: Tick, reason: Reason | None) -> None:
    assert [suspect.reason for suspect in clean(tick).suspects] == ([reason] if reason else [])


def test_a_tick_before_its_predecessor_is_out_of_order() -> None:
    early = NOW - timedelta(milliseconds=1)
    cleaned = clean(
        trade("100"), quote("99", "101"), trade("101", at=early), quote("98", "99", at=early)
    )
    assert [suspect.reason for suspect in cleaned.suspects] == [Reason.OUT_OF_ORDER] * 2
    before = known(trade_at=NOW, quote_at=NOW)
    assert clean(trade("100", at=early), before=before).suspects[0].reason is Reason.OUT_OF_ORDER
    assert not clean(trade("100"), quote("99", "101"), before=before).suspects  # the same instant


def test_an_unknown_symbol_is_kept_aside() -> None:
    cleaned = rules.clean(ticks=[trade("100")], known={}, source="feed", now=NOW)
    assert cleaned.suspects[0].reason is Reason.UNKNOWN_SYMBOL
    assert not cleaned.known


def test_a_lone_outlier_leaves_the_level_where_it_was() -> None:
    cleaned = clean(trade("10000"), trade("100.5"))
    assert cleaned.known["IBM"].price == Decimal("100.5")
    assert cleaned.known["IBM"].doubts == 0


def test_outliers_that_agree_become_the_new_level_across_batches() -> None:
    fact = known()
    for number in range(1, rules.DOUBTS_FAR):
        cleaned = clean(trade("150"), before=fact)
        fact = cleaned.known["IBM"]
        assert cleaned.suspects
        assert fact.doubts == number
    cleaned = clean(trade("151"), trade("152"), trade("100"), before=fact)
    assert [each.price for each in cleaned.believed] == [Decimal(151), Decimal(152)]  # type: ignore[union-attr]
    assert cleaned.suspects[0].reason is Reason.OUTLYING  # the old level is far away now


def test_outliers_that_disagree_never_become_the_level() -> None:
    cleaned = clean(*[trade(price) for _ in range(20) for price in ("10000", "1")])
    assert len(cleaned.suspects) == 40
    assert cleaned.known["IBM"].price == Decimal(100)


def test_the_band_and_the_clock_start_anew_when_the_source_changes() -> None:
    before = known(trade_at=NOW, quote_at=NOW, trade_id="7")
    early = NOW - timedelta(seconds=1)
    cleaned = clean(trade("185", at=early, number="7"), before=before, source="replay")
    assert not cleaned.suspects
    assert cleaned.known["IBM"].price == Decimal(185)
    assert clean(trade("250"), before=cleaned.known["IBM"], source="replay").suspects


def test_trades_up_to_the_last_one_booked_are_repeated() -> None:
    before = known(trade_id="8", trade_at=NOW)
    cleaned = clean(
        *[trade("100", number=number) for number in ("7", "8", "9")],
        quote("99", "101"),
        before=before,
    )
    assert [suspect.reason for suspect in cleaned.suspects] == [Reason.REPEATED] * 2
    assert len(cleaned.believed) == 2


prices = st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(
    min_value=Decimal("0.01"), max_value=1000, places=2
)
times = st.datetimes(
    min_value=datetime(2026, 3, 2, 14, 50),  # noqa: DTZ001 - Hypothesis wants it so
    max_value=datetime(2026, 3, 2, 15, 1),  # noqa: DTZ001
).map(lambda at: at.replace(tzinfo=UTC))
anything = st.builds(
    QuoteTick,
    st.sampled_from(["IBM", "?"]),
    times,
    prices | st.none(),
    prices,
    prices | st.none(),
    prices,
) | st.builds(TradeTick, st.just("IBM"), times, prices, prices, st.text(max_size=3))


@settings(max_examples=50)
@given(st.lists(anything, max_size=30))
def test_whatever_comes_is_believed_or_kept_aside_and_what_is_believed_is_sane(
    ticks: list[Tick],
) -> None:
    cleaned = clean(*ticks)
    assert len(cleaned.believed) + len(cleaned.suspects) == len(ticks)
    last: dict[type, datetime] = {}
    for tick in cleaned.believed:
        assert last.get(type(tick), tick.at) <= tick.at <= NOW + rules.CLOCK_SLACK
        last[type(tick)] = tick.at
        numbers = [tick.price, tick.size] if isinstance(tick, TradeTick) else [tick.bid, tick.ask]
        assert all(number is None or 0 < number < Decimal(10) ** 16 for number in numbers)
        if isinstance(tick, QuoteTick) and tick.bid is not None and tick.ask is not None:
            assert tick.bid <= tick.ask
