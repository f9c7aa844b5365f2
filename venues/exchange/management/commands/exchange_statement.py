"""`manage.py exchange_statement DAY [--member NAME] [--to FOLDER]`"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from venues.exchange import statement


class Command(BaseCommand):
    help = "Write the embedded exchange's statements of a trading day: a CSV file a member."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("day", metavar="DAY", help="The trading day: 2026-03-04.")
        parser.add_argument("--member", help="One member only.")
        parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            day = date.fromisoformat(options["day"])
        except ValueError as error:
            raise CommandError("DAY must be a date like 2026-03-04.") from error
        folder: Path = options["to"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        members = [options["member"]] if options["member"] else statement.members_on(day)
        for member in members:
            path = folder / statement.file_name(member=member, day=day)
            lines = statement.lines(member=member, day=day)
            path.write_text(statement.as_csv(lines), encoding="utf-8")
            self.stdout.write(str(path))
        if not members:
            self.stdout.write(f"No member had anything here on {day}.")
