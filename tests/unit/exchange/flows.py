"""Random flows of sound commands, so that most of them do something; flaws come from Hypothesis."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

from marketdata.calendars import Phase
from tests.unit.exchange.floor_words import AAPL, cancel, order, replace
from venues.exchange.commands import (
    Admit,
    BandTerms,
    CloseSession,
    Command,
    Enter,
    Halt,
    MassQuote,
    OpenSession,
    Take,
    Wake,
)

IBM = Admit("IBM", Decimal("0.01"), Decimal(1), Decimal(1), "XNYS", BandTerms(Decimal(5), 3, 5))
BANDED = Admit(
    "AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "always", BandTerms(Decimal("0.05"), 3, 5)
)
_PREVENTIONS = ("cancel_newest", "cancel_oldest", "cancel_both")


def flow(seed: int, length: int = 120) -> list[Command]:
    """Return a flow that begins with two instruments and their open markets."""
    random = Random(seed)
    commands: list[Command] = [
        *(AAPL, random.choice([BANDED, AAPL]), IBM, OpenSession("always", date(2026, 3, 4))),
        OpenSession("XNYS", date(2026, 3, 4), random.choice(list(Phase)[1:])),
    ]
    names: list[tuple[str, str]] = []
    return commands + [_command(random, number, names) for number in range(length)]


def _command(random: Random, number: int, names: list[tuple[str, str]]) -> Command:
    dice = random.random()
    if dice < 0.68 or not names:
        return _order(random, f"o{number}", names)
    member, name = random.choice(names[-12:])
    if dice < 0.74:
        return cancel(name, f"c{number}", member=member)
    if dice < 0.84:
        names.append((member, f"o{number}"))
        quantity = str(random.randint(1, 40))
        price = random.choice([None, _price(random)])
        return replace(name, f"o{number}", quantity, price, member=member)
    if dice < 0.94:
        return _participant(random)
    return _house(random)


def _order(random: Random, name: str, names: list[tuple[str, str]]) -> Enter:
    member = random.choice(["OPENFLOOR", "OPENFLOOR", "OTHER"])
    names.append((member, name))
    wishes: dict[str, object] = {}
    if random.random() < 0.4:
        wishes["party"] = random.choice("pq")
        wishes["prevention"] = random.choice(_PREVENTIONS)
    if random.random() < 0.3:
        wishes["display"] = random.choice(["0", "0", "2", "5"])
    if random.random() < 0.15:
        wishes["cash"] = random.choice(["100", "650.50", "1999"])
    kind = "market" if random.random() < 0.15 else "limit"
    wishes["extended"] = kind == "limit" and random.random() < 0.4
    tif = random.choice(["day", "day", "gtc", "gtc", "gtc", "ioc", "fok", "opg", "cls"])
    wishes["post_only"] = kind == "limit" and tif not in ("ioc", "fok") and random.random() < 0.1
    symbol = random.choice(["AAPL", "AAPL", "IBM"])
    side, quantity = random.choice(["buy", "sell"]), str(random.randint(1, 30))
    return order(
        name, side, quantity, _price(random), symbol=symbol, kind=kind, tif=tif, member=member,
        **wishes,
    )  # fmt: skip


def _price(random: Random) -> str:
    return str(Decimal(random.randint(9995, 10005)).scaleb(-2))


def _participant(random: Random) -> Command:
    if random.random() < 0.4:
        sign = random.choice([1, -1])
        return Take("crowd", "AAPL", sign, 10000 + sign * 5, random.randint(1, 40))
    bids, asks = (
        None
        if random.random() < 0.2
        else tuple((10000 - sign * random.randint(-1, 5), random.randint(1, 20)) for _ in range(3))
        for sign in (1, -1)
    )
    return MassQuote(random.choice(["m1", "m2"]), "AAPL", bids, asks)


def _house(random: Random) -> Command:
    day = date(2026, 3, random.choice([4, 5]))
    return random.choice(
        [
            *(Wake(), Wake(), Wake(), CloseSession("always"), CloseSession("XNYS")),
            *(OpenSession("always", day), OpenSession("always", day)),
            OpenSession("XNYS", day, random.choice(list(Phase)[1:])),
            OpenSession("XNYS", day, random.choice(list(Phase)[1:]), random.random() < 0.5),
            Halt(random.choice(["AAPL", "IBM"]), random.random() < 0.4, random.choice([0, 3])),
            Halt(random.choice(["AAPL", "IBM"]), False, random.choice([0, 3])),
            random.choice([AAPL, BANDED]),
        ]
    )
