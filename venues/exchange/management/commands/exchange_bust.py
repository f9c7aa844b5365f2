"""`manage.py exchange_bust TRADE --reason TEXT`"""

from __future__ import annotations

import getpass
import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from venues.exchange import busts
from venues.exchange.models import BustRequest

_ANSWER_SECONDS_MAX: Final = 10.0
_LOOK_SECONDS: Final = 0.2


def _number(said: str) -> int:
    """Return the number on the tape of a trade, from what a member calls its side of it, too."""
    return int(said.removeprefix("T").removesuffix("B").removesuffix("S"))


class Command(BaseCommand):
    help = (
        "Take back a trade of the embedded exchange: both members are told, and the bust is in "
        "their statements. It cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "trade", type=_number, help="The trade's number, or either side's execution: T20B."
        )
        parser.add_argument("--reason", required=True, help="Why; it is kept with the request.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            request = busts.ask(
                trade_number=options["trade"],
                reason=options["reason"],
                requested_by=getpass.getuser(),
                now=timezone.now(),
            )
        except busts.AlreadyBusted as error:
            raise CommandError(f"{error}.".capitalize()) from error
        self._await(request)

    def _await(self, request: BustRequest) -> None:
        """Wait until the exchange has answered. Raises CommandError when it refuses."""
        deadline = time.monotonic() + _ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            request.refresh_from_db()
            match request.state:
                case BustRequest.State.BUSTED:
                    self.stdout.write(f"Trade {request.trade_number} is busted.")
                    return
                case BustRequest.State.REFUSED:
                    raise CommandError(request.detail)
            time.sleep(_LOOK_SECONDS)
        self.stdout.write(
            "The exchange has not answered; it will bust the trade when it is running."
        )
