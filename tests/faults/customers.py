"""Who uses the running program: a customer's own program, and the staff in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

import httpx
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account
from portfolio.models import Balance, Position
from tests import people
from tests.faults.rogue_venue import RogueVenue
from tests.patience import DEADLINE_SECONDS, until
from venues.models import InboxReport, OutboxMessage

ROGUE: Final = "ROGUE"


@dataclass(frozen=True, kw_only=True)
class Trader:
    """A customer's own program, which trades AAPL at about the market's price."""

    CASH: ClassVar = Decimal("100000.00")

    account: Account
    client: httpx.Client
    rogue: RogueVenue
    price: Decimal

    def places(self, side: str = "buy", quantity: int = 10) -> str:
        """Place a limit order; return its id once the venue has it."""
        wanted = {
            "symbol": "AAPL",
            "side": side,
            "qty": str(quantity),
            "type": "limit",
            "limit_price": str(self.price),
            "time_in_force": "day",
        }
        return self._at_venue(self._call("POST", "/v2/orders", json=wanted).json()["id"])

    def replaces(self, order: str, *, quantity: int) -> str:
        changed = self._call("PATCH", f"/v2/orders/{order}", json={"qty": str(quantity)})
        return self._at_venue(changed.json()["id"])

    def cancels(self, order: str) -> None:
        self._call("DELETE", f"/v2/orders/{order}")

    def shown(self, order: str) -> tuple[str, int]:
        """Return what the API says: status and filled quantity."""
        answer = self._call("GET", f"/v2/orders/{order}").json()
        return answer["status"], int(Decimal(answer["filled_qty"]))

    def owns(self) -> int:
        position = Position.objects.filter(account=self.account).first()
        return int(position.quantity) if position else 0

    def spent(self) -> Decimal:
        there: Decimal = self._cash().amount
        return self.CASH - there

    def held(self) -> Decimal:
        held: Decimal = self._cash().held
        return held

    def _cash(self) -> Balance:
        return Balance.objects.get(account=self.account, asset="USD")

    def _at_venue(self, order: str) -> str:
        until(lambda: self.rogue.has(order))
        # Once it counts as sent, nothing is in doubt when the venue hangs up.
        until(lambda: not OutboxMessage.objects.filter(venue=ROGUE, sent_at=None).exists())
        return order

    def _call(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer = self.client.request(method, path, **content)
        assert answer.is_success, answer.text
        return answer


class Operator:
    """One of the staff, signed in to the running program with a browser of their own."""

    def __init__(self, base_url: str) -> None:
        user = people.person(is_staff=True)
        user.is_superuser = True
        user.save()
        self._browser = httpx.Client(base_url=base_url, timeout=DEADLINE_SECONDS, verify=False)
        link = f"/sign-in/link/{accounts.new_sign_in_link(user, timezone.now())}"
        self._browser.get(link)
        assert self._post(link, {}).status_code == 302

    def takes(self, step: str, report: InboxReport) -> str:
        """Take a step about the parked report; return what the admin answers."""
        page = f"/admin/venues/parkedreport/{report.pk}/change/"
        self._browser.get(page).raise_for_status()
        none = {f"steps-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
        answer = self._post(page, {"step": step, "why": "The shares are back", **none})
        assert answer.status_code == 302, answer.text
        return self._browser.get(answer.headers["location"]).text

    def _post(self, path: str, content: dict[str, str]) -> httpx.Response:
        token = self._browser.cookies["csrf"]
        return self._browser.post(path, data=content, headers={"X-CSRFToken": token})
