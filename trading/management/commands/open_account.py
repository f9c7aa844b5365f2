from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import services
from accounts.factors import passwords, proving
from accounts.keys import issuing
from foundation import decimals
from portfolio import services as portfolio
from trading.management import reaching

ACTOR = "operator:terminal"


class Command(BaseCommand):
    help = (
        "Open an account for a new customer and print it as one JSON object. Works beside a "
        "running server. An e-mail that is registered already is an error and opens nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="the customer's name")
        parser.add_argument(
            "--deposit", metavar="AMOUNT", help="USD to begin with, such as 2500.00"
        )
        parser.add_argument("--margin", action="store_true", help="open it as a margin account")
        parser.add_argument("--password", help="without it, a sign-in link is the way in")
        parser.add_argument("--api-key", action="store_true", help="make a key for programs too")

    def handle(self, *_: Any, **options: Any) -> None:
        with reaching.database():
            opened = self._open(**options)
        self.stdout.write(json.dumps(opened))

    @transaction.atomic
    def _open(
        self,
        *,
        email: str,
        name: str,
        deposit: str | None,
        margin: bool,
        password: str | None,
        api_key: bool,
        **_: Any,
    ) -> dict[str, str]:
        if not settings.DEMO and password is None:
            raise CommandError("In production give a --password: there are no sign-in links.")
        now = timezone.now()
        amount = _amount(deposit)
        try:
            user = services.register(email=email, name=name, password=password)
            account = services.open_account(user, margin=margin)
            if settings.DEMO:
                proving.enrol_unseen(user)
            if amount is not None:
                portfolio.deposit(
                    account_id=account.pk, amount=amount, reference="opening", actor=ACTOR, now=now
                )
        except (
            services.InvalidEmail,
            services.InvalidName,
            services.EmailTaken,
            passwords.PasswordRefused,
            portfolio.UnableToDeposit,
        ) as error:
            raise CommandError(str(error)) from None
        opened = {
            "account_id": str(account.pk),
            "account_number": account.number,
            "email": user.email,
        }
        if api_key:
            key, secret = issuing.create(account, "opening", actor=ACTOR, now=now)
            opened |= {"key_id": key.key_id, "secret_key": secret}
        return opened


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return decimals.parse(text)
    except decimals.InvalidDecimal:
        raise CommandError("--deposit is an amount in USD such as 2500.00.") from None
