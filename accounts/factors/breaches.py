"""Was a password stolen somewhere? Asked of a service of ranges, where one is configured.

Of the SHA-1 of the password the first five hex digits leave this program and nothing else; the
service answers with the rest of every stolen one that begins so, some 800 of them, a line each:

    GET BREACHES_URL + 5A1B2
    00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2

That is the manner of Pwned Passwords, of which one can also run a copy of one's own. Whoever
chooses a password does not wait for it: what does not answer within two seconds, or not in this
manner, is taken for "not known". A network call: never within a transaction.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 2.0
DIGITS_TOLD: Final = 5
ANSWER_LENGTH_MAX: Final = 1_000_000
# A service that hangs keeps some threads busy, and none of those that serve pages.
_askers: Final = ThreadPoolExecutor(4, thread_name_prefix="breaches")


class NotAnswered(OSError):
    """The service answered something else than a range."""


def is_known(password: str) -> bool:
    """Say whether `password` is known to have been stolen; False where nobody can be asked."""
    if not settings.BREACHES_URL:
        return False
    # Nothing is kept by it: it is what the service's ranges are made of.
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    asked = _askers.submit(_range, digest[:DIGITS_TOLD])
    try:
        found = asked.result(TIMEOUT_SECONDS)
    except (OSError, HTTPException, ValueError) as error:  # a time-out is an OSError, too
        asked.cancel()
        log.warning("breaches_not_known", error=type(error).__name__)
        return False
    return digest[DIGITS_TOLD:] in found


def _range(beginning: str) -> frozenset[str]:
    """Return how those that are known go on. Raises OSError, HTTPException."""
    address = urlsplit(f"{settings.BREACHES_URL}{beginning}")
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    try:
        # With padding, even the length of the answer says nothing; what is padding counts 0.
        connection.request("GET", address.path, headers={"Add-Padding": "true"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise NotAnswered(f"the service answered {answer.status}")
        said = answer.read(ANSWER_LENGTH_MAX).decode("ascii", "replace")
    finally:
        connection.close()
    lines = (line.strip().partition(":") for line in said.splitlines())
    return frozenset(rest.upper() for rest, _, count in lines if count not in ("", "0"))
