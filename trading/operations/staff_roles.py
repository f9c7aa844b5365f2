"""What members of staff may do: one role for each kind of work, with no more than it takes.

A role is a group of Django's permissions, which every page of the admin asks for. Whoever has
several has what they add up to. The administrator alone makes schedules and looks after people;
what moves money or loosens a limit takes two, whoever they are (`approving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.models import User
from foundation import history


class StaffRole(StrEnum):
    SUPPORT = "support"
    OPERATIONS = "operations"
    RISK = "risk"
    COMPLIANCE = "compliance"
    ADMINISTRATOR = "administrator"


_TRADING: Final = ("orders.view_*", "portfolio.view_*", "marketdata.view_*", "risk.view_*")
_PEOPLE: Final = (
    "accounts.view_account",
    "accounts.view_activity",
    "accounts.view_apikey",
    "accounts.view_securityevent",
    "accounts.view_signin",
    "accounts.view_user",
)
_NOTES: Final = ("accounts.view_accountnote", "accounts.add_accountnote")
_MACHINES: Final = ("venues.view_*", "exchange.view_*", "foundation.view_*")
_APPROVALS: Final = ("accounts.view_approval", "accounts.add_approvaldecision")

MAY: Final[Mapping[StaffRole, tuple[str, ...]]] = MappingProxyType(
    {
        # Sees what a customer asks about, and shuts a key that has leaked. Moves nothing.
        StaffRole.SUPPORT: (
            *_TRADING,
            *_PEOPLE,
            *_NOTES,
            "accounts.view_letter",
            "accounts.change_apikey",
            "reconciliation.view_statement",
        ),
        # Carries money, corporate actions and reports on, and keeps markets running.
        StaffRole.OPERATIONS: (
            *_TRADING,
            *_PEOPLE,
            *_NOTES,
            *_MACHINES,
            *_APPROVALS,
            "accounts.add_profile",  # a customer's other legal name, by two
            "accounts.add_reenrolment",  # lost factors, by two
            "accounts.change_account",
            "accounts.change_apikey",
            "marketdata.change_instrument",
            "portfolio.*_corporateaction",
            "portfolio.*_funding",
            "risk.*_switch",
            "venues.change_parkedreport",
            "venues.*_route",
            "venues.change_venue",
            "reconciliation.view_*",
            "reconciliation.change_jobrun",
            "reconciliation.change_break",
            "reconciliation.add_statementfile",
        ),
        # Says who may stake what, and stops what must be stopped.
        StaffRole.RISK: (
            *_TRADING,
            *_PEOPLE,
            *_NOTES,
            *_MACHINES,
            *_APPROVALS,
            "accounts.change_account",
            "risk.add_*",
            "risk.change_*",
        ),
        # Sees everything, also who customers are; works on alerts, restricts accounts, and says
        # what must be kept.
        StaffRole.COMPLIANCE: (
            "*.view_*",
            *_NOTES,
            "accounts.add_approvaldecision",
            "accounts.change_account",
            "reconciliation.*_legalhold",
            "reconciliation.add_proofrun",  # has everything verified
            "risk.change_alert",
        ),
    }
)


def permits(role: StaffRole, permission: str) -> bool:
    """Tell whether `role` has a permission such as "risk.change_alert"."""
    if role is StaffRole.ADMINISTRATOR:
        return True
    return any(fnmatchcase(permission, pattern) for pattern in MAY[role])


def sync(*, using: str | None = None) -> None:
    """Give each role's group the permissions that it has now, and takes from it what it lost."""
    with transaction.atomic(using=using):
        known = list(Permission.objects.using(using).select_related("content_type"))
        for role in MAY:
            group, _ = Group.objects.using(using).get_or_create(name=role)
            group.permissions.set(
                each
                for each in known
                if permits(role, f"{each.content_type.app_label}.{each.codename}")
            )


def assign(user: User, roles: Iterable[StaffRole]) -> None:
    """Make `user` a member of staff with these roles and no others; with none, no member at all."""
    wanted = set(roles)
    with transaction.atomic():
        user.is_staff = bool(wanted)
        user.is_superuser = StaffRole.ADMINISTRATOR in wanted
        history.because(user, f"Roles: {', '.join(sorted(wanted)) or 'none'}")
        user.save(update_fields=["is_staff", "is_superuser"])
        user.groups.set(Group.objects.filter(name__in=wanted - {StaffRole.ADMINISTRATOR}))
