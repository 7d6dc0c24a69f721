"""Calls: cookie and crumb, what they cost, how long they last, and what they never say."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from yfinance import set_tz_cache_location

from stocks.providers.errors import AuthFailed, NotFound, ProviderError, RateLimited, Upstream
from stocks.providers.http import Unlimited
from stocks.providers.yahoo.client import CRUMB_PATH, Client, Session
from stocks.providers.yahoo.tests import standin
from stocks.tests.standin import Answer, StandIn


class Counted:
    """A budget that counts, and refuses beyond ``most``."""

    def __init__(self, most: int = 10**6) -> None:
        self.taken = 0
        self.most = most

    def take(self, calls: int = 1) -> None:
        if self.taken + calls > self.most:
            raise RateLimited("yahoo: our quota is used up", retry_after=9.0)
        self.taken += calls


@pytest.fixture
def yahoo() -> standin.Upstream:
    return standin.Upstream()


@pytest.fixture
def upstream(yahoo) -> Iterator[StandIn]:
    with StandIn(yahoo) as server:
        yield server


@pytest.fixture
def budget() -> Counted:
    return Counted()


@pytest.fixture
def client(upstream, budget) -> Client:
    return Client(budget=budget, base_url=upstream.url)


def _paths(upstream: StandIn) -> list[str]:
    return [request.path for request in upstream.requests]


def _symbols(reply: Any) -> list[str]:
    return [row["symbol"] for row in reply["quoteResponse"]["result"]]


def test_it_works(client):
    assert _symbols(client.quotes(["AAPL", "NOSUCH"])) == ["AAPL"]


def test_the_cookie_and_the_crumb_are_fetched_once(client, upstream, budget):
    for _ in range(3):
        client.quotes(["AAPL"])
    client.summary("AAPL", ["price"])
    assert _paths(upstream)[:3] == ["/", CRUMB_PATH, "/v7/finance/quote"]
    assert len(upstream.requests) == budget.taken == 6


def test_charts_searches_and_series_need_neither(client, upstream, budget):
    client.chart("AAPL", 0, 2_000_000_000)
    client.search("apple", quotes=5)
    client.series("AAPL", ["annualTotalRevenue"], 0, 2_000_000_000)
    assert budget.taken == len(upstream.requests) == 3
    assert all("crumb" not in request.query for request in upstream.requests)


def test_a_forgotten_crumb_is_renewed_once(client, yahoo, upstream):
    client.quotes(["AAPL"])
    yahoo.crumb = "another1Crumb"
    before = len(upstream.requests)
    assert _symbols(client.quotes(["AAPL"])) == ["AAPL"]
    assert _paths(upstream)[before:] == ["/v7/finance/quote", "/", CRUMB_PATH, "/v7/finance/quote"]


def test_a_crumb_that_is_refused_again_is_a_matter_of_authentication(client, upstream):
    client.quotes(["AAPL"])
    upstream.always = standin.BAD_CRUMB
    before = len(upstream.requests)
    with pytest.raises(AuthFailed):
        client.quotes(["AAPL"])
    # The call, the cookie, and the crumb that is refused as well.
    assert len(upstream.requests) - before == 3


def test_a_chart_that_asks_for_a_crumb_after_all_gets_one(client, upstream):
    upstream.scripted.append(standin.BAD_CRUMB)
    client.chart("AAPL", 0, 2_000_000_000)
    assert [path.partition("/v8")[0] or "chart" for path in _paths(upstream)] == [
        "chart",
        "/",
        CRUMB_PATH,
        "chart",
    ]
    assert upstream.requests[-1].query["crumb"] == standin.CRUMB


def test_an_unknown_symbol_costs_one_call(client, upstream, budget):
    with pytest.raises(NotFound):
        client.chart("NOSUCH", 0, 2_000_000_000)
    assert budget.taken == len(upstream.requests) == 1


def test_a_used_up_budget_asks_nobody(upstream):
    client = Client(budget=Counted(most=2), base_url=upstream.url)
    with pytest.raises(RateLimited) as refused:
        client.quotes(["AAPL"])
    assert refused.value.retry_after == 9.0
    assert _paths(upstream) == ["/", CRUMB_PATH]


def test_a_limit_of_theirs_says_how_long_to_wait_and_is_not_tried_again(client, upstream):
    upstream.always = Answer(b"Too Many Requests\r\n", 429, {"Retry-After": "7"})
    with pytest.raises(RateLimited) as refused:
        client.chart("AAPL", 0, 2_000_000_000)
    assert refused.value.retry_after == 7.0
    assert len(upstream.requests) == 1


def test_a_headline_about_too_many_requests_is_no_limit(client, upstream):
    upstream.scripted.append(Answer(b'{"news": [{"title": "Too Many Requests, says Yahoo"}], "quotes": []}'))
    assert client.search("yahoo", news=5)["news"]


def test_a_page_of_consent_is_not_asked_for(client, upstream):
    # Without a crumb yfinance would go on to Yahoo's page of consent; its host is none of ours.
    upstream.scripted.extend([Answer(b"", 404), Answer(b"<html>consent</html>")])
    with pytest.raises(ProviderError):
        client.quotes(["AAPL"])
    assert _paths(upstream) == ["/", CRUMB_PATH]


@pytest.mark.parametrize(
    "url",
    [
        "https://guce.yahoo.com/consent",
        "https://evil.example/v7/finance/quote",
        "http://query1.finance.yahoo.com/v7/finance/quote",
        "file:///etc/passwd",
    ],
)
def test_only_the_three_hosts_are_asked(url, budget, upstream):
    session = Session(budget=budget, base_url=upstream.url)
    with pytest.raises(Upstream):
        session.get(url)
    assert budget.taken == 0
    assert upstream.requests == []


def test_all_calls_for_one_answer_share_one_deadline(upstream):
    until = time.monotonic() + 20

    def drops(send: Any) -> None:
        while time.monotonic() < until:
            send(b" ")
            time.sleep(0.05)

    upstream.always = Answer(write=drops)
    client = Client(budget=Unlimited(), base_url=upstream.url, seconds=1.0)
    began = time.monotonic()
    with pytest.raises(Upstream):
        client.quotes(["AAPL"])
    assert 0.9 < time.monotonic() - began < 2.5


def test_a_deadline_ends_with_its_call(upstream):
    client = Client(budget=Unlimited(), base_url=upstream.url, seconds=0.5)
    client.quotes(["AAPL"])
    time.sleep(0.6)
    client.quotes(["AAPL"])


def test_threads_share_one_crumb(client, upstream):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.quotes(["AAPL"]), range(16)))
    assert all(_symbols(reply) == ["AAPL"] for reply in replies)
    assert _paths(upstream).count(CRUMB_PATH) == 1


def test_threads_renew_a_crumb_together(client, yahoo, upstream):
    client.quotes(["AAPL"])
    yahoo.crumb = "another1Crumb"
    barrier = threading.Barrier(8, timeout=10)

    def ask(_: int) -> Any:
        barrier.wait()
        return client.quotes(["AAPL"])

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, range(8)))
    assert all(_symbols(reply) == ["AAPL"] for reply in replies)
    assert _paths(upstream).count(CRUMB_PATH) == 2


def test_several_clients_of_a_process_keep_apart():
    with ExitStack() as stack:
        fakes = [standin.Upstream() for _ in range(3)]
        for number, fake in enumerate(fakes):
            fake.crumb = f"crumb{number}"
        servers = [stack.enter_context(StandIn(fake)) for fake in fakes]
        clients = [Client(budget=Unlimited(), base_url=server.url) for server in servers]
        for _ in range(2):
            for client in clients:
                client.quotes(["AAPL"])
        for number, server in enumerate(servers):
            assert len(server.requests) == 4
            assert server.requests[-1].query["crumb"] == f"crumb{number}"


def test_nothing_is_written_to_disk(client, tmp_path):
    set_tz_cache_location(str(tmp_path))
    client.quotes(["AAPL"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        standin.BAD_CRUMB,
        Answer(b"", 302, {"Location": "http://127.0.0.1:9/?crumb=" + standin.CRUMB}),
        standin.refusal("finance", "internal-error", f"https://yahoo.invalid/?crumb={standin.CRUMB}", 500),
        Answer(f"Too Many Requests for crumb {standin.CRUMB}".encode(), 429),
        Answer(b"x" * 6_000_000),
        Answer(b"", 403),
        Answer(b"no JSON"),
    ],
)
def test_no_message_and_no_log_holds_a_crumb_a_cookie_or_an_address(client, upstream, answer, caplog):
    caplog.set_level(logging.DEBUG)
    client.quotes(["AAPL"])
    upstream.always = answer
    with pytest.raises(ProviderError) as refused:
        client.quotes(["AAPL"])
    said = f"{refused.value} {refused.value.message} {refused.value.__cause__} {caplog.text}"
    for secret in (standin.CRUMB, standin.COOKIE, "127.0.0.1", "yahoo.com", "://"):
        assert secret not in said


def test_a_server_that_is_not_there_is_named_without_its_address():
    with StandIn(standin.Upstream()) as gone:
        url = gone.url
    with pytest.raises(Upstream) as refused:
        Client(budget=Unlimited(), base_url=url).chart("AAPL", 0, 1)
    assert refused.value.message == "yahoo: ConnectionError"
