from __future__ import annotations

import getpass
from datetime import date
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.calendars import NEW_YORK
from reconciliation.day import selectors, services
from reconciliation.day.selectors import Line
from reconciliation.day.services import UnableToRerun
from trading.management import reaching
from trading.templatetags.days import span

DAYS_SHOWN: Final = 7


class Command(BaseCommand):
    help = (
        "How the last days stand, the latest first; with --date the jobs of one, with --rerun one "
        "of them is done again within a minute. Works beside a running server."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--rerun", metavar="JOB", help="Of the day of --date.")
        parser.add_argument("--reason", default="", help="Why: kept with the job.")

    def handle(self, **given: Any) -> None:
        day: date | None = given["date"]
        with reaching.database():
            if given["rerun"]:
                self._rerun(day, given["rerun"], given["reason"])
            elif day is None:
                self._list()
            else:
                self._show(day)

    def _list(self) -> None:
        for each in selectors.recent(DAYS_SHOWN):
            stands = "closed" if each.ended_at else f"{each.left} left, {each.failed} failed"
            self.stdout.write(f"{each.day:%a} {each.day}  {stands}")

    def _show(self, day: date) -> None:
        found = selectors.timeline(day, now=timezone.now())
        if found is None:
            raise CommandError(f"{day} has not begun, or was before the first day.")
        for line in found.lines:
            self.stdout.write(f"{line.state:<8} {line.name:<20} {_said(line)}".rstrip())

    def _rerun(self, day: date | None, job: str, reason: str) -> None:
        if day is None:
            raise CommandError("Say of which day: --date YYYY-MM-DD.")
        by = f"operator:shell:{getpass.getuser()}"[:80]
        try:
            services.rerun(day=day, job=job, by=by, reason=reason, now=timezone.now())
        except UnableToRerun as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{job} of {day} is done again within a minute.")


def _said(line: Line) -> str:
    """Return what there is to say of a job, in one line."""
    if line.started_at is not None and line.state == "done":
        at = f"{line.started_at.astimezone(NEW_YORK):%a %H:%M:%S}"
        return f"{at}  {line.summary}" + (f" ({span(line.took)})" if line.took else "")
    if line.not_before is not None:
        again = f"{line.not_before.astimezone(NEW_YORK):%a %H:%M:%S}"
        return f"{line.attempts} times, again at {again}: {line.error}"
    if line.state == "running":
        return f"{line.done} of {line.of}"
    return f"waits for {line.waits_for}" if line.waits_for else ""
