"""The replays that people have asked for: begun, watched and ended for the exchange.

The requests are rows, written by the `replay` command of another process. Only the exchange's own
thread comes here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from venues.exchange import recordings
from venues.exchange.commands import Admit
from venues.exchange.models import ReplayRequest
from venues.exchange.replay import Played, Player

State = ReplayRequest.State

_PROGRESS_SECONDS: Final = 0.5
_DETAIL_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """The symbols that a recording takes over, and the players that leave theirs free again."""

    begun: tuple[str, ...] = ()
    ended: tuple[Player, ...] = ()


class Stage:
    """All replays that are being played, by the id of their request."""

    def __init__(self) -> None:
        self._playing: dict[int, Player] = {}
        self._told_at = 0.0

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset().union(*(player.symbols for player in self._playing.values()))

    @property
    def is_empty(self) -> bool:
        return not self._playing

    def clear(self, now: datetime) -> None:
        """After a start: what was being played when the exchange last stopped is over."""
        ReplayRequest.objects.filter(state=State.PLAYING).update(
            state=State.FAILED, detail="The server was restarted.", updated_at=now
        )

    def look(self, listed: Mapping[str, Admit], *, now: datetime) -> Change:
        """Begin what is newly asked for; end what is to stop or is over."""
        begun: list[str] = []
        ended = [self._end(id_, State.FINISHED, now) for id_ in self._finished()]
        for request in ReplayRequest.objects.filter(
            state__in=[State.REQUESTED, State.PLAYING]
        ).order_by("id"):
            if request.is_stop_requested:
                player = self._playing.get(request.pk)
                self._close(request.pk, State.STOPPED, now)
                ended += [player] if player else []
            elif request.state == State.REQUESTED:
                begun += self._begin(request, listed, now)
        return Change(tuple(begun), tuple(ended))

    def due(self, now: datetime, *, after: datetime) -> tuple[list[Played], Change]:
        """Return what the recordings say after `after` until `now`, and what failed with it."""
        played: list[Played] = []
        ended: list[Player] = []
        for id_, player in list(self._playing.items()):
            try:
                played += player.due(now, after=after)
            except recordings.UnreadableRecording as error:
                ended.append(self._end(id_, State.FAILED, now, detail=str(error)))
        if time.monotonic() - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            for id_ in self._playing:
                self._write(id_, now)
        return played, Change(ended=tuple(ended))

    def _finished(self) -> list[int]:
        return [id_ for id_, player in self._playing.items() if player.is_finished]

    def _begin(
        self, request: ReplayRequest, listed: Mapping[str, Admit], now: datetime
    ) -> list[str]:
        """Open the files of `request` and return its symbols; none when it cannot be played."""
        try:
            files = [recordings.describe(Path(name)) for name in request.files]
        except recordings.UnreadableRecording as error:
            self._close(request.pk, State.FAILED, now, detail=str(error))
            return []
        symbols = sorted({file.symbol for file in files})
        for symbol in symbols:
            if symbol not in listed or symbol in self.symbols:
                why = (
                    "is being replayed already" if symbol in listed else "cannot be traded here now"
                )
                self._close(request.pk, State.FAILED, now, detail=f"{symbol} {why}.")
                return []
        self._playing[request.pk] = Player(
            f"replay-{request.pk}",
            recordings.moments(files, play_from=request.play_from, play_to=request.play_to),
            terms={symbol: listed[symbol] for symbol in symbols},
            speed=request.speed,
            begun_at=now,
        )
        ReplayRequest.objects.filter(pk=request.pk).update(state=State.PLAYING, updated_at=now)
        return symbols

    def _end(self, id_: int, state: str, now: datetime, *, detail: str = "") -> Player:
        player = self._playing[id_]
        self._close(id_, state, now, detail=detail)
        return player

    def _close(self, id_: int, state: str, now: datetime, *, detail: str = "") -> None:
        if id_ in self._playing:
            self._write(id_, now)
            del self._playing[id_]
        ReplayRequest.objects.filter(pk=id_).update(
            state=state, detail=detail[:_DETAIL_MAX], updated_at=now
        )

    def _write(self, id_: int, now: datetime) -> None:
        progress = self._playing[id_].progress
        ReplayRequest.objects.filter(pk=id_).update(
            recorded_at=progress.recorded_at,
            quotes_played=progress.quotes,
            trades_played=progress.trades,
            kept_aside=progress.kept_aside,
            updated_at=now,
        )
