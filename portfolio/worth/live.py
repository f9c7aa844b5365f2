"""What watched accounts own and are worth, in the memory of a process.

The figures are those that `portfolio.selectors.snapshot` would read at the same moment and prices:
an account's books are read anew when something happened in it, many accounts in a few statements,
and prices change the figures of those who hold what they are of, without a statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from accounts.models import Account
from marketdata import selectors as marketdata
from marketdata.models import Instrument, Quote
from portfolio import selectors
from portfolio.selectors import Snapshot
from portfolio.worth import owned
from portfolio.worth.valuation import Valuation


class ReadModel:
    """The accounts that somebody watches. For one thread at a time."""

    def __init__(self) -> None:
        self._valuation = Valuation()
        self._accounts: dict[UUID, Account] = {}
        self._instruments: dict[UUID, Instrument] = {}

    def __contains__(self, account_id: UUID) -> bool:
        return account_id in self._accounts

    def refresh(self, account_ids: Iterable[UUID]) -> set[UUID]:
        """Read what these accounts own; return which of them there are."""
        found = owned.owned(account_ids)
        self._accounts |= Account.objects.in_bulk(found)
        held = {each.instrument_id for one in found.values() for each in one.positions}
        self._instruments |= Instrument.objects.in_bulk(held)
        unpriced = {each for each in held if not self._valuation.knows(each)}
        if unpriced:
            self.reprice(marketdata.latest_quotes(unpriced).values())
        for each in found.values():
            self._valuation.put(each)
        return set(found)

    def reprice(self, quotes: Iterable[Quote]) -> dict[UUID, set[UUID]]:
        """Take new prices; return which instruments are worth something else to which account."""
        return self._valuation.reprice(
            (quote.instrument_id, owned.price_of(quote)) for quote in quotes
        )

    def drop(self, account_id: UUID) -> None:
        """Forget the account: nobody watches it any more."""
        self._valuation.drop(account_id)
        self._accounts.pop(account_id, None)

    def snapshot(self, account_id: UUID, *, now: datetime) -> Snapshot:
        """Return what a known account owns and is worth. Raises KeyError.

        When its prices were last confirmed is not kept here: `price_age` is None.
        """
        return selectors.as_snapshot(
            self._valuation.worth(account_id),
            account=self._accounts[account_id],
            instruments=self._instruments,
            at=now,
            ages={},
        )
