"""What the contract test does not ask: that of this provider alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stocks.providers._template.tests import standin
from stocks.providers._template.tests.case import opened
from stocks.providers.errors import AuthFailed, Malformed
from stocks.tests.provider_case import Opened
from stocks.tests.standin import json_answer
from stocks.types import StockKey

APPLE = StockKey("AAPL", "NASDAQ", "USD")


@pytest.fixture
def one() -> Iterator[Opened]:
    with opened() as found:
        yield found


def _script(one: Opened, value: Any) -> Any:
    assert one.upstream is not None
    one.upstream.scripted.append(json_answer(value))
    return one.provider


def test_it_works(one):
    (tick,) = one.provider.quotes([APPLE])
    assert (tick.code, tick.price, tick.source) == ("AAPL", Decimal("273.47"), "template")


def test_a_batch_is_one_call_and_what_it_cannot_have_is_none(one):
    one.provider.quotes([APPLE, StockKey("BRK.B", "NYSE", "USD")])
    assert one.provider.quotes([StockKey("005930", "KOSPI", "KRW")]) == []
    (request,) = one.upstream.requests
    assert request.query == {"symbols": "AAPL,BRK/B"}


@pytest.mark.parametrize(
    "fields",
    [
        *({"price": "0"}, {"price": "-1"}, {"price": None}, {"currency": "KRW"}, {"symbol": "MSFT"}),
        *(
            {"time": "today"},
            {"time": "2025-11-12T21:00:00"},
            {"time": "2025-11-13T21:00:00Z"},
            {"volume": -1},
        ),
    ],
)
def test_a_price_that_cannot_be_true_is_left_out(one, fields):
    row = {"symbol": "AAPL", "price": "1", "currency": "USD", "time": "2025-11-12T21:00:00+00:00"}
    assert _script(one, {"prices": [{**row, **fields}]}).quotes([APPLE]) == []
    assert len(_script(one, {"prices": [row]}).quotes([APPLE])) == 1


def test_days_of_another_stock_are_refused(one):
    with pytest.raises(Malformed):
        _script(one, {"symbol": "MSFT", "days": []}).daily_bars(APPLE, date(2025, 1, 1), date(2025, 2, 1))


def test_a_day_whose_high_is_too_low_is_refused(one):
    day = {"date": "2025-11-12", "open": "2", "high": "1", "low": "1", "close": "1", "volume": 1}
    with pytest.raises(Malformed):
        _script(one, {"symbol": "AAPL", "days": [day]}).daily_bars(APPLE, date(2025, 1, 1), date(2026, 1, 1))


def test_the_key_is_in_no_message(one):
    one.upstream.always = standin.refusal("bad_key")
    with pytest.raises(AuthFailed) as refused:
        one.provider.quotes([APPLE])
    assert standin.KEY not in refused.value.message
