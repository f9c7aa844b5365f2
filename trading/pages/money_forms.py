"""What the pages of money ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from foundation import decimals
from portfolio.payees import networks
from portfolio.payees.addresses import LENGTH_MAX as ADDRESS_LENGTH_MAX
from portfolio.payees.destinations import (
    FIELDS,
    HOLDER_LENGTH_MAX,
    PROVIDER_LENGTH_MAX,
    Kind,
    Wallet,
)
from portfolio.payees.services import LABEL_LENGTH_MAX

_KINDS = (
    (Kind.US_BANK, "A bank in the United States"),
    (Kind.IBAN, "A bank elsewhere, by IBAN"),
    (Kind.COIN, "An address for coins"),
)
_NETWORKS = tuple(
    (network, f"{terms.name} ({terms.coin})") for network, terms in networks.TERMS.items()
)
_WALLETS = (
    (Wallet.SELF_HOSTED, "I keep it myself"),
    (Wallet.PROVIDER, "A provider keeps it for me"),
)
_DIGITS = {"inputmode": "numeric", "autocomplete": "off"}
_LITERALLY = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


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
    """An amount of USD or of a coin: digits, at most one point; commas between thousands go."""

    def clean_amount(self) -> Decimal:
        try:
            return decimals.parse(str(self.cleaned_data["amount"]).replace(",", "").strip())
        except ValueError:
            raise forms.ValidationError("Type an amount such as 250.00.") from None


class PayeeForm(forms.Form):
    kind = forms.ChoiceField(label="Where it goes to", choices=_KINDS)
    holder = forms.CharField(
        label="Holder",
        max_length=HOLDER_LENGTH_MAX,
        help_text="As the bank or provider has it. Money and coins go to what is yours alone.",
        error_messages={"required": "Type whose it is."},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    routing_number = forms.CharField(
        label="Routing number (ABA)",
        max_length=20,
        required=False,
        help_text="Nine digits.",
        widget=forms.TextInput(attrs=_DIGITS),
    )
    account_number = forms.CharField(
        label="Account number",
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs=_DIGITS),
    )
    iban = forms.CharField(
        label="IBAN",
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    network = forms.ChoiceField(
        label="Network",
        choices=_NETWORKS,
        required=False,
        help_text="Coins sent over another network than the address is of are lost.",
    )
    address = forms.CharField(
        label="Address",
        max_length=ADDRESS_LENGTH_MAX,
        required=False,
        help_text="Copy it from your wallet: its checksum finds a slip, not another address.",
        widget=forms.TextInput(attrs=_LITERALLY),
    )
    memo = forms.CharField(
        label="Destination tag",
        max_length=20,
        required=False,
        help_text="Where your provider has given you one; without it the coins are not yours.",
        widget=forms.TextInput(attrs=_DIGITS),
    )
    wallet = forms.ChoiceField(
        label="Whose wallet it is",
        choices=_WALLETS,
        required=False,
        help_text="We have to know, and tell a provider who you are (the Travel Rule).",
    )
    provider = forms.CharField(
        label="Provider",
        max_length=PROVIDER_LENGTH_MAX,
        required=False,
        help_text="The exchange, bank or custodian, by its full name.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
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
        fields = FIELDS[Kind(given["kind"])]
        numbers = {name: given[name] for name in fields}
        if numbers.get("wallet") == Wallet.SELF_HOSTED:
            numbers["provider"] = ""  # typed before it was said that nobody keeps it
        return {
            "kind": given["kind"],
            "holder": given["holder"],
            "label": given["label"],
            "numbers": numbers,
        }


class WithdrawalForm(AmountForm):
    payee = forms.UUIDField(label="To", widget=forms.Select(attrs={"class": "input"}))
    amount = amount_field("Amount", hint="Of USD, or of the coin that the payee takes.")
    reference = forms.RegexField(regex=r"^[0-9a-f]{32}$", widget=forms.HiddenInput())

    def __init__(self, *given: Any, payees: list[tuple[str, str]], **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["payee"].widget.choices = payees


class LimitForm(AmountForm):
    amount = amount_field(
        "Limit of a day, USD", hint="A lower one holds at once, a higher one after 24 hours."
    )
