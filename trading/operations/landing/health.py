"""How it goes now: venues, the wire, prices, the program, the books and what they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from foundation import safekeeping
from foundation.models import Heartbeat
from marketdata import selectors as market
from marketdata.models import FeedHealth
from reconciliation import checked
from trading.health import BEAT_AGE_SECONDS_MAX
from trading.operations.landing.lines import Group, Level, Line, age, group, spoken
from trading.parts import PARTS
from venues import links
from venues.backlog import Backlog
from venues.links import Link

WAITS_WATCH: Final = timedelta(seconds=5)
WAITS_BAD: Final = timedelta(seconds=30)
"""What `deploy/alert-rules.yml` wakes people for."""
PRICE_BAD: Final = timedelta(seconds=10)
CHECK_LATE: Final = timedelta(minutes=30)
"""The invariants are checked every ten minutes."""

Read = Callable[[datetime, Sequence[Backlog]], Group]


def groups(by: User, *, now: datetime, wire: Sequence[Backlog]) -> list[Group]:
    """Return how it goes, as far as `by` may see it; `wire` is what waits on it."""
    return [read(now, wire) for permission, read in _READS if by.has_perm(permission)]


def _venues(now: datetime, _: Sequence[Backlog]) -> Group:
    where = reverse("admin:venues_venue_changelist")
    return group("Venues", [_of_link(link, now, where) for link in links.current()])


def _of_link(link: Link, now: datetime, where: str) -> Line:
    if not link.is_enabled:
        return Line(link.venue, Level.NONE, "disabled", where)
    silent = spoken(timedelta(seconds=link.silence_seconds(now)))
    if not link.is_up_at(now):
        why = link.detail or f"silent for {silent}"
        return Line(link.venue, Level.BAD, f"down for {age(link.since, now)}", where, why)
    says = f"up for {age(link.since, now)}"
    if link.missing_sequence is not None:
        return Line(link.venue, Level.BAD, says, where, f"owes report {link.missing_sequence}")
    return Line(link.venue, Level.GOOD, says, where, f"heard {silent} ago")


def _wire(now: datetime, wire: Sequence[Backlog]) -> Group:
    out = reverse("admin:venues_outboxmessage_changelist")
    reports = reverse("admin:venues_inboxreport_changelist")
    return group(
        "The wire",
        [
            _of_box("Outbox", _in(wire, "unsent"), now, f"{out}?sent_at__isempty=1"),
            _of_box("Inbox", _in(wire, "new"), now, f"{reports}?state__exact=new"),
            _of_box("Ahead of us", _in(wire, "early"), now, f"{reports}?state__exact=early"),
        ],
    )


def _in(wire: Iterable[Backlog], box: str) -> list[Backlog]:
    return sorted((each for each in wire if each.box == box), key=lambda each: each.oldest_at)


def _of_box(name: str, found: Sequence[Backlog], now: datetime, where: str) -> Line:
    if not found:
        return Line(name, Level.GOOD, "nothing waits", where)
    oldest = found[0]
    waited = now - oldest.oldest_at
    level = Level.BAD if waited > WAITS_BAD else Level.WATCH if waited > WAITS_WATCH else Level.GOOD
    says = f"the oldest waits for {spoken(waited)}"
    return Line(
        name, level, says, where, f"{sum(e.count for e in found):,} wait, first {oldest.venue}"
    )


def _prices(now: datetime, _: Sequence[Backlog]) -> Group:
    quotes = reverse("admin:marketdata_quote_changelist")
    found = []
    for source in market.freshness(now=now):
        old = now - source.newest_at
        level = Level.BAD if old > PRICE_BAD else Level.WATCH if source.stale else Level.GOOD
        stale = f"{source.stale:,} of {source.quoted:,} instruments stale"
        link = f"{quotes}?source={source.source}"
        found.append(Line(source.source, level, f"newest {spoken(old)} old", link, stale))
    health = reverse("admin:marketdata_feedhealth_changelist")
    found += [
        _of_feed(feed, now, health)
        for feed in FeedHealth.objects.filter(symbols__gt=0).order_by("feed", "market")
    ]
    if not found:
        found = [Line("Prices", Level.WATCH, "nothing is quoted", quotes)]
    return group("Prices", found)


def _of_feed(feed: FeedHealth, now: datetime, where: str) -> Line:
    is_lost = feed.is_lost_at(now, silence_seconds_max=BEAT_AGE_SECONDS_MAX)
    return Line(
        f"{feed.feed} {feed.market}",
        Level.BAD if is_lost else Level.GOOD,
        f"{feed.state} for {age(feed.since, now)}",
        where,
        feed.detail or f"told {age(feed.told_at, now)} ago" if feed.told_at else feed.detail,
    )


def _parts(now: datetime, _: Sequence[Backlog]) -> Group:
    where = reverse("admin:foundation_heartbeat_changelist")
    beats = {beat.part: beat.at for beat in Heartbeat.objects.all()}
    wanted = [part for part in PARTS if part.is_wanted]
    silent = [
        Line(
            f"Part {part.name}",
            Level.BAD if part.trades else Level.WATCH,
            f"silent for {age(at, now)}" if (at := beats.get(part.name)) else "never seen",
            where,
        )
        for part in wanted
        if part.name not in beats or (now - beats[part.name]).total_seconds() > BEAT_AGE_SECONDS_MAX
    ]
    well = len(wanted) - len(silent)
    at_work = Line("Parts at work", Level.GOOD, f"{well} of {len(wanted)}", where)
    return group("The program", [at_work, *silent])


def _books(now: datetime, _: Sequence[Backlog]) -> Group:
    where = reverse("admin:reconciliation_break_changelist")
    found = checked.last()
    if found is None:
        line = Line("Invariants", Level.WATCH, "not checked yet", where)
    elif found.broken:
        numbers = ", ".join(dict.fromkeys(str(number) for number in found.broken))
        line = Line(
            "Invariants",
            Level.BAD,
            f"{len(found.broken)} of {found.count} broken",
            where,
            f"{numbers}; checked {age(found.at, now)} ago",
        )
    else:
        is_late = now - found.at > CHECK_LATE
        line = Line(
            "Invariants",
            Level.WATCH if is_late else Level.GOOD,
            f"all {found.count} hold",
            where,
            f"checked {age(found.at, now)} ago",
        )
    return group("Books", [line])


def _kept(now: datetime, _: Sequence[Backlog]) -> Group:
    where = reverse("admin:foundation_safekeeping_changelist")
    found = safekeeping.kept()
    if found is None:
        level = Level.BAD if settings.PRODUCTION else Level.WATCH
        return group("Backups", [Line("Backup", level, "none that we know of", where)])
    backup = Line(
        "Backup",
        Level.BAD if found.is_backup_overdue(now) else Level.GOOD,
        f"{spoken(found.backup_age(now))} old" if found.backup_at else "none yet",
        where,
        f"whole at {found.backup_at:%d %b %H:%M} UTC" if found.backup_at else "",
    )
    lacks = found.log_age(now)
    log = Line(
        "Archived log",
        Level.NONE if lacks is None else Level.BAD if found.is_log_behind(now) else Level.GOOD,
        "nobody says" if lacks is None else f"up to {spoken(lacks)} ago",
        where,
        "" if lacks is None else "the rest would be lost with the machine",
    )
    return group("Backups", [backup, log])


_READS: Final[tuple[tuple[str, Read], ...]] = (
    ("venues.view_venue", _venues),
    ("venues.view_outboxmessage", _wire),
    ("marketdata.view_quote", _prices),
    ("foundation.view_heartbeat", _parts),
    ("reconciliation.view_break", _books),
    ("foundation.view_safekeeping", _kept),
)
