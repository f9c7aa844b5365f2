"""A real Chromium against the real program. Whatever the browser complains of fails the test."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.conftest import Shared
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS

WIDE: Final = {"width": 1280, "height": 800}
NARROW: Final = {"width": 390, "height": 844}
USUAL: Final = {
    "viewport": WIDE,
    "locale": "en-US",
    "timezone_id": "America/New_York",
    "color_scheme": "dark",
}
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
# Ten seconds after a page has asked it says that nobody answers, and leaves it to its reader to ask
# again. In tests it is as patient as they are: what it says without an answer they bring about.
PATIENT: Final = "AbortSignal.timeout = () => new AbortController().signal"


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


@pytest.fixture
def program(shared: Shared) -> LiveServer:
    """The running program of all tests: each of them brings a customer of its own.

    Whoever changes the market for all must do so with an instrument that no other test trades.
    """
    return shared.running()


class Profiles:
    """Profiles of one browser, used by one visitor after the other: to begin a new one for each,
    and to load all scripts into it anew, costs more than most tests do."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = {}

    def take(self, options: dict[str, Any]) -> BrowserContext:
        """Return one in which nobody is signed in and nothing is kept but files."""
        free = self._free.setdefault(repr(options), [])
        if free:
            return free.pop()
        profile = self._browser.new_context(**options)
        profile.set_default_timeout(WAIT_MS)
        profile.add_init_script(PATIENT)
        profile.new_page()  # keeps its window: a new one costs three times what a page in it does
        return profile

    def give_back(self, page: Page, options: dict[str, Any], origin: str) -> None:
        """Close the page and forget who was there."""
        profile = page.context
        profile.set_offline(False)
        page.unroute_all(behavior="ignoreErrors")
        kept = {"origin": origin, "storageTypes": "cookies,local_storage,indexeddb"}
        page.goto("about:blank")
        profile.new_cdp_session(page).send("Storage.clearDataForOrigin", kept)
        profile.clear_cookies()
        page.close()
        self._free[repr(options)].append(profile)


class Chromium:
    """The browser of all tests here: ended by the last of them in a row, as its driver keeps an
    event loop on the thread of the tests, in which Django talks to no database."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._profiles: Profiles | None = None

    def profiles(self) -> Profiles:
        if self._profiles is None:
            expect.set_options(timeout=WAIT_MS)
            driver = self._running.enter_context(sync_playwright())
            launched = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            self._running.callback(launched.close)
            self._profiles = Profiles(launched)
        return self._profiles

    def end(self) -> None:
        self._profiles = None
        self._running.close()


_chromium = Chromium()


@pytest.fixture
def profiles() -> Profiles:
    return _chromium.profiles()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Function | None) -> None:
    if nextitem is None or "profiles" not in nextitem.fixturenames:
        _chromium.end()


def pytest_sessionfinish() -> None:
    """End it also when the tests were broken off."""
    _chromium.end()


@pytest.fixture
def visit(program: LiveServer, profiles: Profiles) -> Iterator[Callable[..., Visitor]]:
    """A maker of visitors, each with a profile of their own, who must end without complaints."""
    visitors: list[tuple[Visitor, dict[str, Any]]] = []
    base_url = f"http://localhost:{program.port}"

    def make(**changes: Any) -> Visitor:
        options = {**USUAL, **changes}
        visitor = Visitor(page=profiles.take(options).new_page(), base_url=base_url)
        visitor.watch()
        visitors.append((visitor, options))
        return visitor

    yield make
    complaints = [complaint for visitor, _ in visitors for complaint in visitor.complaints]
    for visitor, options in visitors:
        profiles.give_back(visitor.page, options, base_url)
    assert complaints == []


@pytest.fixture
def customer(program: LiveServer, visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """A maker of customers who have just signed in, and are at the address `at`."""

    def make(
        *, deposit: str | None = "100000", margin: bool = False, at: str = "/", **options: Any
    ) -> Visitor:
        email = f"visitor-{uuid.uuid4().hex[:8]}@example.com"
        terms = [*(["--deposit", deposit] if deposit else []), *(["--margin"] if margin else [])]
        program.console("open_account", email, "--name", "Vera Visitor", *terms)
        visitor = visit(**options)
        sign_in(visitor, program.console("sign_in_link", email).strip().splitlines()[-1])
        visitor.go(at)
        return visitor

    return make


def sign_in(visitor: Visitor, link: str) -> None:
    """Sign in by a one-time link as its page does, but without the cost of showing that page."""
    context = visitor.page.context
    context.request.get(link)
    [token] = [each["value"] for each in context.cookies() if each["name"] == "csrf"]
    answer = context.request.post(link, headers={"X-CSRFToken": token}, max_redirects=0)
    assert answer.status == 302, answer.text()
