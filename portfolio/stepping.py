"""Admin pages of what people carry on step by step: a choice of what is open, and why."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from foundation.admin import Undeletable

REASON_LENGTH_MAX = 200
Row = TypeVar("Row")


class Steps(ABC, Generic[Row]):
    """What people do with the rows of one kind: enter one, and carry it on."""

    @abstractmethod
    def enter(self, row: Row, *, by: User, now: datetime) -> Row:
        """Make the row that was filled in; return it, or raise ValueError."""

    @abstractmethod
    def open(self, row: Row) -> list[tuple[str, str]]:
        """Return the steps that can be taken now, and how they are called; none at its end."""

    @abstractmethod
    def take(self, row: Row, step: str, *, why: str, by: User, now: datetime) -> None:
        """Take one of the open steps, or raise ValueError."""


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """One step: a choice of those that are `open`."""

    open: list[tuple[str, str]]
    step = forms.ChoiceField()
    why = forms.CharField(
        max_length=REASON_LENGTH_MAX, help_text="Kept with the step, beside who took it."
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if "step" in self.fields:
            self.fields["step"].choices = self.open  # type: ignore[attr-defined]


class Stepped(Undeletable):
    """Rows that are entered by one form and carried on by another; what they say never changes.

    `steps` is what can be done, `shown` are the fields to look at. An error of the services is
    shown, and nothing has changed.
    """

    steps: Steps[Any]
    shown: tuple[str, ...] = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or bool(self.steps.open(obj))
        return is_open and super().has_change_permission(request, obj)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            kwargs["form"] = type("StepForm", (StepForm,), {"open": self.steps.open(obj)})
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fields(request, obj)
        steps = ("step", "why") if self.has_change_permission(request, obj) else ()
        return (*self.shown, *steps)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by, now = request.user, timezone.now()
        if not isinstance(by, User):
            raise PermissionDenied
        try:
            if change:
                step, why = form.cleaned_data["step"], form.cleaned_data["why"]
                self.steps.take(obj, step, why=why, by=by, now=now)
            else:
                obj.pk = self.steps.enter(obj, by=by, now=now).pk
        except ValueError as error:
            request.step_error = str(error)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        self._say(request, f"{obj} was entered.")
        return self.response_post_save_add(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        self._say(request, f"The step of {obj} was taken.")
        return self.response_post_save_change(request, obj)

    def _say(self, request: HttpRequest, done: str) -> None:
        error = getattr(request, "step_error", None)
        self.message_user(request, error or done, messages.ERROR if error else messages.SUCCESS)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The row's steps are its log."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The row's steps are its log."""
