"""What the sign-in pages ask for. Lengths are bounded before anything is computed."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.factors import passwords


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={
            "required": "Type your e-mail address.",
            "invalid": "Type an e-mail address such as name@example.com.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        error_messages={"required": "Type your password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RegistrationForm(forms.Form):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        error_messages={"required": "Type your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={
            "required": "Type your e-mail address.",
            "invalid": "Type an e-mail address such as name@example.com.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        help_text="12 characters or more. A few words you will remember are best.",
        error_messages={
            "required": "Choose a password.",
            "max_length": f"Use at most {passwords.LENGTH_MAX} characters.",
        },
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code from your authenticator app",
        max_length=16,
        error_messages={
            "required": "Type the six digits that your app shows.",
            "max_length": "A code has six digits.",
        },
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "spellcheck": "false",
            }
        ),
    )

    def clean_code(self) -> str:
        """Apps show a code in two groups; people type the space."""
        code = "".join(str(self.cleaned_data["code"]).split())
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise forms.ValidationError("A code has six digits.")
        return code


def first_focus(form: forms.Form) -> None:
    """Put the focus on the first field that needs another look, for those who cannot see it."""
    wrong: list[Any] = [field for field in form if field.errors]
    if not wrong:
        return
    for field in form.fields.values():
        field.widget.attrs.pop("autofocus", None)
    wrong[0].field.widget.attrs["autofocus"] = True
