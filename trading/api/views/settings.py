"""What a customer chooses for the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import choices, selectors
from accounts.choices import Choices
from accounts.models import Account
from trading.api import errors, wire
from trading.api.scopes import reads, trades
from trading.api.views.base import Call, account_of, fields

_KNOWN = frozenset({"lot_method", "shorting", "multiplier", "suspended"})
# What their clients ask of every account, and what is so here whatever is chosen.
_FIXED: Final[Mapping[str, object]] = {
    "dtbp_check": "entry",
    "fractional_trading": True,
    "max_options_trading_level": 0,
    "pdt_check": "entry",
    "ptp_no_exception_entry": False,
    "trade_confirm_email": "none",
    "disable_overnight_trading": False,
}
_MULTIPLIERS: Final = {str(each): each for each in choices.MULTIPLIERS}


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
        multiplier, suspended = body.get("multiplier"), body.get("suspended")
        if shorting is not None and not isinstance(shorting, bool):
            raise errors.invalid("shorting is true or false.")
        if suspended is not None and not isinstance(suspended, bool):
            raise errors.invalid("suspended is true or false.")
        if method is not None and not isinstance(method, str):
            raise errors.invalid("lot_method is a word.")
        if multiplier is not None and (isinstance(multiplier, bool) or multiplier not in (1, 2, 4)):
            raise errors.invalid("multiplier is 1, 2 or 4.")
        wanted = Choices(
            lot_method=method,
            allows_shorting=shorting,
            multiplier_max=multiplier,
            is_suspended=suspended,
        )
        return Response(_shown(_chosen(self, wanted)))


class AccountConfigurations(Call):
    """The same as programs know it: what is not to be chosen here is told as it is."""

    @reads
    def get(self, request: Request) -> Response:
        return Response(_configured(account_of(self)))

    @trades
    def patch(self, request: Request) -> Response:
        """Change what differs from how it is: clients send back all that they were told."""
        known = {*_FIXED, "max_margin_multiplier", "no_shorting", "suspend_trade"}
        body = fields(request, known, refuses_unknown=self.refuses_unknown)
        told = _configured(account_of(self))
        news = {
            name: value
            for name, value in body.items()
            if name in known and value is not None and value != told[name]
        }
        for name in ("no_shorting", "suspend_trade"):
            if not isinstance(news.get(name, False), bool):
                raise errors.invalid(f"{name} is true or false.")
        if fixed := sorted(set(news) & set(_FIXED)):
            raise errors.invalid(f"{fixed[0]} cannot be chosen here: it is {told[fixed[0]]!r}.")
        multiplier = news.get("max_margin_multiplier")
        if multiplier is not None and str(multiplier) not in _MULTIPLIERS:
            raise errors.invalid("max_margin_multiplier is 1, 2 or 4.")
        wanted = Choices(
            allows_shorting=not news["no_shorting"] if "no_shorting" in news else None,
            multiplier_max=None if multiplier is None else _MULTIPLIERS[str(multiplier)],
            is_suspended=news.get("suspend_trade"),
        )
        return Response(_configured(_chosen(self, wanted)))


def _chosen(call: Call, wanted: Choices) -> Account:
    """Return the account with what is chosen. Raises ApiError."""
    try:
        return choices.choose(
            call.origin.account_id,
            wanted,
            actor=str(call.origin.actor),
            now=call.origin.received_at,
        )
    except choices.UnableToChoose as error:
        raise errors.invalid(str(error)) from None


def _configured(account: Account) -> wire.Json:
    return {
        **_FIXED,
        "max_margin_multiplier": str(account.multiplier_max if account.margin else 1),
        "no_shorting": not (account.margin and account.allows_shorting),
        "suspend_trade": account.is_suspended,
    }


def _shown(account: Account) -> wire.Json:
    return {
        "lot_method": account.lot_method,
        "shorting": account.allows_shorting,
        "multiplier": account.multiplier_max,
        "suspended": account.is_suspended,
    }
