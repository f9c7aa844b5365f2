from __future__ import annotations

import time
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from trading import starting
from trading.postgres_account import UnableToRunPostgres
from trading.recovery import standbys
from trading.recovery.standbys import UnableToPromote


class Command(BaseCommand):
    help = (
        "Make the standby in the data folder OPENFLOOR_HOME the one in charge. Refused while its "
        "primary still answers."
    )
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        server = starting.embedded_server()
        if server is None:
            raise CommandError(
                "The database at DATABASE_URL is not ours to promote: docs/recovery.md says how."
            )
        if not server.is_standby:
            raise CommandError(
                f"{settings.HOME} has no standby: set OPENFLOOR_HOME to the standby's folder."
            )
        server.follows = True
        begun = time.monotonic()
        try:
            with server:
                timeline = standbys.promote(server)
        except (UnableToPromote, UnableToRunPostgres, psycopg.Error) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"In charge, on timeline {timeline}, after {time.monotonic() - begun:.1f} s. Start the "
            f"program on it: OPENFLOOR_HOME={settings.HOME} manage.py serve"
        )
