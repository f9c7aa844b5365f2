from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.customers import profiles
from accounts.factors import seeds
from trading.management import reaching


class Command(BaseCommand):
    help = "Seal every authenticator's seed under the present SECRET_KEY, after it was changed."

    def handle(self, *_: Any, **__: Any) -> None:
        with reaching.database():
            try:
                count = services.reseal_seeds() + profiles.reseal()
            except seeds.SeedUnreadable as error:
                raise CommandError(str(error)) from None
        self.stdout.write(f"{count} seeds resealed.")
