"""What goes over the binary stream comes out as it went in, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.stream import chain, frames
from marketdata.stream.chain import Chain
from marketdata.stream.decoder import Decoder, Gap, News
from marketdata.stream.frames import Refusal, Refused, Wanted
from marketdata.stream.pictures import (
    ONE,
    PRICE_MAX,
    Bar,
    Depth,
    Level,
    Picture,
    Quote,
    Status,
    Trade,
    Units,
    Update,
    billionths,
    decimal,
    microseconds,
    moment,
)
from marketdata.stream.varints import Malformed, Reader, write_signed, write_unsigned
from marketdata.stream.writing import write_updates
from tests import binary_streams as made_up
from tests.binary_streams import CENT, OPENED_AT

UNITS = Units(CENT, 100 * ONE)
STREAM = b"unittest"
LOT = 100 * ONE


def price(text: str) -> int:
    return billionths(Decimal(text))


def quote(at: int = OPENED_AT, bid: str = "14.01", ask: str = "14.02", size: int = 12) -> Quote:
    return Quote(at, price(bid), size * LOT, price(ask), 40 * LOT)


def followed(*steps: list[Update], units: Units = UNITS) -> Chain:
    made = Chain("BAC")
    for step in steps:
        made.advance(step, units)
    return made


def frame(made: Chain, sequence: int = 0, number: int = 3) -> bytes:
    assert made.link is not None
    return frames.updates([made.link.entries(number, sequence)])


def listening(made: Chain, number: int = 3) -> Decoder:
    """Return a decoder that has taken the snapshot of `made`."""
    decoder = Decoder()
    decoder.subscribe([f"S{each}" for each in range(number)])  # so that BAC has this id
    decoder.subscribe(["BAC"])
    decoder.take(hello())
    decoder.take(frame(made, number=number))
    return decoder


def hello(stream: bytes = STREAM) -> bytes:
    return frames.hello(stream=stream, at=OPENED_AT, heartbeat_seconds=5)


# --- Nothing is lost -----------------------------------------------------------------------------


@given(made_up.steps, made_up.units, st.data())
@settings(max_examples=60, deadline=None)
def test_who_follows_has_every_update_and_the_whole_picture(
    steps: list[list[Update]], units: Units, data: st.DataObject
) -> None:
    made, decoder, seen = Chain("BAC"), Decoder(), 0
    decoder.subscribe(["BAC"])
    decoder.take(hello())
    truth = Picture()
    for step in steps:
        for update in step:
            truth.take(update)
        made.advance(step, units)
        assert made.link is not None
        if data.draw(st.booleans(), label="is sent"):
            events = decoder.take(frame(made, seen, number=0))
            if made.link.sequence == seen + 1 > 1:
                assert events == [News("BAC", seen + 1, is_snapshot=False, updates=tuple(step))]
            seen = made.link.sequence
            assert decoder.picture("BAC") == truth
    late = Decoder()
    late.subscribe(["BAC"])
    [snapshot] = late.take(frame(made, number=0))
    assert isinstance(snapshot, News) and snapshot.is_snapshot
    assert late.picture("BAC") == truth


@given(st.integers(-(2**160), 2**160))
def test_numbers_of_any_length_come_back(number: int) -> None:
    out = bytearray()
    write_signed(out, number)
    assert Reader(bytes(out)).signed() == number


@given(st.decimals(-(10**11), 10**11, places=9))
def test_amounts_come_back_to_the_billionth(amount: Decimal) -> None:
    assert decimal(billionths(amount)) == amount


@pytest.mark.parametrize("amount", ["0.0000000001", "NaN", "Infinity"])
def test_what_is_finer_or_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"amount|billionth"):
        billionths(Decimal(amount))


def test_a_moment_comes_back_to_the_microsecond() -> None:
    assert microseconds(moment(OPENED_AT + 1)) == OPENED_AT + 1


# --- Few bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("update", "length"),
    [
        (quote(at=OPENED_AT + 7_000, size=13), 3),  # head, time, size
        (quote(at=OPENED_AT + 7_000, bid="14.00", size=99), 5),  # and the price
        (quote(at=OPENED_AT + 7_001, size=13), 5),  # microseconds
        (quote(at=OPENED_AT + 7_000, bid="14.0101"), 4),  # off the tick: the scale
        (Trade(OPENED_AT + 2_000, price("14.02"), 3 * LOT, "8"), 3),  # at the last price
        (Trade(OPENED_AT + 2_000, price("14.03"), 3 * LOT, "8"), 4),
        (Trade(OPENED_AT + 2_000, price("14.03"), 3 * LOT, "47"), 5),
        (Trade(OPENED_AT + 2_000, price("14.02"), 1, "8"), 4),  # a billionth of a share
    ],
)
def test_an_update_is_as_short_as_what_changed(update: Update, length: int) -> None:
    picture = Picture()
    picture.take(quote())
    picture.take(Trade(OPENED_AT, price("14.02"), LOT, "7"))

    assert len(write_updates([update], picture, UNITS)) == length


def test_five_levels_that_all_move_are_short() -> None:
    def depth(by: int) -> Depth:
        bids = tuple(Level((1401 - by - n) * CENT, (70 + 9 * n + by) * LOT) for n in range(5))
        asks = tuple(Level((1402 + by + n) * CENT, (90 - 9 * n - by) * LOT) for n in range(5))
        return Depth(OPENED_AT + by, bids, asks)

    picture = Picture()
    picture.take(depth(0))
    assert len(write_updates([depth(1)], picture, UNITS)) == 1 + 1 + 1 + 2 * (1 + 5 * 2)


# --- Who lacks something -------------------------------------------------------------------------


def sizes(*lots: int) -> list[list[Update]]:
    return [[quote(at=OPENED_AT + n * 1000, size=each)] for n, each in enumerate(lots)]


def test_who_has_the_link_before_is_sent_a_difference_and_others_what_is_shorter() -> None:
    made = followed(*sizes(1, 2, 3))
    assert frame(made, sequence=2) == bytes([0x11, 3 << 1, 3, 0x02, 4, 2])
    assert frame(made, sequence=1) == bytes([0x11, 6, 2, 0x02, 4, 2, 6, 3, 0x02, 4, 2])
    assert frame(made, sequence=3) == frames.UPDATES
    far = followed(*sizes(*(10 ** (n % 2 * 14) for n in range(chain.KEPT))))
    short = (chain.SNAPSHOT_BYTES - 1) // 11  # bytes of a difference of these
    assert len(frame(far, sequence=chain.KEPT - short)) == 1 + 11 * short
    assert frame(far, sequence=chain.KEPT - short - 1) == frame(far)
    assert frame(far, sequence=chain.KEPT + 1) == frame(far)  # of a future that never was


def test_differences_older_than_are_kept_give_way_to_a_snapshot() -> None:
    made = followed(*sizes(*range(1, 2 * chain.KEPT)))
    assert made.link is not None
    assert len(made.link.differences) == chain.KEPT
    assert frame(made, sequence=1) == frame(made)


def test_other_units_begin_anew_for_everybody() -> None:
    made = followed(*sizes(1, 2))
    decoder = listening(made)
    made.advance([], Units(CENT, ONE))
    assert made.link is not None
    assert frame(made, sequence=2) == frame(made)
    assert [type(each) for each in decoder.take(frame(made, sequence=2))] == [News]
    made.advance([quote(size=9)], Units(CENT, ONE))
    decoder.take(frame(made, sequence=3))
    assert decoder.picture("BAC") == made.link.picture


def test_without_updates_there_is_no_link() -> None:
    made = followed(*sizes(1))
    before = made.link
    made.advance([], UNITS)
    assert made.link is before
    assert followed([]).link is None


def test_a_gap_is_told_once_and_nothing_after_it_is_believed_until_a_snapshot() -> None:
    made = followed(*sizes(1))
    decoder = listening(made)
    [first] = sizes(2)
    made.advance(first, UNITS)
    for lots in (3, 4):
        made.advance([quote(at=OPENED_AT, size=lots)], UNITS)
        assert made.link is not None
        events = decoder.take(frame(made, sequence=made.link.sequence - 1))
        assert events == ([Gap(3, "BAC", 1)] if lots == 3 else [])
    assert decoder.picture("BAC") is None
    assert decoder.subscribe(["BAC"]) == frames.subscribe([Wanted(3, "BAC", 0)], stream=STREAM)
    decoder.take(frame(made))
    assert made.link is not None
    assert decoder.picture("BAC") == made.link.picture


def test_who_comes_back_goes_on_from_what_it_has() -> None:
    made = followed(*sizes(1))
    decoder = listening(made)
    made.advance([quote(size=2)], UNITS)
    assert decoder.subscribe(["BAC"]) == frames.subscribe([Wanted(3, "BAC", 1)], stream=STREAM)
    decoder.take(hello())
    decoder.take(frame(made, sequence=1))
    assert made.link is not None
    assert decoder.picture("BAC") == made.link.picture


def test_the_numbers_of_another_stream_say_nothing() -> None:
    decoder = listening(followed(*sizes(1)))
    decoder.take(hello(b"restarts"))
    other = followed([quote(bid="9.00")], [quote(bid="9.01")])
    assert decoder.take(frame(other, sequence=1)) == []
    assert decoder.picture("BAC") is None
    assert decoder.subscribe(["BAC"]) == frames.subscribe([Wanted(3, "BAC", 0)], stream=b"restarts")


def test_an_id_that_means_another_symbol_by_now_shows_no_price_under_the_wrong_name() -> None:
    decoder = Decoder()
    decoder.subscribe(["IBM"])
    [news] = decoder.take(frame(followed(*sizes(1)), number=0))
    assert isinstance(news, News)
    assert (news.symbol, decoder.picture("IBM")) == ("BAC", None)


# --- What is not said ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "update",
    [
        Quote(OPENED_AT, -1, 0, 0, 0),
        Quote(OPENED_AT, PRICE_MAX + 1, 0, 0, 0),
        Quote(-1, 0, 0, 0, 0),
        Trade(OPENED_AT, 1, -1),
        Trade(OPENED_AT, 1, 1, trade_id="x" * 256),
        Trade(OPENED_AT, 1, 1, conditions="x" * 256),
        Bar(16, 0, 0, 0, 0, 0, 0),
        Depth(OPENED_AT, (Level(1, 1), Level(2, 1)), ()),
        Depth(OPENED_AT, (), (Level(1, 1), Level(1, 1))),
        Depth(OPENED_AT, (), tuple(Level(n, 1) for n in range(6))),
    ],
)
def test_what_cannot_be_said_leaves_the_chain_as_it_was(update: Update) -> None:
    made = followed(*sizes(1))
    before = made.link
    with pytest.raises(ValueError, match=r"between|most|order"):
        made.advance([update], UNITS)
    assert made.link is before


# --- Malformed frames ----------------------------------------------------------------------------

WHOLE = Status("simulated"), quote(), Trade(OPENED_AT, price("14.02"), LOT, "7", "N", "@F")
BAR = Bar(1, OPENED_AT // 10**6, CENT, CENT, CENT, CENT, LOT, 1, LOT * CENT)
DEPTH = Depth(OPENED_AT, (Level(2 * CENT, LOT), Level(CENT, LOT)), (Level(3 * CENT, LOT),))
REST = [*WHOLE, BAR, DEPTH]


def entry(*body: int) -> bytes:
    """Return the frame of one difference, the next after `listening`'s first."""
    return bytes([0x11, 3 << 1, 2, *body])


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        (b"", "ends too early"),
        (b"\x21\x00", "version 2"),
        (entry(), "ends too early"),
        (entry(0x01), "ends too early"),
        (entry(0x01, 0), "ends too early"),
        (entry(0x81, 0, 2), "ends too early"),
        (entry(0x01, *[0xFF] * 24, 0), "longer than 24 bytes"),
        (entry(0x01, 0, 0xF1, 0xFF, 0x7F), "is not between"),  # a bid below zero
        (entry(0x01, 0, *[0xFE] * 22, 0x7F), "is not between"),
        (entry(0x00, *[0xFF] * 12, 0x7F), "is not between"),  # a time
        (entry(0x10, 0xA0, 0), "no scale 10"),
        (entry(0x22, 0, 1, 0x81, 0x01), "follows none"),  # 7 - 65
        (entry(0x24, 0, 1, 0x81, 0x80), "ends too early"),
        (entry(0x24, 0, 1, 0x81, 0x02), "longer than 255"),
        (entry(0x24, 0, 1, 1, 0xFF, 0), "not UTF-8"),
        (entry(0x54, 0xFF, 0), "two sides"),
        (entry(0x51, 0xFF, 0, 6), "5 levels"),
        (entry(0x51, 0xFF, 0, 1 | 2 << 3), "5 levels"),
        (entry(0x51, 0xFF, 0, 2 | 3 << 3, 2, 2, 2, 2), "not in order"),
        (entry(0x70, 5, 0), "ends too early"),
        (bytes([0x11, 0x80, 0x80, 0x01, 1, 0]), "no id"),
        (bytes([0x11, 7, 0]), "sequence"),
        (bytes([0x11, 7, 1, 0, 10, 1, 2, 1]), "unit"),
        (bytes([0x11, 7, 1, 0, 2, 0, 2, 1]), "unit"),
        (bytes([0x10, 1, 2, 3]), "ends too early"),
        (bytes([0x12, *[0xFF] * 9, 0]), "time"),
    ],
)
def test_a_malformed_frame_says_why_and_changes_nothing(malformed: bytes, reason: str) -> None:
    decoder = listening(followed(list(WHOLE)))
    before = decoder.picture("BAC")
    good = frames.updates([bytes([3 << 1, 2, 0x00, 0])])

    with pytest.raises(Malformed, match=reason):
        decoder.take(malformed)

    assert decoder.picture("BAC") == before
    [news] = decoder.take(good)
    assert isinstance(news, News) and news.sequence == 2


