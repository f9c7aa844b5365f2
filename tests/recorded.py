"""Where recorded market data lies on a machine that has some; it is nobody's to ship."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trading.settings import BASE_DIR

FOLDER = Path(os.environ.get("OPENFLOOR_RECORDED_DATA", BASE_DIR.parent / "shared" / "data"))


def needs(name: str) -> pytest.MarkDecorator:
    """Skip a test where the recorded file `name` is missing."""
    return pytest.mark.skipif(
        not (FOLDER / name).exists(), reason=f"the recorded {name} is not on this machine"
    )
