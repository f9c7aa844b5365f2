"""What the processes of faults need, loaded once before they are forked. See processes.py."""

import django

django.setup()

from tests.faults import (  # noqa: E402
    test_action_killed,  # noqa: F401
    test_day_killed,  # noqa: F401
    test_exchange_killed,  # noqa: F401
    test_venue_link,  # noqa: F401
)
