"""Portfolios and prices for the tests of figures over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from stocks.models import FxRate


def opened(client: Any, **values: Any) -> str:
    """A new portfolio; returns its address."""
    response = client.post("/v1/portfolios", {"name": "Growth Portfolio", **values})
    assert response.status_code == 201, response.content
    return f"/v1/portfolios/{response.json()['id']}"


def recorded(client: Any, url: str, **values: Any) -> dict[str, Any]:
    response = client.post(f"{url}/transactions", values)
    assert response.status_code == 201, response.content
    body: dict[str, Any] = response.json()
    return body


def buy(quantity: Any, price: Any, day: str, **values: Any) -> dict[str, Any]:
    """A purchase of AAPL in the session of a day in New York."""
    trade = {"type": "BUY", "stock_code": "AAPL", "quantity": quantity, "price": price}
    return {**trade, "traded_at": f"{day}T15:00:00Z", **values}


def sell(quantity: Any, price: Any, day: str, **values: Any) -> dict[str, Any]:
    return buy(quantity, price, day, type="SELL", **values)


def cash(kind: str, amount: Any, day: str, **values: Any) -> dict[str, Any]:
    """A row of cash, before any trade of its day."""
    return {"type": kind, "amount": amount, "currency": "USD", "traded_at": f"{day}T01:00:00Z", **values}


def fx(base: str, quote: str, rates: Mapping[str, Any]) -> None:
    """Rates of days, as loaded."""
    for day, rate in rates.items():
        moment = datetime.combine(date.fromisoformat(day), time(), UTC)
        FxRate.objects.create(
            base=base,
            quote=quote,
            date=moment.date(),
            rate=Decimal(str(rate)),
            as_of=moment,
            received_at=moment,
            source="test",
        )
