from __future__ import annotations

from argparse import ArgumentParser
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketdata import calendars
from reconciliation.proof import keys, sealing, signed
from reconciliation.proof.keys import NoSealKey


class Command(BaseCommand):
    help = "Seal a day by hand, or print the public key: the job of the day does it by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, help="Today in New York if not said.")
        parser.add_argument("--key", action="store_true", help="Print the public key, no more.")

    def handle(self, *args: object, day: date | None, key: bool, **options: object) -> None:
        now = timezone.now()
        try:
            if key:
                self.stdout.write(signed.public_key(keys.signing()))
                return
            made = sealing.run(day=day or calendars.date_of(now), now=now, progress=_unseen)
        except NoSealKey as error:
            raise CommandError(str(error)) from None
        self.stdout.write(made)


def _unseen(done: int, total: int) -> None:
    """Show no progress: sealing one day takes seconds."""
