"""What the contract test asks Yahoo's adapter, and every refusal that Yahoo is known for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.test import override_settings

from stocks.providers.errors import AuthFailed, BadRequest, NotFound, RateLimited, Upstream
from stocks.providers.http import Unlimited
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import Capability
from stocks.providers.tools import Tools
from stocks.providers.yahoo import Yahoo, build
from stocks.providers.yahoo.tests import standin
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.tests.standin import Answer, StandIn, websocket_stand_in
from stocks.types import StockKey


@contextmanager
def opened() -> Iterator[Opened]:
    """The adapter as ``build`` makes it, before a stand-in."""
    with (
        StandIn(standin.Upstream()) as upstream,
        websocket_stand_in(streamer := standin.Streamer()) as websocket,
        standin.ending(streamer),
        override_settings(YAHOO_URL=upstream.url, YAHOO_WS_URL=websocket),
    ):
        tools = Tools(budget=lambda *_: Unlimited(), store=RedisStore(), now=lambda: standin.NOW)
        yield Opened(build(tools, seconds=3.0), upstream)


CASE = Case(
    name="yahoo",
    kind=Yahoo,
    open=opened,
    keys=(
        StockKey("AAPL", "NASDAQ", "USD"),
        StockKey("BRK.B", "NYSE", "USD"),
        StockKey("005930", "KOSPI", "KRW"),
        StockKey("TCS.NS", "NSE", "INR"),
    ),
    unknown=StockKey("NOSUCH"),
    start=date(2018, 3, 1),
    end=date(2025, 11, 12),
    now=standin.NOW,
    failures={
        "unknown company": Failure(standin.NO_COMPANY, NotFound, (Capability.COMPANY,)),
        "refused crumb": Failure(standin.BAD_CRUMB, AuthFailed),
        "refused cookie": Failure(standin.BAD_COOKIE, AuthFailed),
        "HTTP 401 without a word": Failure(Answer(b"", 401), AuthFailed),
        "HTTP 403": Failure(Answer(b"Forbidden", 403), AuthFailed),
        "429 in words alone": Failure(Answer(b"Edge: Too Many Requests"), RateLimited),
        "429 in JSON": Failure(
            standin.refusal("finance", "Too Many Requests", "Rate limited.", 429), RateLimited
        ),
        "status 999": Failure(Answer(b"Unable to process request at this time", 999), RateLimited),
        "maintenance": Failure(Answer(b"<html>Will be right back...</html>"), Upstream),
        "404 that says nothing": Failure(Answer(b"<html>Not here</html>", 404), Upstream),
        "an error with 200": Failure(
            standin.refusal("finance", "internal-error", "See https://yahoo.invalid/?crumb=x", 200),
            Upstream,
            tuple(
                set(Capability) - {Capability.QUOTES, Capability.COMPANY, Capability.FX, Capability.CRYPTO}
            ),
        ),
        "an error with 500": Failure(
            standin.refusal("finance", "internal-error", "See https://yahoo.invalid/?crumb=x", 500), Upstream
        ),
        "a wrong argument": Failure(
            standin.refusal("chart", "Bad Request", "Invalid input - interval=2d", 400), BadRequest
        ),
        "422": Failure(
            standin.refusal("chart", "Unprocessable Entity", "1m data not available", 422), BadRequest
        ),
    },
)
