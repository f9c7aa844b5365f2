"""Where a request comes from: address, place and browser, as logs and letters say it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.sessions import addresses, browsers, places


@dataclass(frozen=True, slots=True)
class Origin:
    """`address` is None and `place` says that it is unknown where nobody knows."""

    address: str | None = None
    country: str = ""
    place: str = places.UNKNOWN.name
    browser: str = browsers.UNKNOWN


NOWHERE = Origin()


def of(request: HttpRequest) -> Origin:
    """Return where `request` comes from; `trading.proxies` has seen to who stands before us."""
    user_agent = request.headers.get("User-Agent", "")
    return of_address(request.META.get("REMOTE_ADDR"), user_agent=user_agent)


def of_address(address: str | None, *, user_agent: str = "") -> Origin:
    found = addresses.parsed(address or "")
    place = places.of(address)
    return Origin(
        address=str(found) if found else None,
        country=place.country,
        place=place.name,
        browser=browsers.named(user_agent[: 4 * browsers.LENGTH_MAX]),
    )
