from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import selectors, services
from accounts.factors import proving
from trading.management import reaching
from trading.operations import staff_roles
from trading.operations.staff_roles import StaffRole


class Command(BaseCommand):
    help = (
        "Give somebody the roles of a member of staff, and take from them all others; without "
        "--role they are no member of staff any more. Who is not registered is, and chooses a "
        "password by a letter (Forgotten on the sign-in page)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="of somebody who is not registered yet")
        parser.add_argument(
            "--role", action="append", choices=[str(role) for role in StaffRole], default=[]
        )

    def handle(self, *_: Any, **options: Any) -> None:
        roles = [StaffRole(role) for role in options["role"]]
        with reaching.database(), transaction.atomic():
            user = selectors.user_by_email(options["email"])
            if user is None and not roles:
                raise CommandError(f"Nobody is registered as {options['email']}.")
            if user is not None and selectors.account_of(user) is not None and roles:
                raise CommandError(
                    "A customer is no member of staff: give the person another address for work."
                )
            if user is None:
                try:
                    user = services.register(email=options["email"], name=options["name"])
                except (services.InvalidEmail, services.InvalidName) as error:
                    raise CommandError(str(error)) from None
                if settings.DEMO:
                    proving.enrol_unseen(user)
            staff_roles.assign(user, roles)
        self.stdout.write(f"{user.email}: {', '.join(roles) or 'no member of staff'}")
