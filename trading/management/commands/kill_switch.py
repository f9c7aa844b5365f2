from __future__ import annotations

import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from orders.safeguards import stopping
from risk.controls.models import Switch
from risk.controls.switches import Scope, UnableToSwitch
from trading.management import reaching


class Command(BaseCommand):
    help = (
        "Stop trading at once: of an order, an account, a symbol, a venue, or of the firm, that "
        "is, of everybody. Two people release it in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--order", type=UUID)
        parser.add_argument("--account", help="The account's number.")
        parser.add_argument("--symbol")
        parser.add_argument("--venue")
        parser.add_argument("--firm", action="store_true", help="Everybody.")
        parser.add_argument(
            "--effect",
            choices=Switch.Effect.values,
            default=Switch.Effect.KILL.value,
            help="kill cancels what is open, too; halt leaves it; closing_only lets positions "
            "be reduced.",
        )
        parser.add_argument("--reason", required=True)

    def handle(self, *_: Any, **given: Any) -> None:
        with reaching.database():
            switch = self._engage(given)
        self.stdout.write(f"{switch.engaged_at.isoformat()} {switch}")

    def _engage(self, given: dict[str, Any]) -> Switch:
        scope = [given[name] for name in ("order", "account", "symbol", "venue")]
        if "" in scope:
            # A script whose variable is not set does not mean everybody.
            raise CommandError("A scope is empty: name what is to be stopped, or say --firm.")
        if given["firm"] == any(scope):
            raise CommandError("Name what is to be stopped, or say --firm, and not both.")
        account = instrument = None
        if given["account"]:
            account = Account.objects.filter(number=given["account"]).first()
            if account is None:
                raise CommandError(f"There is no account {given['account']}.")
        if given["symbol"]:
            instrument = Instrument.objects.filter(symbol=given["symbol"]).first()
            if instrument is None:
                raise CommandError(f"There is no instrument {given['symbol']}.")
        try:
            return stopping.engage(
                scope=Scope(
                    order_id=given["order"],
                    account_id=account.pk if account else None,
                    instrument_id=instrument.pk if instrument else None,
                    venue=given["venue"] or "",
                ),
                effect=Switch.Effect(given["effect"]),
                reason=given["reason"],
                actor=f"operator:shell:{getpass.getuser()}"[:80],
                now=timezone.now(),
            )
        except UnableToSwitch as error:
            raise CommandError(f"{error.code}: {error}") from None
