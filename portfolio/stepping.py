"""Admin pages of what people carry on step by step: a choice of what is open, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from foundation.admin import Undeletable

REASON_LENGTH_MAX = 200


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """One step: `choices` says which are open, `take` takes it or raises ValueError."""

    step = forms.ChoiceField()
    why = forms.CharField(
        max_length=REASON_LENGTH_MAX, help_text="Kept with the step, beside who took it."
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if "step" in self.fields:
            self.fields["step"].choices = self.choices()  # type: ignore[attr-defined]

    def choices(self) -> list[tuple[str, str]]:
        raise NotImplementedError

    def take(self, request: HttpRequest) -> None:
        raise NotImplementedError


class Stepped(Undeletable):
    """Rows that are entered by one form and carried on by another; what they say never changes.

    `step_form` is a StepForm; `shown` are the fields to look at. An error of the services is
    shown, and nothing has changed.
    """

    step_form: type[StepForm]
    shown: tuple[str, ...] = ()

    def is_open(self, obj: Any) -> bool:
        """Tell whether a step can still be taken."""
        raise NotImplementedError

    def enter(self, request: HttpRequest, obj: Any) -> Any:
        """Make the row that was filled in; return it, or raise ValueError."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.is_open(obj))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            kwargs["form"] = self.step_form
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fields(request, obj)
        steps = ("step", "why") if self.has_change_permission(request, obj) else ()
        return (*self.shown, *steps)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        try:
            if change:
                form.take(request)
            else:
                obj.pk = self.enter(request, obj).pk
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
