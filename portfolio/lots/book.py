"""The positions of some locked accounts and their lots, open for one transaction.

Rows on the outside, `portfolio.lots.relief` within. A deal that adds to a position needs none of
its lots, so that an account with thousands of them pays for nothing when it buys more; what trades
against a position needs them, and they were read with it where that could be foreseen.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.locks import LockedAccount
from foundation import bulk
from foundation.trips import Answer
from portfolio.lots import records
from portfolio.lots.records import Closing, Deal, Method
from portfolio.lots.relief import Lots
from portfolio.models import Lot, LotAdjustment, LotClosing, Position

ZERO: Final = Decimal(0)
Key = tuple[UUID, UUID]
"""Account and instrument."""


class LotBook:
    """Positions and lots; make one with `ask_lots`."""

    def __init__(self, *, positions: Iterable[Position], found: Iterable[Lot]) -> None:
        self._positions = {(p.account_id, p.instrument_id): p for p in positions}
        self._stored = set(self._positions)
        self._rows: dict[UUID, Lot] = {}
        self._lots: dict[Key, Lots] = {}
        self._early: dict[Key, list[Lot]] = {}
        for row in found:
            self._early.setdefault((row.account_id, row.instrument_id), []).append(row)
        # Of these there are lots that were not read.
        self._unread = {key for key, p in self._positions.items() if p.quantity} - set(self._early)
        self._changed: set[Key] = set()
        self._adjustments: list[LotAdjustment] = []

    def position(self, account: LockedAccount, instrument_id: UUID, *, at: datetime) -> Position:
        """Return the position, a new one if there is none yet."""
        key = (account.id, instrument_id)
        if key not in self._positions:
            self._positions[key] = bulk.new(
                Position, account_id=account.id, instrument_id=instrument_id, opened_at=at
            )
        return self._positions[key]

    def trade(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        deal: Deal,
        *,
        named: Sequence[UUID] = (),
        funds_settle_on: date | None = None,
    ) -> list[tuple[Closing, records.Lot]]:
        """Close and open lots, and carry the position on; return what was closed of which lots."""
        stands = self.position(account, instrument_id, at=deal.at).quantity
        is_against = stands * deal.signed_quantity < 0
        with self._changing(account, instrument_id, at=deal.at, reads=is_against) as found:
            closed = found.trade(deal, named=named, funds_settle_on=funds_settle_on)
        return [(closing, found.lots[closing.lot_id]) for closing in closed]

    def bust(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        deal: Deal,
        *,
        bust_id: UUID,
        at: datetime,
    ) -> None:
        """Undo what a trade did (see `Lots.bust`)."""
        with self._changing(account, instrument_id, at=at) as found:
            done = self._done_by(found, (account.id, instrument_id), deal.trade_id)
            found.bust(deal, bust_id=bust_id, at=at, done=done)

    def open_lots(self, account: LockedAccount, instrument_id: UUID) -> list[records.Lot]:
        """Return what is left of the lots of a position, the oldest first."""
        position = self._positions.get((account.id, instrument_id))
        if position is None:
            return []
        found = self._of(account, position)
        self._read(found, position)
        left = [lot for lot in found.lots.values() if lot.quantity]
        return sorted(left, key=lambda lot: (lot.acquired_at, lot.number))

    def become(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        lot_id: UUID,
        *,
        quantity: Decimal,
        cost: Decimal,
        realised: Decimal = ZERO,
        reference: str,
        at: datetime,
    ) -> None:
        """Let an open lot become this without a trade, as by a split; once for a `reference`.

        `realised` is the profit on what it lost for cash.
        """
        with self._changing(account, instrument_id, at=at) as found:
            lot = found.lots[lot_id]
            found.become(lot_id, quantity=quantity, cost=cost, realised=realised, at=at)
        self._adjustments.append(
            bulk.new(
                LotAdjustment,
                lot_id=lot_id,
                at=at,
                reference=reference,
                quantity=quantity - lot.quantity,
                cost=cost - lot.cost,
            )
        )

    def bring(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        *,
        quantity: Decimal,
        cost: Decimal,
        acquired_at: datetime,
        at: datetime,
    ) -> None:
        """Open a lot that no trade has opened, as by a merger. `cost` has the quantity's sign."""
        with self._changing(account, instrument_id, at=at, reads=False) as found:
            found.bring(quantity=quantity, cost=cost, acquired_at=acquired_at)

    def leave(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        *,
        quantity: Decimal,
        by: UUID,
        at: datetime,
    ) -> None:
        """Let so much leave the house without a sale (see `Lots.leave`)."""
        with self._changing(account, instrument_id, at=at) as found:
            found.leave(quantity=quantity, by=by, at=at)

    def come_back(
        self,
        account: LockedAccount,
        instrument_id: UUID,
        *,
        quantity: Decimal,
        left_by: UUID,
        by: UUID,
        at: datetime,
    ) -> None:
        """Let come back what has left by a withdrawal (see `Lots.come_back`)."""
        with self._changing(account, instrument_id, at=at) as found:
            done = self._done_by(found, (account.id, instrument_id), left_by)
            found.come_back(
                quantity=quantity,
                by=by,
                at=at,
                left_by=left_by,
                done=[each for each in done if each.closed_by == left_by],
            )

    def close(self) -> None:
        """Write everything that changed."""
        new: list[Lot] = []
        changed: list[Lot] = []
        closings: list[LotClosing] = []
        for key in self._changed & self._lots.keys():
            found = self._lots[key]
            new += [self._new_row(key, lot, found) for lot in found.opened]
            opened = {lot.id for lot in found.opened}
            changed += [self._row(found.lots[lot_id]) for lot_id in found.changed - opened]
            closings += [_closing_row(key, closing) for closing in found.closings]
        bulk.insert(new)
        bulk.update(changed, fields=("quantity", "cost_basis"))
        bulk.insert(closings)
        bulk.insert(self._adjustments)
        fresh = self._changed - self._stored
        bulk.insert([self._positions[key] for key in fresh])
        bulk.update(
            [self._positions[key] for key in self._changed - fresh],
            fields=("quantity", "cost_basis", "realised", "opened_at", "lots_opened"),
        )

    @contextmanager
    def _changing(
        self, account: LockedAccount, instrument_id: UUID, *, at: datetime, reads: bool = True
    ) -> Iterator[Lots]:
        """Yield the lots of a position, those that nobody foresaw to be needed read unless told
        otherwise; carry the position on by what has been done to them."""
        position = self.position(account, instrument_id, at=at)
        found = self._of(account, position)
        if reads:
            self._read(found, position)
        before = found.moved
        yield found
        if not position.quantity:
            position.opened_at = at
        position.quantity += found.moved.quantity - before.quantity
        position.cost_basis += found.moved.cost - before.cost
        position.realised += found.moved.realised - before.realised
        position.lots_opened = found.count
        self._changed.add((account.id, instrument_id))

    def _of(self, account: LockedAccount, position: Position) -> Lots:
        key = (position.account_id, position.instrument_id)
        found = self._lots.get(key)
        if found is None:
            found = self._lots[key] = Lots(
                lots={},
                method=Method(account.lot_method),
                new_id=uuid.uuid4,
                count=position.lots_opened,
            )
            self._take_in(found, self._early.pop(key, ()))
        return found

    def _read(self, found: Lots, position: Position) -> None:
        """Read the lots of a position that nobody foresaw to be needed."""
        key = (position.account_id, position.instrument_id)
        if key in self._unread:
            self._unread.discard(key)
            clause = "account_id = %s AND instrument_id = %s AND quantity <> 0"
            self._take_in(found, bulk.select(Lot, clause, list(key)))

    def _done_by(self, found: Lots, key: Key, trade_id: UUID) -> list[Closing]:
        """Return the closings that a bust of the trade undoes, and have their lots read."""
        own = bulk.select(
            Lot,
            """account_id = %s AND instrument_id = %s AND (opened_by = %s OR id IN (
                   SELECT lot_id FROM portfolio_lotclosing WHERE closed_by = %s))""",
            [*key, trade_id, trade_id],
        )
        self._take_in(found, own)
        opened = [lot.id for lot in found.lots.values() if lot.opened_by == trade_id]
        stored = bulk.select(
            LotClosing,
            """(closed_by = %s OR lot_id = ANY(%s)) AND undoes_id IS NULL
               AND NOT EXISTS (SELECT FROM portfolio_lotclosing u
                                WHERE u.undoes_id = portfolio_lotclosing.id)
               ORDER BY closed_at, id""",
            [trade_id, opened],
        )
        undone = {closing.undoes for closing in found.closings}
        known = [_closing_of(row) for row in stored if row.account_id == key[0]]
        return [
            closing
            for closing in [*known, *found.closings]
            if closing.id not in undone
            and closing.undoes is None
            and (closing.closed_by == trade_id or closing.lot_id in opened)
        ]

    def _take_in(self, found: Lots, rows: Iterable[Lot]) -> None:
        for row in rows:
            if row.id not in found.lots:
                self._rows[row.id] = row
                found.lots[row.id] = records.Lot(
                    id=row.id,
                    number=row.number,
                    opened_by=row.opened_by,
                    acquired_at=row.acquired_at,
                    quantity=row.quantity,
                    cost=row.cost_basis,
                    funds_settle_on=row.funds_settle_on,
                )

    def _row(self, lot: records.Lot) -> Lot:
        row = self._rows[lot.id]
        row.quantity, row.cost_basis = lot.quantity, lot.cost
        return row

    def _new_row(self, key: Key, opened: records.Lot, found: Lots) -> Lot:
        left = found.lots[opened.id]
        return bulk.new(
            Lot,
            id=opened.id,
            account_id=key[0],
            instrument_id=key[1],
            number=opened.number,
            opened_by=opened.opened_by,
            acquired_at=opened.acquired_at,
            opened_quantity=opened.quantity,
            opened_cost=opened.cost,
            quantity=left.quantity,
            cost_basis=left.cost,
            funds_settle_on=opened.funds_settle_on,
        )


