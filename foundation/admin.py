"""What operations may do with a row in the admin: look, or look and change; never make or end."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from foundation.models import Heartbeat


class Undeletable(ModelAdmin):
    """Rows that stay, and may be many: pages do not count them all."""

    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        return False


class Kept(Undeletable):
    """Rows that are made and ended elsewhere: none is added or deleted here."""

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False


class ReadOnly(Kept):
    """Rows to look at."""

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows to look at beneath the one that they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False


def actor_of(request: HttpRequest) -> str:
    """Return who acts, as histories and activities write it."""
    return f"operator:{request.user.pk}"


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    list_display = ("part", "at", "restarts", "detail")
