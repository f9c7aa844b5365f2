"""What a person's security log tells of, in words. Pure."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of events; the value is kept, `titles` says what the person reads."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a word
    WRONG_CODE = "wrong_code"
    STRONGER_ASKED = "stronger_asked"
    SIGN_IN_STOPPED = "sign_in_stopped"
    SIGN_IN_ENDED = "sign_in_ended"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTORS_TAKEN = "factors_taken"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    EMAIL_CHANGED = "email_changed"
    KEY_CREATED = "key_created"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    JOINED = "joined"
    PROFILE_COMPLETED = "profile_completed"
    PROFILE_CHANGED = "profile_changed"
    TERMS_AGREED = "terms_agreed"
    LETTER = "letter"


TITLES = {
    Kind.SIGNED_IN: "Signed in",
    Kind.SIGNED_OUT: "Signed out",
    Kind.WRONG_PASSWORD: "Wrong password",
    Kind.WRONG_CODE: "Wrong code",
    Kind.STRONGER_ASKED: "Asked for a stronger factor",
    Kind.SIGN_IN_STOPPED: "Sign-in stopped",
    Kind.SIGN_IN_ENDED: "Sign-in ended",
    Kind.FACTOR_ADDED: "Way of signing in added",
    Kind.FACTOR_REMOVED: "Way of signing in removed",
    Kind.FACTORS_TAKEN: "Every way of signing in taken away, as lost",
    Kind.RECOVERY_CODES_MADE: "Recovery codes made",
    Kind.PASSWORD_CHANGED: "Password changed",
    Kind.EMAIL_CHANGED: "E-mail address changed",
    Kind.KEY_CREATED: "API key created",
    Kind.KEY_ROTATED: "API key's secret changed",
    Kind.KEY_REVOKED: "API key revoked",
    Kind.JOINED: "Joined, address confirmed",
    Kind.PROFILE_COMPLETED: "Account opened",
    Kind.PROFILE_CHANGED: "Profile changed",
    Kind.TERMS_AGREED: "Terms agreed to",
    Kind.LETTER: "We wrote to you",
}

FAILURES = (Kind.WRONG_PASSWORD, Kind.WRONG_CODE, Kind.SIGN_IN_STOPPED)
"""What counts against the next sign-in."""


def title(kind: str) -> str:
    """Return what a person reads of an event of this kind, also of one that came later."""
    try:
        return TITLES[Kind(kind)]
    except ValueError:
        return kind.replace("_", " ").capitalize()
