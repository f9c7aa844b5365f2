"""People, accounts, keys, factors and the activity log, as operations sees them.

What is a record is shown and not changed. What may be changed goes through the services, which
take the account's lock and write down who did it and why. Seeds, digests and secrets have no
place on any screen.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action

from accounts import services
from accounts.customers import admin as customers_admin  # noqa: F401 - registers its pages
from accounts.keys import issuing
from accounts.models import (
    Account,
    Activity,
    ApiKey,
    KnownDevice,
    Letter,
    MessageFactor,
    Phone,
    Profile,
    RecoveryCodes,
    SecurityEvent,
    SecurityKey,
    SignIn,
    SignInLink,
    TextMessage,
    TotpDevice,
    User,
)
from accounts.oversight import admin as oversight_admin  # noqa: F401 - registers its pages
from foundation.admin import Found, Historied, Kept, Many, ReadOnly, actor_of, lately

admin.site.unregister(Group)  # roles come with their own screens


@admin.register(User)
class UserAdmin(Historied, Kept):
    list_display = ("email", "name", "is_active", "is_staff", "joined_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name", "accounts__number")
    ordering = ("-joined_at",)
    fields = ("email", "name", "is_active", "is_staff", "joined_at")
    readonly_fields = ("email", "is_staff", "joined_at")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A change of status says why."""

    class Meta:
        model = Account
        fields = ("status", "status_reason")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "status" in self.changed_data and not cleaned.get("status_reason"):
            self.add_error("status_reason", "Say why the status changes.")
        return cleaned


@admin.register(Account)
class AccountAdmin(Historied, Kept):
    form = AccountForm
    list_display = ("number", "user", "status", "margin", "opened_at", "customer")
    list_filter = ("status", "margin")
    list_select_related = ("user",)
    search_fields = ("number", "user__email", "user__name")
    ordering = ("-opened_at",)
    fields = (
        "number",
        "customer",
        "user",
        "margin",
        "opened_at",
        "status",
        "status_reason",
        "activity_sequence",
        "activity_digest",
    )
    readonly_fields = (
        "number",
        "customer",
        "user",
        "margin",
        "opened_at",
        "activity_sequence",
        "activity_digest",
    )

    @admin.display(description="all about it")
    def customer(self, account: Account) -> str:
        where = reverse("operations:customer", args=[account.pk])
        return format_html('<a class="text-link" href="{}">Customer</a>', where)

    def save_model(self, request: HttpRequest, obj: Account, *_: object) -> None:
        services.change_status(
            obj.pk,
            status=Account.Status(obj.status),
            reason=obj.status_reason,
            actor=actor_of(request),
            now=timezone.now(),
        )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    list_display = ("key_id", "account", "name", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("account",)
    search_fields = ("key_id", "account__number", "name")
    ordering = ("-created_at",)
    fields = (
        *list_display, "scopes", "networks", "calls_per_minute", "expires_at", "last_used_at",
        "last_used_from",
    )  # fmt: skip
    actions = ("revoke",)

    @action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        present = queryset.filter(revoked_at=None).select_related("account").order_by("account_id")
        keys = list(present)
        for key in keys:
            issuing.revoke(key.account, key.key_id, actor=actor_of(request), now=now)
        self.message_user(request, f"{len(keys)} revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest, *_: object) -> bool:
        return bool(request.user.has_perm("accounts.change_apikey"))


@admin.register(TotpDevice)
class TotpDeviceAdmin(ReadOnly):
    list_display = ("user", "name", "confirmed", "created_at", "throttling_failure_count")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    fields = (*list_display, "throttling_failure_timestamp")


@admin.register(SecurityKey)
class SecurityKeyAdmin(ReadOnly):
    list_display = ("user", "name", "is_synced", "count", "confirmed", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    fields = (*list_display, "transports")


@admin.register(MessageFactor)
class MessageFactorAdmin(ReadOnly):
    list_display = ("user", "name", "way", "address", "confirmed", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "address")
    ordering = ("-created_at",)
    fields = list_display


@admin.register(RecoveryCodes)
class RecoveryCodesAdmin(ReadOnly):
    list_display = ("user", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    fields = list_display


@admin.register(TextMessage)
class TextMessageAdmin(ReadOnly):
    list_display = ("to", "written_at", "sent_at", "given_up_at", "attempts", "failure")
    search_fields = ("to",)
    ordering = ("-written_at",)
    fields = list_display


@admin.register(SignInLink)
class SignInLinkAdmin(ReadOnly):
    list_display = ("user", "created_at", "expires_at", "used_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    fields = list_display


@admin.register(Phone)
class PhoneAdmin(ReadOnly):
    list_display = ("user", "name", "address", "factor", "started_at", "seen_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "ending")
    list_select_related = ("user",)
    search_fields = ("user__email", "address")
    ordering = ("-started_at",)
    fields = (*list_display, "ending", "place")


@admin.register(SignIn)
class SignInAdmin(Found):
    list_display = ("user", "address", "device", "started_at", "seen_at", "ended_at", "ending")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "ending")
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    ordering = ("-started_at",)
    fields = (*list_display, "browser")


@admin.register(SecurityEvent)
class SecurityEventAdmin(Many):
    list_display = ("user", "at", "kind", "about", "address", "place", "browser")
    list_filter = (lately("kind"),)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    fields = (*list_display, "country")


@admin.register(KnownDevice)
class KnownDeviceAdmin(ReadOnly):
    list_display = ("user", "browser", "first_seen_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-last_seen_at",)
    fields = list_display


@admin.register(Profile)
class ProfileAdmin(Historied, ReadOnly):
    list_display = ("legal_name", "user", "country", "completed_at", "holds_public_office")
    list_filter = ("country", "works_for_broker", "controls_company", "holds_public_office")
    list_select_related = ("user",)
    search_fields = ("legal_name", "user__email")
    ordering = ("-updated_at",)
    fields = (
        "user",
        *("legal_name", "born_on", "country", "street", "city", "region", "postal_code"),
        *("tax_country", "tax_id_end", "employment", "employer", "income", "wealth"),
        *("source_of_funds", "works_for_broker", "controls_company", "company_symbol"),
        *("holds_public_office", "completed_at", "updated_at"),
    )


@admin.register(Letter)
class LetterAdmin(ReadOnly):
    list_display = ("to", "kind", "subject", "written_at", "sent_at", "given_up_at", "attempts")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("to", "user__email")
    ordering = ("-written_at",)
    fields = (*list_display, "next_at", "useless_at", "failure")


@admin.register(Activity)
class ActivityAdmin(Many):
    list_display = ("account", "sequence", "kind", "at", "actor")
    list_filter = (lately("kind"),)
    list_select_related = ("account",)
    search_fields = ("=account__number", "=account__user__email")
    fields = (*list_display, "payload", "previous_digest", "digest")
