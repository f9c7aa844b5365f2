"""What the sign-in pages ask for. Lengths are bounded before anything is computed."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.factors import passwords, roster
from accounts.models import MessageFactor


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


class SentCodeForm(forms.Form):
    sent_code = forms.CharField(
        label="Code that was sent to you",
        max_length=16,
        error_messages={
            "required": "Type the six digits that were sent to you.",
            "max_length": "A code has six digits.",
        },
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
            }
        ),
    )

    def clean_sent_code(self) -> str:
        return "".join(str(self.cleaned_data["sent_code"]).split())


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
    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=passwords.LENGTH_MAX,
        help_text="12 characters or more. A few words you will remember are best.",
        error_messages={
            "required": "Choose a password.",
            "max_length": f"Use at most {passwords.LENGTH_MAX} characters.",
        },
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


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
    email = forms.EmailField(
        label="New e-mail address",
        max_length=254,
        error_messages={
            "required": "Type the new e-mail address.",
            "invalid": "Type an e-mail address such as name@example.com.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={
            "required": "Type your e-mail address.",
            "invalid": "Type an e-mail address such as name@example.com.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


def first_focus(form: forms.Form) -> None:
    """Put the focus on the first field that needs another look, for those who cannot see it."""
    wrong: list[Any] = [field for field in form if field.errors]
    if not wrong:
        return
    for field in form.fields.values():
        field.widget.attrs.pop("autofocus", None)
    wrong[0].field.widget.attrs["autofocus"] = True
