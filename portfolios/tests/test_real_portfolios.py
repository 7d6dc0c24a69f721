"""Portfolios of random trades over five years of real bars, replayed with pandas in floats.

The replay shares nothing with the service: it multiplies a table of positions by a table of closes and one of
exchange rates, and asks another library for the money-weighted rate. What agrees agrees to 1e-9 of the value;
rates to 1e-7. STOCKROOM_PORTFOLIOS says how many portfolios there are (200 for a long run).
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # pandas brings no types; only tests need it
import pytest
import pyxirr
from django.core.management import call_command
from django.db import transaction

from accounts.models import User
from portfolios.models import Portfolio
from portfolios.money import plus
from portfolios.selectors.history import portfolio_history
from portfolios.selectors.performance import performance_of
from portfolios.services.recording import Draft, transaction_record
from portfolios.types import Method, TransactionType
from stocks.models import Stock

pytestmark = pytest.mark.django_db
NUMBER = int(os.environ.get("STOCKROOM_PORTFOLIOS", "12"))
SEED = 20180207
FIRST, LAST = date(2013, 2, 8), date(2018, 2, 7)
NOW = datetime(2018, 2, 8, 12, tzinfo=UTC)
BASES = ("USD", "KRW", "EUR")
STOCKS, ROWS = 40, 30
# Some whose bars begin late or have holes, so that closes have to be carried.
ALWAYS = ("AAPL", "DHR", "O", "ORCL", "PYPL", "APTV")
NEW_YORK = ZoneInfo("America/New_York")
CARRY_DAYS, RATE_DAYS = 14, 7


@pytest.fixture(scope="module")
def table(market_data_dir: Path) -> pd.DataFrame:
    """Closes by day (rows) and code (columns), as the file has them."""
    bars = pd.read_csv(market_data_dir / "sp500_daily_2013_2018.csv.gz", parse_dates=["date"])
    codes = sorted(set(bars.code) - set(ALWAYS))
    if NUMBER < 200:
        codes = random.Random(SEED).sample(codes, STOCKS - len(ALWAYS))
    # The loader refuses these few, and names them.
    bars = bars[(bars.low <= bars[["open", "close"]].min(axis=1)) & bars.open.notna() & bars.high.notna()]
    bars = bars[bars.high >= bars[["open", "close"]].max(axis=1)]
    return bars[bars.code.isin([*codes, *ALWAYS])]


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    """Won and euros for a dollar on every weekday: two random walks."""
    days = pd.bdate_range(FIRST - timedelta(days=10), LAST)
    walk = np.exp(np.cumsum(np.random.default_rng(SEED).normal(0, 0.005, (len(days), 2)), axis=0))
    return pd.DataFrame({"KRW": (1100 * walk[:, 0]).round(4), "EUR": (0.8 * walk[:, 1]).round(6)}, days)


@pytest.fixture(scope="module")
def market(
    django_db_setup: None,
    django_db_blocker: Any,
    table: pd.DataFrame,
    rates: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Stock]]:
    """The bars and the rates, loaded by the project's own commands and taken back at the end."""
    directory = tmp_path_factory.mktemp("market")
    prices, fx = directory / "prices.csv.gz", directory / "fx.csv"
    with gzip.open(prices, "wt") as file:
        table.assign(date=table.date.dt.date).to_csv(file, index=False)
    lines = rates.rename_axis("date").reset_index().melt("date", var_name="quote", value_name="rate")
    lines.assign(base="USD", date=lines.date.dt.date).to_csv(fx, index=False)
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_prices", str(prices), "--market", "NASDAQ", "--create-missing")
        call_command("load_fx", str(fx))
        yield {stock.code: stock for stock in Stock.objects.select_related("market")}
        transaction.set_rollback(True)


class Replay:
    """A second book of the same trades: floats by day and code."""

    def __init__(self, table: pd.DataFrame, rates: pd.DataFrame, base: str, *, records_cash: bool) -> None:
        days = pd.date_range(FIRST, LAST)
        closes = table.pivot(index="date", columns="code", values="close").reindex(days)
        self.closes = closes.ffill(limit=CARRY_DAYS)
        dollars = rates.assign(USD=1.0).reindex(pd.date_range(rates.index[0], LAST)).ffill(limit=RATE_DAYS)
        self.rates = dollars.rdiv(dollars[base], axis=0).reindex(days)
        self.records_cash = records_cash
        self.positions = pd.DataFrame(0.0, days, closes.columns)
        self.cash = pd.DataFrame(0.0, days, ["USD", "KRW", "EUR"])
        self.moved = pd.DataFrame(0.0, days, ["in", "out"])

    def note(self, day: date, currency: str, amount: float, *, is_external: bool) -> None:
        """Money that came in (+) or went out (−)."""
        at = pd.Timestamp(day)
        if self.records_cash:
            self.cash.loc[at, currency] += amount
            if not is_external:
                return
        flow = (amount if self.records_cash else -amount) * self.rates.loc[at, currency]
        self.moved.loc[at, "in" if flow > 0 else "out"] += abs(flow)

    def values(self) -> pd.Series:
        held = self.positions.cumsum().round(9)
        worth = (held * self.closes.where(held != 0, 0.0)).sum(axis=1, skipna=False) * self.rates["USD"]
        return worth + (self.cash.cumsum() * self.rates).sum(axis=1)

    def returns(self, first: date, last: date) -> tuple[float | None, float | None]:
        """Time-weighted and money-weighted; None where a value that matters is unknown."""
        values = self.values()
        span = slice(pd.Timestamp(first), pd.Timestamp(last))
        before = values.shift(1, fill_value=0.0)[span]
        after, moved = values[span], self.moved[span]
        if after.isna().any() or before.isna().any():
            return None, None
        put_in, out = moved["in"].to_numpy(), moved["out"].to_numpy()
        v0, v1 = before.to_numpy(), after.to_numpy()
        at_end = np.full(len(v0), not self.records_cash) | (v0 + put_in - out < 0.1 * v0)
        over = np.where(at_end, v1 + out, v1)
        under = np.where(at_end, v0 + put_in, v0 + put_in - out)
        is_held = np.abs(under) > 1e-9
        linked = float(np.prod(over[is_held] / under[is_held]) - 1)
        amounts = out - put_in
        amounts[0] -= v0[0]
        days = [*after.index, after.index[-1]]
        return linked, pyxirr.xirr(days, [*amounts, v1[-1]])