def test_a_good_entry_before_a_malformed_one_is_not_taken_either() -> None:
    decoder = listening(followed(list(WHOLE)))
    before = decoder.picture("BAC")
    with pytest.raises(Malformed):
        decoder.take(bytes([0x11, 6, 2, 0x01, 0, 2, 6, 3, 0x01]))
    assert decoder.picture("BAC") == before


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_malformed_or_leaves_prices_within_bounds(data: st.DataObject) -> None:
    made = followed([quote()], list(REST), [quote(size=5), *[Trade(OPENED_AT, CENT, LOT, "8")]])
    whole = bytearray(frame(made, sequence=data.draw(st.sampled_from([0, 1, 2]))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    decoder = listening(followed([quote()]))
    before = decoder.picture("BAC")
    try:
        events = decoder.take(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except Malformed:
        assert decoder.picture("BAC") == before
        return
    for each in events:
        if isinstance(each, News):
            for update in each.updates:
                if isinstance(update, Quote | Trade):
                    told = [update.bid, update.ask] if isinstance(update, Quote) else [update.price]
                    assert all(0 <= value <= PRICE_MAX for value in told)


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    for read in (listening(followed([quote()])).take, frames.asked):
        try:
            read(noise)
            read(b"\x11" + noise)
        except Malformed:
            pass


def test_what_comes_in_later_versions_is_passed_over() -> None:
    made = followed([quote()])
    decoder = listening(made)
    assert decoder.take(b"\x17anything") == []
    later = bytes([3 << 1, 2, 0xF5, 2, 9, 9, 0x02, 0, 2])
    [news] = decoder.take(frames.updates([later]))
    assert isinstance(news, News)
    assert news.updates == (quote(size=13),)


def test_differences_of_unknown_ids_are_passed_over() -> None:
    made = followed([quote()], [quote(size=5), BAR, DEPTH, *WHOLE])
    both = frames.updates([b"\x0e" + frame(made, sequence=1)[2:], b"\x12\x05\x02\x00\x02"])
    assert Decoder().take(both) == []


# --- What clients ask ----------------------------------------------------------------------------


def test_what_a_client_asks_for_is_read_as_it_was_meant() -> None:
    wanted = (Wanted(0, "AAPL"), Wanted(200, "BTC/USD", 41_000))
    asked = frames.asked(frames.subscribe(wanted, stream=STREAM))
    assert asked == frames.Subscribe(STREAM, wanted)
    assert frames.asked(frames.unsubscribe([0, 200])) == frames.Unsubscribe((0, 200))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", Refusal.MALFORMED),
        (b"\x18short", Refusal.MALFORMED),
        (b"\x18" + STREAM + b"\x00\x04AAP", Refusal.MALFORMED),
        (b"\x18" + STREAM + b"\x00\x01A" + b"\xff" * 8 + b"\x01", Refusal.MALFORMED),
        (b"\x28", Refusal.UNKNOWN_VERSION),
        (b'{"action":"subscribe"}', Refusal.UNKNOWN_VERSION),
        (b"\x11", Refusal.UNKNOWN_FRAME),
        (b"\x19\x80\x20", Refusal.INVALID_ID),
        (b"\x18" + STREAM + b"\x00\x00\x00", Refusal.INVALID_SYMBOL),
        (b"\x18" + STREAM + b"\x00\x19" + b"A" * 25 + b"\x00", Refusal.INVALID_SYMBOL),
    ],
)
def test_nonsense_is_refused_with_a_code(frame: bytes, code: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        frames.asked(frame)
    assert refused.value.code == code


def test_small_numbers_take_one_byte() -> None:
    out = bytearray()
    for number in (0, 127, 128):
        write_unsigned(out, number)
    assert out == b"\x00\x7f\x80\x01"
