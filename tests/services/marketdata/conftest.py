"""No partitions of before: of a program's start that another test has committed they stay."""

from __future__ import annotations

import pytest

from marketdata.history import partitions
from marketdata.history.partitions import Kind


@pytest.fixture
def no_partitions(db: None) -> None:
    for kind in Kind:
        for first in partitions.made(kind):
            partitions.drop(kind, first)
