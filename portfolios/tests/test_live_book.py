"""The book of watched portfolios says to the last digit what the views say, however prices moved before."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from portfolios.live import reading, writing
from portfolios.live.book import Book, Sight
from portfolios.maths.whole import price_units
from portfolios.models import Portfolio
from portfolios.services.recording import Draft, transaction_record
from portfolios.types import TransactionType
from stocks.models import FxRate, Quote, Stock
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.wire_text import micros

NOW = datetime.now(UTC)
#: What messages have and the view has not.
OF_THE_DAY = {"day_change", "day_change_pct"}
#: Of a row, what follows from the others and the rates; the sums are in the summary.
IN_SUM = {"total_gain", "base_value", "base_purchase_value", "price_gain", "currency_gain"}


def buy(portfolio: Portfolio, stock: Stock, quantity: str, price: str, **more: Any) -> None:
    kind = TransactionType(more.pop("kind", "BUY"))
    moment = NOW - timedelta(days=2) + timedelta(minutes=more.pop("minute", 0))
    draft = Draft(kind, stock.currency, stock, Decimal(quantity), Decimal(price), traded_at=moment, **more)
    transaction_record(portfolio=portfolio, draft=draft, now=NOW)


def rate(base: str, quote: str, value: str) -> None:
    FxRate.objects.create(
        base=base,
        quote=quote,
        date=NOW.date() - timedelta(days=2),
        rate=Decimal(value),
        as_of=NOW - timedelta(days=2),
        received_at=NOW,
        source="test",
    )


def quote(stock: Stock, price: str, previous: str | None, second: int = 0) -> None:
    values = {
        "price": Decimal(price),
        "previous_close": None if previous is None else Decimal(previous),
        "as_of": NOW - timedelta(minutes=10) + timedelta(milliseconds=second),
        "source": "sandbox",
        "seq": 1,
    }
    if not Quote.objects.filter(stock=stock).update(**values):
        QuoteFactory.create(stock=stock, **values)


def loaded(portfolios: Sequence[Portfolio], reason: str = writing.STATE) -> Book:
    book = Book()
    found = reading.stored([one.pk for one in portfolios])
    reading.put(book, found, reading.rates_for(found, now=NOW), reason=reason, now=NOW)
    return book


def told(book: Book, portfolio: Portfolio, most: int = 1000) -> dict[str, Any]:
    (text,) = writing.fields(book, np.array([book.portfolios[portfolio.pk].at]), NOW, most=most).apart()
    fields = json.loads(b"{%b}" % text, parse_float=Decimal, parse_int=Decimal)
    data: dict[str, Any] = json.loads(writing.data_of(text), parse_float=Decimal, parse_int=Decimal)
    assert fields == {"data": data}
    return data


def served(client: APIClient, portfolio: Portfolio) -> dict[str, Any]:
    reply = client.get(f"/v1/portfolios/{portfolio.pk}")
    body: dict[str, Any] = json.loads(reply.content, parse_float=Decimal, parse_int=Decimal)
    return body


def agree(message: dict[str, Any], body: dict[str, Any]) -> None:
    """All that both say is the same; of rows the message may have only what follows the price."""
    summary = {name: value for name, value in message["summary"].items() if name not in OF_THE_DAY}
    assert summary == body["summary"]
    warnings = [text for text in message["warnings"] if "close before" not in text]
    assert warnings == body["warnings"]
    rows = {row["stock_code"]: row for row in body["holdings"]}
    for row in message["holdings"]:
        shared = {name: value for name, value in row.items() if name not in OF_THE_DAY}
        assert shared == {name: rows[row["stock_code"]][name] for name in shared}


@pytest.fixture
def fund(portfolio: Portfolio, apple: Stock, samsung: Stock) -> Portfolio:
    Portfolio.objects.filter(pk=portfolio.pk).update(base_currency="KRW")
    portfolio.refresh_from_db()
    rate("USD", "KRW", "1337.123456789")
    buy(portfolio, apple, "10.3333333333", "100.12345678", fee=Decimal("1.37"))
    buy(portfolio, apple, "3", "121", minute=1)
    buy(portfolio, apple, "7.7", "130.5", kind="SELL", minute=2)
    buy(portfolio, samsung, "15", "71300")
    quote(apple, "123.455", "120.005")
    quote(samsung, "72500", "71000")
    return portfolio


def test_it_works(as_alice: APIClient, fund: Portfolio) -> None:
    message = told(loaded([fund]), fund)
    body = served(as_alice, fund)
    agree(message, body)
    assert [row["stock_code"] for row in message["holdings"]] == ["005930", "AAPL"]
    assert message["held"] == ["005930", "AAPL"]
    assert message["ledger_sequence"] == 4
    for row in message["holdings"]:
        assert row.keys() - OF_THE_DAY == body["holdings"][0].keys() - IN_SUM
    left = Decimal("5.6333333333")
    apple, samsung = message["holdings"][1], message["holdings"][0]
    assert apple["day_change"] == round(left * Decimal("3.45"), 2)
    assert samsung["day_change"] == 15 * 1500
    change = left * Decimal("3.45") * Decimal("1337.123456789") + 15 * 1500
    assert message["summary"]["day_change"] == round(change)


def test_prices_that_walk_lead_to_what_a_fresh_reading_says(
    as_alice: APIClient, fund: Portfolio, apple: Stock, samsung: Stock
) -> None:
    chance = random.Random(7)
    book = loaded([fund])
    for step in range(1, 120):
        stock = chance.choice([apple, samsung])
        price = f"{chance.uniform(1, 90000):.{chance.randrange(9)}f}"
        before = None if chance.random() < 0.2 else f"{chance.uniform(1, 90000):.{chance.randrange(9)}f}"
        moment = micros(NOW) + step
        previous = None if before is None else price_units(Decimal(before))
        key = (moment, step)
        assert book.see(stock.code, Sight(key, moment, price_units(Decimal(price)), previous, "sandbox"))
        assert not book.see(stock.code, Sight((moment, 0), moment, 1, None, "sandbox"))
        quote(stock, price, before)
        if step % 10 == 0:
            told(book, fund)
    fresh = told(loaded([fund]), fund)
    book.restate(book.portfolios[fund.pk], writing.STATE)
    moved = told(book, fund)
    for rows in (moved["holdings"], fresh["holdings"]):
        for row in rows:
            del row["as_of"], row["stale"]
    assert moved == fresh
    agree(fresh, served(as_alice, fund))


def test_a_missing_rate_is_null_with_a_warning_and_the_rows_stay_known(
    as_alice: APIClient, fund: Portfolio
) -> None:
    FxRate.objects.all().delete()
    message = told(loaded([fund]), fund)
    agree(message, served(as_alice, fund))
    assert message["summary"]["total_current_value"] is None
    assert message["summary"]["day_change"] is None
    assert message["warnings"] == ["No rate of USD in KRW is known."]
    assert message["holdings"][1]["current_value"] is not None


def test_a_missing_price_or_close_is_null_with_a_warning(
    as_alice: APIClient, fund: Portfolio, apple: Stock, samsung: Stock
) -> None:
    Quote.objects.filter(stock=apple).delete()
    quote(samsung, "72500", None)
    book = loaded([fund])
    message = told(book, fund)
    agree(message, served(as_alice, fund))
    assert message["warnings"] == [
        "No price of AAPL is known.",
        "No close before of 005930 is known.",
    ]
    assert message["holdings"][0]["day_change"] is None
    assert message["holdings"][1]["current_price"] is None
    # The first price makes the sum known.
    book.see("AAPL", Sight((micros(NOW), 1), micros(NOW), price_units(Decimal("123.5")), None, "sandbox"))
    assert told(book, fund)["summary"]["total_current_value"] is not None


def test_cash_counts_and_what_is_sold_stays_in_what_was_realized(
    as_alice: APIClient, alice: User, apple: Stock
) -> None:
    portfolio = Portfolio.objects.create(
        owner=alice, name="Cash", base_currency="USD", records_cash=True, method="fifo"
    )
    transaction_record(
        portfolio=portfolio,
        draft=Draft(TransactionType.DEPOSIT, "USD", amount=Decimal(5000), traded_at=NOW - timedelta(days=3)),
        now=NOW,
    )
    buy(portfolio, apple, "10", "100")
    buy(portfolio, apple, "10", "140", kind="SELL", minute=1)
    message = told(loaded([portfolio]), portfolio)
    agree(message, served(as_alice, portfolio))
    assert message["holdings"] == message["held"] == []
    assert message["summary"]["total_value"] == 5400
    assert message["cash"] == [{"currency": "USD", "amount": 5400}]


def test_an_empty_portfolio_is_worth_nothing(as_alice: APIClient, portfolio: Portfolio) -> None:
    message = told(loaded([portfolio]), portfolio)
    agree(message, served(as_alice, portfolio))
    assert message["base_currency"] is None


def test_only_rows_that_changed_come_after_a_trade_and_the_rest_when_their_prices_move(
    fund: Portfolio, apple: Stock
) -> None:
    book = loaded([fund])
    told(book, fund)
    buy(fund, apple, "1", "100", minute=5)
    found = reading.stored([fund.pk])
    reading.put(book, found, reading.rates_for(found, now=NOW), reason=writing.LEDGER, now=NOW)
    message = told(book, fund)
    assert (message["reason"], message["ledger_sequence"]) == ("ledger", 5)
    assert [row["stock_code"] for row in message["holdings"]] == ["AAPL"]
    assert message["held"] == ["005930", "AAPL"]
    # The same once more is nothing to be told.
    reading.put(book, found, reading.rates_for(found, now=NOW), reason=writing.LEDGER, now=NOW)
    assert not len(book.waiting())
    book.see("005930", Sight((micros(NOW), 1), micros(NOW), price_units(Decimal(73000)), None, "sandbox"))
    assert len(book.waiting()) == 1
    message = told(book, fund)
    assert message["reason"] == "prices"
    assert [row["stock_code"] for row in message["holdings"]] == ["005930"]
    assert "stock_name" not in message["holdings"][0] and "held" not in message


def test_a_message_has_a_bounded_number_of_rows_and_the_others_follow(portfolio: Portfolio) -> None:
    for number in range(5):
        stock = StockFactory.create(code=f"{number:06d}", market_id="KOSPI", currency="KRW")
        quote(stock, "100", "90")
        buy(portfolio, stock, "1", "100")
    book = loaded([portfolio])
    rows = [[row["stock_code"] for row in told(book, portfolio, most=2)["holdings"]] for _ in range(3)]
    assert rows == [["000000", "000001"], ["000002", "000003"], ["000004"]]
    assert not len(book.waiting())


def test_as_many_queries_for_many_portfolios_as_for_one(
    alice: User, apple: Stock, django_assert_max_num_queries: Any
) -> None:
    quote(apple, "100", "90")
    many = [Portfolio.objects.create(owner=alice, name=f"P{number}") for number in range(20)]
    for one in many:
        buy(one, apple, "2", "90")
    with django_assert_max_num_queries(6):
        book = loaded(many)
    assert len(book.portfolios) == 20
