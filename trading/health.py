"""Is the program up, and is it ready to trade? For probes: plain JSON, open to anybody."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions.gate import public
from foundation.models import Heartbeat
from marketdata.models import FeedHealth, Quote
from trading.parts import PARTS
from venues import links
from venues.links import Link

BEAT_AGE_SECONDS_MAX: Final = 6.0  # beats are written every second
NEVER: Final = {"ready": False, "age_seconds": None}


@dataclass(frozen=True)
class Readiness:
    """Whether orders can be taken and filled now, and what that rests on."""

    is_ready: bool
    checks: dict[str, dict[str, Any]]


@public
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when all is ready to trade, else 503; every part with the age of its last beat."""
    found = readiness(now=timezone.now())
    return JsonResponse(
        {"ready": found.is_ready, **found.checks},
        status=200 if found.is_ready else 503,
        headers={"Cache-Control": "no-store"},
    )


def readiness(*, now: datetime) -> Readiness:
    """Look at the database, the newest price and every part's heartbeat."""
    begun = time.monotonic()
    try:
        beats = {beat.part: beat for beat in Heartbeat.objects.all()}
        quoted_at = Quote.objects.order_by("-received_at").values_list("received_at").first()
        venues = [link for link in links.current() if link.is_enabled]
        feeds = list(FeedHealth.objects.filter(symbols__gt=0))
    except Error:
        connection.close()
        return Readiness(False, {"database": {"ready": False}})
    checks: dict[str, dict[str, Any]] = {
        "database": {
            "ready": True,
            "milliseconds": round((time.monotonic() - begun) * 1000, 1),
        },
        "prices": _aged(quoted_at[0] if quoted_at else None, now, settings.QUOTE_AGE_SECONDS_MAX),
    }
    required = ["database", "prices"]
    # A venue may be out of reach while others trade: its orders are denied, and theirs are not.
    checks["venues"] = {"ready": any(link.is_up_at(now) for link in venues)}
    checks["venues"].update({link.venue: _of_link(link, now) for link in venues})
    required.append("venues")
    # What a lost feed tells the prices of is stale, and its orders are denied; the rest trades on.
    for feed in feeds:
        checks[f"feed {feed.feed} {feed.market}"] = _of_feed(feed, now)
    for part in filter(lambda part: part.is_wanted, PARTS):
        checks[part.name] = _of_part(beats.get(part.name), now)
        if part.trades:
            required.append(part.name)
    return Readiness(all(checks[name]["ready"] for name in required), checks)


def _of_part(beat: Heartbeat | None, now: datetime) -> dict[str, Any]:
    if beat is None:
        return NEVER
    found = _aged(beat.at, now, BEAT_AGE_SECONDS_MAX)
    found["restarts"] = beat.restarts
    if beat.detail:
        found["last_failure"] = beat.detail.split(":", 1)[0]  # the rest may name what is private
    return found


def _of_link(link: Link, now: datetime) -> dict[str, Any]:
    """The link to a venue; why it is down is for operations, as it may name what is private."""
    return {
        "ready": link.is_up_at(now),
        "silent_seconds": round(link.silence_seconds(now), 1),
        "since": link.since.isoformat(timespec="seconds"),
    }


def _of_feed(feed: FeedHealth, now: datetime) -> dict[str, Any]:
    """A feed from outside; why it is lost is for operations."""
    return {
        "ready": not feed.is_lost_at(now, silence_seconds_max=BEAT_AGE_SECONDS_MAX),
        "state": feed.state,
        "since": feed.since.isoformat(timespec="seconds"),
        "whole_until": feed.whole_until and feed.whole_until.isoformat(timespec="seconds"),
    }


def _aged(at: datetime | None, now: datetime, seconds_max: float) -> dict[str, Any]:
    if at is None:
        return NEVER
    age = max(0.0, (now - at).total_seconds())
    return {"ready": age <= seconds_max, "age_seconds": round(age, 1)}
