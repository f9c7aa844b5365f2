"""The close of day as operations sees it, in the admin and in a shell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from reconciliation.day import plan, services
from reconciliation.day.models import DayRun, JobRun, JobStep
from tests import people
from tests.staff import member, operator, text_of
from trading.operations.staff_roles import StaffRole
from trading.templatetags.days import span

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)
NIGHT = datetime(2026, 11, 21, 6, tzinfo=UTC)  # one o'clock in New York
JOBS = tuple(job for job in plan.JOBS if job.run.startswith("reconciliation.day.jobs."))


@pytest.fixture(autouse=True)
def closed():
    """Friday is closed but for what comes later that night, and its interest failed."""
    with time_machine.travel(NIGHT, tick=False):
        services.carry_on(clock=lambda: NIGHT, jobs=JOBS)
        JobRun.objects.filter(day_id=FRIDAY, job="interest").update(
            state="failed", error="NoInterestRate: none is known", attempts=2,
            not_before=NIGHT + timedelta(minutes=2), done=3, of=7,
        )  # fmt: skip
        yield


def asked() -> int:
    return JobStep.objects.filter(kind="asked").count()


def test_the_page_shows_a_day_as_a_timeline():
    browser = people.browser_of(operator())
    shown = text_of(browser.get("/admin/day/2026-11-20/"))
    assert "Friday, 20 November 2026: the exchange closes at 16:00. Not closed yet." in shown
    assert "Pay dividends done 0 paid, of 0 dividends in 0.0 s" in shown
    assert "NoInterestRate: none is known Failed 2 times; tried again at Sat 01:02:00." in shown
    assert "3 of 7" in shown
    assert "waiting Waits for 2026-11-21 03:10 in New York." in shown
    assert "Fri 20 Nov 1 failed" in shown
    weekend = text_of(browser.get("/admin/day/2026-11-21/now/"))
    assert "Saturday, 21 November 2026: no session." in weekend
    assert "skipped Not on this day." in weekend


def test_the_first_page_leads_to_the_oldest_day_with_something_left():
    browser = people.browser_of(operator())
    assert browser.get("/admin/day/").headers["location"] == "/admin/day/2026-11-20/"
    assert "1 job failed" in text_of(browser.get("/admin/"))
    JobRun.objects.filter(day_id=FRIDAY).update(state="done")
    assert browser.get("/admin/day/").headers["location"] == "/admin/day/2026-11-21/"


@pytest.mark.parametrize("where", ["2026-11-19/", "2026-02-30/", "x/now/"])
def test_a_day_that_has_not_begun_is_not_found(where):
    assert people.browser_of(operator()).get(f"/admin/day/{where}").status_code == 404


def test_a_job_is_done_again_with_a_reason():
    by = operator()
    browser = people.browser_of(by)
    page = browser.post("/admin/day/2026-11-20/dividends/again/", {"reason": "A late one"})
    assert page.headers["location"] == "/admin/day/2026-11-20/"
    shown = text_of(browser.get(page.headers["location"]))
    assert "It is done again within a minute." in shown
    assert f"asked for again {by.email} A late one" in shown
    run = JobRun.objects.get(day_id=FRIDAY, job="dividends")
    assert (run.state, run.rerun_by, run.rerun_reason) == (
        "waiting", f"operator:{by.pk}", "A late one",
    )  # fmt: skip
    assert asked() == 1
    refused = browser.post("/admin/day/2026-11-20/dividends/again/", {"reason": "Once more"})
    assert "dividends of 2026-11-20 is waiting" in text_of(browser.get(refused.headers["location"]))
    assert asked() == 1


def test_who_may_look_may_not_do_it_again():
    # Three people: the clock stands still, and of one's two sessions neither were the later.
    where = "/admin/day/2026-11-20/"
    looking = people.browser_of(member(StaffRole.COMPLIANCE))
    assert "Do it again" not in text_of(looking.get(where))
    answer = looking.post(f"{where}dividends/again/", {"reason": "Why not"})
    assert (answer.status_code, asked()) == (403, 0)
    assert "Do it again" in text_of(people.browser_of(member(StaffRole.OPERATIONS)).get(where))
    assert people.browser_of(member(StaffRole.SUPPORT)).get(where).status_code == 403


def command(*arguments: str) -> list[str]:
    said = StringIO()
    call_command("day", *arguments, stdout=said)
    return said.getvalue().splitlines()


def test_the_command_says_how_the_days_stand():
    left = JobRun.objects.filter(day_id=FRIDAY).exclude(state__in=("done", "skipped")).count()
    assert command()[1] == f"Fri 2026-11-20  {left} left, 1 failed"
    lines = {line.split()[1]: line for line in command("--date", "2026-11-20")}
    assert lines["dividends"] == (
        "done     dividends            Sat 01:00:00  0 paid, of 0 dividends"
    )
    assert lines["interest"].endswith(
        "2 times, again at Sat 01:02:00: NoInterestRate: none is known"
    )
    assert lines["retention"].endswith("waits for 2026-11-21 03:10 in New York")
    DayRun.objects.filter(pk=FRIDAY).update(ended_at=NIGHT)
    assert command()[1] == "Fri 2026-11-20  closed"


def test_the_command_has_a_job_done_again():
    again = ("--date", "2026-11-20", "--rerun", "interest", "--reason", "A rate was added")
    assert command(*again) == ["interest of 2026-11-20 is done again within a minute."]
    step = JobStep.objects.get(kind="asked")
    assert (step.detail, step.actor.split(":")[:2]) == ("A rate was added", ["operator", "shell"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rerun", "interest", "--reason", "x"), "Say of which day"),
        (("--date", "2026-11-20", "--rerun", "interest"), "Say why"),
        (("--date", "2026-11-20", "--rerun", "tea", "--reason", "x"), "There is no job tea"),
        (("--date", "2026-11-19"), "has not begun"),
    ],
)
def test_the_command_says_what_it_lacks(arguments, says):
    with pytest.raises(CommandError, match=says):
        command(*arguments)
    assert asked() == 0


@pytest.mark.parametrize(
    ("seconds", "read"),
    [(0, "0.0 s"), (1.26, "1.3 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s"), (7260, "2 h 1 min")],
)
def test_how_long_it_took_is_read_easily(seconds, read):
    assert span(timedelta(seconds=seconds)) == read
