"""How the program speaks of itself: lines for a person in the terminal, JSON for machines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from foundation import trail

# What these say is said by us already, or is noise without a reader.
_QUIET: Final = {
    "celery": "WARNING",
    "daphne": "ERROR",
    "django.request": "ERROR",
    "granian": "ERROR",
    "_granian": "ERROR",
    "psycopg.pool": "ERROR",
    "twisted": "ERROR",
    "uvicorn": "WARNING",
}

PROBES: Final = ("/healthz", "/readyz", "/metrics")

_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class WithoutProbes(logging.Filter):
    """Drops what is said about probes: they are asked all day, and 503 is news to
    whoever asks and to nobody else."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.msg.get("request", "") if isinstance(record.msg, dict) else ""
        request = getattr(record, "request", None)
        path = getattr(request, "path", "") or str(said).partition(" ")[2]
        return path not in PROBES


class TrailFormatter(logging.Formatter):
    """Writes the trail of orders: all that happened at once in one go, a line each.

    Past structlog's chain, which costs more than an order's decision does.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        steps = record.msg
        if not isinstance(steps, trail.Steps):
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if not self._as_json:
            begin = f"{at} [info     ] {steps.event} "
            return "\n".join(begin + _in_words(line) for line in steps.lines)
        head = {"event": steps.event, "logger": record.name, "level": "info", "timestamp": at}
        lines = (orjson.dumps({**line, **head}, default=str) for line in steps.lines)
        return b"\n".join(lines).decode()


def _in_words(line: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in line.items() if value not in ("", None))


def configure(*, level: str, as_json: bool, with_trail: bool = False) -> dict[str, Any]:
    """Configure structlog; return Django's LOGGING, which puts all other logs into its shape.

    `with_trail` keeps the trail of orders (foundation/trail.py), whatever the level.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "openfloor": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(_for_machines() if as_json else _for_people()),
                ],
            },
            "trail": {"()": TrailFormatter, "as_json": as_json},
        },
        "filters": {"without_probes": {"()": WithoutProbes}},
        "handlers": {
            "terminal": {
                "class": "logging.StreamHandler",
                "formatter": "openfloor",
                "filters": ["without_probes"],
            },
            "trail": {"class": "logging.StreamHandler", "formatter": "trail"},
        },
        "root": {"handlers": ["terminal"], "level": level},
        "loggers": {
            trail.LOGGER: {
                "handlers": ["trail"],
                "level": "INFO" if with_trail else "WARNING",
                "propagate": False,
            },
            # Django's own handlers would say everything a second time.
            "django": {"handlers": [], "level": level, "propagate": True},
            # Requests are for machines to count; a person at the terminal wants to see failures.
            "django_structlog": {"level": max("INFO" if as_json else "ERROR", level, key=_rank)},
            **{name: {"level": max(quiet, level, key=_rank)} for name, quiet in _QUIET.items()},
        },
    }


def _rank(level: str) -> int:
    return logging.getLevelNamesMapping()[level]


def _for_machines() -> list[Any]:
    return [
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(default=str),
    ]


def _for_people() -> list[Any]:
    # The renderer's own tracebacks show every local variable, secrets among them, and take seconds.
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]
