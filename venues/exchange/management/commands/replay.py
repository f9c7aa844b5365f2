"""`manage.py replay FILE... [--speed N] [--from HH:MM] [--to HH:MM]`"""

from __future__ import annotations

import logging
import math
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg_pool import PoolTimeout

from foundation import wakeups
from marketdata.models import Instrument
from venues.exchange import recordings
from venues.exchange.models import ReplayRequest
from venues.exchange.prices import NEW_YORK

_ANSWER_SECONDS_MAX: Final = 5.0
_SILENCE_MAX: Final = timedelta(seconds=10)
_LOOK_SECONDS: Final = 0.5
_SPEED_MAX: Final = 100_000
_NO_SERVER: Final = "No server is running here. Start it with `make run` and try again."

State = ReplayRequest.State


class Command(BaseCommand):
    help = (
        "Play recorded trades and quotes on the running server, as the market of their symbols. "
        "Orders are filled against the recorded quotes. Ctrl-C ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--speed", default="1", help="How many times as fast; 1 if not given.")
        parser.add_argument(
            "--from",
            dest="play_from",
            default="09:30",
            metavar="HH:MM",
            help="New York.",
        )
        parser.add_argument("--to", dest="play_to", default="24:00", metavar="HH:MM")

    def handle(self, *_args: Any, **options: Any) -> None:
        # Read here and not by the parser, which would print its whole usage around the sentence.
        speed = _speed(options["speed"])
        play_from, play_to = (_time_of_day(options[name]) for name in ("play_from", "play_to"))
        if play_from >= play_to:
            raise CommandError("--from must lie before --to.")
        files = _described(options["files"])
        # Without a server its database may be down as well; the sentence below says it better.
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        try:
            self._play(files, speed, play_from, play_to)
        except (OperationalError, PoolTimeout) as error:
            raise CommandError(_NO_SERVER) from error

    def _play(
        self, files: list[recordings.RecordingFile], speed: float, play_from: int, play_to: int
    ) -> None:
        _check_symbols({file.symbol for file in files})
        now = timezone.now()
        with transaction.atomic():
            request = ReplayRequest.objects.create(
                files=[str(file.path) for file in files],
                speed=speed,
                play_from=play_from,
                play_to=play_to,
                requested_at=now,
                updated_at=now,
            )
            wakeups.send(wakeups.Channel.REPLAY)
        try:
            self._watch(request)
        except KeyboardInterrupt:
            self._stop(request)

    def _watch(self, request: ReplayRequest) -> None:
        """Print how far the replay is until it ends."""
        deadline = time.monotonic() + _ANSWER_SECONDS_MAX
        while True:
            request.refresh_from_db()
            match request.state:
                case State.REQUESTED if time.monotonic() > deadline:
                    _give_up(request)
                case State.PLAYING if timezone.now() - request.updated_at > _SILENCE_MAX:
                    raise CommandError("The server has stopped, and the replay with it.")
                case State.FAILED:
                    raise CommandError(request.detail)
                case State.FINISHED | State.STOPPED:
                    self._print_progress(request, ending="\n")
                    self.stdout.write(
                        f"The replay has {request.state}; the simulated participants are back."
                    )
                    return
                case State.PLAYING:
                    self._print_progress(request, ending="\r")
            time.sleep(_LOOK_SECONDS)

    def _stop(self, request: ReplayRequest) -> None:
        with transaction.atomic():
            ReplayRequest.objects.filter(pk=request.pk).update(is_stop_requested=True)
            wakeups.send(wakeups.Channel.REPLAY)
        self.stdout.write("\nStopping ...")
        deadline = time.monotonic() + _ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            request.refresh_from_db()
            if request.state not in (State.REQUESTED, State.PLAYING):
                self._print_progress(request, ending="\n")
                self.stdout.write("Stopped; the simulated participants are back.")
                return
            time.sleep(0.1)
        raise CommandError("The server has not answered; it will stop the replay when it is back.")

    def _print_progress(self, request: ReplayRequest, *, ending: str) -> None:
        if request.recorded_at is None:
            return
        at = request.recorded_at.astimezone(NEW_YORK)
        aside = f", {request.kept_aside:,} kept aside" if request.kept_aside else ""
        self.stdout.write(
            f"{at:%Y-%m-%d %H:%M:%S}  {request.quotes_played:,} quotes, "
            f"{request.trades_played:,} trades{aside}   ",
            ending=ending,
        )
        self.stdout.flush()


def _described(paths: list[Path]) -> list[recordings.RecordingFile]:
    try:
        return [recordings.describe(path.resolve()) for path in dict.fromkeys(paths)]
    except recordings.UnreadableRecording as error:
        raise CommandError(str(error)) from error


def _check_symbols(symbols: set[str]) -> None:
    known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    if unknown := sorted(symbols - known):
        raise CommandError(f"{', '.join(unknown)} is not an instrument of this market.")


def _give_up(request: ReplayRequest) -> None:
    """Withdraw a request that nobody has taken up. Raises CommandError unless somebody just has."""
    withdrawn = ReplayRequest.objects.filter(pk=request.pk, state=State.REQUESTED).update(
        state=State.FAILED, detail=_NO_SERVER, updated_at=timezone.now()
    )
    if withdrawn:
        raise CommandError(_NO_SERVER)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= _SPEED_MAX:
        raise CommandError(f"--speed must be a number above 0 and at most {_SPEED_MAX:,}.")
    return speed


def _time_of_day(text: str) -> int:
    """Return the milliseconds since midnight of HH:MM."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else math.inf
    if minutes > 24 * 60:
        raise CommandError("--from and --to must be times of day like 09:30.")
    return int(minutes) * 60_000
