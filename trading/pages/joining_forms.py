"""What is asked of somebody who joins: an address, then a password, then a few answers a step."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.customers.answers import (
    Answers,
    Employment,
    Home,
    IncomeRange,
    Means,
    Person,
    SourceOfFunds,
    WealthRange,
)
from accounts.sessions import places
from trading.pages.auth_fields import EmailField, NewPasswordField


class AddressForm(forms.Form):
    email = EmailField(autocomplete="email")


class JoinForm(forms.Form):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        error_messages={"required": "Type your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    password = NewPasswordField("Password")
    terms = forms.BooleanField(
        label="I have read the terms and agree to them",
        error_messages={"required": "Without this there is no account: read the terms, then tick."},
    )


class AgreeForm(forms.Form):
    """Agreement to another version of the terms."""

    terms = forms.BooleanField(
        label="I have read the terms and agree to them",
        error_messages={"required": "Read the terms, then tick; or leave."},
    )


class _Countries(forms.ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(choices=_countries, **options)


def _countries() -> list[tuple[str, str]]:
    known = sorted(places.countries().values(), key=lambda country: country.name)
    return [("", "Choose a country"), *((each.code, each.name) for each in known)]


def _of(choices: Any) -> list[tuple[str, str]]:
    return [("", "Choose"), *choices.choices]


class StepForm(forms.Form):
    """A step of the profile; `answers` is what the domain takes."""

    title: str
    about: str

    def answers(self) -> Answers:
        raise NotImplementedError


class PersonForm(StepForm):
    title, about = "Who you are", "As in your passport or identity card."

    legal_name = forms.CharField(
        label="Full legal name",
        max_length=120,
        error_messages={"required": "Type your name as in your passport."},
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    born_on = forms.DateField(
        label="Date of birth",
        error_messages={
            "required": "Say when you were born.",
            "invalid": "Type a date such as 1990-04-25.",
        },
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
    )
    tax_country = _Countries(
        label="Where you pay taxes", error_messages={"required": "Say where you pay taxes."}
    )
    tax_id = forms.CharField(
        label="Tax number",
        max_length=32,
        help_text="In the United States your SSN or ITIN. It is kept sealed and shown nowhere.",
        error_messages={"required": "Type your tax number."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def answers(self) -> Person:
        return Person(**self.cleaned_data)


class HomeForm(StepForm):
    title, about = "Where you live", "Where you are at home: a post box will not do."

    country = _Countries(label="Country", error_messages={"required": "Say where you live."})
    street = forms.CharField(
        label="Street and number",
        max_length=120,
        error_messages={"required": "Type street and number."},
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    postal_code = forms.CharField(
        label="Postal code",
        max_length=16,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "postal-code"}),
    )
    city = forms.CharField(
        label="Town",
        max_length=80,
        error_messages={"required": "Type the town you live in."},
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
    )
    region = forms.CharField(
        label="State or region, if any",
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-level1"}),
    )

    def answers(self) -> Home:
        return Home(**self.cleaned_data)


class MeansForm(StepForm):
    title, about = "What you do", "Brokers have to ask. Rough answers are right answers here."

    employment = forms.ChoiceField(
        label="Work",
        choices=_of(Employment),
        error_messages={"required": "Choose what is closest."},
    )
    employer = forms.CharField(label="Employer, if you have one", max_length=120, required=False)
    income = forms.ChoiceField(
        label="Income of a year, in USD",
        choices=_of(IncomeRange),
        error_messages={"required": "Choose a range."},
    )
    wealth = forms.ChoiceField(
        label="What you could turn into money soon, in USD",
        choices=_of(WealthRange),
        error_messages={"required": "Choose a range."},
    )
    source_of_funds = forms.ChoiceField(
        label="Where the money you trade with comes from",
        choices=_of(SourceOfFunds),
        error_messages={"required": "Choose where most of it comes from."},
    )
    works_for_broker = forms.BooleanField(
        label="I, or somebody at my home, work for a broker or an exchange", required=False
    )
    controls_company = forms.BooleanField(
        label="I direct a listed company, or own a tenth of one", required=False
    )
    company_symbol = forms.CharField(label="Its symbol, if so", max_length=24, required=False)
    holds_public_office = forms.BooleanField(
        label="I, or somebody of my family, hold a high public office", required=False
    )

    def answers(self) -> Means:
        return Means(**self.cleaned_data)


FORMS: dict[type[Answers], type[StepForm]] = {
    Person: PersonForm,
    Home: HomeForm,
    Means: MeansForm,
}
