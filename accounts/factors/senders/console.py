"""SMS for the demo shape: printed where the program runs."""

from __future__ import annotations

import sys


def send(to: str, text: str) -> None:
    """Print the message."""
    sys.stderr.write(f"SMS to {to}: {text}\n")
    sys.stderr.flush()
