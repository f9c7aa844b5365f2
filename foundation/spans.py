"""Spans of work, for who collects traces: how long each thing took, and what belonged together.

Off, which it is unless the shell has begun, a span costs a tenth of a microsecond. A span that
answers for many (a batch) is linked to what has asked for it. Pure Python: what collects them is
the shell's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

Attributes = Mapping[str, str | int]


class Tracer(Protocol):
    """What collects spans."""

    def span(
        self, name: str, *, parent: str, links: Sequence[object], attributes: Attributes
    ) -> AbstractContextManager[None]:
        """Return a span that lasts as long as its context, inside the one that is open here.

        `parent` is what a caller says of its own span (W3C's traceparent), if it does.
        """

    def current(self) -> object | None:
        """Return what names the span that is open here, to be linked to."""


_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Let `tracer` collect from now on; None ends it."""
    global _tracer  # noqa: PLW0603  the one of this process
    _tracer = tracer


def span(
    name: str, *, parent: str = "", links: Sequence[object | None] = (), **attributes: str | int
) -> AbstractContextManager[None]:
    """Return a span of work: `with spans.span("intake batch", tickets=3):`."""
    if _tracer is None:
        return _NOTHING
    known = [link for link in links if link is not None]
    return _tracer.span(name, parent=parent, links=known, attributes=attributes)


def current() -> object | None:
    """Return what names the span that is open here, None without one."""
    return None if _tracer is None else _tracer.current()
