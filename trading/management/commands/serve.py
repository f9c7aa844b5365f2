from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.companions import PROCESSES_MAX, Leader
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
        parser.add_argument(
            "--processes",
            type=int,
            default=1,
            metavar="N",
            help="run the web role in N processes that share the port, the rest in one of them "
            "(default: 1)",
        )
        # How such a process finds the one that has started it.
        parser.add_argument("--companion", type=int, help=argparse.SUPPRESS)

    def handle(self, *_: Any, **options: Any) -> None:
        roles = frozenset(map(Role, options["role"])) if options["role"] else EVERY
        processes, line = options["processes"], options["companion"]
        if not 1 <= processes <= PROCESSES_MAX:
            raise CommandError(f"--processes takes a number from 1 to {PROCESSES_MAX}.")
        if processes > 1 and Role.WEB not in roles:
            raise CommandError(
                "--processes is for the web role, which is not among these: add --role web, or "
                "start other roles again with --role."
            )
        program = Program(
            roles=roles,
            server=options["server"],
            say=self._say if line is None else _say_nothing,
            processes=processes,
            leader=None if line is None else Leader(line),
        )
        try:
            program.run()
        except (UnableToStart, UnableToRunPostgres) as error:
            raise CommandError(str(error)) from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _say_nothing(_line: str) -> None:
    """A companion is mute: what there is to say, the first process says."""
