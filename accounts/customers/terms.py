"""The terms that a customer agrees to: `templates/auth/terms.html` has the text of this version.

Whoever changes the text changes the version: what somebody agreed to is kept by it.
"""

from typing import Final

VERSION: Final = "2026-11"
