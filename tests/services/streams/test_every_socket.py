"""Every socket there is, opened by everybody there is. A new one is found by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from tests import people
from tests.patience import DEADLINE_SECONDS
from tests.services.streams.conftest import ORIGIN
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.operations import staff_roles
from trading.operations.staff_roles import StaffRole
from trading.streams import gate
from trading.streams.routing import websocket_urlpatterns

pytestmark = pytest.mark.usefixtures("parts")

OF_PAGES = {"/ws/v1", "/ws/v1/binary"}


def paths() -> set[str]:
    """Return an address of each socket."""
    return {"/" + _sample(str(each.pattern)) for each in websocket_urlpatterns}


def _sample(pattern: str) -> str:
    first = re.sub(r"\(\?:(\w+)(?:\|\w+)*\)", r"\1", pattern)
    return first.removeprefix("^").removesuffix("$").removesuffix("/?")


@sync_to_async
def visitors() -> dict[str, tuple[str, str | None]]:
    """Return the session of everybody there is, and the account that is theirs."""
    staff_roles.sync()
    user, account = people.customer(password=people.PASSWORD)
    found = {
        "anonymous": ("nobody", None),
        "password only": (_session(people.halfway(user)), None),
        "customer": (_session(people.browser_of(user)), str(account.pk)),
    }
    for role in StaffRole:
        member = people.person()
        staff_roles.assign(member, [role])
        found[role] = (_session(people.browser_of(member)), None)
    return found


def _session(browser: Any) -> str:
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def socket(path: str, session: str) -> PatientSocket:
    headers = [
        (b"host", b"localhost"),
        (b"origin", ORIGIN.encode()),
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()),
    ]
    return PatientSocket(application, path, headers=headers)


async def test_every_socket_by_everybody() -> None:
    found, who = paths(), await visitors()
    assert found >= OF_PAGES
    for path in sorted(found):
        for name, (session, account) in who.items():
            opened = socket(path, session)
            assert (await opened.connect())[0], (path, name)
            if path not in OF_PAGES:  # of programs: to them a browser's session is nothing
                wanted = {"action": "auth", "key": "PK", "secret": session}
                await opened.send_json_to(wanted)
                assert await _refusal(opened), (path, name)
            elif name in ("anonymous", "password only"):
                message = await opened.receive_output(timeout=DEADLINE_SECONDS)
                assert (message["type"], message["code"]) == (
                    "websocket.close", gate.NOT_SIGNED_IN,
                ), (path, name)  # fmt: skip
            elif path == "/ws/v1":
                hello = await opened.receive_json_from()
                assert (hello["type"], hello["account_id"]) == ("hello", account), name
            else:
                message = await opened.receive_output(timeout=DEADLINE_SECONDS)
                assert message["type"] == "websocket.send", (path, name)
            await opened.disconnect()


async def _refusal(opened: PatientSocket) -> bool:
    """Tell whether the socket says that it knows nobody."""
    for _ in range(2):  # some greet first
        said = str(await opened.receive_output(timeout=DEADLINE_SECONDS))
        if "auth failed" in said or "unauthorized" in said:
            return True
    return False
