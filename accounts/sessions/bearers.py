"""The access token that a phone brings: `Authorization: Bearer ...`."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

TOKEN_LENGTH_MAX: Final = 100


def bearer_of(request: HttpRequest) -> str | None:
    """Return the access token of a request, None when it brings none."""
    return token_in(request.headers.get("Authorization", ""))


def token_in(header: str) -> str | None:
    """Return the token in the text of an Authorization header."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= TOKEN_LENGTH_MAX:
        return None
    return token
