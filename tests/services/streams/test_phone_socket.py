"""The sockets of pages, opened by a phone with its access token."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.models import Phone
from accounts.phones import staying
from tests.services.api.conftest import Caller
from tests.services.streams.conftest import Page, closing_code
from trading.streams import watch

pytestmark = pytest.mark.usefixtures("parts")


class App(Page):
    """A socket of an app: it brings a token, and comes from no page."""

    def __init__(self, token: str, *, origin: str | None = None, path: str = "/ws/v1") -> None:
        super().__init__(cookie="")
        self.scope["path"] = path
        self.scope["headers"] = [
            (b"host", b"localhost"),
            (b"authorization", token.encode()),
            *([(b"origin", origin.encode())] if origin else []),
        ]


@pytest.fixture
def caller(committed: None) -> Caller:
    return Caller()


async def test_a_phone_opens_a_socket_which_ends_with_its_sign_in(caller: Caller) -> None:
    app = App(caller.headers["Authorization"])
    await app.connect()
    await app.hear("hello")
    phone = await sync_to_async(Phone.objects.get)()
    is_ended = await sync_to_async(staying.end)(
        await sync_to_async(lambda: phone.user)(), phone.pk, why=Phone.Ending.ENDED,
        now=timezone.now(),
    )  # fmt: skip
    assert is_ended
    assert await closing_code(app) == watch.NOT_SIGNED_IN


async def test_a_token_that_is_none_opens_no_socket(caller: Caller) -> None:
    phone = await sync_to_async(Phone.objects.get)()
    for token in ("x", str(phone.pk), ""):
        app = App(f"Bearer {token}")
        is_connected, _ = await app.connect()
        assert not is_connected or await closing_code(app) == watch.NOT_SIGNED_IN


async def test_what_a_cookie_says_is_never_a_phone(caller: Caller) -> None:
    phone = await sync_to_async(Phone.objects.get)()
    assert settings.SESSION_COOKIE_NAME
    page = Page(cookie=str(phone.pk))
    await page.connect()
    assert await closing_code(page) == watch.NOT_SIGNED_IN


async def test_a_page_of_another_origin_is_refused_whatever_token_it_brings(
    caller: Caller,
) -> None:
    app = App(caller.headers["Authorization"], origin="https://evil.example")
    is_connected, _ = await app.connect()
    assert not is_connected
