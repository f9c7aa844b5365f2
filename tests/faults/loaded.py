"""What the processes of faults need, loaded once before they are forked. See processes.py."""

import django

django.setup()

from tests.faults import test_action_killed, test_exchange_killed, test_venue_link  # noqa: E402, F401
