"""Where sessions are kept: in the database, under the SHA-256 of their keys.

Who reads the table, or a copy of it, has no cookie that opens anything.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from foundation.tokens import digest_of


class SessionStore(DatabaseSessions):
    """A cookie that no session could have has no session; the database is not asked."""

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=_kept_as(session_key)).exists()

    async def aexists(self, session_key: str) -> bool:
        return await Session.objects.filter(session_key=_kept_as(session_key)).aexists()

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _hashed(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return _hashed(await super().acreate_model_instance(data))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=_kept_as(key)).delete()

    async def adelete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            await Session.objects.filter(session_key=_kept_as(key)).adelete()

    def _get_session_from_db(self) -> Session | None:
        now = timezone.now()
        return self._found(self._row(now=now).first())

    async def _aget_session_from_db(self) -> Session | None:
        now = timezone.now()
        return self._found(await self._row(now=now).afirst())

    def _row(self, *, now: datetime) -> Any:
        return Session.objects.filter(
            session_key=_kept_as(str(self.session_key)), expire_date__gt=now
        )

    def _found(self, row: Session | None) -> Session | None:
        if row is None:
            self._session_key = None
        return row

    def _validate_session_key(self, key: str | None) -> bool:
        is_possible = bool(super()._validate_session_key(key))  # type: ignore[misc]
        return is_possible and key is not None and key.isascii() and key.isalnum()


def contents(digests: Collection[str], *, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what these sessions hold, each by the digest of its key; nothing of one that is over.

    `digests` are those of `foundation.tokens`.
    """
    places = {place_of(digest): digest for digest in digests}
    rows = Session.objects.filter(session_key__in=places, expire_date__gt=now)
    decode = SessionStore().decode
    return {places[row.session_key]: decode(row.session_data) for row in rows}


def _kept_as(session_key: str) -> str:
    """Return under what the session lies."""
    return place_of(digest_of(session_key))


def place_of(digest: str) -> str:
    """Return under what the session with this digest lies: 160 bits, as long as the column is."""
    return digest[:40]


def _hashed(row: AbstractBaseSession) -> AbstractBaseSession:
    row.session_key = _kept_as(row.session_key)
    return row
