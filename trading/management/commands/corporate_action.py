from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation import wakeups
from foundation.wakeups import Channel
from marketdata import calendars
from orders.actions import carrying_out
from orders.actions.carrying_out import Progress
from orders.actions.services import Outcome
from orders.entry import intake
from portfolio.actions import services as corporate_actions
from trading.management import reaching

PATIENCE_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0
"""Between two looks at the most: that time passes, or a venue is heard of, nobody hints at."""
CLOSE_SECONDS_MAX: Final = 10.0


class Command(BaseCommand):
    help = (
        "Carry out a corporate action that was announced and approved: accounts, prices and "
        "resting orders, in the right order. Without a reference, list what is due. Works beside "
        "a running server, after late trading. Carrying it out again goes on where it stopped, "
        "and changes nothing that is done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", nargs="?", help="the action's name, as it was announced")

    def handle(self, *, reference: str | None, **_: Any) -> None:
        with reaching.database():
            if reference is None:
                self._list()
                return
            try:
                self._carry_out(reference)
            finally:
                intake.intake.close(CLOSE_SECONDS_MAX)

    def _list(self) -> None:
        due = corporate_actions.waiting_on(calendars.date_of(timezone.now()))
        self.stdout.write("\n".join(due) if due else "Nothing is due.")

    def _carry_out(self, reference: str) -> None:
        """Go on until it is done or waits for something else, some seconds at most."""
        entitled = paid = 0
        orders = Outcome()
        until = time.monotonic() + PATIENCE_SECONDS
        with wakeups.hearing(Channel.ACTIVITY) as hears_of_orders:
            while True:
                found = self._step(reference)
                entitled, paid = entitled + found.entitled, paid + found.paid
                orders = orders.then(found.orders)
                if not _is_worth_waiting(found) or time.monotonic() >= until:
                    break
                hears_of_orders(LOOK_SECONDS)
        self.stdout.write(
            f"{reference}: {entitled} accounts entitled, {paid} paid; {orders.replaced} orders "
            f"replaced, {orders.cancelled} cancelled, {orders.unchanged} unchanged."
        )
        if found.is_done:
            self.stdout.write("It is done.")
        elif _is_worth_waiting(found):
            raise CommandError(f"It waits for {found.waits_for}: repeat it.")
        else:
            self.stdout.write(f"It waits for {found.waits_for}.")

    def _step(self, reference: str) -> Progress:
        try:
            return carrying_out.carry_out(reference, enter=intake.enter, now=timezone.now())
        except carrying_out.UnableToCarryOut as error:
            raise CommandError(str(error)) from error


def _is_worth_waiting(found: Progress) -> bool:
    """Tell whether what it waits for comes in seconds: a pay date does not."""
    return bool(found.waits_for) and not found.waits_for_a_day
