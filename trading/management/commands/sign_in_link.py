from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from accounts import services
from trading.management import reaching


class Command(BaseCommand):
    help = "Print a link that signs a person in: once, within 10 minutes (demo shape only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *_: Any, **options: Any) -> None:
        with reaching.database():
            try:
                token = services.new_sign_in_link(reaching.user(options["email"]), timezone.now())
            except services.NotInProduction as error:
                raise CommandError(str(error)) from None
        path = reverse("sign_in_link", kwargs={"token": token})
        self.stdout.write(f"http://localhost:{settings.PORT}{path}")
