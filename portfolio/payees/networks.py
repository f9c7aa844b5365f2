"""The networks that coins leave by: whose coin, what an address is, what a payment costs. Pure.

A coin of another network is another thing, and what is sent over the wrong one is lost: so a payee
is of one network, and a network here carries its own coin alone. To list another coin, add its
network; one without a network trades and does not leave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from portfolio.payees import addresses


class Network(StrEnum):
    BITCOIN = "bitcoin"
    ETHEREUM = "ethereum"
    XRP_LEDGER = "xrp_ledger"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a network is like. `fee` and `least` are in its coin.

    `address` returns an address as it is written, or raises addresses.NoAddress. `memo` is what
    tells the customers of one address apart, where a network has that. A payment has arrived once
    `confirmations` blocks lie on it.
    """

    name: str
    coin: str
    address: Callable[[str], str]
    fee: Decimal
    least: Decimal
    confirmations: int
    memo: re.Pattern[str] | None = None


TERMS: Final[Mapping[Network, Terms]] = MappingProxyType(
    {
        Network.BITCOIN: Terms(
            "Bitcoin", "BTC", addresses.bitcoin,
            fee=Decimal("0.0001"), least=Decimal("0.0001"), confirmations=3,
        ),
        Network.ETHEREUM: Terms(
            "Ethereum", "ETH", addresses.ethereum,
            fee=Decimal("0.001"), least=Decimal("0.001"), confirmations=32,
        ),
        Network.XRP_LEDGER: Terms(
            "XRP Ledger", "XRP", addresses.xrp_ledger,
            fee=Decimal("0.2"), least=Decimal(1), confirmations=1,
            memo=re.compile(r"0|[1-9][0-9]{0,9}"),  # a destination tag, 32 bits
        ),
    }
)  # fmt: skip
MEMO_MAX: Final = 2**32 - 1


def coin_of(asset: str) -> str:
    """Return what people call an asset of the ledger, which has the code of its pair.

    BTC for CRYPTO.BTC-USD; USD for USD.
    """
    return re.split("[-/]", asset.rpartition(".")[2])[0]
