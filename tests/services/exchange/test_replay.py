import io
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from marketdata.ticks import QuoteTick, TradeTick
from tests.recordings import OPENING, write_quotes, write_trades
from tests.services.exchange.running import exchange, listed, order, wait_for
from venues.exchange import records
from venues.exchange.commands import OURSELVES, Enter, Report
from venues.exchange.floor import Floor
from venues.exchange.models import ReplayRequest


@pytest.fixture
def aapl(db):
    return listed(price="240.00")


def ask_for(*paths, speed=1.0):
    now = timezone.now()
    return ReplayRequest.objects.create(
        files=[str(path) for path in paths],
        speed=speed,
        play_from=OPENING,
        play_to=24 * 3_600_000,
        requested_at=now,
        updated_at=now,
    )


class Playing:
    """A trading floor of which the test turns the clock."""

    def __init__(self) -> None:
        self.floor = Floor(records.recover(), seed=1)
        self.now = timezone.now()
        self.ticks: list = []
        self.forward(0.3)

    def forward(self, seconds: float, *requests) -> list[Report]:
        """Go on by `seconds` in rounds of a tenth, entering the requests first."""
        told: list[Report] = []
        for round_ in range(max(1, round(seconds * 10))):
            self.now += timedelta(milliseconds=100)
            self.floor.look_for_replays()
            entered = [Enter(OURSELVES, each) for each in requests] if round_ == 0 else []
            cycle = self.floor.decide(entered, now=self.now, is_market_due=True)
            told += [event for event in cycle.events if isinstance(event, Report)]
            for source, ticks in cycle.ticks.items():
                self.ticks += [(source, tick) for tick in ticks]
        return told

    def best(self):
        best = self.floor.engine.best("AAPL")
        return (best.bid, best.bid_size, best.ask, best.ask_size)


def fills(told):
    return [
        (each.report.client_order_id, each.report.quantity, each.report.price)
        for each in told
        if each.report.price is not None
    ]


QUOTES = [
    *((0, "B", 181.50, 300), (0, "A", 181.55, 200)),
    *((5000, "A", 181.56, 500), (10_000, "B", 181.40, 100), (10_000, "A", 181.45, 400)),
]


def test_the_recording_takes_the_place_of_the_participants(aapl, tmp_path):
    playing = Playing()
    assert playing.floor.engine.listings["AAPL"].quotes["maker-1"]
    request = ask_for(write_quotes(tmp_path, QUOTES, symbol="AAPL"))
    playing.ticks.clear()
    playing.forward(1)
    assert playing.best() == (18150, 300, 18155, 200)
    assert not playing.floor.engine.listings["AAPL"].quotes["maker-1"]
    assert {source for source, _ in playing.ticks} == {"replay"}
    request.refresh_from_db()
    assert (request.state, request.quotes_played) == ("playing", 2)


def test_what_a_customer_takes_is_gone_until_that_side_is_quoted_again(aapl, tmp_path):
    playing = Playing()
    ask_for(write_quotes(tmp_path, QUOTES, symbol="AAPL"))
    playing.forward(1)
    told = playing.forward(0.1, order("a", "buy", "500", "181.55", "ioc"))
    assert fills(told) == [("a", 200, Decimal("181.55"))]
    assert playing.best() == (18150, 300, None, 0)
    assert fills(playing.forward(0.1, order("b", "buy", "10", "181.60", "ioc"))) == []
    playing.forward(5)
    assert playing.best() == (18150, 300, 18156, 500)


def test_a_resting_order_fills_when_the_recording_crosses_it(aapl, tmp_path):
    playing = Playing()
    ask_for(write_quotes(tmp_path, [*QUOTES, (60_000, "B", 181.40, 100)], symbol="AAPL"))
    playing.forward(1)
    assert fills(playing.forward(1, order("a", "buy", "150", "181.52"))) == []
    assert playing.best()[:2] == (18152, 150)
    assert fills(playing.forward(10)) == [("a", 150, Decimal("181.52"))]
    assert playing.best() == (18140, 100, 18145, 250)


def test_recorded_prints_go_to_the_tape_as_they_were(aapl, tmp_path):
    playing = Playing()
    quotes = write_quotes(tmp_path, QUOTES, symbol="AAPL")
    trades = write_trades(
        tmp_path, [(0, 181.5225, 100, "1"), (500, 181.53, 50, "4000")], symbol="AAPL"
    )
    ask_for(quotes, trades)
    playing.ticks.clear()
    playing.forward(1.5)
    prints = [tick for _, tick in playing.ticks if isinstance(tick, TradeTick)]
    assert [(t.price, t.size, t.sets_last) for t in prints] == [
        (Decimal("181.5225"), 100, True),
        (Decimal("181.53"), 50, False),
    ]
    for kind in (QuoteTick, TradeTick):
        times = [tick.at for _, tick in playing.ticks if isinstance(tick, kind)]
        assert times == sorted(times)


