"""What pages say when somebody has to wait or type again. Pure."""

from __future__ import annotations

from datetime import datetime


def code_refused(until: datetime | None, *, now: datetime) -> str:
    """Say of a wrong code what to do; `until` is when codes are looked at again."""
    if until is not None and (until - now).total_seconds() > 5:
        return f"Too many wrong codes. {wait_text(until, now=now)}"
    return "This code is wrong or was used already. Type the next one that your app shows."


def wait_text(until: datetime, *, now: datetime) -> str:
    """Say how long to wait."""
    seconds = max(int((until - now).total_seconds()) + 1, 1)
    if seconds < 120:
        return f"Wait {seconds} seconds, then try again."
    return f"Wait {-(-seconds // 60)} minutes, then try again."
