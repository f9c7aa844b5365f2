"""What belongs to a day and when it is due: early closes, holidays, summer time, New Year."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils.module_loading import import_string

from reconciliation.day import plan
from reconciliation.day.plan import Job, Moment, State

MINUTES = timedelta(minutes=1)


def job(name: str, *needs: str, **more: object) -> Job:
    return Job(name=name, title=name, run=f"tests.{name}", needs=needs, **more)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "morning", "after_trading", "day_over"),
    [
        # Winter: New York is five hours behind; late trading ends at 20:00.
        ("2026-11-20", "2026-11-20T11:00", "2026-11-21T01:00", "2026-11-21T05:00"),
        # Summer: four hours.
        ("2026-07-08", "2026-07-08T10:00", "2026-07-09T00:00", "2026-07-09T04:00"),
        # The day after Thanksgiving closes at 13:00, and late trading ends at 17:00.
        ("2026-11-27", "2026-11-27T11:00", "2026-11-27T22:00", "2026-11-28T05:00"),
        # No session: Thanksgiving, a Saturday, New Year.
        ("2026-11-26", "2026-11-26T11:00", "2026-11-27T05:00", "2026-11-27T05:00"),
        ("2026-11-21", "2026-11-21T11:00", "2026-11-22T05:00", "2026-11-22T05:00"),
        ("2026-12-31", "2026-12-31T11:00", "2027-01-01T01:00", "2027-01-01T05:00"),
        ("2027-01-01", "2027-01-01T11:00", "2027-01-02T05:00", "2027-01-02T05:00"),
        # The clocks go forward on the 8th of March, back on the 1st of November.
        ("2026-03-08", "2026-03-08T10:00", "2026-03-09T04:00", "2026-03-09T04:00"),
        ("2026-10-31", "2026-10-31T10:00", "2026-11-01T04:00", "2026-11-01T04:00"),
        ("2026-11-01", "2026-11-01T11:00", "2026-11-02T05:00", "2026-11-02T05:00"),
    ],
)
def test_the_moments_of_a_day(day: str, morning: str, after_trading: str, day_over: str) -> None:
    found = [plan.moment(each, date.fromisoformat(day)) for each in Moment]
    assert found == [utc(morning), utc(after_trading), utc(day_over)]


def test_what_follows_midnight_is_counted_in_hours_that_pass() -> None:
    """03:10 comes after two hours and ten minutes in the night in which the clocks go forward."""
    late = job("late", after=timedelta(hours=3, minutes=10))
    assert plan.due_at(late, date(2026, 3, 7)) == utc("2026-03-08T08:10")  # 04:10 in New York
    assert plan.due_at(late, date(2026, 3, 6)) == utc("2026-03-07T08:10")  # 03:10


def test_settling_is_for_days_on_which_the_exchange_opens() -> None:
    def states(day: date) -> dict[str, State]:
        return {each.name: state for each, state in plan.jobs_of(day)}

    friday, saturday = states(date(2026, 11, 20)), states(date(2026, 11, 21))
    assert friday["settle"] is State.WAITING
    assert saturday["settle"] is State.SKIPPED
    assert saturday["interest"] is State.WAITING  # debits cost every day
    assert states(date(2026, 11, 26))["settle"] is State.SKIPPED
    assert states(date(2026, 11, 27))["settle"] is State.WAITING


def test_a_job_waits_for_its_time_then_for_what_it_needs() -> None:
    day, second = date(2026, 11, 20), job("second", "first")
    midnight = utc("2026-11-21T05:00")

    def waits_for(now: datetime, first: State) -> str:
        states = {"first": first, "second": State.WAITING}
        return plan.waits_for(second, day, states=states, before={}, now=now)

    assert waits_for(midnight - MINUTES, State.DONE) == "2026-11-21 00:00 in New York"
    for state in (State.WAITING, State.RUNNING, State.FAILED):
        assert waits_for(midnight, state) == "first"
    for state in (State.DONE, State.SKIPPED):
        assert waits_for(midnight, state) == ""


def test_only_a_job_in_sequence_waits_for_the_day_before() -> None:
    day, now = date(2026, 11, 20), utc("2026-11-22T00:00")
    before = {"one": State.FAILED}
    one = job("one")
    assert plan.waits_for(one, day, states={}, before=before, now=now) == ""
    one = replace(one, in_sequence=True)
    found = plan.waits_for(one, day, states={}, before=before, now=now)
    assert found == "one of the day before"
    assert plan.waits_for(one, day, states={}, before={"one": State.DONE}, now=now) == ""


def test_days_begin_in_new_york_one_after_the_other() -> None:
    now = utc("2026-11-22T04:59")  # still the 21st there
    assert plan.days_to_begin(None, now=now) == [date(2026, 11, 20), date(2026, 11, 21)]
    assert plan.days_to_begin(date(2026, 11, 21), now=now) == []
    assert plan.days_to_begin(date(2026, 11, 21), now=now + MINUTES) == [date(2026, 11, 22)]
    week = plan.days_to_begin(date(2026, 11, 14), now=now)
    assert week == [date(2026, 11, number) for number in range(15, 22)]
    assert plan.days_to_begin(date(2027, 1, 1), now=now) == []  # a clock that was ahead
    years = plan.days_to_begin(date(2020, 1, 1), now=now)
    assert (years[0], len(years)) == (date(2020, 1, 2), plan.DAYS_AT_ONCE_MAX)


def test_pauses_double_up_to_an_hour_and_people_hear_once() -> None:
    minutes = [plan.pause(attempts) // MINUTES for attempts in range(1, 9)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert plan.pause(10**6) == timedelta(hours=1)
    assert [n for n in range(1, 100) if plan.is_worth_an_alert(n)] == [plan.TRIES_BEFORE_ALERT]


def test_the_plan_is_whole() -> None:
    plan.check(plan.JOBS)
    for each in plan.JOBS:
        assert callable(import_string(each.run)), each.name


def test_a_job_stands_behind_what_it_needs_and_once() -> None:
    with pytest.raises(ValueError, match="needs b"):
        plan.check([job("a", "b"), job("b")])
    with pytest.raises(ValueError, match="two jobs a"):
        plan.check([job("a"), job("a")])
