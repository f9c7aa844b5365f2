"""What every call of the API has in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, cast

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors as accounts
from accounts.models import Account
from accounts.sessions.gate import own_authentication
from marketdata import selectors as marketdata
from marketdata.models import Instrument
from trading.api import errors, queries, rate_limits
from trading.api.authentication import (
    ApiKeyAuthentication,
    Caller,
    IsCaller,
    PhoneAuthentication,
    SignedInAuthentication,
)
from trading.api.tickets import Origin

SYMBOL_LENGTH_MAX: Final = 24


class Call(APIView):
    """A call by a signed-in browser at /api/v1; `keyed` makes its twin for programs."""

    authentication_classes = [SignedInAuthentication]
    permission_classes = [IsCaller]
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    refuses_unknown = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        caller = cast("Caller", request.auth)  # IsCaller has seen to it
        self.origin = Origin(
            account_id=caller.account_id,
            actor=caller.actor,
            source_address=request.META.get("REMOTE_ADDR", ""),
            received_at=timezone.now(),
            request_id=request.headers.get("x-request-id", ""),
        )
        self.allowance = rate_limits.spend(caller.actor.id, limit=caller.calls_per_minute)

    def take_only(self, request: Request, *known: str) -> None:
        """Refuse parameters other than these, where what is not known is refused at all."""
        if self.refuses_unknown:
            queries.refuse_unknown(request.query_params, *known)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, rate_limits.TooManyCalls):
            self.allowance = exc.allowance
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        allowance = getattr(self, "allowance", None)
        if allowance is not None:
            for name, value in allowance.headers.items():
                response[name] = value
        return response


def keyed(call: type[Call]) -> type[Call]:
    """Return the twin of a call for programs: by API key or phone, as the compatible API has it."""
    twin = type(
        f"Keyed{call.__name__}",
        (call,),
        {
            "authentication_classes": [ApiKeyAuthentication, PhoneAuthentication],
            "refuses_unknown": False,
            "__doc__": call.__doc__,
        },
    )
    return own_authentication(twin)


def instrument_named(name: str) -> Instrument | None:
    """Return the instrument with this symbol or id; BTCUSD stands for BTC/USD."""
    found = queries.as_uuid(name)
    if found is not None:
        return Instrument.objects.filter(pk=found).first()
    return instruments_called([name]).get(name)


def instruments_called(names: Collection[str]) -> dict[str, Instrument]:
    """Return those of `names` that are symbols here, each as it was said; BTCUSD is BTC/USD."""
    spelt = {name: _spellings(name) for name in names}
    known = marketdata.instruments({symbol for each in spelt.values() for symbol in each})
    found = {
        name: next((known[symbol] for symbol in symbols if symbol in known), None)
        for name, symbols in spelt.items()
    }
    return {name: instrument for name, instrument in found.items() if instrument is not None}


def _spellings(name: str) -> list[str]:
    symbol = name.strip().upper()
    if not symbol.isprintable() or len(symbol) > SYMBOL_LENGTH_MAX:
        return []
    is_pair = "/" not in symbol and symbol.endswith("USD")
    return [symbol, f"{symbol.removesuffix('USD')}/USD"] if is_pair else [symbol]


def account_of(call: Call) -> Account:
    """Return the account that a call acts on. Raises ApiError."""
    account = accounts.account(call.origin.account_id)
    if account is None:
        raise errors.not_found("The account")
    return account


def fields(
    request: Request, known: Collection[str], *, refuses_unknown: bool = True
) -> dict[str, Any]:
    """Return the body, an object with no other than the `known` fields. Raises ApiError.

    Programs may send others: they are not looked at.
    """
    body = request.data
    if not isinstance(body, dict):
        raise errors.invalid("The body must be a JSON object.")
    if refuses_unknown and (unknown := sorted(set(body) - set(known))):
        raise errors.ApiError(400, f"Unknown field: {unknown[0][:40]!r}.", reason="unknown_field")
    return body
