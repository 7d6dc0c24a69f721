from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from realtime.addresses import counted_address


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": None if peer is None else (peer, 4321), "headers": [(b"host", b"x"), *headers]}


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::2", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::/64"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("/run/web.sock", ""),
        (None, ""),
    ],
)
def test_an_address_is_that_of_the_connection(peer: str | None, counted: str) -> None:
    assert counted_address(scope(peer, "198.51.100.1")) == counted


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        # What stands before the first address that is no proxy, its client has written.
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9, fd00::2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [" , "], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("/run/web.sock", ["203.0.113.9"], "203.0.113.9"),
        # Whoever does not come through a proxy may claim what he likes.
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
    ],
)
def test_behind_proxies_it_is_what_the_first_of_them_saw(
    settings: Any, peer: str, forwarded: list[str], counted: str
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/29"), ip_network("fd00::/8")]
    assert counted_address(scope(peer, *forwarded)) == counted
