"""What the contract test asks this adapter; ``stocks/tests/provider_cases.py`` lists it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.test import override_settings

from stocks.providers._template import NAME, Template, build
from stocks.providers._template.tests import standin
from stocks.providers.errors import AuthFailed, RateLimited, Upstream
from stocks.providers.http import Unlimited
from stocks.providers.mesh.shared import RedisStore
from stocks.providers.tools import Tools
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.tests.standin import Answer, StandIn
from stocks.types import StockKey


@contextmanager
def opened() -> Iterator[Opened]:
    """The adapter as ``build`` makes it, pointed at the stand-in by its address alone."""
    with (
        StandIn(standin.answer) as upstream,
        override_settings(TEMPLATE_URL=upstream.url, TEMPLATE_API_KEY=standin.KEY),
    ):
        tools = Tools(budget=lambda *_: Unlimited(), store=RedisStore(), now=lambda: standin.NOW)
        yield Opened(build(tools), upstream)


CASE = Case(
    name=NAME,
    kind=Template,
    open=opened,
    keys=(StockKey("AAPL", "NASDAQ", "USD"), StockKey("BRK.B", "NYSE", "USD")),
    unknown=StockKey("NOSUCH"),
    start=date(2025, 11, 1),
    end=date(2025, 11, 12),
    now=standin.NOW,
    failures={
        "a bad key, with 200": Failure(standin.refusal("bad_key"), AuthFailed),
        "a quota, with 200": Failure(standin.refusal("quota_used_up"), RateLimited),
        "an error that nobody documents": Failure(standin.refusal("flood"), Upstream),
        "a page with 404": Failure(Answer(b"<html>", 404), Upstream),
    },
)
