"""Fields that several pages of signing in ask for."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.factors import breaches, passwords

EMAIL_LENGTH_MAX = 254
CODE_LENGTH_MAX = 16


class EmailField(forms.EmailField):
    """An e-mail address; `autocomplete` tells the browser which of a person's."""

    def __init__(
        self,
        label: str = "E-mail",
        *,
        missing: str = "Type your e-mail address.",
        autocomplete: str = "username",
    ) -> None:
        super().__init__(
            label=label,
            max_length=EMAIL_LENGTH_MAX,
            error_messages={
                "required": missing,
                "invalid": "Type an e-mail address such as name@example.com.",
            },
            widget=forms.EmailInput(attrs={"autocomplete": autocomplete, "autofocus": True}),
        )


class CodeField(forms.CharField):
    """A code of six digits. It is shown in two groups, and people type the space."""

    def __init__(self, label: str, *, missing: str, is_first: bool = False) -> None:
        attributes: dict[str, Any] = {
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "spellcheck": "false",
        }
        if is_first:
            attributes["autofocus"] = True
        super().__init__(
            label=label,
            max_length=CODE_LENGTH_MAX,
            error_messages={"required": missing, "max_length": "A code has six digits."},
            widget=forms.TextInput(attrs=attributes),
        )

    def to_python(self, value: Any) -> str:
        return "".join(str(super().to_python(value) or "").split())


class NewPasswordField(forms.CharField):
    """A password that somebody chooses. Whether it was stolen is asked here, before any
    transaction: it may take the network two seconds."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            strip=False,
            max_length=passwords.LENGTH_MAX,
            help_text="12 characters or more. A few words you will remember are best.",
            error_messages={
                "required": "Choose a password.",
                "max_length": f"Use at most {passwords.LENGTH_MAX} characters.",
            },
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        )

    def clean(self, value: str) -> str:
        password: str = super().clean(value)
        if breaches.is_known(password):
            raise forms.ValidationError("This password was stolen elsewhere. Choose another.")
        return password
