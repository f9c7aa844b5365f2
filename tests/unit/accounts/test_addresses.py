"""Who a request came from, whatever strangers write; where that is; what its browser is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.sessions import addresses, browsers, places

PROXIES = addresses.networks(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7  # the one in front"])


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.4", "198.51.100.4"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.4", "198.51.100.4"),  # the first was made up
        ("10.0.0.1", "203.0.113.9, 198.51.100.4, 10.2.3.4", "198.51.100.4"),
        ("10.0.0.1", "203.0.113.9, nonsense, 10.2.3.4", "10.2.3.4"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.4:4711", "198.51.100.4"),
        ("2001:db8::1", '"[2001:4860::8]:443"', "2001:4860::8"),
        ("::ffff:10.0.0.1", "198.51.100.4", "198.51.100.4"),
        ("192.0.2.7", "198.51.100.4", "198.51.100.4"),
        ("192.0.2.8", "198.51.100.4", "192.0.2.8"),  # no proxy of ours: a spoof
        ("127.0.0.1", "198.51.100.4", "127.0.0.1"),
        ("", "198.51.100.4", ""),
    ],
)
def test_forwarded_for_is_believed_from_proxies_of_ours_alone(peer, said, client):
    assert addresses.client(peer=peer, forwarded_for=said, proxies=PROXIES) == client


@given(said=st.text(max_size=60))
def test_without_proxies_nothing_that_is_said_counts(said):
    assert addresses.client(peer="192.0.2.1", forwarded_for=said, proxies=()) == "192.0.2.1"


@given(
    said=st.text(alphabet="0123456789.:abf, x", max_size=40),
    client=st.ip_addresses(v=4).map(str).filter(lambda a: not addresses.is_in(a, PROXIES)),
)
def test_whatever_stands_before_does_not_change_whom_our_proxy_heard_from(said, client):
    found = addresses.client(peer="10.0.0.1", forwarded_for=f"{said},{client}", proxies=PROXIES)
    assert found == client


def test_a_list_of_addresses_is_read_line_by_line():
    lines = [
        "# known for attacks",
        "",
        "198.51.100.0/24  # a hoster",
        "203.0.113.9",
        "2001:db8::/48",
    ]
    found = addresses.AddressList(addresses.networks(lines))
    inside = ("198.51.100.0", "198.51.100.255", "203.0.113.9", "2001:db8::1", "::ffff:203.0.113.9")
    outside = ("198.51.99.255", "198.51.101.0", "203.0.113.8", "2001:db9::1", "nonsense", "")
    assert [each in found for each in inside] == [True] * len(inside)
    assert [each in found for each in outside] == [False] * len(outside)
    with pytest.raises(addresses.UnreadableNetwork, match=r"line 2: '300.0.0.1' is no network"):
        addresses.networks(["198.51.100.4", "300.0.0.1"])


@given(
    those=st.lists(st.ip_addresses(v=4).flatmap(
        lambda a: st.integers(8, 32).map(lambda bits: f"{a}/{bits}")), max_size=8),
    asked=st.ip_addresses(v=4).map(str),
)  # fmt: skip
def test_a_long_list_says_what_a_walk_through_it_says(those, asked):
    networks = addresses.networks(those)
    assert (asked in addresses.AddressList(networks)) == addresses.is_in(asked, networks)


@pytest.mark.parametrize(
    ("address", "country", "name"),
    [
        ("8.8.8.8", "US", "United States"),
        ("131.130.1.78", "AT", "Austria"),
        ("133.11.0.1", "JP", "Japan"),
        ("2001:4860:4860::8888", "US", "United States"),
        ("::ffff:131.130.1.78", "AT", "Austria"),
        ("127.0.0.1", "", "unknown place"),
        ("10.1.2.3", "", "unknown place"),
        ("192.0.2.1", "", "unknown place"),
        ("nonsense", "", "unknown place"),
        (None, "", "unknown place"),
    ],
)
def test_a_known_address_has_a_country_and_an_unknown_one_is_unknown(address, country, name):
    found = places.of(address)
    assert (found.country, found.name) == (country, name)
    assert (found.spot is None) is (country == "")


def test_a_database_with_cities_tells_city_and_coordinates():
    record = {
        "country": {"iso_code": "AT"},
        "city": {"names": {"en": "Vienna"}},
        "location": {"latitude": 48.2, "longitude": 16.4, "accuracy_radius": 20},
    }
    found = places._place(record)
    assert (found.name, found.country) == ("Vienna, Austria", "AT")
    assert (found.spot.latitude, found.spot.radius_km) == (48.2, 20.0)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0", "Firefox 128 on Linux"),
        (
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87"),
            "Edge 126 on Windows",
        ),
        (
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"),
            "Safari 17 on iPhone",
        ),
        (
            ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Mobile Safari/537.36"),
            "Chrome 126 on Android",
        ),
        ("curl/8.5.0", "An unknown browser"),
        ("Something (Macintosh)", "A browser on macOS"),
        ("", "An unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_called_what_its_owner_calls_it(user_agent, name):
    assert browsers.named(user_agent) == name
