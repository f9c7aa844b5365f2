"""Secrets that an installation makes for itself, kept in its data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def kept(name: str, *, home: Path) -> str:
    """Return the secret `name` of the data folder `home`, made on first use."""
    path = home / name.lower()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _alone_in(home):
            if not (path.exists() and path.stat().st_size):
                made = path.with_suffix(".new")
                made.unlink(missing_ok=True)
                made.touch(mode=0o600)
                made.write_text(secrets.token_urlsafe(48))
                made.rename(path)  # whole or not at all, whatever happens now
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {home} cannot be written ({error.strerror}). "
            "Set OPENFLOOR_HOME to a folder that can."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same out until we are done."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        flock(descriptor, LOCK_EX)
        yield
    finally:
        os.close(descriptor)
