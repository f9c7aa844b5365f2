"""What is listed at a start is what the operator names."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketdata.models import Instrument
from tests.parts import FEW
from trading import starting
from trading.starting import UnableToStart

pytestmark = pytest.mark.django_db


def test_a_list_of_one_s_own_is_listed_and_nothing_else(settings) -> None:
    settings.INSTRUMENTS = FEW
    starting.load_first_data()
    listed = Instrument.objects.order_by("symbol").values_list("symbol", flat=True)
    assert list(listed) == ["AAPL", "BTC/USD", "MSFT"]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (None, "INSTRUMENTS names a file that cannot be read: .* .No such file or directory."),
        ("name\nApple\n", "INSTRUMENTS names no list of instruments: own.csv:2: the column"),
    ],
)
def test_what_is_no_list_is_said_in_one_sentence_and_lists_nothing(
    settings, tmp_path: Path, written: str | None, sentence: str
) -> None:
    settings.INSTRUMENTS = tmp_path / "own.csv"
    if written is not None:
        settings.INSTRUMENTS.write_text(written)
    with pytest.raises(UnableToStart, match=sentence):
        starting.load_first_data()
    assert not Instrument.objects.exists()
