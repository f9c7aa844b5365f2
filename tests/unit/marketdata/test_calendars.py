"""Market hours: holidays, early closes, the change of clocks, and a market that never closes."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime

import pytest

from marketdata import calendars
from marketdata.calendars import UnknownCalendar
from tests import recorded

RECORDED = "calendar/sessions_XNYS.csv.gz"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-01-02T14:29:59", False),
        ("2026-01-02T14:30:00", True),
        ("2026-01-02T20:59:59", True),
        ("2026-01-02T21:00:00", False),  # the close itself is outside
        ("2026-01-03T16:00:00", False),  # Saturday
        ("2026-03-06T14:00:00", False),  # Friday before the clocks change: opens 14:30
        ("2026-03-09T13:30:00", True),  # Monday after: opens 13:30
        ("2026-10-30T13:45:00", True),
        ("2026-11-02T13:45:00", False),  # and back
        ("2026-11-27T17:59:59", True),
        ("2026-11-27T18:00:00", False),  # the day after Thanksgiving closes at 13:00
        ("2026-12-24T18:30:00", False),
    ],
)
def test_the_new_york_session(at: str, is_open: bool) -> None:
    assert calendars.is_open("XNYS", utc(at)) is is_open
    assert calendars.is_open("always", utc(at))


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        ("2026-01-02T08:59:59", "closed"),
        ("2026-01-02T09:00:00", "early"),  # 04:00 in New York
        ("2026-01-02T14:29:59", "early"),
        ("2026-01-02T14:30:00", "regular"),
        ("2026-01-02T20:59:59", "regular"),
        ("2026-01-02T21:00:00", "late"),
        ("2026-01-03T00:59:59", "late"),  # up to 20:00 in New York, the next day in London
        ("2026-01-03T01:00:00", "closed"),
        ("2026-01-03T16:00:00", "closed"),  # Saturday
        ("2026-01-01T16:00:00", "closed"),  # a holiday has no extended hours either
        ("2026-12-31T22:00:00", "late"),  # over the turn of the year in UTC
        ("2027-01-01T00:59:59", "late"),
        ("2027-01-01T01:00:00", "closed"),
        ("2026-03-06T08:30:00", "closed"),  # Friday before the clocks change: from 09:00
        ("2026-03-09T08:00:00", "early"),  # Monday after: from 08:00
        ("2026-11-27T17:59:59", "regular"),
        ("2026-11-27T18:00:00", "late"),  # the early close brings late trading forward
        ("2026-11-27T21:59:59", "late"),
        ("2026-11-27T22:00:00", "closed"),
    ],
)
def test_the_phases_of_a_day_in_new_york(at: str, phase: str) -> None:
    assert calendars.phase("XNYS", utc(at)) == phase
    assert calendars.phase("always", utc(at)) == "regular"


def test_a_calendar_without_extended_hours_is_regular_or_closed() -> None:
    assert calendars.phase("XLON", utc("2026-01-02T07:59:59")) == "closed"
    assert calendars.phase("XLON", utc("2026-01-02T08:00:00")) == "regular"
    assert calendars.phase("XLON", utc("2026-01-02T16:30:00")) == "closed"


@pytest.mark.parametrize(
    "holiday",
    ["2026-01-01", "2026-01-19", "2026-02-16", "2026-04-03", "2026-05-25", "2026-06-19",
     "2026-07-03", "2026-09-07", "2026-11-26", "2026-12-25"],
)  # fmt: skip
def test_holidays_of_2026(holiday: str) -> None:
    assert not calendars.is_open("XNYS", utc(f"{holiday}T16:00:00"))
    day = date.fromisoformat(holiday)
    assert calendars.sessions("XNYS", first=day, last=day) == []


def test_what_comes_next() -> None:
    friday_evening = utc("2026-07-02T22:00:00")
    assert calendars.next_open("XNYS", friday_evening) == utc("2026-07-06T13:30:00")
    assert calendars.next_close("XNYS", friday_evening) == utc("2026-07-06T20:00:00")
    assert calendars.session("XNYS", friday_evening).date == date(2026, 7, 6)
    opening = utc("2026-07-06T13:30:00")
    assert calendars.next_open("XNYS", opening) == utc("2026-07-07T13:30:00")
    assert calendars.session("XNYS", opening).date == date(2026, 7, 6)


def test_a_new_year_is_no_edge() -> None:
    assert calendars.next_open("XNYS", utc("2026-12-31T21:00:00")) == utc("2027-01-04T14:30:00")
    assert calendars.next_open("XNYS", utc("2027-01-01T00:00:00")) == utc("2027-01-04T14:30:00")
    found = calendars.sessions("XNYS", first=date(2026, 12, 30), last=date(2027, 1, 5))
    assert [session.date.day for session in found] == [30, 31, 4, 5]


def test_a_market_that_never_closes_turns_its_day_at_midnight_in_new_york() -> None:
    before, after = utc("2026-07-02T03:59:59"), utc("2026-07-02T04:00:00")
    assert calendars.session("always", before).date == date(2026, 7, 1)
    assert calendars.session("always", after).date == date(2026, 7, 2)
    assert calendars.session("always", before).close == after
    assert calendars.next_close("always", before) == calendars.next_open("always", before) == after
    days = calendars.sessions("always", first=date(2026, 2, 28), last=date(2026, 3, 1))
    assert [day.date for day in days] == [date(2026, 2, 28), date(2026, 3, 1)]


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(UnknownCalendar):
        calendars.is_open("NOWHERE", utc("2026-01-02T15:00:00"))


@recorded.needs(RECORDED)
def test_sessions_agree_with_the_recorded_calendar() -> None:
    with gzip.open(recorded.FOLDER / RECORDED, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["session"].startswith(("2013", "2024"))]
    assert rows
    for row in rows:
        day = date.fromisoformat(row["session"][:10])
        (session,) = calendars.sessions("XNYS", first=day, last=day)
        assert session.open == _recorded_time(row["open_utc"])
        assert session.close == _recorded_time(row["close_utc"])


def _recorded_time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
