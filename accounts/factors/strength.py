"""How much the proof of a second factor is worth. Pure."""

from __future__ import annotations

from enum import IntEnum


class Strength(IntEnum):
    """What a proof withstands; what is dear asks for one that is at least so strong."""

    WEAK = 1
    """Read on its way or taken from a drawer: a code by SMS or e-mail, a recovery code."""

    STRONG = 2
    """It is made by something that the person has: an authenticator app, a security key."""

    VERIFIED = 3
    """A security key that nobody else's page can ask, and that knew its owner by PIN or finger."""
