"""Every address that the program answers, as the URL configuration has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from accounts.sessions import gate
from accounts.sessions.gate import Access

SAMPLES = {"day": "2026-11-20", "int": "1", "uuid": "00000000-0000-4000-8000-000000000000"}


@dataclass(frozen=True)
class Route:
    path: str
    name: str | None
    access: Access
    is_admin: bool
    view: Callable[..., Any]


def routes() -> list[Route]:
    return list(_under(get_resolver(), prefix="/", is_admin=False))


def _under(resolver: URLResolver, *, prefix: str, is_admin: bool) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + _sample(entry)
        if isinstance(entry, URLResolver):
            yield from _under(
                entry, prefix=path, is_admin=is_admin or "admin" in (entry.app_name or "")
            )
        else:
            yield Route(path, entry.name, gate.access_of(entry.callback), is_admin, entry.callback)


def _sample(entry: URLPattern | URLResolver) -> str:
    """Return an address that the pattern matches."""
    if isinstance(entry.pattern, RegexPattern):
        text = entry.pattern._regex.removeprefix("^").replace(r"\.", ".").rstrip("$").rstrip("Z\\")
        return re.sub(r"\(\?P<\w+>[^)]*\)", "x", text)
    route = str(entry.pattern)
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "", "x"), route)
