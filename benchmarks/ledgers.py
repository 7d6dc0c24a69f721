"""Ledgers for `benchmarks/portfolio.py`: an invented market, and years of trades in it, written by COPY."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

#: Stocks by market, with how many base units (USD) one of its currency is.
MARKETS = {"NASDAQ": (Decimal(1), 600), "KOSPI": (Decimal("0.00075"), 300), "NSE": (Decimal("0.012"), 100)}
CURRENCIES = {"NASDAQ": "USD", "KOSPI": "KRW", "NSE": "INR"}
BEGAN = datetime(2019, 1, 2, 15, tzinfo=UTC)
_COLUMNS = (
    *("id", "portfolio_id", "sequence", "type", "stock_id", "quantity", "price", "amount", "fee", "tax"),
    *("ratio_to", "ratio_from", "currency", "fx_rate", "traded_at", "recorded_at", "price_basis", "note"),
)
_CENT = Decimal("0.01")


def market() -> list[Any]:
    """A thousand stocks with a quote of now and a bar of yesterday, and the rates of their currencies."""
    from stocks.models import DailyBar, FxRate, Quote, Stock
    from stocks.partitions import ensure_years
    from stocks.reference import ensure_reference_rows

    ensure_reference_rows()
    now = datetime.now(UTC)
    stocks = [
        Stock(
            code=f"{code[:2]}{number:04d}",
            name=f"Invented {code} {number}",
            market_id=code,
            currency=CURRENCIES[code],
            source="sandbox",
        )
        for code, (_, count) in MARKETS.items()
        for number in range(count)
    ]
    Stock.objects.bulk_create(stocks)
    price = Decimal("123.45")
    Quote.objects.bulk_create(
        Quote(stock=one, price=price, as_of=now, received_at=now, source="sandbox") for one in stocks
    )
    day = (now - timedelta(days=1)).date()
    ensure_years([day.year])
    DailyBar.objects.bulk_create(
        DailyBar(
            stock=one, date=day, open=price, high=price, low=price, close=price, volume=1, source="sandbox"
        )
        for one in stocks
    )
    FxRate.objects.bulk_create(
        FxRate(
            base=CURRENCIES[code],
            quote="USD",
            date=now.date(),
            rate=rate,
            as_of=now,
            received_at=now,
            source="sandbox",
        )
        for code, (rate, _) in MARKETS.items()
        if rate != 1
    )
    return stocks


def ledger(owner: Any, name: str, stocks: list[Any], rows: int, seed: int, *, is_default: bool) -> Any:
    """A portfolio with ``rows`` transactions, of cash and of each of the stocks; nothing is projected yet."""
    from portfolios.models import Portfolio

    portfolio = Portfolio.objects.create(
        owner=owner,
        name=name,
        base_currency="USD",
        records_cash=True,
        is_default=is_default,
        last_sequence=rows,
    )
    chance = random.Random(seed)
    written = [_cash(chance) for _ in range(rows // 100)]
    of_stocks = rows - len(written)
    for number, stock in enumerate(stocks):
        count = of_stocks * (number + 1) // len(stocks) - of_stocks * number // len(stocks)
        written += _trades(stock, count, chance)
    written.sort(key=lambda row: row["traded_at"])
    columns = ", ".join(_COLUMNS)
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY portfolios_transaction ({columns}) FROM STDIN") as copy,
    ):
        for sequence, row in enumerate(written, 1):
            row |= {"id": uuid.uuid4(), "portfolio_id": portfolio.pk, "sequence": sequence}
            row |= {"recorded_at": row["traded_at"], "price_basis": "given", "note": ""}
            copy.write_row([row.get(name, 0 if name in ("fee", "tax") else None) for name in _COLUMNS])
    return portfolio


def _cash(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(("DEPOSIT", "DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST"))
    return {
        "type": kind,
        "amount": Decimal(chance.randrange(1, 10**7)) / 100,
        "currency": "USD",
        "fx_rate": Decimal(1),
        "traded_at": BEGAN + timedelta(minutes=chance.randrange(5 * 365 * 1440)),
    }


def _trades(stock: Any, count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Purchases, sales, dividends, splits and bonus shares that never sell more than there is."""
    held, price = Decimal(0), Decimal(chance.randrange(1_000, 50_000)) / 100
    moments = sorted(chance.sample(range(5 * 365 * 1440), count))
    for number, minutes in enumerate(moments):
        row: dict[str, Any] = {
            "stock_id": stock.pk,
            "currency": stock.currency,
            "fx_rate": MARKETS[stock.market_id][0],
            "traded_at": BEGAN + timedelta(minutes=minutes),
        }
        price = max((price * Decimal(chance.randrange(95, 106)) / 100).quantize(_CENT), Decimal(1))
        kind = chance.random()
        if number == 0 or not held or kind < 0.5:
            quantity = Decimal(chance.randrange(1, 2000)) / 10
            row |= {"type": "BUY", "quantity": quantity, "price": price, "fee": Decimal("1.25")}
            held += quantity
        elif kind < 0.9:
            quantity = (held * chance.randrange(1, 60) / 100).quantize(_CENT) or held
            row |= {"type": "SELL", "quantity": quantity, "price": price, "fee": Decimal("1.25")}
            held -= quantity
        elif kind < 0.97:
            row |= {"type": "DIVIDEND", "amount": (held / 10).quantize(_CENT) + _CENT, "tax": _CENT}
        elif kind < 0.985:
            row |= {"type": "BONUS", "quantity": Decimal(3)}
            held += 3
        else:
            row |= {"type": "SPLIT", "ratio_to": Decimal(3), "ratio_from": Decimal(2)}
            held = (held * 3 / 2).quantize(Decimal("1e-10"))
        yield row
