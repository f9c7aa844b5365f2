from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation import safekeeping
from trading import starting
from trading.postgres import Server
from trading.postgres_account import UnableToRunPostgres
from trading.recovery import backups, restoring
from trading.recovery import store as stores
from trading.recovery.backups import UnableToBackUp
from trading.recovery.store import Busy, Store


class Command(BaseCommand):
    help = (
        "Take a backup of the embedded database, also beside a running server. From the first on, "
        "its log is archived and a backup is taken every day. --list shows what there is."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="list what can be restored")
        parser.add_argument(
            "--made-elsewhere",
            action="store_true",
            help="note that a backup of the outside database is whole now, as its last step",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        server = starting.embedded_server()
        if options["made_elsewhere"]:
            self._note(server)
            return
        if server is None:
            raise CommandError(
                "The database at DATABASE_URL is not ours to back up: docs/recovery.md says how."
            )
        if options["list"]:
            self._list(server)
            return
        if not server.is_made:
            raise CommandError(f"There is no database in {settings.HOME} yet.")
        try:
            with server:
                taken = backups.take(server, root=settings.BACKUPS, now=timezone.now())
        except (UnableToBackUp, UnableToRunPostgres, Busy) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{taken.folder}: {taken.packed_bytes / 1e6:,.1f} MB, verified. The database can be "
            f"restored to any moment from {_time(taken.ended_at)} on."
        )

    def _note(self, server: Server | None) -> None:
        if server is not None:
            raise CommandError("The embedded database is backed up here: leave the option out.")
        now = timezone.now()
        safekeeping.note(now=now, backup_at=now)
        self.stdout.write(f"Noted: a backup is whole at {_time(now)}.")

    def _list(self, server: Server) -> None:
        present = restoring.system_of(server.data)
        for store in stores.systems(settings.BACKUPS):
            is_ours = " (this data folder)" if store.system == present else ""
            self.stdout.write(f"Database {store.system}{is_ours}, {store.size / 1e6:,.1f} MB")
            self.stdout.write(f"  {'backup':<30}{'whole at':<22}{'timeline':>8}{'MB':>12}")
            for each in store.backups():
                self.stdout.write(
                    f"  {each.name:<30}{_time(each.ended_at):<22}{each.timeline:>8}"
                    f"{each.packed_bytes / 1e6:>12,.1f}"
                )
            self.stdout.write(f"  log archived up to {_archived(store)}")


def _archived(store: Store) -> str:
    segments = store.segments()
    if not segments:
        return "nowhere: start the program, which archives it"
    last = max(segments)
    written_at = datetime.fromtimestamp(segments[last].stat().st_mtime, tz=UTC)
    return f"segment {last.name}, written at {_time(written_at)}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
