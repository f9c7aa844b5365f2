"""What the pages of money ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from foundation import decimals
from portfolio.payees.destinations import FIELDS, HOLDER_LENGTH_MAX, Kind
from portfolio.payees.services import LABEL_LENGTH_MAX

_KINDS = ((Kind.US_BANK, "A bank in the United States"), (Kind.IBAN, "A bank elsewhere, by IBAN"))


def amount_field(label: str, *, hint: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=20,
        help_text=hint,
        error_messages={"required": "Type an amount such as 250.00."},
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "class": "number"}
        ),
    )


class AmountForm(forms.Form):
    """An amount of USD: digits, at most one point; commas between thousands are left out."""

    def clean_amount(self) -> Decimal:
        try:
            return decimals.parse(str(self.cleaned_data["amount"]).replace(",", "").strip())
        except ValueError:
            raise forms.ValidationError("Type an amount such as 250.00.") from None


class PayeeForm(forms.Form):
    kind = forms.ChoiceField(label="Where the account is", choices=_KINDS)
    holder = forms.CharField(
        label="Account holder",
        max_length=HOLDER_LENGTH_MAX,
        help_text="As the bank has it. Money goes to accounts of your own alone.",
        error_messages={"required": "Type whose account it is."},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    routing_number = forms.CharField(
        label="Routing number (ABA)",
        max_length=20,
        required=False,
        help_text="Nine digits.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    account_number = forms.CharField(
        label="Account number",
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    iban = forms.CharField(
        label="IBAN",
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    label = forms.CharField(
        label="What you call it",
        max_length=LABEL_LENGTH_MAX,
        required=False,
        help_text="Such as “Savings”; you may leave it out.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def wanted(self) -> dict[str, Any]:
        """Return what `portfolio.payees.services.add` takes of it."""
        given = self.cleaned_data
        return {
            "kind": given["kind"],
            "holder": given["holder"],
            "label": given["label"],
            "numbers": {name: given[name] for name in FIELDS[Kind(given["kind"])]},
        }


class WithdrawalForm(AmountForm):
    payee = forms.UUIDField(label="To", widget=forms.Select(attrs={"class": "input"}))
    amount = amount_field("Amount, USD")
    reference = forms.RegexField(regex=r"^[0-9a-f]{32}$", widget=forms.HiddenInput())

    def __init__(self, *given: Any, payees: list[tuple[str, str]], **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["payee"].widget.choices = payees


class LimitForm(AmountForm):
    amount = amount_field(
        "Limit of a day, USD", hint="A lower one holds at once, a higher one after 24 hours."
    )
