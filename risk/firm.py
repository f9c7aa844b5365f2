"""What all customers together have at stake: exposure, concentration, stress. Reads only.

Each part is one statement over positions and quotes, whatever the number of accounts. A position
is valued as everywhere, at the last price or the middle, and at cost while it has neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from foundation import bulk
from marketdata.pricing import MARKET_PRICE

ZERO: Final = Decimal(0)
SHOCKS: Final = (Decimal("-0.20"), Decimal("-0.10"), Decimal("0.10"))
SYMBOLS_MAX: Final = 100
ROWS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Totals:
    """All customers together, in USD. `debit` is lent to them, `short_value` negative."""

    accounts: int
    cash: Decimal
    debit: Decimal
    held: Decimal
    long_value: Decimal
    short_value: Decimal
    unpriced: int

    @property
    def equity(self) -> Decimal:
        return self.cash - self.debit + self.long_value + self.short_value


@dataclass(frozen=True, slots=True)
class Exposure:
    """What customers have in one instrument, in USD; `short` is negative."""

    symbol: str
    sector: str
    accounts: int
    long: Decimal
    short: Decimal

    @property
    def net(self) -> Decimal:
        return self.long + self.short

    @property
    def gross(self) -> Decimal:
        return self.long - self.short


@dataclass(frozen=True, slots=True)
class Concentration:
    """A large position: its share of the account's equity, and of all that customers have of it.

    `of_equity` is None where there is no equity.
    """

    account_id: UUID
    number: str
    symbol: str
    quantity: Decimal
    value: Decimal
    of_equity: Decimal | None
    of_symbol: Decimal


@dataclass(frozen=True, slots=True)
class Largest:
    """An account by what it has in all instruments, in USD; `equity` has its cash, too."""

    account_id: UUID
    number: str
    gross: Decimal
    net: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Nearest:
    """A margin account and how far its equity is from a call, as a share of what it has."""

    account_id: UUID
    number: str
    equity: Decimal
    maintenance: Decimal
    excess: Decimal
    distance: Decimal


@dataclass(frozen=True, slots=True)
class Stress:
    """What becomes of customers and the firm when prices move by `shock`, all or of one sector.

    `change` is that of their equity. `calls` are margin accounts below their maintenance then and
    `deficit` what they lack; `loss` is what they owe beyond all that they have: the firm's.
    """

    sector: str | None
    shock: Decimal
    change: Decimal
    calls: int
    deficit: Decimal
    loss: Decimal


@dataclass(frozen=True, slots=True)
class FirmRisk:
    totals: Totals
    exposures: Sequence[Exposure]
    concentrations: Sequence[Concentration]
    nearest: Sequence[Nearest]
    now: Stress
    stress: Sequence[Stress]


def firm_risk() -> FirmRisk:
    """Return what all customers have at stake now."""
    now, stress = stressed()
    return FirmRisk(
        totals=totals(),
        exposures=exposures(),
        concentrations=concentrations(),
        nearest=nearest(),
        now=now,
        stress=stress,
    )


def totals() -> Totals:
    """Return what all customers have together."""
    [[accounts, cash, debit, held, long, short, unpriced]] = bulk.execute(_TOTALS)
    return Totals(accounts, cash, debit, held, long, short, unpriced)


def exposures() -> list[Exposure]:
    """Return what customers have in each instrument, the most first."""
    return [Exposure(*row) for row in bulk.execute(_EXPOSURES, [SYMBOLS_MAX])]


def concentrations() -> list[Concentration]:
    """Return the largest positions."""
    return [Concentration(*row) for row in bulk.execute(_CONCENTRATIONS, [ROWS_MAX])]


def largest() -> list[Largest]:
    """Return the accounts that have the most, long and short added."""
    return [Largest(*row) for row in bulk.execute(_LARGEST, [ROWS_MAX])]


def nearest() -> list[Nearest]:
    """Return the margin accounts that are nearest to a call, or beyond it."""
    return [Nearest(*row) for row in bulk.execute(_NEAREST, [ROWS_MAX])]


def stressed() -> tuple[Stress, list[Stress]]:
    """Return how it stands now, and after each shock of all prices and of each sector's.

    Equity moves with the value of positions, exactly. What maintenance requires is taken to move
    in proportion to their gross value: that of the margin monitor, and 30 % before it has looked.
    Prices move at once and by the same share for all, and nobody trades meanwhile.
    """
    rows = bulk.execute(_STRESS, [list(SHOCKS), list(SHOCKS)])
    [now] = [_stress(row, sector=None) for row in rows if row[0] is None and not row[1]]
    after = [_stress(row, sector=row[0]) for row in rows if row[1]]
    return now, after


def _stress(row: Sequence[Any], *, sector: str | None) -> Stress:
    _, shock, change, calls, deficit, loss = row
    return Stress(sector, shock, change, calls, deficit, loss)


# Positions with their value in USD; shared by the statements below, all of them our own words.
_VALUED: Final = f"""
    valued AS (
        SELECT p.account_id, p.instrument_id, p.quantity,
               i.symbol, coalesce(nullif(i.sector, ''), 'None') AS sector,
               coalesce(p.quantity * price.usd, p.cost_basis) AS value,
               price.usd IS NULL AS is_unpriced
          FROM portfolio_position p
          JOIN marketdata_instrument i ON i.id = p.instrument_id
          LEFT JOIN marketdata_quote q ON q.instrument_id = p.instrument_id
         CROSS JOIN LATERAL (SELECT {MARKET_PRICE} AS usd) AS price
         WHERE p.quantity <> 0
    )
