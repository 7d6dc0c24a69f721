from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from stocks.providers import kis
from stocks.providers.errors import AuthFailed, ProviderError, QuotaSpent, RateLimited
from stocks.providers.kis.client import Client
from stocks.providers.kis.quotas import rates
from stocks.providers.kis.tests.case import Clock
from stocks.providers.kis.tests.standin import APP_KEY, APP_SECRET, KisServer, payload, refusal
from stocks.providers.mesh.shared import shared_tools
from stocks.providers.tools import Rate
from stocks.tests.standin import Answer, Request, StandIn, json_answer

pytestmark = pytest.mark.usefixtures("redis_client")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> KisServer:
    return KisServer(clock.now)


@pytest.fixture
def upstream(server: KisServer) -> Iterator[StandIn]:
    with StandIn(server.answer) as upstream:
        yield upstream


@pytest.fixture
def client(clock: Clock, upstream: StandIn) -> Client:
    return Client(clock.tools(), app_key=APP_KEY, app_secret=APP_SECRET, url=upstream.url)


def test_a_call_has_the_headers_and_parameters_of_the_documentation(client, upstream, server):
    client.daily("005930", date(2026, 1, 2), date(2026, 7, 23))
    request = upstream.requests[-1]
    assert request.path == "/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"
    assert request.query == {
        "FID_COND_MRKT_DIV_CODE": "J",
        "FID_INPUT_ISCD": "005930",
        "FID_INPUT_DATE_1": "20260102",
        "FID_INPUT_DATE_2": "20260723",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "1",
    }
    expected = {
        "content-type": "application/json; charset=utf-8",
        "authorization": f"Bearer {server.issued[0]}",
        "appkey": APP_KEY,
        "appsecret": APP_SECRET,
        "tr_id": "FHKST03010100",
        "custtype": "P",
    }
    assert {name: request.headers.get(name) for name in expected} == expected


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", ["EGW00121", "EGW00123"])
def test_a_refused_token_is_replaced_and_the_call_made_again_once(
    client, upstream, server, clock, code, status
):
    client.price("005930")
    clock.forward(120)
    upstream.scripted.append(refusal(code, status=status))
    assert client.price("005930")["rt_cd"] == "0"
    assert [request.path.rsplit("/", 1)[1] for request in upstream.requests[2:]] == [
        "inquire-price",
        "tokenP",
        "inquire-price",
    ]
    assert upstream.requests[-1].headers["authorization"] == f"Bearer {server.issued[1]}"


def test_a_token_that_is_refused_again_is_no_authorization(client, upstream, server, clock):
    client.price("005930")
    clock.forward(120)
    count = len(upstream.requests)
    upstream.answer = lambda request: (
        server.answer(request) if request.path == "/oauth2/tokenP" else refusal("EGW00123")
    )
    with pytest.raises(AuthFailed) as error:
        client.price("005930")
    assert type(error.value) is AuthFailed
    assert len(upstream.requests) - count == 3


def test_a_refused_token_is_forgotten_even_where_no_other_can_be_had(client, upstream, redis_client):
    client.price("005930")
    assert redis_client.keys("mesh:store:kis:token:*")
    upstream.scripted.append(refusal("EGW00123"))
    with pytest.raises(QuotaSpent):
        client.price("005930")
    assert not redis_client.keys("mesh:store:kis:token:*")


@pytest.mark.parametrize(
    ("url", "rate"),
    [
        ("https://openapi.koreainvestment.com:9443", Rate(20, 1.0)),
        ("https://openapivts.koreainvestment.com:29443", Rate(2, 1.0)),
        ("http://127.0.0.1:8000", Rate(20, 1.0)),
    ],
)
def test_the_rate_is_that_of_the_address(url, rate):
    assert list(rates(url)) == [rate]


def test_calls_wait_for_their_turn_and_never_pass_the_rate(client, upstream, clock, server):
    client.price("005930")
    clock.forward(10)
    times: list[float] = []

    def answer(request: Request) -> Answer:
        times.append(clock.seconds())
        return json_answer(payload("price.json"))

    upstream.answer = answer
    for _ in range(100):
        client.price("005930")
    assert len(times) == 100
    for at in times:
        assert sum(at <= other < at + 1 for other in times) <= 20
    assert 4 <= times[-1] - times[0] < 6


def test_a_limit_of_theirs_is_one_of_ours(client, upstream):
    client.price("005930")
    upstream.scripted.append(refusal("EGW00201", "초당 거래건수를 초과하였습니다."))
    with pytest.raises(RateLimited) as error:
        client.price("005930")
    assert error.value.retry_after == 1


def test_no_key_is_in_any_message_log_or_repr(client, upstream, clock, redis_client, caplog):
    caplog.set_level(logging.DEBUG)
    token = client.token()
    secrets = (APP_KEY, APP_SECRET, token)
    said = " ".join(secrets)
    messages = []
    for code in ("ZZZ99999", "EGW00201", "OPSQ2001", "EGW00103"):
        upstream.scripted.append(refusal(code, said))
        with pytest.raises(ProviderError) as error:
            client.price("005930")
        messages += [str(error.value), repr(error.value), error.value.message]
    upstream.always = json_answer(
        {"error_code": "EGW00103", "error_description": f"{APP_KEY} {APP_SECRET}"}, 403
    )
    redis_client.flushdb()
    with pytest.raises(AuthFailed) as refused:
        client.token()
    messages += [str(refused.value), repr(client), repr(client._token), repr(client._calls), caplog.text]
    for text in messages:
        assert not any(secret in text for secret in secrets)
    assert "[secret] [secret] [secret]" in messages[0]


@pytest.mark.parametrize("missing", ["KIS_APP_KEY", "KIS_APP_SECRET"])
def test_without_a_key_the_adapter_is_not_made(missing):
    keys = {"KIS_APP_KEY": APP_KEY, "KIS_APP_SECRET": APP_SECRET, missing: ""}
    with override_settings(**keys), pytest.raises(ImproperlyConfigured, match=missing) as error:
        kis.build(shared_tools())
    assert APP_SECRET not in str(error.value)
