"""What a broker asks a new customer, and which answers will do. Pure but for Django's choices.

The questions are those of FINRA 4512 and 2111, and of a customer identification programme
(31 CFR 1023.220): name, date of birth, address, tax number; then employment, ties to the market,
income, wealth, and where the money comes from. What money there is, is asked for as a range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import TextChoices

AGE_MIN: Final = 18
AGE_MAX: Final = 120
TAX_ID_LENGTHS: Final = range(5, 21)


class Employment(TextChoices):
    EMPLOYED = "employed", "Employed"
    SELF_EMPLOYED = "self_employed", "Self-employed"
    STUDENT = "student", "Student"
    RETIRED = "retired", "Retired"
    NOT_EMPLOYED = "not_employed", "Not employed"


class IncomeRange(TextChoices):
    """Of a year, before taxes, in USD."""

    TO_25K = "to_25k", "Up to 25,000"
    TO_50K = "to_50k", "25,000 to 50,000"
    TO_100K = "to_100k", "50,000 to 100,000"
    TO_250K = "to_250k", "100,000 to 250,000"
    MORE = "more", "More than 250,000"


class WealthRange(TextChoices):
    """What could be turned into money soon, in USD."""

    TO_10K = "to_10k", "Up to 10,000"
    TO_50K = "to_50k", "10,000 to 50,000"
    TO_250K = "to_250k", "50,000 to 250,000"
    TO_1M = "to_1m", "250,000 to 1,000,000"
    MORE = "more", "More than 1,000,000"


class SourceOfFunds(TextChoices):
    EARNINGS = "earnings", "Earnings from work"
    SAVINGS = "savings", "Savings and investments"
    BUSINESS = "business", "A business of mine"
    PENSION = "pension", "A pension or benefits"
    INHERITANCE = "inheritance", "An inheritance or gift"
    PROPERTY = "property", "The sale of property"


HAS_EMPLOYER: Final = frozenset({Employment.EMPLOYED, Employment.SELF_EMPLOYED})


@dataclass(frozen=True, slots=True)
class Wrong:
    """An answer that will not do, and what to do about it."""

    field: str
    message: str


def age(born_on: date, *, today: date) -> int:
    """Return the years that are full today; whoever was born on 29 February has a birthday on
    1 March in other years."""
    has_had_birthday = (today.month, today.day) >= (born_on.month, born_on.day)
    return today.year - born_on.year - (not has_had_birthday)


def about_birth(born_on: date, *, today: date) -> Wrong | None:
    years = age(born_on, today=today)
    if born_on > today or years > AGE_MAX:
        return Wrong("born_on", "This cannot be a date of birth. Check the year.")
    if years < AGE_MIN:
        return Wrong("born_on", f"You must be {AGE_MIN} to have an account. Come back then.")
    return None


def about_tax_id(country: str, tax_id: str) -> Wrong | None:
    """Say whether a tax number can be one. Of the United States': nine digits, not what the
    Social Security Administration never gives (000, 666, 9xx but for the IRS' own; 00; 0000)."""
    bare = bare_tax_id(tax_id)
    if country == "US":
        if not re.fullmatch(r"(?!000|666)\d{3}(?!00)\d{2}(?!0000)\d{4}", bare, re.ASCII):
            return Wrong("tax_id", "Type the nine digits of your SSN or ITIN, such as 123-45-6789.")
        return None
    if len(bare) not in TAX_ID_LENGTHS or not bare.isascii() or not bare.isalnum():
        return Wrong("tax_id", "Type your tax number as it stands on letters of the tax office.")
    if len(set(bare)) == 1:
        return Wrong("tax_id", "This is no tax number. Look for it on letters of the tax office.")
    return None


def bare_tax_id(tax_id: str) -> str:
    """Return a tax number without what people put between its parts."""
    return re.sub(r"[\s./-]", "", tax_id).upper()


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is."""

    legal_name: str
    born_on: date
    tax_country: str
    tax_id: str


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody lives; `country` is an ISO 3166-1 code."""

    country: str
    street: str
    city: str
    region: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class Means:
    """What somebody does and has, and what ties them to the market."""

    employment: str
    employer: str
    income: str
    wealth: str
    source_of_funds: str
    works_for_broker: bool
    controls_company: bool
    company_symbol: str
    holds_public_office: bool


Answers = Person | Home | Means


def wrong_in(answers: Answers, *, today: date) -> list[Wrong]:
    """Return what will not do among these answers; none is well."""
    found: tuple[Wrong | None, ...]
    match answers:
        case Person():
            found = (
                _missing("legal_name", answers.legal_name, "Type your name as in your passport."),
                about_birth(answers.born_on, today=today),
                about_tax_id(answers.tax_country, answers.tax_id),
            )
        case Home():
            found = (
                _missing("country", answers.country, "Say which country you live in."),
                _missing("street", answers.street, "Type street and number."),
                _missing("city", answers.city, "Type the town you live in."),
                _about_post_box(answers.street),
            )
        case Means():
            found = (*about_ties(answers),)
    return [wrong for wrong in found if wrong is not None]


def about_ties(means: Means) -> list[Wrong]:
    """Return what is missing of what the other answers ask for."""
    wrong = []
    if means.employment in HAS_EMPLOYER and not means.employer.strip():
        wrong.append(Wrong("employer", "Say who you work for; your own name if it is yourself."))
    if means.controls_company and not means.company_symbol.strip():
        wrong.append(Wrong("company_symbol", "Name the company's symbol, such as ACME."))
    return wrong


def _missing(field: str, answer: str, message: str) -> Wrong | None:
    return None if answer.strip() else Wrong(field, message)


def _about_post_box(street: str) -> Wrong | None:
    """A post box is no place to live (31 CFR 1023.220(a)(2)(i)(A)(3))."""
    if re.search(r"\bp\.?\s*o\.?\s*box\b|\bpostfach\b", street, re.IGNORECASE):
        return Wrong("street", "Type where you live: a post box will not do.")
    return None
