from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.instruments import listing


class Command(BaseCommand):
    help = (
        "List the instruments of a CSV file, with the columns of "
        "marketdata/instruments/data/instruments.csv."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            new = listing.load(now=timezone.now(), path=file)
        except (OSError, listing.UnableToList) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(new)} new instruments listed.")