def trades(
    portfolio: Portfolio, replay: Replay, market: dict[str, Stock], table: pd.DataFrame, chance: random.Random
) -> None:
    """Random rows in the order of time, into both books."""
    codes = [*chance.sample(sorted(set(replay.closes.columns) - {"DHR"}), 8), "DHR"]
    bars = {code: rows.set_index("date") for code, rows in table[table.code.isin(codes)].groupby("code")}
    days = sorted(chance.sample(sorted(set(table.date)), ROWS))
    held = dict.fromkeys(codes, Decimal(0))

    def write(kind: TransactionType, day: Any, **values: Any) -> None:
        stock = values.get("stock")
        moment = datetime.combine(day.date(), time(10 if stock is None else 15), NEW_YORK)
        draft = Draft(type=kind, traded_at=moment.astimezone(UTC), **values)
        transaction_record(portfolio=portfolio, draft=draft, now=NOW)

    if portfolio.records_cash:
        amount = Decimal(chance.randrange(50_000, 200_000))
        write(TransactionType.DEPOSIT, days[0], currency="USD", amount=amount)
        replay.note(days[0].date(), "USD", float(amount), is_external=True)
    for day in days:
        code = chance.choice([code for code in codes if day in bars[code].index])
        fee, kind = Decimal(chance.randrange(0, 900)) / 100, chance.random()
        if portfolio.records_cash and kind < 0.15:
            currency = chance.choice(BASES)
            sign = 1 if kind < 0.1 else -1
            amount = Decimal(chance.randrange(1_000, 5_000)) * (1000 if currency == "KRW" else 1)
            row = TransactionType.DEPOSIT if sign > 0 else TransactionType.WITHDRAW
            write(row, day, currency=currency, amount=amount)
            replay.note(day.date(), currency, sign * float(amount), is_external=True)
        elif held[code] and kind < 0.25:
            amount = Decimal(chance.randrange(100, 9_000)) / 100
            write(
                TransactionType.DIVIDEND, day, stock=market[code], currency="USD", amount=amount, tax=fee / 10
            )
            replay.note(day.date(), "USD", float(amount - fee / 10), is_external=False)
        else:
            bar = bars[code].loc[day]
            price = Decimal(str(round(chance.uniform(bar["low"], bar["high"]), 4)))
            is_sale = bool(held[code]) and kind < 0.6
            quantity = Decimal(chance.randrange(1, 500_000)) / 10_000
            if is_sale:
                quantity = held[code] if kind < 0.35 else min(quantity, held[code])
            row = TransactionType.SELL if is_sale else TransactionType.BUY
            trade = {"quantity": quantity, "price": price, "fee": fee}
            write(row, day, stock=market[code], currency="USD", **trade)
            held[code] += -quantity if is_sale else quantity
            replay.positions.loc[day, code] += float(-quantity if is_sale else quantity)
            gross = float(quantity * price)
            paid = gross - float(fee) if is_sale else -gross - float(fee)
            replay.note(day.date(), "USD", paid, is_external=False)


@pytest.mark.parametrize("number", range(NUMBER))
def test_history_and_returns_are_those_of_the_replay(market, table, rates, number):
    chance = random.Random(SEED + number)
    base, records_cash = BASES[number % 3], number % 2 == 0
    owner = User.objects.create_user(f"real{number}@example.com", name="Real")
    portfolio = Portfolio.objects.create(
        owner=owner, name="Real", base_currency=base, records_cash=records_cash
    )
    replay = Replay(table, rates, base, records_cash=records_cash)
    trades(portfolio, replay, market, table, chance)

    values = replay.values()
    history = portfolio_history(portfolio, now=NOW, last=LAST)
    assert len(history.points) > 100
    for point in history.points:
        there = values[pd.Timestamp(point.day)]
        if point.value is None:
            assert np.isnan(there), point.day
        else:
            assert float(point.value) == pytest.approx(there, rel=1e-9, abs=1e-6), point.day
    begun = history.points[0].day
    middle = begun + timedelta(days=chance.randrange(1, (LAST - begun).days))
    for first in (begun, middle):
        linked, yearly = replay.returns(first, LAST)
        report = performance_of(
            portfolio, method=Method.FIFO, now=NOW, first=first, last=LAST, benchmark=market["AAPL"]
        )
        done = report.performance
        assert done is not None and report.gains is not None
        if linked is None:
            continue
        assert done.twr.rate is not None, done.twr.reason
        assert float(done.twr.rate) == pytest.approx(linked, rel=1e-9, abs=1e-9)
        if done.xirr.rate is not None:
            assert yearly is not None
            assert float(done.xirr.rate) == pytest.approx(yearly, rel=1e-7, abs=1e-9)
        made = report.gains
        total = plus(
            *(made.realized, made.unrealized, made.dividends, made.interest),
            *(made.costs, made.cash_currency, made.transfers),
        )
        assert total is not None and made.total is not None
        assert abs(total - made.total) < Decimal("1e-12")
