"""How long something took, as people read it."""

from __future__ import annotations

from datetime import timedelta

from django import template

register = template.Library()


@register.filter
def span(took: timedelta) -> str:
    """Return seconds with a tenth under a minute, then minutes and seconds, then hours."""
    seconds = max(took.total_seconds(), 0)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
