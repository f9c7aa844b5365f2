"""The pack of a day: what was compared, by whose file, what came of it, and what became of that."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from foundation.decimals import text
from reconciliation import papers
from reconciliation.breaks import selectors
from reconciliation.breaks.models import Break
from reconciliation.papers import Block, Column, Paper
from reconciliation.statements.sheets import safe

HEADER: Final = (
    *("record", "source", "day", "matter", "ours", "theirs", "agreed", "explained", "broken"),
    *("break", "type", "severity", "state", "subject", "difference", "value", "rule"),
    *("at", "actor", "what", "note"),
)
_TEXT: Final = frozenset({"ours", "theirs", "subject", "difference", "note", "actor", "source"})


def as_csv(day: date) -> Iterator[str]:
    """Yield the pack as CSV, part by part: sources, counts, then breaks, each with its steps."""
    for record in ({name: name for name in HEADER}, *_compared(day)):
        yield _line(record)
    for row in selectors.breaks_of(day).iterator(chunk_size=500):
        for record in _break(row):
            yield _line(record)


def as_pdf(day: date) -> bytes:
    """Return the pack on paper; the same bytes for the same records."""
    compared = [
        (
            each["source"], each["matter"], each["ours"], each["theirs"], each["agreed"],
            each["explained"], each["broken"],
        )
        for each in _compared(day)
        if each["record"] == "count"
    ]  # fmt: skip
    files = [
        (each["source"], each["at"], each["note"], each["actor"])
        for each in _compared(day)
        if each["record"] == "statement"
    ]
    steps = []
    breaks = []
    for row in selectors.breaks_of(day):
        breaks.append(
            (
                str(row.pk), row.source, row.type, row.subject, row.apart, text(row.value),
                row.state,
            )
        )  # fmt: skip
        steps += [
            (str(row.pk), _at(each.at), each.kind, each.actor, each.note)
            for each in row.steps.order_by("number")
        ]
    number = Column("Number", 2)
    paper = Paper(
        title=f"Reconciliation of {day:%d %B %Y}",
        number=day.isoformat(),
        facts=(("Sources", str(len(files))), ("Breaks", str(len(breaks)))),
        blocks=(
            Block(
                "What was told",
                (Column("Source", 4), Column("Taken", 5), Column("SHA-256", 14), Column("By", 5)),
                files,
            ),
            Block(
                "What was compared",
                (
                    Column("Source", 5),
                    Column("Matter", 3),
                    *(
                        Column(each, 2, is_number=True)
                        for each in ("Ours", "Theirs", "Agreed", "Explained", "Broken")
                    ),
                ),
                compared,
            ),
            Block(
                "Breaks",
                (
                    number, Column("Source", 4), Column("Type", 3), Column("About", 7),
                    Column("Apart", 4, is_number=True), Column("USD", 3, is_number=True),
                    Column("State", 3),
                ),
                breaks,
            ),
            Block(
                "What became of them",
                (number, Column("At", 5), Column("Step", 3), Column("By", 6), Column("Note", 12)),
                steps,
            ),
        ),
        notes=("Times are UTC. Differences are theirs less ours.",),
    )  # fmt: skip
    return papers.draw(paper)


def _compared(day: date) -> Iterator[dict[str, str]]:
    for each in selectors.of_day(day):
        made = each.comparison
        if made is None:
            continue
        if made.statement is not None:
            yield {
                "record": "statement", "source": each.name, "day": day.isoformat(),
                "at": _at(made.statement.taken_at), "actor": made.statement.taken_by,
                "what": made.statement.format, "note": made.statement.sha256,
            }  # fmt: skip
        for count in each.counted:
            yield {
                "record": "count", "source": each.name, "day": day.isoformat(),
                "matter": count.matter, "ours": str(count.ours), "theirs": str(count.theirs),
                "agreed": str(count.agreed), "explained": str(count.explained),
                "broken": str(count.broken), "at": _at(made.at),
            }  # fmt: skip


def _break(row: Break) -> Iterator[dict[str, str]]:
    yield {
        "record": "break", "source": row.source, "day": row.day.isoformat(),
        "ours": _facts(row.ours), "theirs": _facts(row.theirs), "break": str(row.pk),
        "type": row.type, "severity": row.get_severity_display(), "state": row.state,
        "subject": row.subject, "difference": row.apart, "value": text(row.value),
        "rule": row.rule, "at": _at(row.found_at),
    }  # fmt: skip
    for step in row.steps.order_by("number"):
        yield {
            "record": "step", "source": row.source, "break": str(row.pk), "at": _at(step.at),
            "actor": step.actor, "what": step.kind, "note": step.note,
        }  # fmt: skip


def _line(record: dict[str, str]) -> str:
    out = io.StringIO()
    values = (record.get(name, "") for name in HEADER)
    cells = [
        safe(each) if name in _TEXT else each for name, each in zip(HEADER, values, strict=True)
    ]
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _facts(facts: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in facts.items())


def _at(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
