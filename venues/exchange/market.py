"""The living market: what its participants want to do now, on every instrument.

Pure and deterministic: the seed, the times, the books and the prints that it is shown decide all.
It keeps nothing that must survive a restart: it takes up from where the books stand.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Final

from marketdata.price_steps import PriceSteps
from venues.exchange.commands import EVERY_TICK, Command, MassQuote, Take, Trade
from venues.exchange.engine import Engine
from venues.exchange.listing import Best
from venues.exchange.participants import Crowd, LargeTrader, Maker, Terms, TrendFollower, View
from venues.exchange.prices import FairPrice, MarketFactor, rhythm

_RHYTHM_SECONDS: Final = 1.0
_IDLE_SECONDS_MAX: Final = 5.0
_NEAR: Final = 0.02


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How an instrument trades: the usual spread in hundredths of a percent, the money at one price
    level, in a small order, orders a second, and its volatility beyond the market's."""

    spread_bps: float
    level_value: float
    take_value: float
    takes_a_second: float
    volatility: float
    beta: float


_DEEP: Final = Liquidity(0.3, 90_000, 5_000, 0.9, 0.16, 1.0)
_LIVELY: Final = Liquidity(0.8, 45_000, 4_000, 0.7, 0.38, 1.3)
_LIQUID: Final = Liquidity(1.5, 35_000, 4_000, 0.45, 0.18, 0.9)
_THIN: Final = Liquidity(6.0, 12_000, 2_500, 0.12, 0.25, 0.8)
_CRYPTO: Final = Liquidity(2.0, 20_000, 1_500, 0.7, 0.45, 0.4)

