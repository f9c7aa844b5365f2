"""What staff has noted about customers, all of it. It is written on a customer's page."""

from __future__ import annotations

from django.contrib import admin

from accounts.customers.models import AccountNote, NotePin
from foundation.admin import Many, ReadOnlyInline


class PinInline(ReadOnlyInline):
    model = NotePin
    fields = ("at", "is_pinned", "by")
    readonly_fields = fields
    ordering = ("pk",)
    verbose_name_plural = "pinned and taken down"


@admin.register(AccountNote)
class AccountNoteAdmin(Many):
    list_display = ("at", "account", "kind", "by", "text")
    list_filter = ("kind",)
    list_select_related = ("account", "by")
    search_fields = ("=account__number", "=account__user__email")
    search_help_text = "The number of an account, or its owner's e-mail address."
    inlines = (PinInline,)
