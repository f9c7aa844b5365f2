"""Import trades and quotes of a past: `manage.py import_ticks FILE... --source NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata.history import importing, tick_files


class Command(BaseCommand):
    help = "Import trades and quotes from CSV files, so that the tape and its bars have a past."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help="CSV, or CSV in gzip (.gz).")
        parser.add_argument("--source", default="recorded", help="Who told them: a short name.")

    def handle(self, *, files: list[Path], source: str, **options: Any) -> None:
        if not 0 < len(source) <= importing.LENGTH_MAX or not source.isalnum():
            raise CommandError("--source is 1 to 12 letters and digits.")
        for path in files:
            try:
                done = tick_files.ticks(path, source=source)
            except importing.UnableToImport as error:
                raise CommandError(str(error)) from None
            held = f", {done.held:,} on the tape before" if done.held else ""
            self.stdout.write(f"{path.name}: {done.written:,} written{held}")
            for reason, count in sorted(done.left_out.items()):
                if count:
                    self.stderr.write(f"left out: {count:,} {reason}")
