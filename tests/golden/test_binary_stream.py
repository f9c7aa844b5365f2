"""Both decoders of the binary stream say the same, and what the shipped vectors say."""

from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import calendars
from marketdata.stream import frames
from marketdata.stream.chain import Chain
from marketdata.stream.decoder import Decoder, News
from marketdata.stream.pictures import ONE, Quote, Trade, Units, Update, microseconds
from tests import binary_streams as made_up
from tests import binary_vectors, recorded
from trading.settings import BASE_DIR

Read = Callable[..., Any]


@pytest.fixture(scope="module")
def in_javascript() -> Iterator[Read]:
    """The page's decoder in Node: what it makes of frames."""
    node = Path(sys.executable).parent / "node"
    with subprocess.Popen(
        [str(node), str(BASE_DIR / "tests" / "binary_decoder.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as program:
        asked, answers = program.stdin, program.stdout
        assert asked is not None and answers is not None

        def read(symbols: list[str], sent: list[bytes], books: Sequence[str] = ()) -> Any:
            sent_ = [each.hex() for each in sent]
            question = {"symbols": symbols, "books": [*books], "frames": sent_}
            asked.write(json.dumps(question) + "\n")
            asked.flush()
            return json.loads(answers.readline())

        yield read
        asked.close()


def agreed(result: dict[str, Any]) -> dict[str, Any]:
    """Return a decoder's answer without its own words for what is malformed."""
    told = [{"malformed": True} if "malformed" in each else each for each in result["told"]]
    return {**result, "told": told}


ASKED = ("symbols", "books", "frames")
VECTORS = json.loads(binary_vectors.FILE.read_text())


def test_the_vectors_are_what_we_send_today() -> None:
    assert binary_vectors.cases() == VECTORS


def test_the_javascript_decoder_reads_the_vectors(in_javascript: Read) -> None:
    for vector in VECTORS:
        sent = [bytes.fromhex(each) for each in vector["frames"]]
        expected = {name: vector[name] for name in vector.keys() - {"name", *ASKED}}
        answer = in_javascript(vector["symbols"], sent, vector["books"])
        assert agreed(answer) == expected, vector["name"]


@given(made_up.steps, made_up.units, st.data())
@settings(max_examples=50, deadline=None)
def test_both_decoders_follow_any_instrument(
    in_javascript: Read, steps: list[list[Update]], units: Units, data: st.DataObject
) -> None:
    chain, sent, seen = Chain("BTC/USD"), [], 0
    for step in steps:
        chain.advance(step, units)
        assert chain.link is not None
        if data.draw(st.booleans(), label="is sent"):
            sent.append(frames.updates([chain.link.entries(1, seen)]))
            seen = chain.link.sequence
    ours = binary_vectors.decoded(["IBM", "BTC/USD"], sent)
    assert in_javascript(["IBM", "BTC/USD"], sent) == ours
    if seen and chain.link is not None and seen == chain.link.sequence:
        assert ours["pictures"] == [None, binary_vectors.pictured(chain.link.picture)]


@given(st.sampled_from(VECTORS), st.data())
@settings(max_examples=75, deadline=None)
def test_both_decoders_judge_damage_alike(
    in_javascript: Read, vector: dict[str, Any], data: st.DataObject
) -> None:
    sent = [bytearray.fromhex(each) for each in vector["frames"]]
    spoilt = data.draw(st.sampled_from([each for each in sent if each] or [bytearray(1)]))
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    as_sent = list(map(bytes, sent))
    ours = binary_vectors.decoded(["BAC"], as_sent)
    assert agreed(in_javascript(["BAC"], as_sent)) == agreed(ours)


def test_the_example_of_the_documentation_is_true() -> None:
    page = (BASE_DIR / "docs" / "binary-stream.md").read_text()
    example = page.partition("## An example")[2].partition("## ")[0]
    lines = re.compile(r"^([0-9a-f]{2}(?: [0-9a-f]{2})*)(?:  |$)", re.MULTILINE)
    asked, *told = [
        bytes.fromhex("".join(lines.findall(block)))
        for block in re.findall(r"```\n(.*?)```", example, re.DOTALL)
    ]
    assert asked == Decoder().subscribe(["BAC"])
    assert [each.hex() for each in told] == VECTORS[0]["frames"]


# --- A recorded day ------------------------------------------------------------------------------

DAY = "2013-10-07"
UNITS = Units(ONE // 100, 100 * ONE)
QUOTES, TRADES = (20_000, 25_000), (2_000, 3_000)  # `benchmarks.binary_stream` takes whole days
BYTES_MAX = 8


def _rows(name: str, part: tuple[int, int]) -> Iterator[dict[str, str]]:
    with gzip.open(recorded.FOLDER / name, "rt", newline="") as file:
        yield from islice(csv.DictReader(file), *part)


def _recorded(symbol: str) -> list[Update]:
    midnight = calendars.midnight(date.fromisoformat(DAY))

    def at(row: dict[str, str]) -> int:
        return microseconds(midnight + timedelta(milliseconds=int(row["time_ms"])))

    updates: list[Update] = []
    bid = ask = (0, 0)
    for row in _rows(f"ticks/{symbol}_{DAY}_quotes.csv.gz", QUOTES):
        level = int(row["price_e4"]) * ONE // 10_000, int(row["size"]) * ONE
        bid, ask = (level, ask) if row["side"] == "B" else (bid, level)
        updates.append(Quote(at(row), *bid, *ask))
    for number, row in enumerate(_rows(f"ticks/{symbol}_{DAY}_trades.csv.gz", TRADES)):
        price, size = int(row["price_e4"]) * ONE // 10_000, int(row["size"]) * ONE
        marks = row["exchange"], row["cond_hex"]
        updates.append(Trade(at(row), price, size, str(number), *marks))
    return sorted(updates, key=lambda update: getattr(update, "at", 0))


@recorded.needs(f"ticks/IBM_{DAY}_quotes.csv.gz")
@pytest.mark.parametrize("symbol", ["IBM", "BAC"])
def test_recorded_updates_alone_in_their_frames_are_short_and_come_back(symbol: str) -> None:
    updates = _recorded(symbol)
    chain, decoder, length = Chain(symbol), Decoder(), 0
    decoder.subscribe([symbol])
    for sequence, update in enumerate(updates):
        chain.advance([update], UNITS)
        assert chain.link is not None
        frame = frames.updates([chain.link.entries(0, sequence)])
        length += len(frame)
        [news] = decoder.take(frame)
        assert isinstance(news, News)
        assert news.updates == (update,)
    assert length / len(updates) <= BYTES_MAX
