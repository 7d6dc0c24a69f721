"""Where webhooks may go"""

from __future__ import annotations

import ipaddress
import socket
from uuid import UUID

import pytest

from screening.webhooks import guard
from screening.webhooks.guard import AddressRefused, AddressUnknown, is_allowed, parse, resolve
from screening.webhooks.posting import post
from screening.webhooks.signing import secret_of, signature
from stocks.tests.standin import Answer, StandIn


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


@pytest.fixture
def endpoint(settings):
    settings.WEBHOOK_ALLOW_LOCAL = True
    with StandIn(lambda request: Answer()) as server:
        yield server


def test_a_body_is_posted_with_its_headers(endpoint):
    outcome = post(f"{endpoint.url}/hook?a=b", b'{"a": 1}', {"X-One": "1"}, now=0)
    assert (outcome.status, outcome.error) == (200, "")
    (request,) = endpoint.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook", b'{"a": 1}')
    assert request.headers["x-one"] == "1"
    assert request.headers["content-type"] == "application/json"


def test_the_name_is_not_looked_up_a_second_time(endpoint, monkeypatch):
    """A name that leads elsewhere a moment later: the request goes where the first look led."""
    looks = []
    port = int(endpoint.url.rpartition(":")[2])

    def once(host, at, **_):
        looks.append(host)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", at))]

    monkeypatch.setattr(guard.socket, "getaddrinfo", once)
    outcome = post(f"http://rebinding.invalid:{port}/", b"{}", {}, now=0)
    assert outcome.error == ""
    assert looks == ["rebinding.invalid"]
    assert endpoint.requests[0].headers["host"] == f"rebinding.invalid:{port}"


def test_a_redirect_is_not_followed(endpoint):
    endpoint.always = Answer(status=302, headers={"Location": f"{endpoint.url}/elsewhere"})
    outcome = post(endpoint.url, b"{}", {}, now=0)
    assert outcome.status == 302
    assert "redirect" in outcome.error
    assert len(endpoint.requests) == 1


def test_an_endless_answer_is_cut_off(endpoint):
    def forever(send):
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            send(b"x" * 65_536)

    endpoint.always = Answer(write=forever)
    assert "bound" in post(endpoint.url, b"{}", {}, now=0).error


def test_an_answer_that_trickles_is_given_up(endpoint, monkeypatch):
    monkeypatch.setattr("screening.webhooks.posting.SECONDS", 0.5)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    def slowly(send):
        import time

        send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(40):
            send(b"x")
            time.sleep(0.1)

    endpoint.always = Answer(write=slowly)
    outcome = post(endpoint.url, b"{}", {}, now=0)
    assert outcome.error
    assert not outcome.final


def test_gone_is_final_and_a_wait_is_heard(endpoint):
    endpoint.always = Answer(status=410)
    assert post(endpoint.url, b"{}", {}, now=0).final
    endpoint.always = Answer(status=503, headers={"Retry-After": "7"})
    outcome = post(endpoint.url, b"{}", {}, now=0)
    assert (outcome.error, outcome.final, outcome.wait) == ("HTTP 503", False, 7.0)


def test_nobody_there_is_a_failure_without_the_address():
    outcome = post("https://127.0.0.1:1/secret", b"{}", {}, now=0)
    assert outcome.final
    assert "127" not in outcome.error


def test_a_signature_is_the_hmac_of_time_and_body():
    # echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
    assert signature("whsec_test", b'{"a":1}', 1_700_000_000) == (
        "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789"
    )


def test_a_secret_follows_from_the_key_the_id_and_the_version(settings):
    endpoint_id = UUID("b0c5b7a4-5f6e-4c61-9d49-2d2a5d0f0a11")
    one = secret_of(endpoint_id, 1)
    assert one.startswith("whsec_")
    assert len(one) == 49
    assert one == secret_of(endpoint_id, 1)
    assert one != secret_of(endpoint_id, 2)
    settings.API_KEY_PEPPER = "another"
    assert one != secret_of(endpoint_id, 1)
