"""One stock with its market, looked up by a statement written by hand: what ``stocks_by_symbol`` finds"""

from __future__ import annotations

from datetime import date

import pytest

from stocks.models import Market, Stock
from stocks.selectors.listing import stock_of_symbol, stocks_by_symbol
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stocks(db):
    StockFactory.create(code="ABC", name="Capitals", market_id="NASDAQ", currency="USD")
    StockFactory.create(code="abc", name="Small", market_id="KOSPI", currency="KRW")
    StockFactory.create(
        code="005930",
        name="삼성전자",
        market_id="KOSPI",
        currency="KRW",
        shares_outstanding=5_969_782_550,
        listed_on=date(1975, 6, 11),
        is_active=False,
    )


def fields_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("symbol", ["ABC", "abc", "aBc", "005930", "NONE", "", " ", "A\x00", "A" * 40, "'--"])
def test_it_is_the_same_stock(stocks, symbol):
    expected = stocks_by_symbol([symbol]).get(symbol)
    assert stock_of_symbol(symbol) == expected


def test_it_is_whole_and_read_by_one_query(stocks, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = stock_of_symbol("005930")
        assert found is not None
        market = found.market
    assert fields_of(found) == fields_of(Stock.objects.get(code="005930"))
    assert fields_of(market) == fields_of(Market.objects.get(code="KOSPI"))
