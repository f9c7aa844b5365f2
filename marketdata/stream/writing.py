"""From updates to bytes: each as what it changes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from marketdata.stream.pictures import (
    COUNT_MAX,
    LEVELS_MAX,
    NO_DEPTH,
    NO_QUOTE,
    NO_TRADE,
    PRICE_MAX,
    SECONDS_MAX,
    SIZE_MAX,
    TIME_MAX,
    TURNOVER_MAX,
    Bar,
    Depth,
    Level,
    Picture,
    Quote,
    Status,
    Trade,
    Units,
    Update,
    no_bar,
)
from marketdata.stream.varints import (
    TEXT_BYTES_MAX,
    write_signed,
    write_text,
    write_unsigned,
    zigzag,
)
from marketdata.stream.wire import (
    MORE,
    Kind,
    StatusFlag,
    TradeFlag,
    divisor,
    next_trade_id,
    scales_of,
    trade_id_difference,
)

_IN_UNITS_BOTH: Final = 0xFF
_QUOTE_IN_UNITS: Final = Kind.QUOTE << 4
_IN_BILLIONTHS_BOTH: Final = 0x99


def write_updates(updates: Sequence[Update], picture: Picture, units: Units) -> bytes:
    """Return the bytes of one or more `updates`, and take them into `picture`.

    Raises ValueError for what the stream cannot say: below zero, beyond its bounds, levels that
    are not in order. The picture then has what came before it.
    """
    out = bytearray()
    for update in updates:
        begin = len(out)
        _write(out, update, picture, units)
        out[begin] |= MORE
        picture.take(update)
    out[begin] &= ~MORE
    return bytes(out)


def _write(out: bytearray, update: Update, picture: Picture, units: Units) -> None:
    match update:
        case Quote():
            _write_quote(out, update, picture, units)
        case Trade():
            _write_trade(out, update, picture, units)
        case Bar():
            _write_bar(out, update, picture, units)
        case Depth():
            _write_depth(out, update, picture, units)
        case Status():
            _write_status(out, update)


def _write_quote(out: bytearray, quote: Quote, picture: Picture, units: Units) -> None:
    """Write the update that there is most of, a step at a time only where it is not ordinary."""
    before = picture.quote or NO_QUOTE
    if not (0 <= quote.bid <= PRICE_MAX and 0 <= quote.ask <= PRICE_MAX):
        raise ValueError(f"{quote} has a price that is not between 0 and {PRICE_MAX}")
    if not (0 <= quote.bid_size <= SIZE_MAX and 0 <= quote.ask_size <= SIZE_MAX):
        raise ValueError(f"{quote} has a size that is not between 0 and {SIZE_MAX}")
    bid, bid_size = quote.bid - before.bid, quote.bid_size - before.bid_size
    ask, ask_size = quote.ask - before.ask, quote.ask_size - before.ask_size
    flags = (bid != 0) | (bid_size != 0) << 1 | (ask != 0) << 2 | (ask_size != 0) << 3
    price, size = units
    if bid % price or ask % price or bid_size % size or ask_size % size:
        scales = scales_of((bid, ask), (bid_size, ask_size), units)
        price, size = _divisors(scales, units)
        _open(out, Kind.QUOTE, flags, scales)
    else:
        out.append(_QUOTE_IN_UNITS | flags)
    _write_time(out, quote.at, picture)
    for difference, unit in ((bid, price), (bid_size, size), (ask, price), (ask_size, size)):
        if difference:
            write_signed(out, difference // unit)


def _write_trade(out: bytearray, trade: Trade, picture: Picture, units: Units) -> None:
    before = picture.trade or NO_TRADE
    difference = _within(trade.price, PRICE_MAX) - before.price
    scales = scales_of((difference,), (_within(trade.size, SIZE_MAX),), units)
    if len(trade.trade_id.encode()) > TEXT_BYTES_MAX:
        raise ValueError(f"the id of a trade has at most {TEXT_BYTES_MAX} bytes")
    has_other_id = trade.trade_id != next_trade_id(before.trade_id)
    has_other_marks = (trade.venue, trade.conditions) != (before.venue, before.conditions)
    flags = (
        TradeFlag.PRICE * (difference != 0)
        | TradeFlag.ID * has_other_id
        | TradeFlag.MARKS * has_other_marks
        | TradeFlag.NOT_LAST * (not trade.sets_last)
    )
    _open(out, Kind.TRADE, flags, scales)
    _write_time(out, trade.at, picture)
    price, size = _divisors(scales, units)
    if difference:
        write_signed(out, difference // price)
    write_unsigned(out, trade.size // size)
    if has_other_id:
        steps = trade_id_difference(before.trade_id, trade.trade_id)
        write_signed(out, steps)
        if not steps:
            write_text(out, trade.trade_id)
    if has_other_marks:
        write_text(out, trade.venue)
        write_text(out, trade.conditions)


def _write_bar(out: bytearray, bar: Bar, picture: Picture, units: Units) -> None:
    before = picture.bars.get(bar.span) or no_bar(bar.span)
    prices = (
        _within(bar.open, PRICE_MAX) - before.open,
        _within(bar.high, PRICE_MAX) - before.high,
        _within(bar.low, PRICE_MAX) - before.low,
        _within(bar.close, PRICE_MAX) - before.close,
    )
    volume = _within(bar.volume, SIZE_MAX) - before.volume
    turnover = _within(bar.turnover, TURNOVER_MAX) - before.turnover
    scales = scales_of(prices, (volume,), units)
    price, size = _divisors(scales, units)
    if turnover % (price * size):
        scales, price, size = _IN_BILLIONTHS_BOTH, 1, 1
    counted = (
        _within(bar.start, SECONDS_MAX) - before.start,
        *(each // price for each in prices),
        volume // size,
        _within(bar.trades, COUNT_MAX) - before.trades,
        turnover // (price * size),
    )
    out.append(Kind.BAR << 4 | _within(bar.span, 15))
    out.append(scales)
    out.append(sum((each != 0) << bit for bit, each in enumerate(counted)))
    for each in counted:
        if each:
            write_signed(out, each)


def _write_depth(out: bytearray, depth: Depth, picture: Picture, units: Units) -> None:
    before = picture.depth or NO_DEPTH
    _check_order(depth)
    sides = [(depth.bids, before.bids), (depth.asks, before.asks)]
    moved = [[_moved(level, place, old) for place, level in enumerate(new)] for new, old in sides]
    every = [each for side in moved for each in side]
    scales = scales_of(tuple(price for price, _ in every), tuple(size for _, size in every), units)
    price_unit, size_unit = _divisors(scales, units)
    changed = [new != old for new, old in sides]
    out.append(Kind.DEPTH << 4 | changed[0] | changed[1] << 1)
    out.append(scales)
    _write_time(out, depth.at, picture)
    for is_changed, levels in zip(changed, moved, strict=True):
        if not is_changed:
            continue
        mask = sum((price != 0 or size != 0) << place for place, (price, size) in enumerate(levels))
        out.append(len(levels) | mask << 3)
        for price, size in levels:
            if price or size:
                write_signed(out, price // price_unit)
                write_signed(out, size // size_unit)


def _moved(level: Level, place: int, before: Sequence[Level]) -> tuple[int, int]:
    old = before[place] if place < len(before) else Level(0, 0)
    return (
        _within(level.price, PRICE_MAX) - old.price,
        _within(level.size, SIZE_MAX) - old.size,
    )


def _check_order(depth: Depth) -> None:
    bids, asks = [[level.price for level in side] for side in (depth.bids, depth.asks)]
    if len(bids) > LEVELS_MAX or len(asks) > LEVELS_MAX:
        raise ValueError(f"a side of the book has at most {LEVELS_MAX} levels here")
    if bids != sorted(set(bids), reverse=True) or asks != sorted(set(asks)):
        raise ValueError("the levels of a book are not in order, the best first")


def _write_status(out: bytearray, status: Status) -> None:
    flags = (
        StatusFlag.STALE * status.is_stale
        | StatusFlag.HALTED * status.is_halted
        | StatusFlag.NOT_TRADABLE * (not status.is_tradable)
        | StatusFlag.CLOSING_ONLY * status.is_closing_only
    )
    out.append(Kind.STATUS << 4 | flags)
    write_text(out, status.source)


def _open(out: bytearray, kind: Kind, flags: int, scales: int) -> None:
    """Begin a quote or trade; where both scales are the units, nothing is said of them."""
    if scales == _IN_UNITS_BOTH:
        out.append(kind << 4 | flags)
    else:
        out.append(kind + 1 << 4 | flags)
        out.append(scales)


def _write_time(out: bytearray, at: int, picture: Picture) -> None:
    difference = _within(at, TIME_MAX) - picture.time
    if difference % 1000 == 0:
        write_unsigned(out, zigzag(difference // 1000) << 1)
    else:
        write_unsigned(out, zigzag(difference) << 1 | 1)


def _divisors(scales: int, units: Units) -> tuple[int, int]:
    return divisor(scales >> 4, units.price), divisor(scales & 15, units.size)


def _within(value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise ValueError(f"{value} is not between 0 and {most}")
    return value
