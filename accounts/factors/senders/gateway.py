"""SMS through a gateway over HTTP: one POST of JSON for each message.

    POST SMS_GATEWAY_URL
    Authorization: Bearer SMS_GATEWAY_TOKEN
    {"from": SMS_FROM, "to": "+43...", "text": "..."}

Whatever is answered with 2xx was taken. Redirects are not followed: they would carry the token on.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_SECONDS: Final = 10


class NotTaken(OSError):
    """The gateway answered that it does not send the message."""


def send(to: str, text: str) -> None:
    """Hand one message to the gateway. Raises OSError when it is out of reach or refuses."""
    address = urlsplit(settings.SMS_GATEWAY_URL)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    path = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
    connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST",
            path,
            json.dumps({"from": settings.SMS_FROM, "to": to, "text": text}).encode(),
            {
                "Authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}",
                "Content-Type": "application/json",
            },
        )
        status = connection.getresponse().status
    except HTTPException as error:
        raise NotTaken(f"the gateway's answer cannot be read: {error}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotTaken(f"the gateway answered {status}")
