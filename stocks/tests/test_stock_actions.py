"""GET /v1/stocks/{code}/actions"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from stocks.tests.doors import ask, refused
from stocks.tests.factories import ActionFactory, StockFactory

pytestmark = pytest.mark.django_db
PATH = "/v1/stocks/AAPL/actions"


@pytest.fixture(autouse=True)
def aapl(db):
    stock = StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    ActionFactory.create(stock=stock, ex_date=date(2020, 8, 31), ratio=Decimal(4), source="yahoo")
    ActionFactory.create(stock=stock, kind="bonus", ex_date=date(2021, 3, 1), ratio=Decimal("1.05"))
    ActionFactory.create(stock=stock, kind="rebase", ex_date=date(2022, 5, 2), ratio=Decimal("0.5"))
    ActionFactory.create(stock=stock, kind="dividend", ex_date=date(2024, 11, 8), amount=Decimal("0.25"))
    ActionFactory.create(ex_date=date(2024, 1, 2), ratio=Decimal(2))  # another stock's
    return stock


def actions(**parameters) -> list[dict]:
    response = ask(PATH, **parameters)
    assert response.status_code == 200, response.content
    assert response.json()["stock_code"] == "AAPL"
    return response.json()["actions"]


@time_machine.travel(datetime(2024, 11, 8, 12, tzinfo=UTC))
def test_it_works():
    response = ask(PATH)
    newest, rebase, bonus, split = response.json()["actions"]
    assert newest == {
        "kind": "dividend",
        "ex_date": "2024-11-08",
        "ratio": None,
        "amount": 0.25,
        "currency": "USD",
        "effective": True,
        "of_company": True,
        "meaning": "`amount` in cash was paid per share.",
        "source": "test",
    }
    assert (split["kind"], split["ratio"], split["amount"], split["currency"]) == ("split", 4, None, None)
    assert split["source"] == "yahoo"
    assert bonus["ratio"] == 1.05
    assert b'"ratio":1.05,' in response.content
    assert (rebase["of_company"], rebase["meaning"][:24]) == (False, "No event of the company:")


def test_a_range_includes_both_of_its_ends():
    found = actions(**{"from": "2020-08-31", "to": "2021-03-01"})
    assert [one["kind"] for one in found] == ["bonus", "split"]
    assert actions(from_date="2024-11-09") == []


def test_one_kind_can_be_asked_for():
    assert [one["ex_date"] for one in actions(kind="split")] == ["2020-08-31"]


@pytest.mark.parametrize(
    ("now", "effective"),
    [
        (datetime(2024, 11, 8, 4, 59, tzinfo=UTC), False),  # still the 7th in New York
        (datetime(2024, 11, 8, 5, 1, tzinfo=UTC), True),
    ],
)
def test_an_action_takes_effect_on_its_day_by_the_exchanges_clock(now, effective):
    with time_machine.travel(now, tick=False):
        assert actions(kind="dividend")[0]["effective"] is effective


@pytest.mark.parametrize(
    "parameters",
    [
        {"kind": "merger"},
        {"from": "x"},
        {"from": "2024-02-02", "to": "2024-02-01"},
        {"from": "2024-02-02", "from_date": "2024-02-01"},
        {"order": "asc"},
    ],
)
def test_a_wrong_parameter_is_refused(parameters):
    refused(ask(PATH, **parameters), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("code", ["NOPE", "a b", "%00", "x" * 300])
def test_an_unknown_stock_is_404(code):
    refused(ask(f"/v1/stocks/{code}/actions"), 404, "STOCK_NOT_FOUND")


def test_twenty_actions_cost_the_queries_of_one(aapl, django_assert_num_queries):
    with django_assert_num_queries(2):
        actions(kind="split")
    for year in range(1990, 2010):
        ActionFactory.create(stock=aapl, ex_date=date(year, 1, 2), ratio=Decimal(2))
    with django_assert_num_queries(2):
        assert len(actions(kind="split")) == 21