LIQUIDITY: Final[Mapping[str, Liquidity]] = {
    **dict.fromkeys(("SPY", "QQQ", "IWM", "AAPL", "MSFT"), _DEEP),
    **dict.fromkeys(
        ("NVDA", "AMZN", "TSLA", "META", "GOOG", "GOOGL", "AMD", "INTC", "NFLX"), _LIVELY
    ),
    **dict.fromkeys(
        (
            "BAC",
            "JPM",
            "IBM",
            "XOM",
            "KO",
            "DIS",
            "WMT",
            "PFE",
            "GE",
            "F",
            "T",
            "JNJ",
            "PG",
            "V",
            "CSCO",
        ),
        _LIQUID,
    ),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the market must know of an instrument to trade it."""

    symbol: str
    is_crypto: bool
    tick: Decimal
    lot: Decimal
    reference_price: Decimal
    steps: PriceSteps[int] = EVERY_TICK


class Scene:
    """One instrument with its participants, who trade it about `price`.

    They count in the step of prices there, of `grain` ticks: whoever thinks in cents is not
    bothered with a tick that is finer.
    """

    def __init__(self, instrument: Instrument, seed: str, price: Decimal | None = None) -> None:
        self.instrument = instrument
        self.grain = instrument.steps.at(
            int((price or instrument.reference_price) / instrument.tick)
        )
        self.step = float(instrument.tick * self.grain)
        self.is_withdrawn = False
        self.has_started = False
        self.random = Random(seed)  # noqa: S311  # a market, not a secret
        liquidity = _liquidity(instrument)
        self.fair = FairPrice(
            float(instrument.reference_price), liquidity.volatility, liquidity.beta
        )
        self.terms = terms = _terms(instrument, liquidity, self.step)
        self.makers = (
            Maker("maker-1", terms, self.random, spread=1.0, size=0.6),
            Maker("maker-2", terms, self.random, spread=1.7, size=1.0),
        )
        self.crowd = Crowd(terms, self.random)
        self.trend = TrendFollower(terms, self.random)
        self.large = LargeTrader(terms, self.random)

    def act(self, view: View, seconds: float) -> list[Command]:
        """Return what everybody does: takers on what they see, then the makers answer."""
        commands: list[Command] = []
        commands += self.crowd.act(view, seconds)
        commands += self.trend.act(view, seconds)
        commands += self.large.act(view)
        commands += filter(None, (maker.act(view) for maker in self.makers))
        return [self._in_ticks(command) for command in commands]

    def seen(self, best: Best) -> Best:
        """Return the best prices as participants count them: none better than it is."""
        if self.grain == 1:
            return best
        bid = None if best.bid is None else best.bid // self.grain
        ask = None if best.ask is None else -(-best.ask // self.grain)
        return Best(bid, best.bid_size, ask, best.ask_size)

    def has_outgrown_its_grain(self, price: float) -> bool:
        """Tell whether prices about `price` go in other steps, and will not be back at once."""
        instrument = self.instrument
        steps, ticks = instrument.steps, round(price / float(instrument.tick))
        is_near = abs(ticks - steps.fine_below) <= steps.fine_below * _NEAR
        return not is_near and steps.at(ticks) != self.grain

    def _in_ticks(self, command: Command) -> Command:
        """Return what a participant wants in ticks; between two prices it gets the worse one."""
        steps = self.instrument.steps
        if steps == EVERY_TICK:
            return command
        if isinstance(command, Take):
            return replace(command, price=command.price * self.grain)
        if not isinstance(command, MassQuote) or command.bids is None or command.asks is None:
            return command
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        for price, size in command.bids:
            bids.setdefault(steps.down(price * self.grain), size)
        for price, size in command.asks:
            asks.setdefault(steps.up(price * self.grain), size)
        return replace(command, bids=tuple(bids.items()), asks=tuple(asks.items()))

    def withdrawal(self) -> list[Command]:
        return [MassQuote(maker.name, self.instrument.symbol, (), ()) for maker in self.makers]


class Market:
    """All scenes and what they share. `step` is called every settings.MARKET_ROUND_SECONDS."""

    def __init__(self, *, seed: str) -> None:
        self._seed = seed
        self._scenes: dict[str, Scene] = {}
        self._factor = MarketFactor(Random(f"{seed}:market"))  # noqa: S311
        self._stepped_at: datetime | None = None
        self._paces: tuple[float, float] = (1.0, 1.0)
        self._paced_at = -math.inf

    def admit(self, instrument: Instrument) -> None:
        """Begin to trade `instrument`, or trade it on its new terms."""
        known = self._scenes.get(instrument.symbol)
        if known is not None and known.instrument == instrument:
            return
        scene = self._scenes[instrument.symbol] = Scene(
            instrument, f"{self._seed}:{instrument.symbol}"
        )
        scene.is_withdrawn = known is not None and known.is_withdrawn

    def restart(self, instrument: Instrument) -> list[Command]:
        """Trade `instrument` from its new reference price on; return what is withdrawn before.

        Nothing is, and nothing changes, unless it has another reference price than before.
        """
        known = self._scenes.get(instrument.symbol)
        if known is None or known.instrument.reference_price == instrument.reference_price:
            return []
        commands = known.withdrawal()
        self.admit(instrument)
        if not known.is_withdrawn:
            self.come_back(instrument.symbol, instrument.reference_price)
        return commands

    @property
    def symbols(self) -> Collection[str]:
        """What is traded here."""
        return self._scenes.keys()

    def leave_all_but(self, symbols: Collection[str]) -> list[Command]:
        """Take every participant out of what is listed no more, for good."""
        gone = self._scenes.keys() - symbols
        return [command for each in sorted(gone) for command in self._scenes.pop(each).withdrawal()]

    def withdraw(self, symbol: str) -> list[Command]:
        """Take every participant out of `symbol`, until `come_back`."""
        scene = self._scenes[symbol]
        scene.is_withdrawn = True
        return scene.withdrawal()

    def come_back(self, symbol: str, price: Decimal | None) -> None:
        """Let the participants of `symbol` trade again, from `price` on."""
        instrument = self._scenes[symbol].instrument
        scene = self._scenes[symbol] = Scene(instrument, f"{self._seed}:{symbol}:{price}", price)
        if price is not None:
            scene.fair.start_from(float(price), self._factor)
            scene.has_started = True

    def step(self, now: datetime, engine: Engine) -> list[Command]:
        """Return what the participants do at `now`, given the books as they stand."""
        before, self._stepped_at = self._stepped_at or now, now
        seconds = min((now - before).total_seconds(), _IDLE_SECONDS_MAX)
        share_pace, crypto_pace = self._pace(now)
        self._factor.step(seconds, share_pace)
        commands: list[Command] = []
        for symbol, scene in self._scenes.items():
            if scene.is_withdrawn:
                continue
            if not engine.is_trading(symbol):
                if engine.listings[symbol].quotes.get("maker-1"):
                    commands += scene.withdrawal()
                continue
            pace = crypto_pace if scene.instrument.is_crypto else share_pace
            commands += self._act(scene, engine, now, seconds, pace)
        return commands

    def observe(self, trade: Trade) -> None:
        """Take note of a print: makers refill, and a large trade moves what all believe."""
        scene = self._scenes.get(trade.symbol)
        if scene is None or scene.is_withdrawn:
            return
        for maker in scene.makers:
            if maker.name in (trade.buyer, trade.seller):
                maker.notice_hit()
        lots = float(trade.quantity / scene.instrument.lot)
        share = min(lots / scene.terms.level_lots, 1.0)
        half_spread = scene.terms.spread / 2 * scene.step / float(trade.price)
        if trade.aggressor is not None:
            scene.fair.shift(trade.aggressor.sign * 0.15 * share * half_spread)

    def _act(
        self, scene: Scene, engine: Engine, now: datetime, seconds: float, pace: float
    ) -> list[Command]:
        best = engine.best(scene.instrument.symbol)
        if not scene.has_started:
            if best.bid is not None and best.ask is not None:
                tick = float(scene.instrument.tick)
                scene.fair.start_from((best.bid + best.ask) / 2 * tick, self._factor)
            scene.has_started = True
        scene.fair.step(seconds, pace, scene.random)
        fair = scene.fair.value(self._factor)
        if scene.has_outgrown_its_grain(fair):
            symbol = scene.instrument.symbol
            self.come_back(symbol, Decimal(str(fair)))
            scene = self._scenes[symbol]
        view = View(now.timestamp(), fair / scene.step, scene.seen(best), pace)
        return scene.act(view, seconds)

    def _pace(self, now: datetime) -> tuple[float, float]:
        if abs(now.timestamp() - self._paced_at) >= _RHYTHM_SECONDS:
            self._paced_at = now.timestamp()
            self._paces = (
                rhythm(now, is_round_the_clock=False),
                rhythm(now, is_round_the_clock=True),
            )
        return self._paces


def _liquidity(instrument: Instrument) -> Liquidity:
    if instrument.is_crypto:
        return _CRYPTO
    return LIQUIDITY.get(instrument.symbol, _THIN)


def _terms(instrument: Instrument, liquidity: Liquidity, step: float) -> Terms:
    """Return the terms in steps and lots that `liquidity` means at the instrument's price."""
    price, lot = float(instrument.reference_price), float(instrument.lot)
    unit = 1 / lot
    level_units = liquidity.level_value / price
    # Shares come in hundreds where a level holds hundreds, coins in some round decimal fraction.
    round_units = 10.0 ** min(math.floor(math.log10(level_units / 2)), 2)
    if instrument.is_crypto:
        round_units, odd_units = round_units / 10, round_units / 1000
    else:
        round_units, odd_units = max(round_units, 1.0), 1.0
    return Terms(
        symbol=instrument.symbol,
        spread=max(price * liquidity.spread_bps / 10_000 / step, 1.0),
        level_lots=max(level_units * unit, 1.0),
        take_lots=max(liquidity.take_value / price * unit, 1.0),
        round_lots=max(1, round(round_units * unit)),
        odd_lots=max(1, round(odd_units * unit)),
        takes_a_second=liquidity.takes_a_second,
    )
