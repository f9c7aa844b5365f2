from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import services
from accounts.factors import proving
from trading.management import reaching


class Command(BaseCommand):
    help = "Print the code that a person's authenticator app shows now (demo shape only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *_: Any, **options: Any) -> None:
        with reaching.database():
            try:
                code = proving.current_code(reaching.user(options["email"]), now=timezone.now())
            except (services.NotInProduction, proving.NoAuthenticator) as error:
                raise CommandError(str(error)) from None
        self.stdout.write(code)