def _closing_row(key: Key, closing: Closing) -> LotClosing:
    return bulk.new(
        LotClosing,
        id=closing.id,
        lot_id=closing.lot_id,
        account_id=key[0],
        instrument_id=key[1],
        closed_by=closing.closed_by,
        acquired_at=closing.acquired_at,
        closed_at=closing.closed_at,
        quantity=closing.quantity,
        cost=closing.cost,
        proceeds=closing.proceeds,
        realised=closing.realised,
        is_long_term=closing.is_long_term,
        undoes_id=closing.undoes,
        is_correction=closing.is_correction,
    )


def _closing_of(row: LotClosing) -> Closing:
    return Closing(
        id=row.id,
        lot_id=row.lot_id,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        acquired_at=row.acquired_at,
        quantity=row.quantity,
        cost=row.cost,
        proceeds=row.proceeds,
        undoes=row.undoes_id,
        is_correction=row.is_correction,
    )


def ask_lots(
    *, account_ids: Sequence[UUID], instrument_ids: Sequence[UUID], order_ids: Sequence[UUID] = ()
) -> Answer[LotBook]:
    """Ask for positions, and for the lots of those that orders of the other side may close.

    To be asked behind the locks of the accounts.
    """
    positions = bulk.ask(
        Position,
        "account_id = ANY(%s) AND instrument_id = ANY(%s)",
        [list(account_ids), list(instrument_ids)],
    )
    found = bulk.ask(
        Lot,
        """quantity <> 0 AND (account_id, instrument_id) IN (
               SELECT h.account_id, p.instrument_id FROM portfolio_hold h
                 JOIN portfolio_position p ON p.account_id = h.account_id
                 JOIN marketdata_instrument i ON i.id = p.instrument_id
                WHERE h.order_id = ANY(%s) AND p.instrument_id = ANY(%s)
                  AND (h.asset = i.code OR p.quantity < 0))""",
        [list(order_ids), list(instrument_ids)],
    )
    return Answer(lambda: LotBook(positions=positions.get(), found=found.get()))


def are_open(account: LockedAccount, instrument_id: UUID, lot_ids: Sequence[UUID]) -> bool:
    """Tell whether all of these are open lots of the position, bought and not sold short."""
    clause = "account_id = %s AND instrument_id = %s AND id = ANY(%s) AND quantity > 0"
    found = bulk.select(Lot, clause, [account.id, instrument_id, list(lot_ids)])
    return {lot.id for lot in found} == set(lot_ids)
