"""Which addresses that somebody names are asked"""

from __future__ import annotations

import ipaddress
import socket

import pytest

from accounts.outbound import guard
from accounts.outbound.guard import AddressRefused, AddressUnknown, is_allowed, parse, resolve


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "//example.com", "example.com", "", "https://"),
        *("https://user@example.com/", "https://user:pw@example.com/", "https://example.com\\@127.0.0.1/"),
        *("https://example.com:0/", "https://example.com:99999/", "https://example.com/#here"),
        *("https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/"),
        *("https://example.com/ x", "https://example.com/\n", "https://exämple.com/", "https://-a.com/"),
        *("https://a..com/", "https://[::1/", "https://[1.2.3.4]/", f"https://example.com/{'x' * 500}"),
    ],
)
def test_what_is_no_plain_https_address_is_refused(url):
    with pytest.raises(AddressRefused):
        resolve(parse(url))


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://example.com", "https://example.com:443/"),
        ("https://EXAMPLE.com.:8443/a?b=c", "https://example.com:8443/a?b=c"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]:443/x"),
    ],
)
def test_an_address_is_written_anew(url, read):
    assert parse(url).url == read


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.0.2.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fc00::1"),
        *(
            "fd00:ec2::254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "ff02::1",
        ),
        *("2001:db8::1", "::127.0.0.1", "fec0::1", "100::1"),
    ],
)
def test_what_is_not_public_is_refused(address):
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_is_allowed(address):
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/"),
        *("https://169.254.169.254/latest/meta-data", "https://10.0.0.1:8080/"),
    ],
)
def test_addresses_of_this_side_are_refused(url):
    with pytest.raises(AddressRefused):
        resolve(parse(url))


def test_a_name_with_one_address_that_is_not_public_is_refused(monkeypatch):
    def both(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(guard.socket, "getaddrinfo", both)
    with pytest.raises(AddressRefused):
        resolve(parse("https://example.com/"))


def test_a_name_that_nobody_knows_is_no_refusal():
    with pytest.raises(AddressUnknown):
        resolve(parse("https://no-such-name.invalid/"))


def test_the_setting_lets_in_this_machine_and_nothing_else(settings):
    settings.WEBHOOK_ALLOW_LOCAL = True
    assert resolve(parse("http://127.0.0.1:8080/")) == "127.0.0.1"
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://1.1.1.1/"):
        with pytest.raises(AddressRefused):
            resolve(parse(url))
