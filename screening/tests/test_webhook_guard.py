"""How webhooks are posted"""

from __future__ import annotations

import socket
from uuid import UUID

import pytest

from accounts.outbound import guard
from screening.webhooks.posting import post
from screening.webhooks.signing import secret_of, signature
from stocks.tests.standin import Answer, StandIn


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
