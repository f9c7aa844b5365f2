"""Where alerts are told: by mail, by a webhook, on the terminal; each has a name in the settings.

A channel takes all that is to be told in one go, and raises OSError when it has not: then it is
tried again. Webhooks are called at the addresses of the settings alone, and nowhere else that an
answer may point at.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Protocol
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.mail import EmailMessage

TIMEOUT_SECONDS: Final = 10  # of each wait for the other side
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
MAIL: Final = "mail"
CONSOLE: Final = "console"


class UnusableChannel(ValueError):
    """The settings of a channel cannot be used; the message says why."""


class NotTaken(OSError):
    """The other side answered, and has not taken it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one alert. `page`, `acknowledge` and `runbook` are addresses."""

    telling: int
    alert: int
    kind: str
    name: str
    severity: str
    account: str
    summary: str
    happened_at: datetime
    step: int
    page: str
    acknowledge: str
    runbook: str


class Channel(Protocol):
    def send(self, told: Sequence[Told]) -> None:
        """Tell of these. Raises OSError when they were not taken."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail for all that is to be told, by Django's backend: the console unless it is set."""

    recipients: tuple[str, ...]

    def send(self, told: Sequence[Told]) -> None:
        gravest = told[0]
        more = f" and {len(told) - 1} more" if len(told) > 1 else ""
        again = "Nobody has acknowledged: " if gravest.step else ""
        EmailMessage(
            subject=f"{again}{gravest.severity.capitalize()} alert: {gravest.name}{more}",
            body="\n\n".join(_text(each) for each in told),
            to=list(self.recipients),
        ).send()


class Console:
    """Lines on the terminal, apart from the log."""

    def send(self, told: Sequence[Told]) -> None:
        for each in told:
            sys.stderr.write(f"{_text(each)}\n")
        sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Webhook:
    """One POST of JSON, signed: `X-Openfloor-Signature: t=SECONDS,v1=HMAC`.

    The HMAC is SHA-256 with the channel's secret over `SECONDS.BODY`; docs/monitoring.md tells how
    it is checked. What was answered with 2xx was taken. Redirects are not followed.
    """

    address: str
    secret: str

    def send(self, told: Sequence[Told]) -> None:
        body = orjson.dumps({"alerts": [_plain(each) for each in told]})
        at = int(time.time())
        where = urlsplit(self.address)
        kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
        connection = kind(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
        try:
            path = where.path or "/"
            connection.request(
                "POST",
                f"{path}?{where.query}" if where.query else path,
                body,
                {
                    "Content-Type": "application/json",
                    "User-Agent": "openfloor",
                    "X-Openfloor-Signature": f"t={at},v1={signature(self.secret, at, body)}",
                },
            )
            status = connection.getresponse().status
        except HTTPException as error:
            raise NotTaken(f"the answer cannot be read: {error}") from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise NotTaken(f"it answered {status}")


def signature(secret: str, at: int, body: bytes) -> str:
    """Return what a webhook's body is signed with at these seconds since 1970."""
    return hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()


def configured() -> dict[str, Channel]:
    """Return the channels of the settings by name, `mail` and `console` among them.

    Raises UnusableChannel.
    """
    found: dict[str, Channel] = {
        MAIL: Mail(tuple(settings.ALERT_RECIPIENTS)),
        CONSOLE: Console(),
    }
    secrets: Mapping[str, str] = settings.ALERT_CHANNEL_SECRETS
    for name, address in settings.ALERT_CHANNELS.items():
        found[name] = _channel(name, address, secrets.get(name, ""))
    return found


def _channel(name: str, address: str, secret: str) -> Channel:
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
        raise UnusableChannel(f"ALERT_CHANNELS: {name!r} is no name: letters, digits, - and _.")
    where = urlsplit(address)
    if where.scheme == "mailto":
        recipients = tuple(each.strip() for each in where.path.split(";"))
        if not all("@" in each for each in recipients):
            raise UnusableChannel(f"ALERT_CHANNELS: {name} is not like mailto:one@x.com;two@x.com.")
        return Mail(recipients)
    if where.scheme not in ("https", "http") or not where.hostname or where.username:
        raise UnusableChannel(f"ALERT_CHANNELS: {name} is neither mailto: nor https://.")
    if where.scheme == "http" and where.hostname not in LOCAL:
        raise UnusableChannel(f"ALERT_CHANNELS: {name} leaves this machine: it must be https://.")
    if not secret:
        raise UnusableChannel(f"ALERT_CHANNEL_SECRETS: {name} needs one to be signed with.")
    return Webhook(address, secret)


def _plain(told: Told) -> dict[str, object]:
    return {
        "id": told.telling,
        "alert": told.alert,
        "kind": told.kind,
        "severity": told.severity,
        "account": told.account or None,
        "summary": told.summary,
        "happened_at": told.happened_at.isoformat(),
        "step": told.step,
        "page": told.page,
        "acknowledge": told.acknowledge,
        "runbook": told.runbook,
    }


def _text(told: Told) -> str:
    account = f", account {told.account}" if told.account else ""
    return (
        f"{told.happened_at:%Y-%m-%d %H:%M:%S} UTC, {told.name}{account}: {told.summary}\n"
        f"Look: {told.page}\n"
        f"What to do: {told.runbook}\n"
        f"I have it: {told.acknowledge}"
    )
