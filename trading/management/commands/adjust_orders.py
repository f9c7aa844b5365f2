from __future__ import annotations

import shlex
import time
from decimal import Decimal
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation import decimals
from marketdata import selectors
from marketdata.models import Instrument
from orders import corporate_actions, intake
from orders.adjustments import Action, Dividend, Removal, Split
from orders.corporate_actions import REFERENCE_LENGTH_MAX, Outcome
from trading.management import reaching

ROUNDS_MAX: Final = 10
CLOSE_SECONDS_MAX: Final = 10.0


class Command(BaseCommand):
    help = (
        "Carry the resting orders of an instrument over a corporate action: replace them on the "
        "new terms, or cancel those that have none. Works beside a running server. Applying the "
        "same action again changes nothing that it has changed. Apply it after the close, once "
        "positions and prices are on the new terms: risk denies what they do not cover."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        action = parser.add_mutually_exclusive_group(required=True)
        action.add_argument("--split", metavar="NEW:OLD", help="4:1 gives four shares for one")
        action.add_argument("--dividend", metavar="USD", help="cash for each share, such as 0.25")
        action.add_argument(
            "--cancel", action="store_true", help="a new symbol, a merger: every order ends"
        )
        parser.add_argument(
            "--reference",
            required=True,
            help="the action's own name, the same whenever it is applied: 'split 2026-01-06'",
        )

    def handle(
        self,
        *,
        symbol: str,
        split: str | None,
        dividend: str | None,
        reference: str,
        **_: Any,
    ) -> None:
        action = _action(split, dividend)
        if not 0 < len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
            raise CommandError(f"A reference has 1 to {REFERENCE_LENGTH_MAX} characters.")
        with reaching.database():
            instrument = selectors.instrument(symbol)
            if instrument is None:
                raise CommandError(f"There is no instrument {symbol} here.")
            again = shlex.join(_arguments(symbol, split, dividend, reference))
            self.stdout.write(f"To repeat it: python manage.py {again}")
            try:
                self._adjust(instrument, action, reference)
            finally:
                intake.intake.close(CLOSE_SECONDS_MAX)

    def _adjust(self, instrument: Instrument, action: Action, reference: str) -> None:
        """Apply the action until nothing is under way any more, a bounded number of times."""
        total = Outcome()
        for _ in range(ROUNDS_MAX):
            found = corporate_actions.adjust(
                instrument,
                action,
                reference=reference,
                enter=intake.enter,
                now=timezone.now(),
            )
            total = total.then(found)
            if not (found.replaced or found.cancelled or found.waiting):
                break
            time.sleep(1)
        self.stdout.write(
            f"{reference}: {total.replaced} orders of {instrument.symbol} replaced, "
            f"{total.cancelled} cancelled, {total.unchanged} unchanged."
        )
        if total.waiting:
            raise CommandError(f"{total.waiting} orders wait for their venue: repeat it.")


def _arguments(symbol: str, split: str | None, dividend: str | None, reference: str) -> list[str]:
    terms = ["--cancel"]
    if split is not None:
        terms = ["--split", split]
    elif dividend is not None:
        terms = ["--dividend", dividend]
    return ["adjust_orders", symbol, *terms, "--reference", reference]


def _action(split: str | None, dividend: str | None) -> Action:
    if split is not None:
        new, _, old = split.partition(":")
        if not (new.isdecimal() and old.isdecimal() and int(new) and int(old) and new != old):
            raise CommandError("A split is like 4:1 or 1:10.")
        return Split(int(new), int(old))
    if dividend is not None:
        try:
            amount = decimals.parse(dividend)
        except decimals.InvalidDecimal as error:
            raise CommandError(str(error)) from error
        if amount <= Decimal(0):
            raise CommandError("A dividend is more than nothing.")
        return Dividend(amount)
    return Removal()
