from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest

from marketdata.ticks import TradeTick
from tests.recordings import OPENING, write_quotes, write_trades
from venues.exchange import recordings
from venues.exchange.commands import Admit, MassQuote
from venues.exchange.recordings import KeptAside, RecordedQuote, RecordedTrade
from venues.exchange.replay import Player

IBM = Admit("IBM", Decimal("0.01"), Decimal(1), Decimal(1), "always")
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
DAY = {"play_from": OPENING, "play_to": 24 * 3_600_000}


def moments(*paths, play_from=OPENING, play_to=24 * 3_600_000):
    files = [recordings.describe(path) for path in paths]
    return recordings.moments(files, play_from=play_from, play_to=play_to)


def a_player(*paths, speed=1.0, **span):
    return Player(
        "replay-1", moments(*paths, **span), terms={"IBM": IBM}, speed=speed, begun_at=NOW
    )


def play(player, seconds):
    return player.due(NOW + timedelta(seconds=seconds), after=NOW)


def test_quotes_and_trades_are_merged_in_recorded_time(tmp_path):
    quotes = write_quotes(
        tmp_path, [(0, "B", 181.50, 300), (0, "A", 181.55, 200), (2000, "B", 181.51, 100)]
    )
    trades = write_trades(
        tmp_path, [(0, 181.52, 100, "1"), (1000, 181.53, 50, "4000"), (3000, 181.5, 7, "1000000")]
    )
    found = list(moments(trades, quotes))
    assert [moment.row for moment in found] == [
        RecordedQuote("IBM", 1, Decimal("181.5"), 300),
        RecordedQuote("IBM", -1, Decimal("181.55"), 200),
        RecordedTrade("IBM", Decimal("181.52"), 100, sets_last=True),
        RecordedTrade("IBM", Decimal("181.53"), 50, sets_last=False),
        RecordedQuote("IBM", 1, Decimal("181.51"), 100),
        KeptAside("IBM"),
    ]
    assert [moment.elapsed for moment in found] == [0, 0, 0, 1, 2, 3]
    assert found[0].recorded_at.astimezone(UTC) == datetime(2013, 10, 7, 13, 30, tzinfo=UTC)


def test_what_was_quoted_before_the_beginning_is_known_at_the_beginning(tmp_path):
    quotes = write_quotes(
        tmp_path,
        [
            (-9000, "B", 181.0, 100),
            (-5000, "B", 181.2, 100),
            (-4000, "A", 181.4, 100),
            (60_000, "A", 181.3, 100),
        ],
    )
    found = list(moments(quotes))
    assert [(m.row.price, m.elapsed) for m in found] == [
        (Decimal("181.2"), 0),
        (Decimal("181.4"), 0),
        (Decimal("181.3"), 60),
    ]
    assert list(moments(quotes, play_to=OPENING + 60_000)) == []


def test_flagged_rows_are_kept_aside(tmp_path):
    path = write_quotes(tmp_path, [(0, "B", 1.0, 100)], suspicious=1)
    player = a_player(path)
    assert play(player, 1) == []
    assert (player.progress.quotes, player.progress.kept_aside) == (0, 1)


def test_a_player_keeps_the_pace_it_was_given(tmp_path):
    trades = write_trades(tmp_path, [(ms, 181.52, 100, "1") for ms in range(0, 60_000, 1000)])
    player = a_player(trades, speed=10)
    assert len(play(player, 0)) == 1
    assert len(play(player, 1.05)) == 10
    played = play(player, 2)
    assert [each.at for each in played] == [
        NOW + timedelta(seconds=1.1 + i / 10) for i in range(10)
    ]
    assert not player.is_finished
    for second in range(3, 7):
        play(player, second)
    assert player.is_finished
    assert player.progress.trades == 60


def test_a_recording_too_fast_to_play_goes_on_without_growing_stale(tmp_path):
    trades = write_trades(tmp_path, [(ms, 181.52, 100, "1") for ms in range(5000)])
    player = a_player(trades, speed=100_000)
    for second in (1, 2, 3):
        for each in play(player, second):
            assert NOW + timedelta(seconds=second - 1) <= each.at <= NOW + timedelta(seconds=second)
    assert player.progress.trades == 5000


def test_a_row_changes_one_side_and_prices_between_ticks_are_never_improved(tmp_path):
    quotes = write_quotes(
        tmp_path, [(0, "B", 181.509, 300), (0, "A", 181.541, 200), (0, "A", 0, 0)]
    )
    assert [each.what for each in play(a_player(quotes), 1)] == [
        MassQuote("replay", "IBM", ((18150, 300),), None),
        MassQuote("replay", "IBM", None, ((18155, 200),)),
        MassQuote("replay", "IBM", None, ()),
    ]


def test_while_the_recording_is_locked_or_crossed_the_newer_side_stands(tmp_path):
    quotes = write_quotes(
        tmp_path,
        [
            (0, "B", 10.00, 1),
            (0, "A", 10.01, 2),
            (0, "B", 10.01, 3),
            (0, "B", 10.02, 4),
            (0, "B", 10.00, 5),
        ],
    )
    assert [each.what for each in play(a_player(quotes), 1)][2:] == [
        MassQuote("replay", "IBM", ((1001, 3),), ()),
        MassQuote("replay", "IBM", ((1002, 4),), ()),
        MassQuote("replay", "IBM", ((1000, 5),), ((1001, 2),)),
    ]


def test_prints_carry_ids_of_their_own_and_never_step_back_in_time(tmp_path):
    trades = write_trades(tmp_path, [(0, 10.0, 1, "1"), (100, 10.0, 1, "1")])
    after = NOW + timedelta(milliseconds=50)
    played = a_player(trades).due(NOW + timedelta(seconds=1), after=after)
    assert [each.at for each in played] == [after, NOW + timedelta(milliseconds=100)]
    assert [each.what.trade_id for each in played if isinstance(each.what, TradeTick)] == [
        "replay-1-1",
        "replay-1-2",
    ]


def test_the_last_price_is_the_middle_of_the_last_quote(tmp_path):
    player = a_player(write_quotes(tmp_path, [(0, "B", 10.00, 1), (0, "A", 10.02, 2)]))
    assert player.last_price("IBM") is None
    play(player, 1)
    assert player.last_price("IBM") == Decimal("10.01")


@pytest.mark.parametrize(
    "name", ["IBM.csv", "IBM_2013-10-07_bars.csv.gz", "ibm_2013-10-07_quotes.csv.gz"]
)
def test_a_file_that_is_no_recording_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(recordings.UnreadableRecording, match="not named like"):
        recordings.describe(tmp_path / name)


def test_a_missing_a_foreign_and_a_damaged_file_are_refused(tmp_path):
    path = tmp_path / "IBM_2013-10-07_quotes.csv.gz"
    with pytest.raises(recordings.UnreadableRecording, match="no file"):
        recordings.describe(path)
    path.write_text("time_ms,side")
    with pytest.raises(recordings.UnreadableRecording, match="cannot be read"):
        recordings.describe(path)
    write_trades(tmp_path, []).rename(path)
    with pytest.raises(recordings.UnreadableRecording, match="other columns"):
        recordings.describe(path)
    rows = [(i, "B", 10 + i * 0.37 % 1, i * 7919 % 1000 + 1) for i in range(9000)]
    write_quotes(tmp_path, rows)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(recordings.UnreadableRecording, match="damaged"):
        list(islice(moments(path), 9000))
