"""A real Chromium against the real program. Whatever the browser complains of fails the test."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests import database
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS

WIDE: Final = {"width": 1280, "height": 800}
NARROW: Final = {"width": 390, "height": 844}
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS: Final = DEADLINE_SECONDS * 1000


def chromium() -> str:
    """Return the Chromium to drive; without one the tests are skipped, but never in CI."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    message = "no Chromium is installed: install one, or name it in CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(f"{message}; in CI these tests must run")
    pytest.skip(message)


@dataclass
class Visitor:
    """A person at a page, and everything that the browser complained of meanwhile."""

    page: Page
    base_url: str
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on(
            "response",
            lambda answer: (
                self.complaints.append(f"{answer.status} {answer.url}")
                if answer.status >= 400
                else None
            ),
        )

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def go(self, address: str) -> None:
        self.page.goto(f"{self.base_url}{address}")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def wait_for_text(self, selector: str, wanted: str) -> None:
        self.page.locator(selector).filter(has_text=re.compile(wanted)).first.wait_for()

    def wait_for_change(self, selector: str, before: str) -> str:
        """Return the text of `selector` once it is another than `before`, without a reload."""
        self.page.wait_for_function(
            "([selector, before]) => document.querySelector(selector).innerText !== before",
            arg=[selector, before],
        )
        return self.text(selector)


@pytest.fixture(scope="module")
def program() -> Iterator[LiveServer]:
    """One running program for the tests of a file: each of them brings a customer of its own."""
    chromium()
    home = Path(settings.RUN) / f"browser-{settings.WORKER}-{uuid.uuid4().hex[:6]}"
    database.place_cluster(home, has_market=True)
    server = LiveServer(home=home)
    try:
        server.start()
        yield server
    finally:
        server.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def visit(program: LiveServer, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """A maker of visitors, each with a browser of their own, who must end without complaints."""
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        context = browser.new_context(
            **{
                "viewport": WIDE,
                "locale": "en-US",
                "timezone_id": "America/New_York",
                "color_scheme": "dark",
                **options,
            }
        )
        context.set_default_timeout(WAIT_MS)
        visitor = Visitor(page=context.new_page(), base_url=f"http://localhost:{program.port}")
        visitor.watch()
        visitors.append(visitor)
        return visitor

    yield make
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for visitor in visitors:
        visitor.page.context.close()
    assert complaints == []


@pytest.fixture
def customer(program: LiveServer, visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """A maker of customers who have just signed in by a one-time link."""

    def make(*, deposit: str | None = "100000", **options: Any) -> Visitor:
        email = f"visitor-{uuid.uuid4().hex[:8]}@example.com"
        money = ["--deposit", deposit] if deposit else []
        program.console("open_account", email, "--name", "Vera Visitor", *money)
        link = program.console("sign_in_link", email).strip().splitlines()[-1]
        visitor = visit(**options)
        visitor.page.goto(link)
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url(f"{visitor.base_url}/")
        return visitor

    return make
