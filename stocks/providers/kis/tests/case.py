"""KIS in the contract test of all providers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.test import override_settings

from stocks.providers import kis
from stocks.providers.errors import AuthFailed, BadRequest, Malformed, NotFound, RateLimited, Upstream
from stocks.providers.kis.adapter import Kis
from stocks.providers.kis.tests.standin import APP_KEY, APP_SECRET, Feed, KisServer, payload, refusal, running
from stocks.providers.mesh.quota import Quota
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import Capability
from stocks.providers.tools import Rate, Tools
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.tests.standin import StandIn, json_answer
from stocks.types import StockKey

#: The second after the one of the recorded trade, within a session.
NOW = datetime(2026, 7, 24, 2, 52, 15, tzinfo=UTC)
KEYS = (StockKey("005930", "KOSPI", "KRW"), StockKey("247540", "KOSDAQ", "KRW"))


class Clock:
    """A clock that a test moves; whoever would sleep moves it too."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def tools(self) -> Tools:
        """The tools that all processes share, at this clock's time."""

        def budget(provider: str, key: str, rates: Sequence[Rate], patience: float) -> Quota:
            return Quota(provider, key, rates, patience, now=self.seconds, sleep=self.forward)

        return Tools(budget=budget, store=RedisStore(), now=self.now)


@contextmanager
def opened() -> Iterator[Opened]:
    """The adapter with a token that it was given two minutes ago."""
    clock = Clock(NOW - timedelta(minutes=2))
    server = KisServer(clock.now)
    with StandIn(server.answer) as upstream, running(Feed()) as url:
        with override_settings(
            KIS_APP_KEY=APP_KEY, KIS_APP_SECRET=APP_SECRET, KIS_URL=upstream.url, KIS_WS_URL=url
        ):
            provider = kis.build(clock.tools())
        provider.quotes(KEYS[:1])
        clock.forward(120)
        yield Opened(provider, upstream)


def _changed(name: str, part: str, **fields: str) -> dict:
    body = payload(name)
    body[part] |= fields
    return body


def _other_stock() -> Iterator[tuple[Capability, dict]]:
    yield Capability.HISTORY, _changed("chart.json", "output1", stck_shrn_iscd="000660")
    yield Capability.ORDER_BOOK, _changed("book.json", "output2", stck_shrn_iscd="000660")


CASE = Case(
    name="kis",
    kind=Kis,
    open=opened,
    keys=KEYS,
    unknown=StockKey("999999"),
    start=date(2025, 11, 3),
    end=date(2026, 7, 23),
    now=NOW,
    failures={
        "too many calls, HTTP 500": Failure(
            refusal("EGW00201", "초당 거래건수를 초과하였습니다."), RateLimited
        ),
        "too many calls, HTTP 200": Failure(refusal("EGW00201", status=200), RateLimited),
        "the token has expired, HTTP 500": Failure(refusal("EGW00123"), AuthFailed),
        "the token has expired, HTTP 200": Failure(refusal("EGW00123", status=200), AuthFailed),
        "the token is unknown": Failure(refusal("EGW00121"), AuthFailed),
        "the app key is wrong": Failure(refusal("EGW00103", status=403), AuthFailed),
        "no right to the API": Failure(refusal("EGW00206", status=200), AuthFailed),
        "the gateway cannot route": Failure(refusal("EGW00202"), Upstream),
        "a code that nobody documents": Failure(refusal("ZZZ99999", status=200), Upstream),
        "a field is wrong": Failure(refusal("OPSQ2001", status=200), BadRequest),
        "neither success nor error": Failure(json_answer({"msg1": "…"}), Malformed),
        "success without a body": Failure(json_answer({"rt_cd": "0", "msg_cd": "MCA00000"}), Malformed),
        "success with HTTP 500": Failure(json_answer(payload("price.json"), 500), Upstream),
        "no price": Failure(
            json_answer(_changed("price.json", "output", stck_prpr="0")), NotFound, (Capability.COMPANY,)
        ),
        "NaN for a price": Failure(
            json_answer(_changed("price.json", "output", stck_prpr="NaN")), NotFound, (Capability.COMPANY,)
        ),
        **{
            f"{capability} of another stock": Failure(json_answer(body), Malformed, (capability,))
            for capability, body in _other_stock()
        },
    },
)