"""  # noqa: S608 - put together from constants
_TOTALS: Final = f"""
    WITH {_VALUED}, cash AS (
        SELECT count(*) AS accounts, coalesce(sum(greatest(amount, 0)), 0) AS credit,
               coalesce(sum(greatest(-amount, 0)), 0) AS debit, coalesce(sum(held), 0) AS held
          FROM portfolio_balance WHERE asset = 'USD'
    )
    SELECT cash.*, coalesce(sum(value) FILTER (WHERE value > 0), 0),
           coalesce(sum(value) FILTER (WHERE value < 0), 0), count(*) FILTER (WHERE is_unpriced)
      FROM cash LEFT JOIN valued ON true
     GROUP BY accounts, credit, debit, held
"""  # noqa: S608 - put together from constants
_EXPOSURES: Final = f"""
    WITH {_VALUED}
    SELECT symbol, sector, count(*), coalesce(sum(value) FILTER (WHERE value > 0), 0),
           coalesce(sum(value) FILTER (WHERE value < 0), 0)
      FROM valued GROUP BY symbol, sector ORDER BY sum(abs(value)) DESC, symbol LIMIT %s
"""  # noqa: S608 - put together from constants
_CONCENTRATIONS: Final = f"""
    WITH {_VALUED}, equity AS (
        SELECT b.account_id, b.amount + coalesce(v.value, 0) AS usd
          FROM portfolio_balance b
          LEFT JOIN (SELECT account_id, sum(value) AS value FROM valued GROUP BY account_id) v
                 ON v.account_id = b.account_id
         WHERE b.asset = 'USD'
    ), whole AS (
        SELECT instrument_id, sum(abs(value)) AS gross FROM valued GROUP BY instrument_id
    )
    SELECT v.account_id, a.number, v.symbol, v.quantity, v.value,
           CASE WHEN e.usd > 0 THEN round(abs(v.value) / e.usd, 6) END,
           coalesce(round(abs(v.value) / nullif(w.gross, 0), 6), 0)
      FROM valued v
      JOIN accounts_account a ON a.id = v.account_id
      JOIN whole w ON w.instrument_id = v.instrument_id
      LEFT JOIN equity e ON e.account_id = v.account_id
     ORDER BY abs(v.value) DESC, a.number LIMIT %s
