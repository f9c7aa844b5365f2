"""Who may read the metrics."""

from __future__ import annotations

import pytest

from trading.metrics.fence import Fence

HERE, INSIDE, OUTSIDE = "127.0.0.1", "10.1.2.3", "203.0.113.9"
NETWORK = ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("networks", "token", "address", "brought", "is_forwarded", "is_let_in"),
    [
        ([], "", HERE, "", False, True),
        ([], "", "::1", "", False, True),
        ([], "", HERE, "", True, False),  # a proxy on this machine says nothing of who asks
        ([], "", OUTSIDE, "", False, False),
        ([], "", "", "", False, False),
        ([], "t0ken", OUTSIDE, "Bearer t0ken", True, True),
        ([], "t0ken", OUTSIDE, "bearer  t0ken", False, True),
        ([], "t0ken", HERE, "", False, False),
        ([], "t0ken", HERE, "Bearer other", False, False),
        ([], "t0ken", HERE, "Basic t0ken", False, False),
        (NETWORK, "", INSIDE, "", False, True),
        (NETWORK, "", HERE, "", False, False),
        (NETWORK, "t0ken", INSIDE, "Bearer t0ken", False, True),
        (NETWORK, "t0ken", INSIDE, "", False, False),
        (NETWORK, "t0ken", OUTSIDE, "Bearer t0ken", False, False),
    ],
)
def test_who_is_let_in(networks, token, address, brought, is_forwarded, is_let_in):
    fence = Fence.of(networks=networks, token=token)
    found = fence.lets_in(address=address, authorization=brought, is_forwarded=is_forwarded)
    assert found is is_let_in
