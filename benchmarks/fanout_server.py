"""The program's sockets behind one server, with a market that moves as often as it is told.

`python -m benchmarks.fanout_server SERVER PORT`, which `benchmarks.fanout` starts: a line on its
input is the number of rounds a second. In each round every instrument has a new price, which the
hub shows and tells as if it had read it from the tables: all that follows is the real thing. The
round's time is the quotes' own, so that who reads them knows how long they took. The watch over
sign-ins is at work, too.
"""

from __future__ import annotations

from trading.asgi import application  # first: it sets Django up

# isort: split
import random
import socket
import sys
import threading
import time
from typing import Final

from django.utils import timezone

from marketdata import selectors
from marketdata.models import Quote
from trading.streams import watch
from trading.streams.hub import hub
from trading.web_servers import SERVERS

IDLE_SECONDS: Final = 0.05


class Market(threading.Thread):
    """Moves every price so many times a second; late rounds are not made up for."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.rounds_a_second = 0.0
        self._dice = random.Random(7)
        self._quotes = list(Quote.objects.select_related("instrument"))
        self._standings = selectors.standings()
        self._play()

    def run(self) -> None:
        due = time.monotonic()
        while True:
            rate = self.rounds_a_second
            if not rate:
                time.sleep(IDLE_SECONDS)
                due = time.monotonic()
                continue
            due = max(due + 1 / rate, time.monotonic() - 1 / rate)
            time.sleep(max(0.0, due - time.monotonic()))
            self._play()

    def _play(self) -> None:
        now = timezone.now()
        self._quotes = [self._moved(quote) for quote in self._quotes]
        for quote in self._quotes:
            quote.at = now
        symbols = hub.take(self._quotes, stale=set(), standings=self._standings)
        hub.tell(symbols)

    def _moved(self, quote: Quote) -> Quote:
        moved = Quote.__new__(Quote)  # a copy for little: no market is to be measured here
        moved.__dict__.update(quote.__dict__)
        tick, steps = quote.instrument.price_increment, self._dice.randint(-3, 3)
        if quote.bid is not None and quote.ask is not None:
            # It always moves, and never towards nothing.
            step = (steps or 1) * tick if quote.bid > 50 else tick
            moved.bid, moved.ask = quote.bid + step, quote.ask + step
        return moved


def main() -> None:
    server, port = sys.argv[1], int(sys.argv[2])
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    market = Market()
    market.start()
    looking = (threading.Event(), lambda: None)
    threading.Thread(target=watch.run, args=looking, daemon=True).start()
    served = SERVERS[server](application, listening)

    def obey() -> None:
        for line in sys.stdin:
            market.rounds_a_second = float(line)
        served.stop()

    threading.Thread(target=obey, daemon=True).start()
    served.run(lambda: print("ready", flush=True))


if __name__ == "__main__":
    main()
