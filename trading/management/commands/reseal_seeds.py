from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.factors import resealing, seeds
from trading.management import reaching


class Command(BaseCommand):
    help = "Seal all that lies sealed under the newest of SEED_KEYS, after one was put first."

    def handle(self, *_: Any, **__: Any) -> None:
        with reaching.database():
            try:
                count = resealing.reseal()
            except seeds.SeedUnreadable as error:
                raise CommandError(str(error)) from None
        self.stdout.write(f"{count} resealed.")