"""  # noqa: S608 - put together from constants
_LARGEST: Final = f"""
    WITH {_VALUED}, most AS (
        SELECT account_id, sum(abs(value)) AS gross, sum(value) AS net
          FROM valued GROUP BY account_id ORDER BY gross DESC, account_id LIMIT %s
    )
    SELECT m.account_id, a.number, m.gross, m.net, m.net + coalesce(b.amount, 0)
      FROM most m
      JOIN accounts_account a ON a.id = m.account_id
      LEFT JOIN portfolio_balance b ON b.account_id = m.account_id AND b.asset = 'USD'
     ORDER BY m.gross DESC, m.account_id
"""  # noqa: S608 - put together from constants
_NEAREST: Final = """
    SELECT s.account_id, a.number, s.equity, s.maintenance, s.excess,
           round(s.excess / (s.long_value - s.short_value), 6) AS distance
      FROM risk_marginstatus s JOIN accounts_account a ON a.id = s.account_id
     WHERE s.long_value - s.short_value > 0
     ORDER BY distance, a.number LIMIT %s
"""
# An account that has nothing of a sector stands after its shock as before: it is counted from the
# row of all accounts now. So a scenario reads what the sector's holders have, and no more.
_STRESS: Final = f"""
    WITH {_VALUED}, held AS (
        SELECT account_id, sector, sum(value) AS value, sum(abs(value)) AS gross
          FROM valued GROUP BY account_id, sector
    ), account AS (
        SELECT b.account_id, a.margin, b.amount + coalesce(h.value, 0) AS equity,
               coalesce(h.gross, 0) AS gross,
               coalesce(s.maintenance / nullif(s.long_value - s.short_value, 0), 0.30) AS rate
          FROM portfolio_balance b
          JOIN accounts_account a ON a.id = b.account_id
          LEFT JOIN (SELECT account_id, sum(value) AS value, sum(gross) AS gross
                       FROM held GROUP BY account_id) h ON h.account_id = b.account_id
          LEFT JOIN risk_marginstatus s ON s.account_id = b.account_id
         WHERE b.asset = 'USD'
    ), moved AS (
        SELECT NULL AS sector, shock.by, account_id, sum(value * shock.by) AS change,
               sum(gross * shock.by) AS more
          FROM held, unnest(%s::numeric[]) AS shock(by) GROUP BY shock.by, account_id
        UNION ALL
        SELECT sector, shock.by, account_id, value * shock.by, gross * shock.by
          FROM held, unnest(%s::numeric[]) AS shock(by)
    ), stands AS (
        SELECT account_id, equity, margin AND equity < gross * rate AS is_called,
               CASE WHEN margin THEN greatest(gross * rate - equity, 0) ELSE 0 END AS deficit,
               greatest(-equity, 0) AS loss, gross, rate, margin
          FROM account
    ), total AS (
        SELECT count(*) FILTER (WHERE is_called) AS calls, coalesce(sum(deficit), 0) AS deficit,
               coalesce(sum(loss), 0) AS loss FROM stands
    ), after AS (
        SELECT m.sector, m.by, sum(m.change) AS change,
               count(*) FILTER (WHERE s.margin AND s.equity + m.change
                                      < (s.gross + m.more) * s.rate)
             - count(*) FILTER (WHERE s.is_called) AS calls,
               sum(CASE WHEN s.margin THEN greatest(
                   (s.gross + m.more) * s.rate - s.equity - m.change, 0) ELSE 0 END - s.deficit)
                   AS deficit,
               sum(greatest(-s.equity - m.change, 0) - s.loss) AS loss
          FROM moved m JOIN stands s ON s.account_id = m.account_id
         GROUP BY m.sector, m.by
    )
    SELECT NULL AS sector, 0::numeric AS by, 0::numeric, calls, round(deficit, 2), round(loss, 2)
      FROM total
    UNION ALL
    SELECT sector, by, round(change, 2), total.calls + after.calls,
           round(total.deficit + after.deficit, 2), round(total.loss + after.loss, 2)
      FROM after, total
     ORDER BY sector NULLS FIRST, by
"""  # noqa: S608 - put together from constants
