"""Joining, in a real browser: from an address to an account that is open, and back in again."""

from __future__ import annotations

import base64
import re
import time
import uuid
from collections.abc import Callable

from django_otp.oath import hotp
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

PASSWORD = "four plain words here"
STEP_SECONDS = 30


class Authenticator:
    """An app whose clock runs fast when it must: each code works once, the next one already."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b32decode(secret.replace(" ", ""))
        self._step = -1

    def code(self) -> str:
        """Return a code that was not returned before."""
        self._step = max(self._step + 1, int(time.time()) // STEP_SECONDS)
        return f"{hotp(self._key, self._step):06d}"


def test_a_newcomer_joins_answers_leaves_and_signs_in(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.page
    email = f"newcomer-{uuid.uuid4().hex[:8]}@example.com"
    visitor.go("/register")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.get_by_role("link", name="Open the letter's link").click()

    page.get_by_label("Your name").fill("Nora Newcomer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label(re.compile("agree")).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/enrol$"))
    visitor.go("/")  # a password alone opens nothing
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/enrol$"))
    authenticator = Authenticator(visitor.text("#secret"))
    page.get_by_label(re.compile("Code")).fill(authenticator.code())
    page.get_by_role("button", name="Confirm and sign in").click()

    page.wait_for_url(f"{visitor.base_url}/")
    expect(page.get_by_text("You hold nothing yet.")).to_be_visible()
    visitor.go("/account/opening")
    page.get_by_label("Full legal name").fill("Nora Newcomer")
    page.get_by_label("Date of birth").fill("1990-04-25")
    page.get_by_label("Where you pay taxes").select_option("AT")
    page.get_by_label("Tax number").fill("12-345/6789")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Where you live")).to_be_visible()
    page.get_by_role("button", name=re.compile("made-up answers")).click()
    page.wait_for_url(f"{visitor.base_url}/")

    visitor.go("/account/security")
    expect(page.locator("#security-log")).to_contain_text("Account opened")
    page.wait_for_load_state("networkidle")  # what the page asks for is not for a stranger
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label(re.compile("Code")).fill(authenticator.code())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"{visitor.base_url}/")
    visitor.wait_for_text("[data-strip=connection]", "Live")