def test_after_the_recording_the_participants_go_on_from_its_last_quote(aapl, tmp_path):
    playing = Playing()
    request = ask_for(write_quotes(tmp_path, QUOTES, symbol="AAPL"), speed=100)
    playing.forward(3)
    request.refresh_from_db()
    assert (request.state, request.quotes_played) == ("finished", 5)
    bid, _, ask, _ = playing.best()
    assert abs(bid - 18142) < 15
    assert abs(ask - 18142) < 15
    assert playing.ticks[-1][0] == "simulated"


def test_a_replay_can_be_stopped(aapl, tmp_path):
    playing = Playing()
    request = ask_for(write_quotes(tmp_path, QUOTES, symbol="AAPL"))
    playing.forward(1)
    ReplayRequest.objects.update(is_stop_requested=True)
    playing.forward(2)
    request.refresh_from_db()
    assert request.state == "stopped"
    assert playing.floor.engine.listings["AAPL"].quotes["maker-1"]
    assert not playing.floor.engine.listings["AAPL"].quotes["replay"]
    assert abs(playing.best()[0] - 18152) < 15


def test_one_symbol_is_replayed_once_at_a_time(aapl, tmp_path):
    playing = Playing()
    path = write_quotes(tmp_path, QUOTES, symbol="AAPL")
    ask_for(path)
    playing.forward(0.5)
    second = ask_for(path)
    playing.forward(0.5)
    second.refresh_from_db()
    assert (second.state, second.detail) == ("failed", "AAPL is being replayed already.")


def test_a_damaged_file_ends_the_replay_and_not_the_exchange(aapl, tmp_path):
    playing = Playing()
    path = write_quotes(
        tmp_path,
        [(i, "B", 100 + i % 97 / 100, i * 7919 % 991 + 1) for i in range(9000)],
        symbol="AAPL",
    )
    path.write_bytes(path.read_bytes()[:-3000])
    request = ask_for(path, speed=1000)
    playing.forward(3)
    request.refresh_from_db()
    assert request.state == "failed"
    assert "damaged" in request.detail
    assert playing.floor.engine.listings["AAPL"].quotes["maker-1"]


def test_a_restart_ends_a_replay_without_a_jump(committed, tmp_path):
    listed(price="240.00")
    request = ask_for(write_quotes(tmp_path, QUOTES, symbol="AAPL"), speed=0.001)
    with exchange():
        wait_for(lambda: ReplayRequest.objects.get().quotes_played == 2)
    with exchange() as running:
        wait_for(lambda: running.beats > 15)
    request.refresh_from_db()
    assert (request.state, request.detail) == ("failed", "The server was restarted.")
    bid = records.recover().engine.best("AAPL").bid
    assert abs(bid - 18152) < 20


# --- The command --------------------------------------------------------------------------------


def replay(*words):
    out = io.StringIO()
    call_command("replay", *map(str, words), stdout=out)
    return out.getvalue()


def test_the_command_plays_a_file_on_the_running_exchange(committed, tmp_path):
    listed(price="240.00")
    quotes = write_quotes(tmp_path, QUOTES, symbol="AAPL")
    trades = write_trades(tmp_path, [(0, 181.52, 100, "1"), (9000, 181.42, 50, "1")], symbol="AAPL")
    with exchange():
        printed = replay(quotes, trades, "--speed", "20")
    assert "2013-10-07 09:30:10  5 quotes, 2 trades" in printed
    assert "The replay has finished; the simulated participants are back." in printed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--speed", "0"], "must be a number above 0"),
        (["--speed", "nan"], "must be a number above 0"),
        (["--from", "25:00"], "must be times of day"),
        (["--from", "15:00", "--to", "10:00"], "--from must lie before --to"),
    ],
)
def test_what_makes_no_sense_is_refused(db, tmp_path, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        replay(write_quotes(tmp_path, QUOTES), *words)
    assert not ReplayRequest.objects.exists()


def test_an_unknown_file_or_symbol_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="There is no file"):
        replay(tmp_path / "IBM_2013-10-07_quotes.csv.gz")
    with pytest.raises(CommandError, match="IBM is not an instrument of this market"):
        replay(write_quotes(tmp_path, QUOTES))


def test_without_a_server_the_command_says_so(committed, tmp_path, monkeypatch):
    listed()
    monkeypatch.setattr("venues.exchange.management.commands.replay._ANSWER_SECONDS_MAX", 0.2)
    with pytest.raises(CommandError, match="No server is running"):
        replay(write_quotes(tmp_path, QUOTES, symbol="AAPL"))
    assert ReplayRequest.objects.get().state == "failed"


def test_interrupting_the_command_stops_the_replay(committed, tmp_path, monkeypatch):
    listed()
    path = write_quotes(tmp_path, QUOTES, symbol="AAPL")
    naps = iter(range(3))

    def nap(_seconds):
        threading.Event().wait(0.3)
        if next(naps, None) == 2:
            raise KeyboardInterrupt

    with exchange():
        monkeypatch.setattr("venues.exchange.management.commands.replay.time.sleep", nap)
        printed = replay(path, "--speed", "0.01")
    assert "Stopped; the simulated participants are back." in printed
    assert ReplayRequest.objects.get().state == "stopped"
