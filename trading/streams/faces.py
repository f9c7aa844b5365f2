"""What an account's pages show, and since when each figure has been so.

Pure. Every figure has the number of the change that made it what it is, so that who has seen some
number is sent what is newer, whatever it is, and nothing that was overtaken meanwhile: one
difference from 3 to 9 instead of six. docs/read-model.md describes it for clients.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

CLOSED_KEPT_MAX: Final = 200  # positions whose end is remembered; from before it all is sent

Fields = Mapping[str, Any]


class Seen(NamedTuple):
    """How far a client has come: the name of a face, and the number of a change to it."""

    stream: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed of a face after `since`, or all of it where that is None."""

    stream: str
    since: int | None
    sequence: int
    account: Fields
    positions: tuple[Fields, ...]
    closed: tuple[str, ...]


@dataclass(slots=True)
class _Figures:
    """Figures by name, each with the number of the change that it is from."""

    values: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    def take(self, figures: Fields, sequence: int) -> bool:
        """Set these; return whether any of them is another than it was."""
        news = {
            name: value
            for name, value in figures.items()
            if name not in self.values or self.values[name] != value
        }
        self.values |= news
        self.changed |= dict.fromkeys(news, sequence)
        return bool(news)

    def after(self, since: int) -> dict[str, Any]:
        return {name: self.values[name] for name, at in self.changed.items() if at > since}


class Face:
    """The account's figures, and those of its positions by symbol.

    `stream` is the name of this face and of no other: its numbers say nothing about another's.
    """

    def __init__(self, stream: str) -> None:
        self.stream: Final = stream
        self.sequence = 0
        self._account = _Figures()
        self._positions: dict[str, _Figures] = {}
        self._closed: dict[str, int] = {}
        self._complete_since = 0

    @property
    def seen(self) -> Seen:
        """What a client has seen that has seen everything."""
        return Seen(self.stream, self.sequence)

    def show(
        self, account: Fields, positions: Mapping[str, Fields], *, symbols: Collection[str]
    ) -> bool:
        """Show these figures; return whether anything is another than it was.

        `positions` are those that may have changed; `symbols` are all that the account has.
        """
        number = self.sequence + 1
        closed = self._positions.keys() - set(symbols)
        for symbol in closed:
            del self._positions[symbol]
            self._closed[symbol] = number
        has_changed = self._account.take(account, number) or bool(closed)
        for symbol, figures in positions.items():
            shown = self._positions.get(symbol)
            if shown is None:
                shown = self._positions[symbol] = _Figures()
                self._closed.pop(symbol, None)
            has_changed = shown.take(figures, number) or has_changed
        if has_changed:
            self.sequence = number
            self._forget_the_closed()
        return has_changed

    def news(self, seen: Seen | None) -> Difference | None:
        """Return what a client lacks that has seen this: None for nothing, and all where that
        cannot be told apart."""
        if not self.sequence or seen == self.seen:
            return None
        is_known = (
            seen is not None
            and seen.stream == self.stream
            and self._complete_since <= seen.sequence < self.sequence
        )
        since = seen.sequence if seen is not None and is_known else None
        after = -1 if since is None else since
        positions = []
        for symbol, figures in sorted(self._positions.items()):
            if news := figures.after(after):
                positions.append({"symbol": symbol, **news})
        return Difference(
            stream=self.stream,
            since=since,
            sequence=self.sequence,
            account=self._account.after(after),
            positions=tuple(positions),
            closed=(
                ()
                if since is None
                else tuple(sorted(each for each, at in self._closed.items() if at > since))
            ),
        )

    def _forget_the_closed(self) -> None:
        if len(self._closed) > CLOSED_KEPT_MAX:
            self._closed.clear()
            self._complete_since = self.sequence
