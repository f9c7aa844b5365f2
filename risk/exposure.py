"""What is at stake: of an account all its positions, of the firm all customers' open buys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from foundation import trips
from foundation.trips import Answer
from marketdata.pricing import MARKET_PRICE

CLOCK_SECONDS_MAX: Final = 60.0
"""How long a measurement of the clock says something."""


@dataclass(slots=True)
class FirmState:
    """What the firm has at stake, as of `at`, and how right its clocks are.

    `open_buys` grows with what a batch adds to it; None when nobody has ever added it up.
    """

    open_buys: Decimal | None = None
    at: datetime | None = None
    clock_offset: float | None = None

    def age(self, now: datetime) -> float | None:
        """Return how many seconds old the sum is; what was added up just now is of age zero."""
        return None if self.at is None else max((now - self.at).total_seconds(), 0.0)

    def without(self, cost: Decimal) -> Decimal | None:
        """Return what is open to buy but for so much of it."""
        return None if self.open_buys is None else self.open_buys - cost

    def add(self, cost: Decimal) -> None:
        if self.open_buys is not None:
            self.open_buys += cost


def ask_firm(now: datetime) -> Answer[FirmState]:
    """Ask what the firm has at stake, and for the worst clock of those measured lately."""
    rows = trips.send(
        # The clocks count also when nobody has added up.
        """SELECT f.open_buys, f.at,
                  (SELECT offset_ms FROM risk_clockreading WHERE at > %s
                    ORDER BY abs(offset_ms) DESC LIMIT 1)
             FROM (SELECT) AS always LEFT JOIN risk_firmexposure f ON true""",
        [now - timedelta(seconds=CLOCK_SECONDS_MAX)],
    )
    return Answer(lambda: FirmState(*found[0]) if (found := rows.get()) else FirmState())


def write_firm(open_buys: Decimal, *, now: datetime) -> None:
    """Note what all customers' open buys may cost as of `now`."""
    trips.send(
        """INSERT INTO risk_firmexposure (id, open_buys, at) VALUES (1, %s, %s)
               ON CONFLICT (id) DO UPDATE SET open_buys = excluded.open_buys, at = excluded.at""",
        [open_buys, now],
    )


def ask_exposures(account_ids: Iterable[UUID]) -> Answer[dict[UUID, Decimal]]:
    """Ask what all positions of each account are worth in USD, short ones as much as long ones.

    At the latest price that there is, however old: an instrument that nobody prices any more is
    still at stake, then for what it has cost.
    """
    rows = trips.send(
        f"""SELECT p.account_id, sum(abs(coalesce(
                      p.quantity * coalesce({MARKET_PRICE}, q.bid, q.ask),
                      p.cost_basis)))
             FROM portfolio_position p LEFT JOIN marketdata_quote q USING (instrument_id)
            WHERE p.account_id = ANY(%s) AND p.quantity <> 0 GROUP BY 1""",  # noqa: S608
        [list(account_ids)],
    )
    return Answer(lambda: dict(rows.get()))
