"""What a customer chooses for the account."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import choices, selectors
from accounts.choices import Choices
from accounts.models import Account
from trading.api import errors, wire
from trading.api.views.base import Call

_KNOWN = frozenset({"lot_method", "shorting", "multiplier"})


class AccountSettings(Call):
    """What the customer has chosen for the account."""

    def get(self, request: Request) -> Response:
        account = selectors.account(self.origin.account_id)
        if account is None:
            raise errors.not_found("The account")
        return Response(_shown(account))

    def patch(self, request: Request) -> Response:
        """Change what is sent, and leave the rest."""
        body = request.data
        if not isinstance(body, dict):
            raise errors.invalid("The body must be a JSON object.")
        if unknown := sorted(set(body) - _KNOWN):
            raise errors.ApiError(
                400, f"Unknown field: {unknown[0][:40]!r}.", reason="unknown_field"
            )
        method, shorting = body.get("lot_method"), body.get("shorting")
        multiplier = body.get("multiplier")
        if shorting is not None and not isinstance(shorting, bool):
            raise errors.invalid("shorting is true or false.")
        if method is not None and not isinstance(method, str):
            raise errors.invalid("lot_method is a word.")
        if multiplier is not None and (isinstance(multiplier, bool) or multiplier not in (1, 2, 4)):
            raise errors.invalid("multiplier is 1, 2 or 4.")
        wanted = Choices(lot_method=method, allows_shorting=shorting, multiplier_max=multiplier)
        try:
            account = choices.choose(
                self.origin.account_id,
                wanted,
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except choices.UnableToChoose as error:
            raise errors.invalid(str(error)) from None
        return Response(_shown(account))


def _shown(account: Account) -> wire.Json:
    return {
        "lot_method": account.lot_method,
        "shorting": account.allows_shorting,
        "multiplier": account.multiplier_max,
    }
