"""What the contract test asks Alpha Vantage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from django.test import override_settings

from stocks.providers.alpha_vantage import NAME, AlphaVantage, build
from stocks.providers.alpha_vantage.tests import standin
from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    Malformed,
    NotFound,
    Premium,
    RateLimited,
    Upstream,
)
from stocks.providers.http import Unlimited
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.protocol import Capability
from stocks.providers.tools import Tools
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.tests.standin import StandIn, json_answer
from stocks.types import StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
AAPL = StockKey("AAPL", "NASDAQ", "USD")
BERKSHIRE = StockKey("BRK.B", "NYSE", "USD")


@contextmanager
def opened() -> Iterator[Opened]:
    """The adapter as its settings make it, at work against the stand-in."""
    tools = Tools(budget=lambda *_: Unlimited(), store=RedisStore(), now=lambda: NOW)
    with StandIn(standin.answer) as server:
        with override_settings(ALPHA_VANTAGE_API_KEY=standin.KEY, ALPHA_VANTAGE_URL=server.url):
            provider = build(tools, seconds=3.0)
        yield Opened(provider, server)


CASE = Case(
    name=NAME,
    kind=AlphaVantage,
    open=opened,
    keys=(AAPL, BERKSHIRE),
    unknown=StockKey("NOSUCH", "NASDAQ", "USD"),
    start=date(2024, 1, 1),
    end=date(2025, 11, 14),
    now=NOW,
    failures={
        "no key": Failure(json_answer(standin.NO_KEY), AuthFailed),
        "demo key": Failure(json_answer(standin.DEMO), AuthFailed),
        "quota of the day": Failure(json_answer(standin.DAY), RateLimited),
        "burst": Failure(json_answer(standin.BURST), RateLimited),
        "quota of a minute, as a note": Failure(json_answer(standin.NOTE), RateLimited),
        "premium endpoint": Failure(json_answer(standin.PREMIUM), Premium),
        "premium parameter": Failure(json_answer(standin.FULL), Premium),
        "no such function": Failure(json_answer(standin.NO_FUNCTION), BadRequest),
        "a notice that nobody documents": Failure(json_answer({"Information": "Back soon."}), Upstream),
        "a notice that is no text": Failure(json_answer({"Information": ["?"]}), Upstream),
        "HTTP 403": Failure(json_answer({}, 403), AuthFailed),
        "HTTP 404": Failure(json_answer("gone", 404), BadRequest),
        "a quota with HTTP 503": Failure(json_answer(standin.DAY, 503), RateLimited),
        "an invalid call": Failure(
            json_answer(standin.INVALID), NotFound, (Capability.COMPANY, Capability.CRYPTO)
        ),
        "an empty object": Failure(json_answer({}), NotFound, (Capability.COMPANY, Capability.CRYPTO)),
        "an object of something else": Failure(json_answer({"chart": {"result": None}}), Malformed),
    },
)
