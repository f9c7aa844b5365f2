"""Import a past: `manage.py import_bars FILE... --source NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.history import importing
from marketdata.history.importing import Imported
from marketdata.instruments import habits

SHOWN: Final = 10


class Command(BaseCommand):
    help = "Import bars of days or minutes from CSV files, so that charts have years."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help="CSV, or CSV in gzip (.gz).")
        parser.add_argument("--source", default="import", help="Who told them: a short name.")
        parser.add_argument(
            "--adjustments", action="store_true", help="The files say splits and dividends."
        )

    def handle(self, *, files: list[Path], source: str, adjustments: bool, **options: Any) -> None:
        if not 0 < len(source) <= importing.LENGTH_MAX or not source.isalnum():
            raise CommandError("--source is 1 to 12 letters and digits.")
        for path in files:
            try:
                done = (
                    importing.adjustments(path, now=timezone.now())
                    if adjustments
                    else importing.bars(path, source=source)
                )
            except importing.UnableToImport as error:
                raise CommandError(str(error)) from None
            self._tell(path, done)
        habits.forget()

    def _tell(self, path: Path, done: Imported) -> None:
        kept = f", {done.kept:,} of another source kept" if done.kept else ""
        self.stdout.write(f"{path.name}: {done.written:,} written{kept}")
        for line in done.left_out[:SHOWN]:
            self.stderr.write(f"left out: {line}")
        if len(done.left_out) > SHOWN:
            self.stderr.write(f"left out: {len(done.left_out) - SHOWN:,} lines more")
