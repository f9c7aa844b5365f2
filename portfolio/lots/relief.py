"""Tax lots: what each purchase brought and cost, and which of it a sale closes.

Pure. A position is the sum of its lots, which are all of one sign: what trades against it closes
lots first, by the account's method, and only what is left opens a lot of the other sign.

    realised = proceeds - cost      of a short lot both are negative, so that the same holds

What leaves the house without a sale takes its lots with it, at what they have cost: nothing is
realised, and nothing is a correction of a trade either. What comes back brings the same lots.

Cash is split over several lots on the running total, and what closes the rest of a lot takes the
rest of its cost: nothing is lost to rounding.

A bust undoes exactly what its trade did: what that closed is open again, with its cost and its
date; what it opened is gone, and what had been closed of that is closed of other lots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from foundation import decimals
from marketdata import calendars
from portfolio.lots.records import ZERO, Closing, Deal, Lot, Method, Moved


@dataclass(slots=True)
class Lots:
    """The lots of one position, and what has become of them.

    `opened` (as they were then) and `closings` are what is new, `changed` names the lots that are
    not as they were, and `moved` is what all of that adds up to. `count` is how many lots the
    position has ever had. A deal that only opens needs none of the earlier lots to be here.
    """

    lots: dict[UUID, Lot]
    method: Method
    new_id: Callable[[], UUID]
    count: int = 0
    opened: list[Lot] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    closings: list[Closing] = field(default_factory=list)
    moved: Moved = field(default_factory=Moved)

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots.values()), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((lot.cost for lot in self.lots.values()), ZERO)

    def trade(
        self, deal: Deal, *, named: Sequence[UUID] = (), funds_settle_on: date | None = None
    ) -> list[Closing]:
        """Close what the deal trades against, by the method; open a lot with what is left of it.

        Returns what was closed.
        """
        total, done, given = abs(deal.signed_quantity), ZERO, ZERO
        closed: list[Closing] = []
        for lot in self._in_order(deal.signed_quantity, named):
            if done == total:
                break
            taken = min(abs(lot.quantity), total - done)
            done += taken
            so_far = deal.cash if done == total else _cents(deal.cash * done / total)
            closed.append(self._close(lot, taken, so_far - given, deal.trade_id, deal.at))
            given = so_far
        if done < total:
            left = (total - done).copy_sign(deal.signed_quantity)
            self._open(deal, left, deal.cash - given, funds_settle_on)
        return closed

    def bust(self, deal: Deal, *, bust_id: UUID, at: datetime, done: Iterable[Closing]) -> None:
        """Undo what a trade did; `deal` has its terms, with the cash that goes back.

        `done` are the closings, not undone yet, that the trade made or that closed what it opened;
        the lots of all of them are here. What the trade did before there were lots is undone by
        the opposite deal.
        """
        closings = [each for each in done if each.undoes is None and each.quantity]
        own = {lot.id for lot in self.lots.values() if lot.opened_by == deal.trade_id}
        before, cash = self.quantity, ZERO
        again: list[Closing] = []
        sign = Decimal(1).copy_sign(deal.signed_quantity)
        for closing in reversed(closings):
            # What the trade set off against a lot of its own counts as what it closed instead.
            if closing.lot_id in own and closing.closed_by != deal.trade_id:
                self._undo(closing, at)
                again.append(closing)
        for lot_id in own:
            lot = self.lots[lot_id]
            if lot.quantity:
                cash += sign * lot.cost
                self._take_away(lot, bust_id, at)
        for closing in reversed(closings):
            if closing.closed_by == deal.trade_id and closing.lot_id not in own:
                cash -= sign * closing.proceeds
                self._undo(closing, at)
        for each in reversed(again):
            self._close_again(each)  # what was closed of it is closed of others
        left = before - deal.signed_quantity - self.quantity
        rest = deal.cash - cash
        if left:
            self.trade(Deal(bust_id, left, max(rest, ZERO), at))
            rest = min(rest, ZERO)
        if self.closings:
            # Of the cents by which the bust is rounded otherwise than its fill was.
            self._realise(self.lots[self.closings[-1].lot_id], sign * rest, bust_id, at)
        self._set_off(at)

    def leave(self, *, quantity: Decimal, by: UUID, at: datetime) -> None:
        """Let so much of a long position leave the house, of the lots that the method says.

        Those that unsettled proceeds have paid for stay. Raises ValueError when the others are
        fewer than that.
        """
        day = calendars.date_of(at)
        left = quantity
        for lot in self._in_order(-quantity, ()):
            if left and lot.is_paid_for(day):
                left -= self._close(
                    lot, min(lot.quantity, left), None, by, at, is_correction=True
                ).quantity
        if left:
            raise ValueError(f"{left} of {quantity} is in no lot that may leave")

    def come_back(
        self, *, quantity: Decimal, by: UUID, at: datetime, done: Iterable[Closing], left_by: UUID
    ) -> None:
        """Let what has left come back: its lots are open again, with their cost and dates.

        `done` are the closings, not undone yet, by which it left. Where a bust has left a short of
        the withdrawal (`left_by`) in the place of some, that is covered at what it had cost.
        """
        left = quantity
        for closing in reversed([each for each in done if each.quantity]):
            self._undo(replace(closing, closed_by=by), at)
            left -= closing.quantity
        if left:
            shorts = [lot.cost for lot in self.lots.values() if lot.opened_by == left_by]
            self.trade(Deal(by, left, -sum(shorts, ZERO), at))
        self._set_off(at)

    def _close_again(self, closing: Closing) -> None:
        """Close others for what was closed of a lot that is gone: sold, or left the house."""
        deal = _deal_of(closing)
        if not closing.is_correction:
            self.trade(deal)
            return
        left = closing.quantity
        for lot in self._in_order(-left, ()):
            if left:
                taken = min(lot.quantity, left)
                again = self._close(lot, taken, None, deal.trade_id, deal.at, is_correction=True)
                left -= again.quantity
        if left:
            self._open(deal, -left, _cents(deal.cash * left / closing.quantity), None)

    def become(
        self, lot_id: UUID, *, quantity: Decimal, cost: Decimal, realised: Decimal, at: datetime
    ) -> None:
        """Let a lot become this without a trade; what it lost for cash has `realised` so much."""
        lot = self.lots[lot_id]
        self.lots[lot_id] = replace(lot, quantity=quantity, cost=cost)
        self.changed.add(lot_id)
        self.moved = self.moved.plus(quantity - lot.quantity, cost - lot.cost, ZERO)
        self._realise(self.lots[lot_id], realised, lot_id, at)

    def bring(self, *, quantity: Decimal, cost: Decimal, acquired_at: datetime) -> None:
        """Open a lot that no trade has opened."""
        self._add(None, acquired_at, quantity, cost, None)

    def _in_order(self, signed_quantity: Decimal, named: Sequence[UUID]) -> list[Lot]:
        """Return the lots that such a deal closes, the first one first."""
        against = [lot for lot in self.lots.values() if lot.quantity * signed_quantity < 0]
        against.sort(key=lambda lot: (lot.acquired_at, lot.number))
        if self.method is Method.LIFO:
            against.reverse()
        elif self.method is Method.HIGHEST_COST:
            # Of a short position the lot that brought the least leaves the least profit.
            against.sort(key=lambda lot: lot.unit_cost, reverse=signed_quantity < 0)
        if named:
            places = {lot_id: place for place, lot_id in enumerate(named)}
            against.sort(key=lambda lot: places.get(lot.id, len(places)))
        return against

    def _open(
        self, deal: Deal, quantity: Decimal, cash: Decimal, funds_settle_on: date | None
    ) -> None:
        cost = cash * Decimal(1).copy_sign(quantity)
        self._add(deal.trade_id, deal.at, quantity, cost, funds_settle_on)

    def _add(
        self,
        opened_by: UUID | None,
        acquired_at: datetime,
        quantity: Decimal,
        cost: Decimal,
        funds_settle_on: date | None,
    ) -> None:
        self.count += 1
        lot = Lot(
            id=self.new_id(),
            number=self.count,
            opened_by=opened_by,
            acquired_at=acquired_at,
            quantity=quantity,
            cost=cost,
            funds_settle_on=funds_settle_on,
        )
        self.lots[lot.id] = lot
        self.opened.append(lot)
        self.moved = self.moved.plus(lot.quantity, lot.cost, ZERO)

    def _close(
        self,
        lot: Lot,
        taken: Decimal,
        cash: Decimal | None,
        trade_id: UUID,
        at: datetime,
        *,
        is_correction: bool = False,
    ) -> Closing:
        """Close `taken` of the lot for `cash`; for None, at what it has cost."""
        quantity = taken.copy_sign(lot.quantity)
        is_all = quantity == lot.quantity
        cost = lot.cost if is_all else _cents(lot.cost * quantity / lot.quantity)
        return self._note(
            Closing(
                id=self.new_id(),
                lot_id=lot.id,
                closed_by=trade_id,
                closed_at=at,
                acquired_at=lot.acquired_at,
                quantity=quantity,
                cost=cost,
                proceeds=cost if cash is None else cash * Decimal(1).copy_sign(quantity),
                is_correction=is_correction,
            )
        )

    def _take_away(self, lot: Lot, bust_id: UUID, at: datetime) -> None:
        """Close all of a lot without a sale."""
        self._correct(lot, bust_id, at, quantity=lot.quantity, cost=lot.cost, proceeds=lot.cost)

    def _undo(self, closing: Closing, at: datetime) -> None:
        self._note(
            replace(
                closing,
                id=self.new_id(),
                closed_at=at,
                quantity=-closing.quantity,
                cost=-closing.cost,
                proceeds=-closing.proceeds,
                undoes=closing.id,
            )
        )

    def _realise(self, lot: Lot, amount: Decimal, by: UUID, at: datetime) -> None:
        """Realise what comes of no sale of the lot."""
        if amount:
            self._correct(lot, by, at, quantity=ZERO, cost=ZERO, proceeds=amount)

    def _correct(
        self,
        lot: Lot,
        by: UUID,
        at: datetime,
        *,
        quantity: Decimal,
        cost: Decimal,
        proceeds: Decimal,
    ) -> None:
        """Note what is no sale."""
        self._note(
            Closing(
                id=self.new_id(),
                lot_id=lot.id,
                closed_by=by,
                closed_at=at,
                acquired_at=lot.acquired_at,
                quantity=quantity,
                cost=cost,
                proceeds=proceeds,
                is_correction=True,
            )
        )

    def _set_off(self, at: datetime) -> None:
        """Let lots of different signs, that a bust may leave, close each other.

        Had the trade not been, the later one would have closed the earlier one.
        """
        while True:
            held = [lot for lot in self.lots.values() if lot.quantity]
            if len({lot.quantity > 0 for lot in held}) < 2:
                return
            later = max(held, key=lambda lot: (lot.acquired_at, lot.number))
            against = [abs(x.quantity) for x in held if x.quantity * later.quantity < 0]
            taken = min(abs(later.quantity), sum(against, ZERO))
            trade_id = later.opened_by or later.id
            # It was no sale of this lot: what it had cost is what the others are closed for.
            closing = self._close(later, taken, None, trade_id, at, is_correction=True)
            cost = abs(closing.cost)
            self.trade(Deal(trade_id, closing.quantity, cost, later.acquired_at))

    def _note(self, closing: Closing) -> Closing:
        lot = self.lots[closing.lot_id]
        self.lots[lot.id] = replace(
            lot, quantity=lot.quantity - closing.quantity, cost=lot.cost - closing.cost
        )
        self.changed.add(lot.id)
        self.closings.append(closing)
        self.moved = self.moved.plus(-closing.quantity, -closing.cost, closing.realised)
        return closing


def _deal_of(closing: Closing) -> Deal:
    return Deal(closing.closed_by, -closing.quantity, abs(closing.proceeds), closing.closed_at)


def _cents(value: Decimal) -> Decimal:
    return decimals.quantize(value, asset=decimals.CASH, rounding=decimals.NEAREST)
