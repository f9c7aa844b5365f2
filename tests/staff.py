"""Members of staff, and what the pages that they work with say."""

from __future__ import annotations

import re

from django.contrib.auth.models import Permission
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests import people
from trading.operations import staff_roles
from trading.operations.staff_roles import StaffRole


def operator(*permissions: str) -> User:
    """Register a member of staff: of all permissions, or of these."""
    user = people.person(is_staff=True)
    user.is_superuser = not permissions
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def at_work() -> tuple[User, Client]:
    """Register a member of staff of all permissions, and sign them in."""
    user = operator()
    return user, people.browser_of(user)


def member(*roles: StaffRole) -> User:
    """Register a member of staff of these roles, and read them anew, as requests do."""
    staff_roles.sync()
    user = people.person()
    staff_roles.assign(user, roles)
    return User.objects.get(pk=user.pk)


def text_of(answer: HttpResponse) -> str:
    """Return what a page says, without its tags."""
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class Unread(BaseStorage):
    """Messages that nobody reads."""

    def _get(self, *_: object, **__: object) -> tuple[list[object], bool]:
        return [], True

    def _store(self, messages: object, response: object, *_: object, **__: object) -> list[object]:
        return []
