"""What the contract test asks Finnhub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from django.test import override_settings

from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    Malformed,
    NotFound,
    Premium,
    RateLimited,
    Upstream,
)
from stocks.providers.finnhub import NAME, Finnhub, build
from stocks.providers.finnhub.tests import standin
from stocks.providers.http import Unlimited
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import Capability
from stocks.providers.tools import Tools
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.tests.standin import Answer, StandIn, json_answer
from stocks.types import StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
FIRST_TRADE = int(datetime(2025, 11, 14, 20, 59, tzinfo=UTC).timestamp() * 1000)
AAPL = StockKey("AAPL", "NASDAQ", "USD")
BERKSHIRE = StockKey("BRK.B", "NYSE", "USD")


@contextmanager
def opened() -> Iterator[Opened]:
    """The adapter as its settings make it, at work against the stand-ins."""
    tools = Tools(budget=lambda *_: Unlimited(), store=RedisStore(), now=lambda: NOW)
    with StandIn(standin.answer) as server, standin.Exchange(FIRST_TRADE).open() as exchange:
        with override_settings(
            FINNHUB_API_KEY=standin.KEY, FINNHUB_URL=server.url, FINNHUB_WS_URL=exchange.url
        ):
            provider = build(tools, seconds=3.0)
        yield Opened(provider, server)


_ONE = (Capability.COMPANY,)
_QUOTES = (Capability.QUOTES,)
_ZERO_PRICE = {
    "c": 0,
    "d": -277.89,
    "dp": -100,
    "h": 280.03,
    "l": 0,
    "o": 277.3,
    "pc": 277.89,
    "t": 1763154000,
}

CASE = Case(
    name=NAME,
    kind=Finnhub,
    open=opened,
    keys=(AAPL, BERKSHIRE),
    unknown=StockKey("NOSUCH", "NASDAQ", "USD"),
    start=date(2024, 1, 1),
    end=date(2025, 11, 14),
    now=NOW,
    failures={
        "invalid key": Failure(json_answer(standin.INVALID_KEY, 401), AuthFailed),
        "no key": Failure(json_answer(standin.NO_KEY, 401), AuthFailed),
        "invalid key with 200": Failure(json_answer(standin.INVALID_KEY), AuthFailed),
        "no access": Failure(json_answer(standin.NO_ACCESS, 403), Premium),
        "no access with 200": Failure(json_answer(standin.NO_ACCESS), Premium),
        "limit": Failure(json_answer(standin.LIMIT, 429, **{"X-Ratelimit-Remaining": "0"}), RateLimited),
        "limit with 200": Failure(json_answer(standin.LIMIT), RateLimited),
        "HTTP 401": Failure(Answer(b"Unauthorized", 401), AuthFailed),
        "HTTP 403": Failure(Answer(b"<html>Forbidden</html>", 403), Premium),
        "HTTP 404": Failure(Answer(b"", 404), BadRequest),
        "an error that nobody documents": Failure(json_answer({"error": "Back soon."}), Upstream),
        "an error that is no text": Failure(json_answer({"error": None}, 422), BadRequest),
        "an empty profile": Failure(json_answer({}), NotFound, _ONE),
        "an empty quote": Failure(json_answer({}), Malformed, _QUOTES),
        "a price of 0": Failure(json_answer(_ZERO_PRICE), Malformed, _QUOTES),
        "a price that is no number": Failure(
            Answer(b'{"c": NaN, "h": 1, "l": 1, "o": 1, "pc": 1, "t": 1763154000}'), Malformed, _QUOTES
        ),
    },
)
