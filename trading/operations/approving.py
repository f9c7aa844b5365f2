"""What one person has asked for and another has to decide on, what concerns one first.

Each room says how what it asks for is carried out, in the transaction of the approval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import approvals
from accounts.approvals import UnableToApprove
from accounts.customers import naming
from accounts.factors import taking
from accounts.models import Approval, User
from accounts.oversight import belonging
from accounts.sessions.gate import person_of
from portfolio.actions import services as corporate_actions
from portfolio.funding import services as funding
from reconciliation.breaks import asked as correction
from reconciliation.breaks import working as correcting
from reconciliation.statements import holds
from risk.controls import switches
from risk.limits import services as limiting
from risk.margin import designation
from risk.margin import rates as margin_rates
from trading.operations import asked_for, sifting
from trading.operations.framed import enter, framed
from trading.operations.landing import lines
from trading.operations.sifting import Sift, Whose
from trading.operations.viewing import shows

VIEW: Final = "accounts.view_approval"
DECIDE: Final = "accounts.add_approvaldecision"
SOON: Final = timedelta(hours=2)


Decide = Callable[[Approval, User, str, datetime], object]


def _refuse(approval: Approval, by: User, reason: str, now: datetime) -> None:
    approvals.refuse(approval.pk, by=by, reason=reason, now=now)


class Matter(NamedTuple):
    """A kind of approval: its name, the permission of those who may agree, and what that does.

    `refuse` is what a refusal does, where it does more than to be one. `model` ("risk.switch") is
    of the row that is its subject, where there is one.
    """

    name: str
    permission: str
    approve: Decide
    refuse: Decide = _refuse
    model: str = ""


MATTERS: Final[Mapping[str, Matter]] = {
    limiting.LOOSEN: Matter(
        "Loosen limits",
        "risk.add_limits",
        lambda a, by, why, now: limiting.approve(a.pk, by=by, reason=why, now=now),
    ),
    switches.RELEASE: Matter(
        "Release a switch",
        "risk.change_switch",
        lambda a, by, why, now: switches.release(a.pk, by=by, reason=why, now=now),
        model="risk.switch",
    ),
    margin_rates.APPROVAL: Matter(
        "Loosen a margin rate",
        "risk.add_marginrate",
        lambda a, by, why, now: margin_rates.approve(a.pk, by=by, reason=why, now=now),
    ),
    designation.APPROVAL: Matter(
        "Take back that somebody is a pattern day trader",
        "risk.change_marginstatus",
        lambda a, by, why, now: designation.approve(a.pk, by=by, reason=why, now=now),
        model="risk.marginstatus",
    ),
    funding.APPROVAL: Matter(
        "Pay out a large withdrawal",
        "portfolio.change_funding",
        lambda a, by, why, now: funding.approve(UUID(a.subject), by=by, reason=why, now=now),
        model="portfolio.funding",
    ),
    taking.APPROVAL: Matter(
        "Take every factor of somebody who has lost them",
        "accounts.add_reenrolment",
        lambda a, by, why, now: taking.approve(a.pk, by=by, reason=why, now=now),
    ),
    naming.APPROVAL: Matter(
        "Change a customer's legal name",
        "accounts.add_profile",
        lambda a, by, why, now: naming.approve(a.pk, by=by, reason=why, now=now),
    ),
    holds.APPROVAL: Matter(
        "Release a legal hold",
        "reconciliation.change_legalhold",
        lambda a, by, why, now: holds.release(a.pk, by=by, reason=why, now=now),
        model="reconciliation.legalhold",
    ),
    correction.APPROVAL: Matter(
        "Correct our books for a break",
        "reconciliation.change_break",
        lambda a, by, why, now: correcting.approve(a.pk, by=by, reason=why, now=now),
        lambda a, by, why, now: correcting.decline(a.pk, by=by, reason=why, now=now),
        model="reconciliation.break",
    ),
    corporate_actions.APPROVAL: Matter(
        "Carry out a corporate action",
        "portfolio.change_corporateaction",
        lambda a, by, why, now: corporate_actions.approve(
            UUID(a.subject), by=by, reason=why, now=now
        ),
        model="portfolio.corporateaction",
    ),
}
_REFUSALS: Final = (
    UnableToApprove,
    limiting.UnableToLimit,
    switches.UnableToSwitch,
    margin_rates.UnableToSetRate,
    designation.UnableToClear,
    funding.UnableToCarryOn,
    corporate_actions.UnableToCarryOut,
    correcting.UnableToResolve,
    taking.UnableToTake,
    naming.UnableToName,
)


class DecisionForm(forms.Form):
    outcome = forms.ChoiceField(choices=[("approve", "approve"), ("refuse", "refuse")])
    reason = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("outcome") == "refuse" and not told.get("reason", "").strip():
            self.add_error("reason", "Say why you refuse it.")
        return told


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show what waits for a second person: what concerns whoever looks first, each oldest first."""
    enter(request, VIEW)
    by = person_of(request)
    now = timezone.now()
    sift = sifting.asked(request.GET)
    found = sifting.ranked(approvals.waiting(now=now), by=by, decides_on=_decided_by(by))
    turned = sifting.page(found, sift)
    sift = replace(sift, page=turned.number)
    waiting = list(turned)
    shown = [
        {
            "approval": each,
            "whose": Whose(each.whose).words,
            "name": name_of(each.kind),
            "link": _page_of(each, by),
            "facts": facts,
            "is_own": each.asked_by_id == by.pk,
            "is_open": may_decide(by, each.kind),
            "left": lines.spoken(each.expires_at - now),
            "is_ending": each.expires_at - now < SOON,
        }
        for each, facts in zip(waiting, asked_for.facts(waiting), strict=True)
    ]
    shows(request, belonging.named_in(word for each in waiting for word in asked_for.words(each)))
    return framed(
        request,
        "operations/approvals.html",
        title="Waiting for a second person",
        shown=shown,
        page=turned,
        sift=sift,
        choices=_choices(sift, sifting.counts(found)),
        earlier=replace(sift, page=sift.page - 1).query if turned.has_previous() else None,
        later=replace(sift, page=sift.page + 1).query if turned.has_next() else None,
        may_decide=by.has_perm(DECIDE),
    )


