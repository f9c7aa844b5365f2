"""`manage.py take_statement FILE --from SOURCE --day D`"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reconciliation.others import BadStatement
from reconciliation.venue_statements import services as statements


class Command(BaseCommand):
    help = "Take a statement that a venue, custodian or bank has sent; a bad one leaves nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--from", dest="source", required=True, metavar="SOURCE")
        parser.add_argument("--day", required=True, metavar="D", help="2026-03-04")

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            day = date.fromisoformat(options["day"])
            kept, is_new = statements.take(
                name=options["source"],
                day=day,
                content=file.read_bytes(),
                file_name=file.name,
                actor="operator:console",
                now=timezone.now(),
            )
        except BadStatement as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError("--day must be a date like 2026-03-04.") from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        said = "taken" if is_new else "was here already"
        self.stdout.write(f"{kept}: {kept.lines} lines, {said}. SHA-256 {kept.sha256}")
