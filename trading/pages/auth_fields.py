"""Fields that several pages of signing in ask for."""

from __future__ import annotations

from typing import Any

from django import forms

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
