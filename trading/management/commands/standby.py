from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading import starting
from trading.postgres import Server
from trading.postgres_account import UnableToRunPostgres
from trading.recovery import beside, standbys
from trading.recovery.standbys import NAME, UnableToFollow

LOOK_SECONDS: Final = 1.0


class Command(BaseCommand):
    help = (
        "Run a standby: another server that follows the database at --of, in the folder --into. "
        "Begun again without --of, it goes on. promote makes it the one in charge. --status and "
        "--release are for the primary."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--of", metavar="CONNINFO", help="where the primary is reached")
        parser.add_argument("--into", type=Path, metavar="FOLDER", help="the standby's data folder")
        parser.add_argument(
            "--synchronous",
            action="store_true",
            help="from now on the primary acknowledges nothing that the standby has not",
        )
        parser.add_argument("--status", action="store_true", help="who follows this data folder's")
        parser.add_argument(
            "--release", action="store_true", help="wait for no standby any more, at the primary"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        server = starting.embedded_server()
        if server is None:
            raise CommandError(
                "The database at DATABASE_URL has standbys of its own: docs/recovery.md says how."
            )
        if [bool(options[each]) for each in ("into", "status", "release")].count(True) != 1:
            raise CommandError("Say --into FOLDER, or at the primary --status or --release.")
        try:
            if options["into"]:
                self._follow(server, options["into"].resolve(), options)
            else:
                self._look_after(server, release=options["release"])
        except (UnableToFollow, UnableToRunPostgres) as error:
            raise CommandError(str(error)) from None

    def _look_after(self, server: Server, *, release: bool) -> None:
        if not server.is_made:
            raise CommandError(f"There is no database in {settings.HOME} yet.")
        with server, standbys.connected(server.conninfo) as connection:
            if release:
                standbys.release(connection)
                self.stdout.write("No standby is waited for any more.")
                return
            self.stdout.write(f"Reached at: {standbys.address(server)}")
            for each in standbys.followers(connection):
                waited = ", waited for" if each.is_waited_for else ""
                self.stdout.write(f"  {each.name}: {each.state}, {each.behind:,} B behind{waited}")

    def _follow(self, here: Server, home: Path, options: dict[str, Any]) -> None:
        server = beside.server_in(home, owner=here.owner, database=here.database, follows=True)
        of = options["of"]
        if server.is_made and not server.is_standby:
            raise UnableToFollow(f"{home} has a database that is no standby: choose a new folder.")
        if not server.is_made:
            if not of:
                raise UnableToFollow(f"There is no standby in {home} yet: say --of what.")
            is_ours = standbys.is_of(settings.HOME, of=of)
            standbys.make(
                server,
                of=of,
                secrets=settings.HOME if is_ours else None,
                beat=lambda: None,
            )
        if options["synchronous"] and not of:
            raise UnableToFollow("--synchronous is asked of the primary: say --of, too.")
        stop = _asked_to_stop()
        with server:
            self._say(f"{home} follows. Ctrl-C stops it.")
            if options["synchronous"]:
                self._be_waited_for(server, of, stop)
            watch = threading.Thread(
                target=server.keep_running, args=(stop, lambda: None), daemon=True
            )
            watch.start()
            while not stop.wait(LOOK_SECONDS) and server.is_standby:
                continue
            if not stop.is_set():
                self._say(f"Promoted. Now: OPENFLOOR_HOME={home} manage.py serve")
                stop.wait()
            watch.join()

    def _be_waited_for(self, server: Server, of: str, stop: threading.Event) -> None:
        while not standbys.is_following(server):
            if stop.wait(standbys.LOOK_SECONDS):
                return
        with standbys.connected(of) as primary:
            standbys.wait_for(primary, NAME)
        self._say("Nothing is acknowledged any more that is not here, too.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _asked_to_stop() -> threading.Event:
    stop = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hear)
    return stop
