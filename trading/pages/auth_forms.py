"""What the sign-in pages ask for. Lengths are bounded before anything is computed."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.factors import passwords, roster
from accounts.models import MessageFactor
from trading.pages.auth_fields import CodeField, EmailField, NewPasswordField


class SignInForm(forms.Form):
    email = EmailField()
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        error_messages={"required": "Type your password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PresentPasswordForm(forms.Form):
    """The password of somebody of whom we know who they are."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        error_messages={"required": "Type your password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class CodeForm(forms.Form):
    code = CodeField(
        "Code from your authenticator app",
        missing="Type the six digits that your app shows.",
        is_first=True,
    )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise forms.ValidationError("A code has six digits.")
        return code


class SentCodeForm(forms.Form):
    """Whatever is typed is looked at: a wrong one counts, and of those there are few."""

    sent_code = CodeField(
        "Code that was sent to you", missing="Type the six digits that were sent to you."
    )


class RecoveryCodeForm(forms.Form):
    recovery_code = forms.CharField(
        label="Recovery code",
        max_length=40,
        error_messages={
            "required": "Type one of your recovery codes.",
            "max_length": "A recovery code has four groups of four.",
        },
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class NameForm(forms.Form):
    """What a factor is called by its owner."""

    name = forms.CharField(
        label="Name",
        max_length=roster.NAME_LENGTH_MAX,
        error_messages={"required": "Give it a name, such as my phone."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AppForm(NameForm, CodeForm):
    """A further authenticator: its name and a code that it shows."""

    field_order = ("name", "code")


class PlaceForm(NameForm):
    """A telephone or mailbox that codes are to be sent to."""

    way = forms.ChoiceField(choices=MessageFactor.Way.choices, widget=forms.HiddenInput)
    address = forms.CharField(label="Address", max_length=254)


class NewPasswordForm(forms.Form):
    password = NewPasswordField("New password")


class PasswordForm(NewPasswordForm):
    """The present password and another."""

    present = forms.CharField(
        label="Present password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        error_messages={"required": "Type your present password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("present", "password")


class NewEmailForm(forms.Form):
    email = EmailField(
        "New e-mail address", missing="Type the new e-mail address.", autocomplete="email"
    )


class ForgottenForm(forms.Form):
    email = EmailField()


def first_focus(form: forms.Form) -> None:
    """Put the focus on the first field that needs another look, for those who cannot see it."""
    wrong: list[Any] = [field for field in form if field.errors]
    if not wrong:
        return
    for field in form.fields.values():
        field.widget.attrs.pop("autofocus", None)
    wrong[0].field.widget.attrs["autofocus"] = True
