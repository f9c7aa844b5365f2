"""Reading query parameters: each is of its type and within its bounds, or the call fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from django.utils.dateparse import parse_date, parse_datetime

from trading.api import errors

SYMBOLS_MAX = 200
TEXT_LENGTH_MAX = 200

Query = Mapping[str, str]

YEAR_MIN, YEAR_MAX = 1970, 2100
"""No price of ours is older; what is later nobody asks for."""


def text(query: Query, name: str) -> str | None:
    """Return the parameter, None when it is absent or empty."""
    value = query.get(name, "").strip()
    if len(value) > TEXT_LENGTH_MAX or not value.isprintable():
        raise errors.invalid(f"{name} is too long or has characters that cannot be read.")
    return value or None


def refuse_unknown(query: Query, *known: str) -> None:
    """Refuse a call with a parameter that it does not have, as a misspelt one is not obeyed."""
    unknown = sorted(set(query) - set(known))
    if unknown:
        raise errors.ApiError(
            400, f"Unknown parameter: {unknown[0][:40]!r}.", reason="unknown_field"
        )


def choice(query: Query, name: str, options: Sequence[str], *, default: str) -> str:
    value = (text(query, name) or default).lower()
    if value not in options:
        raise errors.invalid(f"{name} must be one of {', '.join(options)}.")
    return value


def whole(query: Query, name: str, *, default: int, least: int = 1, most: int) -> int:
    """Return a whole number; one that is beyond `most` is `most`."""
    value = text(query, name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 9) or int(value) < least:
        raise errors.invalid(f"{name} must be a whole number from {least} to {most}.")
    return min(int(value), most)


def flag(query: Query, name: str) -> bool:
    """Return a yes or no, as true, True or 1; absent is no."""
    value = (text(query, name) or "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise errors.invalid(f"{name} must be true or false.")
    return value in ("true", "1")


def moment(query: Query, name: str) -> datetime | None:
    """Return a time: RFC 3339, or a date, which is its midnight UTC."""
    value = text(query, name)
    if value is None:
        return None
    # A plus sign that was not escaped in the address arrives as a space.
    value = value.replace(" ", "+") if "T" in value else value
    try:
        found = parse_datetime(value)
        if found is None and (day := parse_date(value)) is not None:
            found = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # made aware below
        if found is not None:
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
            if YEAR_MIN <= found.year <= YEAR_MAX:
                return found
    except (ValueError, OverflowError):
        pass
    raise errors.invalid(
        f"{name} must be a time such as 2026-01-05T14:30:00Z, from {YEAR_MIN} to {YEAR_MAX}."
    )


def day(query: Query, name: str) -> date | None:
    """Return a day; that of a time is its day in UTC."""
    found = moment(query, name)
    return found.date() if found else None


def symbols(query: Query, name: str = "symbols", *, is_required: bool = False) -> list[str]:
    """Return the symbols of a comma-separated list, each once, in their order."""
    value = query.get(name, "")
    if len(value) > SYMBOLS_MAX * 25 or not value.isprintable():
        raise errors.invalid(f"{name} may have at most {SYMBOLS_MAX} symbols.")
    found = list(dict.fromkeys(part.strip().upper() for part in value.split(",") if part.strip()))
    if len(found) > SYMBOLS_MAX:
        raise errors.invalid(f"{name} may have at most {SYMBOLS_MAX} symbols.")
    if is_required and not found:
        raise errors.invalid(f"{name} is needed: one or more symbols with commas between them.")
    return found


def as_uuid(value: str) -> UUID | None:
    """Return `value` as a UUID, None when it is none."""
    try:
        return UUID(value)
    except ValueError:
        return None
