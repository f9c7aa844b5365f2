from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from trading import starting
from trading.postgres import Server
from trading.recovery import beside, restoring
from trading.recovery.restoring import Restored, UnableToRestore
from trading.starting import UnableToStart


class Command(BaseCommand):
    help = (
        "Restore the embedded database to a moment, or to the last that there is: beside the old "
        "one, checked against the invariants, and only then in its place. The old one is kept."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            type=_moment,
            help="the last moment that counts, such as 2026-01-05T14:30:00Z; without it, "
            "everything that there is",
        )
        parser.add_argument(
            "--into", type=Path, help="a new data folder, for a look: nothing is put in place"
        )
        parser.add_argument(
            "--timeline", type=int, help="not the youngest, but one from before a restore"
        )

    def handle(
        self, *_: Any, to: datetime | None, into: Path | None, timeline: int | None, **__: Any
    ) -> None:
        begun_at = timezone.now()
        server = starting.embedded_server()
        if server is None:
            raise CommandError(
                "The database at DATABASE_URL is not ours to restore: docs/recovery.md says how."
            )
        if to is not None and to > begun_at:
            raise CommandError("--to is yet to come.")
        try:
            if into is not None:
                self._restore(server, into.resolve(), to=to, timeline=timeline)
                self.stdout.write(
                    f"Look at it: OPENFLOOR_HOME={into.resolve()} manage.py serve. Nothing else "
                    "was changed."
                )
                return
            with starting.take_venue(settings.HOME):
                self._in_place(server, begun_at=begun_at, to=to, timeline=timeline)
        except (UnableToRestore, UnableToStart) as error:
            raise CommandError(str(error)) from None

    def _in_place(
        self, server: Server, *, begun_at: datetime, to: datetime | None, timeline: int | None
    ) -> None:
        if server.is_running:
            raise UnableToRestore(
                f"The database of {settings.HOME} is running: stop the program first, or restore "
                "--into another folder for a look."
            )
        beside = settings.HOME / f"restored-{begun_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        restored = self._restore(server, beside, to=to, timeline=timeline)
        for path in restoring.put_in_place(restored, home=settings.HOME, now=begun_at):
            self.stdout.write(f"Kept what was there: {path}")
        restoring.remove(beside)
        self.stdout.write(
            f"RTO {(timezone.now() - begun_at).total_seconds():.1f} s. "
            f"{_lost(restored, begun_at)}\nStart the program: a backup of what was restored is "
            "taken at once. Then manage.py prove replays the whole journal."
        )

    def _restore(
        self, server: Server, home: Path, *, to: datetime | None, timeline: int | None
    ) -> Restored:
        if home.exists() and any(home.iterdir()):
            raise UnableToRestore(f"{home} is not empty: choose a new folder.")
        store = restoring.store_of(settings.BACKUPS, server.data)
        plan = restoring.plan(store, to=to, timeline=timeline, data=server.data)
        home.mkdir(parents=True, exist_ok=True)
        restoring.check_room(plan, home)
        owner, name = server.owner, server.database
        restored = restoring.restore(plan, home=home, owner=owner, database=name, say=self._say)
        said = restoring.check(
            beside.server_in(home, owner=owner, database=name),
            at=restored.last_at or plan.backup.ended_at,
        )
        self._say(said.strip().splitlines()[-1])
        return restored

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text} is no moment with an offset, such as 2026-01-05T14:30:00Z"
        )
    return moment


def _lost(restored: Restored, begun_at: datetime) -> str:
    """Say up to when everything is there, and how long before the moment that was asked for."""
    last_at = restored.last_at or restored.plan.backup.ended_at
    asked_at = restored.plan.to or begun_at
    return (
        f"Everything up to {last_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%fZ} is there, the last "
        f"transaction {(asked_at - last_at).total_seconds():.1f} s before "
        f"{'the moment asked for' if restored.plan.to else 'the restore was begun'} (RPO)."
    )
