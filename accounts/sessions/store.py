"""Where sessions are kept: in the database, asked for by keys of our own making alone."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions


class SessionStore(DatabaseSessions):
    """A cookie that no session could have has no session; the database is not asked."""

    def _validate_session_key(self, key: str | None) -> bool:
        is_possible = bool(super()._validate_session_key(key))  # type: ignore[misc]
        return is_possible and key is not None and key.isascii() and key.isalnum()
