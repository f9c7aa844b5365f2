from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.parts import EVERY, Role
from trading.postgres_account import UnableToRunPostgres
from trading.program import Program
from trading.starting import UnableToStart
from trading.web_servers import SERVERS


class Command(BaseCommand):
    help = "Run Openfloor: everything in this one process, or the roles that are named."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--role",
            action="append",
            choices=[str(role) for role in Role],
            help="run this role only; may be repeated (default: every role)",
        )
        parser.add_argument("--server", choices=sorted(SERVERS), default="daphne")

    def handle(self, *_: Any, **options: Any) -> None:
        roles = frozenset(map(Role, options["role"])) if options["role"] else EVERY
        try:
            Program(roles=roles, server=options["server"], say=self._say).run()
        except (UnableToStart, UnableToRunPostgres) as error:
            raise CommandError(str(error)) from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
