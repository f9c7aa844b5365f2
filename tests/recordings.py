"""Small recordings that tests make themselves, in the format of the recorded data."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

OPENING = 34_200_000  # 09:30 in New York, in milliseconds since midnight


def write_quotes(
    folder: Path,
    rows: Sequence[tuple[int, str, float, int]],
    *,
    symbol: str = "IBM",
    suspicious: int = 0,
) -> Path:
    """Write (milliseconds after the opening, side, price, size)."""
    path = folder / f"{symbol}_2013-10-07_quotes.csv.gz"
    lines = [
        f"{OPENING + ms},{side},{round(price * 10_000)},{size},N,1,{suspicious}"
        for ms, side, price, size in rows
    ]
    return _write(path, "time_ms,side,price_e4,size,exchange,cond_hex,suspicious", lines)


def write_trades(
    folder: Path, rows: Sequence[tuple[int, float, int, str]], *, symbol: str = "IBM"
) -> Path:
    """Write (milliseconds after the opening, price, size, conditions in hexadecimal)."""
    path = folder / f"{symbol}_2013-10-07_trades.csv.gz"
    lines = [
        f"{OPENING + ms},{round(price * 10_000)},{size},N,{mask},0"
        for ms, price, size, mask in rows
    ]
    return _write(path, "time_ms,price_e4,size,exchange,cond_hex,suspicious", lines)


def _write(path: Path, header: str, lines: Sequence[str]) -> Path:
    with gzip.open(path, "wt", encoding="ascii") as file:
        file.write("\n".join([header, *lines]) + "\n")
    return path