def count_waiting(*, by: User, now: datetime) -> tuple[int, int]:
    """Return how many wait for `by` to decide on, and how many in all."""
    found = sifting.ranked(approvals.waiting(now=now), by=by, decides_on=_decided_by(by))
    counts = sifting.counts(found)
    yours = sum(count for (whose, _), count in counts.items() if whose is Whose.YOURS)
    return yours, sum(counts.values())


def _choices(sift: Sift, counts: Mapping[tuple[Whose, str], int]) -> list[dict[str, Any]]:
    """Return the ways to sift, each with its count: for whom, and of which kind of those."""
    per_whose = {each: sum(n for (of, _), n in counts.items() if of is each) for each in Whose}
    kinds: dict[str, int] = {}
    for (whose, kind), count in counts.items():
        if sift.whose in (None, whose):
            kinds[kind] = kinds.get(kind, 0) + count
    return [
        {
            "name": "For whom",
            "ways": [
                ("All", sum(counts.values()), Sift(kind=sift.kind).query, sift.whose is None),
                *(
                    (each.words, count, Sift(each, sift.kind).query, sift.whose is each)
                    for each, count in per_whose.items()
                    if count or sift.whose is each
                ),
            ],
        },
        {
            "name": "What for",
            "ways": [
                ("Everything", sum(kinds.values()), Sift(sift.whose).query, not sift.kind),
                *(
                    (
                        name_of(kind),
                        kinds.get(kind, 0),
                        Sift(sift.whose, kind).query,
                        kind == sift.kind,
                    )
                    for kind in sorted({*kinds, sift.kind} - {""}, key=name_of)
                ),
            ],
        },
    ]


@require_POST
def decide(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Agree to one, which carries it out at once, or refuse or withdraw it."""
    enter(request, DECIDE)
    back = f"{reverse('operations:approvals')}{sifting.asked(request.GET).query}"
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(e) for es in form.errors.values() for e in es))
        return redirect(back)
    by = person_of(request)
    reason, now = form.cleaned_data["reason"], timezone.now()
    try:
        if form.cleaned_data["outcome"] == "refuse":
            approval = _waiting(approval_id, now)
            MATTERS[approval.kind].refuse(approval, by, reason, now)
            messages.success(request, "Refused: nothing was changed.")
        else:
            _approve(approval_id, by=by, reason=reason, now=now)
            messages.success(request, "Approved, and carried out.")
    except _REFUSALS as error:
        messages.error(request, str(error))
    return redirect(back)


def _approve(approval_id: UUID, *, by: User, reason: str, now: datetime) -> None:
    approval = _waiting(approval_id, now)
    if approval.asked_by_id == by.pk:
        raise UnableToApprove("Another person has to approve what you have asked for.")
    if not may_decide(by, approval.kind):
        raise UnableToApprove("Your role does not decide on this.")
    MATTERS[approval.kind].approve(approval, by, reason, now)


def _waiting(approval_id: UUID, now: datetime) -> Approval:
    approval = approvals.waiting(now=now).filter(pk=approval_id).first()
    if approval is None:
        raise UnableToApprove("It does not wait any more.")
    if approval.kind not in MATTERS:
        raise UnableToApprove("Nobody here knows how to carry that out.")
    return approval


def name_of(kind: str) -> str:
    """Return what approvals of this kind are for, in words."""
    return MATTERS[kind].name if kind in MATTERS else kind.replace("_", " ")


def _page_of(approval: Approval, by: User) -> str:
    """Return the address of the row that it is about, "" without one that `by` may see."""
    model = MATTERS[approval.kind].model if approval.kind in MATTERS else ""
    app, _, name = model.partition(".")
    if not model or not by.has_perm(f"{app}.view_{name}"):
        return ""
    return reverse(f"admin:{app}_{name}_change", args=[approval.subject])


def _decided_by(by: User) -> list[str]:
    return [kind for kind in MATTERS if may_decide(by, kind)]


def may_decide(by: User, kind: str) -> bool:
    """Tell whether the roles of `by` decide on approvals of this kind, of others than their own."""
    return kind in MATTERS and by.has_perm(DECIDE) and by.has_perm(MATTERS[kind].permission)
