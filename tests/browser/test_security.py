"""Security keys in a real Chromium, whose own authenticator stands for one that is plugged in."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import CDPSession, expect

from tests import patience
from tests.browser.conftest import NARROW, Visitor
from tests.live_server import LiveServer
from tests.people import PASSWORD


def plug_in(visitor: Visitor, *, knows_owner: bool = True) -> CDPSession:
    """Give the visitor's browser a security key that answers as soon as it is asked."""
    tools = visitor.page.context.new_cdp_session(visitor.page)
    tools.send("WebAuthn.enable")
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": knows_owner,
        "isUserVerified": knows_owner,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return tools


def test_a_key_is_added_proves_again_and_signs_in(
    program: LiveServer, visit: Callable[..., Visitor]
) -> None:
    email = f"keys-{uuid.uuid4().hex[:8]}@example.com"
    program.console("open_account", email, "--name", "Kay Keys", "--password", PASSWORD)
    link = program.console("sign_in_link", email).strip().splitlines()[-1]
    visitor = visit(viewport=NARROW)
    page = visitor.page
    plug_in(visitor)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{visitor.base_url}/")

    visitor.go("/account/security")
    expect(page.get_by_role("heading", name="Security", exact=True)).to_be_visible()
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wide)
    page.get_by_role("link", name="Add a security key or passkey").click()
    page.get_by_label("Name").fill("blue key")
    page.get_by_role("button", name="Add the key").click()
    page.wait_for_url(f"{visitor.base_url}/account/security")
    expect(page.locator("[aria-labelledby=factors-title] .factor")).to_have_text(
        [re.compile("authenticator app"), re.compile("blue key")]
    )

    visitor.go("/prove?next=/account/security")
    page.get_by_role("button", name="Use a security key or passkey").click()
    page.wait_for_url(f"{visitor.base_url}/account/security")

    page.get_by_role("button", name="Make ten recovery codes").click()
    expect(page.locator("#codes li")).to_have_count(10)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    sheet = download.value.path().read_text().split()
    assert sheet == page.locator("#codes code").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{visitor.base_url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Use a security key or passkey").click()
    page.wait_for_url(f"{visitor.base_url}/")


def test_codes_by_sms_and_mail_and_from_the_sheet_prove_again(
    program: LiveServer, customer: Callable[..., Visitor]
) -> None:
    """With the authenticator of a newcomer's first steps (test_joining), every other factor."""
    visitor = customer(deposit=None, at="/account/security")
    page = visitor.page
    box = f"box-{uuid.uuid4().hex[:8]}@example.com"
    number = f"+43660{uuid.uuid4().int % 10**7:07}"
    ways = {
        "sms": (number, rf"SMS to {re.escape(number)}: (\d{{6}}) is"),
        "email": (box, rf"(?s)To: {re.escape(box)}\n.*?\n(\d{{6}})\r?\n"),
    }
    for way, (address, sent) in ways.items():
        visitor.go(f"/account/security/place/{way}")
        page.get_by_label("Name").fill(f"my {way}")
        page.get_by_label("Address").fill(address)
        page.get_by_role("button", name="Send a code").click()
        page.get_by_label("Code that was sent to you").fill(newest_code(program, sent, count=1))
        page.get_by_role("button", name="Add it").click()
        page.wait_for_url(f"{visitor.base_url}/account/security")

        visitor.go("/prove?next=/account/security")
        page.get_by_role(
            "button", name=re.compile("By SMS" if way == "sms" else "By e-?mail", re.IGNORECASE)
        ).click()
        page.get_by_label("Code that was sent to you").fill(newest_code(program, sent, count=2))
        page.locator("form", has=page.get_by_label("Code that was sent to you")).get_by_role(
            "button"
        ).click()
        page.wait_for_url(f"{visitor.base_url}/account/security")
    expect(page.locator("[aria-labelledby=factors-title] .factor")).to_have_text(
        [re.compile("authenticator app"), re.compile("my sms"), re.compile("my email")]
    )

    page.get_by_role("button", name="Make ten recovery codes").click()
    expect(page.locator("#codes li")).to_have_count(10)
    code = page.locator("#codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    visitor.go("/prove?next=/account/security")
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill(code)
    page.get_by_label("Recovery code").press("Enter")
    page.wait_for_url(f"{visitor.base_url}/account/security")


def newest_code(program: LiveServer, sent: str, *, count: int) -> str:
    """Return the latest of `count` codes, once the program has printed so many."""

    def printed() -> list[str]:
        found = re.findall(sent, program.log)
        return found if len(found) >= count else []

    return patience.until(printed)[-1]
