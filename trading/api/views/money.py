"""Money on its way out, for people who are signed in: payees, withdrawals, the limit of a day.

No API key makes these calls: a key never takes money out. What could send money somewhere asks
for a strong second factor that was proved a moment ago; what makes the account safer asks for
nothing more than being signed in.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.sessions.gate import freshly_proved
from foundation import decimals
from foundation.decimals import CASH
from portfolio import particulars
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction
from portfolio.payees import cancelling, destinations
from portfolio.payees import services as payees
from portfolio.payees.destinations import InvalidDestination
from portfolio.payees.models import Payee
from risk.margin import withdrawing
from trading.api import errors, queries, wire
from trading.api.views.base import Call, fields

_PAYEE: Final = frozenset({"kind", "holder", "label"})
_NUMBERS: Final = frozenset(name for names in destinations.FIELDS.values() for name in names)
_WITHDRAWAL: Final = frozenset({"payee_id", "amount", "asset", "reference"})


@freshly_proved("POST", strong=True)
class Payees(Call):
    """What is one's own and can be sent to, banks and addresses, in the order they were added."""

    def get(self, request: Request) -> Response:
        return Response([_payee(each) for each in payees.payees(self.origin.account_id)])

    def post(self, request: Request) -> Response:
        body = fields(request, _PAYEE | _NUMBERS)
        said = {name: _text(body, name) for name in _PAYEE}
        numbers = {name: _text(body, name) for name in _NUMBERS if name in body}
        try:
            payee = payees.add(
                **said,
                account_id=self.origin.account_id,
                numbers=numbers,
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except (InvalidDestination, payees.UnableToAdd) as error:
            raise errors.invalid(str(error), reason="invalid_payee", field=error.field) from None
        return Response(_payee(payee), status=201)


class PayeeOf(Call):
    def delete(self, request: Request, payee_id: str) -> Response:
        """Remove a payee at once; what is on its way there goes on."""
        is_removed = payees.remove(
            account_id=self.origin.account_id,
            payee_id=_id(payee_id, "The payee"),
            actor=str(self.origin.actor),
            now=self.origin.received_at,
        )
        if not is_removed:
            raise errors.not_found("The payee")
        return Response(status=204)


@freshly_proved("POST", strong=True)
class Withdrawals(Call):
    """Withdrawals, the newest first. A `reference` names one for ever: sent again, it is one."""

    def get(self, request: Request) -> Response:
        found = particulars.latest_fundings(self.origin.account_id)
        return Response(
            [_withdrawal(each) for each in found if each.direction == Direction.WITHDRAWAL]
        )

    def post(self, request: Request) -> Response:
        body = fields(request, _WITHDRAWAL)
        payee_id = queries.as_uuid(_text(body, "payee_id"))
        if payee_id is None:
            raise errors.invalid("payee_id must be the id of a payee.")
        try:
            asked = withdrawing.request_withdrawal(
                account_id=self.origin.account_id,
                payee_id=payee_id,
                amount=_amount(body),
                reference=_text(body, "reference") or uuid.uuid4().hex,
                actor=str(self.origin.actor),
                now=self.origin.received_at,
                coin=_text(body, "asset") or CASH,
            )
        except funding.UnableToWithdraw as error:
            until = wire.timestamp(error.until)
            raise errors.ApiError(403, str(error), reason=error.code, until=until) from None
        return Response(_withdrawal(asked), status=201)


class WithdrawalOf(Call):
    def delete(self, request: Request, funding_id: str) -> Response:
        """Cancel a withdrawal that has not left yet."""
        try:
            is_known = cancelling.cancel_own(
                account_id=self.origin.account_id,
                funding_id=_id(funding_id, "The withdrawal"),
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except funding.UnableToCarryOn as error:
            raise errors.ApiError(409, str(error), reason="has_left", code=40910000) from None
        if not is_known:
            raise errors.not_found("The withdrawal")
        return Response(status=204)


@freshly_proved("PUT", strong=True)
class WithdrawalLimit(Call):
    """What may leave on a day: less holds at once, more a day later."""

    def get(self, request: Request) -> Response:
        return Response(self._limit())

    def put(self, request: Request) -> Response:
        try:
            payees.set_limit(
                account_id=self.origin.account_id,
                amount=_amount(fields(request, {"amount"})),
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except payees.UnableToLimit as error:
            raise errors.invalid(str(error), reason="invalid_limit") from None
        return Response(self._limit())

    def _limit(self) -> wire.Json:
        account_id, now = self.origin.account_id, self.origin.received_at
        limit = payees.limit(account_id, now=now)
        return {
            "amount": wire.decimal(limit.amount),
            "left_today": wire.decimal(payees.left_today(account_id, now=now)),
            "withdrawable": wire.decimal(withdrawing.withdrawable(account_id, now=now)),
            "coins": [
                {
                    "asset": each.coin,
                    "withdrawable": wire.decimal(each.amount),
                    "fee": wire.decimal(each.fee),
                }
                for each in withdrawing.withdrawable_coins(account_id, now=now)
            ],
            "next_amount": wire.decimal(limit.next),
            "next_from": wire.timestamp(limit.next_from),
        }


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise errors.invalid(f"{name} must be a text.")
    return value


def _amount(body: Mapping[str, Any]) -> Decimal:
    try:
        return decimals.parse(body.get("amount"))
    except ValueError:
        raise errors.invalid("amount must be a number such as 250.00.") from None


def _id(given: str, what: str) -> UUID:
    found = queries.as_uuid(given)
    if found is None:
        raise errors.not_found(what)
    return found


def _payee(payee: Payee) -> wire.Json:
    return {
        "id": str(payee.pk),
        "kind": payee.kind,
        "holder": payee.holder,
        "account": payee.destination.masked,
        "asset": payee.destination.coin,
        "network": payee.numbers.get("network"),
        "wallet": payee.numbers.get("wallet"),
        "provider": payee.numbers.get("provider") or None,
        "label": payee.label,
        "added_at": wire.timestamp(payee.added_at),
        "usable_at": wire.timestamp(payee.usable_at),
    }


def _withdrawal(funding: Funding) -> wire.Json:
    return {
        "id": str(funding.pk),
        "payee_id": str(funding.payee_id) if funding.payee_id else None,
        "asset": funding.coin,
        "amount": wire.decimal(funding.amount),
        "fee": wire.decimal(funding.fee),
        "value": wire.decimal(funding.value),
        "transaction": funding.transaction or None,
        "reference": funding.reference,
        "state": funding.state,
        "asked_at": wire.timestamp(funding.asked_at),
        "changed_at": wire.timestamp(funding.changed_at),
    }
