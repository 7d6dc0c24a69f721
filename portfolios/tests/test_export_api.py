"""A ledger as a file, and that file as a ledger again"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from portfolios.errors import PortfoliosError
from portfolios.models import AppliedAction, CashBalance, Holding, Lot, Portfolio, Transaction
from portfolios.selectors.exporting import exported
from portfolios.services.rebuilding import portfolio_reconcile
from portfolios.services.recording import Draft, transaction_record, transaction_replace, transaction_reverse
from portfolios.tests.test_import_api import imported, is_sound, lines_of, opened, sent
from portfolios.types import TransactionType
from stocks.models import FxRate, Stock
from stocks.tests.factories import ActionFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 6, 1, tzinfo=UTC)
_ROW = (
    *("sequence", "type", "stock_id", "quantity", "price", "amount", "fee", "tax", "ratio_to", "ratio_from"),
    *("currency", "fx_rate", "traded_at", "external_id", "note", "reverses__sequence", "replaces__sequence"),
)
_SUMS = ("quantity", "cost", "base_cost", "realized", "base_realized", "income", "base_income")


def ledger(portfolio: Portfolio) -> list[tuple[Any, ...]]:
    return list(Transaction.objects.filter(portfolio=portfolio).order_by("sequence").values_list(*_ROW))


def folded(portfolio: Portfolio) -> dict[str, Any]:
    """Everything that is folded from a ledger."""
    lots = Lot.objects.filter(holding__portfolio=portfolio).order_by("holding__stock_id", "sequence")
    applied = AppliedAction.objects.filter(portfolio=portfolio).order_by("stock_id", "ex_date", "kind")
    return {
        "holdings": list(
            Holding.objects.filter(portfolio=portfolio)
            .order_by("stock_id")
            .values_list("stock_id", "newest_at", "newest_sequence", *_SUMS)
        ),
        "lots": list(
            lots.values_list("holding__stock_id", "sequence", "opened_at", "quantity", "cost", "base_cost")
        ),
        "cash": sorted(
            CashBalance.objects.filter(portfolio=portfolio)
            .exclude(amount=0)
            .values_list("currency", "amount")
        ),
        "applied": list(
            applied.filter(transaction__isnull=False).values_list(
                "stock_id", "kind", "ex_date", "transaction__sequence"
            )
        ),
    }


def as_owner(portfolio: Portfolio):
    return bearer(session_start(user=portfolio.owner).access_token)


def record(portfolio: Portfolio, kind: str, stock: Stock | None = None, **values: Any) -> Transaction:
    figures: dict[str, Any] = {
        name: Decimal(str(value)) if isinstance(value, int | float | str) and name not in ("note",) else value
        for name, value in values.items()
        if name not in ("external_id", "currency")
    }
    texts: dict[str, Any] = {name: values[name] for name in ("external_id",) if name in values}
    currency = values.get("currency", stock.currency if stock else "USD")
    draft = Draft(type=TransactionType(kind), currency=currency, stock=stock, **figures, **texts)
    return transaction_record(portfolio=portfolio, draft=draft, now=NOW).transaction


def at(day: int) -> datetime:
    return datetime(2024, 1, 2, 15, 0, 0, 123456, tzinfo=UTC) + timedelta(days=day)


@pytest.fixture
def rates(db: None) -> None:
    for day in range(0, 520, 5):
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
        FxRate.objects.create(
            base="USD",
            quote="KRW",
            date=moment.date(),
            rate=Decimal("1300.123") + day,
            as_of=moment,
            received_at=moment,
            source="test",
        )


def copy_of(portfolio: Portfolio) -> Portfolio:
    """An empty portfolio with the same settings."""
    return Portfolio.objects.create(
        owner=portfolio.owner,
        name="copy",
        base_currency=portfolio.base_currency,
        method=portfolio.method,
        records_cash=portfolio.records_cash,
    )


def test_every_kind_of_row_comes_back_with_what_is_folded_from_it(alice, apple, samsung, rates):
    one = Portfolio.objects.create(
        owner=alice, name="one", base_currency="KRW", records_cash=True, method="fifo"
    )
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 2, 10), ratio=Decimal(3) / Decimal(2))
    for day in (date(2024, 3, 8), date(2024, 6, 7)):
        ActionFactory.create(
            stock=apple, kind="dividend", ex_date=day, amount=Decimal("0.24"), currency="USD"
        )
    record(one, "DEPOSIT", amount="5000.55", traded_at=at(0), external_id="d-1")
    first = record(one, "BUY", apple, quantity="10.5", price="100.25", fee="1.5", tax="0.5", traded_at=at(1))
    record(
        one, "BUY", samsung, quantity=7, price=71000, traded_at=at(1), note='a "note", with\r\nlines\n=1+1'
    )
    record(one, "BONUS", samsung, quantity=1, traded_at=at(2))
    record(one, "BONUS", samsung, ratio_to=11, ratio_from=10, traded_at=at(3))
    record(one, "TRANSFER_IN", apple, quantity=4, price="90", traded_at=at(4))
    record(one, "TRANSFER_OUT", apple, quantity=1, traded_at=at(5))
    sale = record(one, "SELL", apple, quantity=2, price=130, fee=1, traded_at=at(90))
    record(one, "INTEREST", amount=3, tax=1, traded_at=at(91))
    record(one, "FEE", amount=2, traded_at=at(92))
    record(one, "TAX", amount=2, currency="KRW", traded_at=at(93))
    record(one, "WITHDRAW", amount=100, traded_at=at(94))
    record(one, "DIVIDEND", samsung, amount=900, fee=1, tax=100, traded_at=at(95))
    transaction_reverse(portfolio=one, transaction_id=sale.pk, now=NOW)
    # A trade of before the dividends, after which they are written anew.
    transaction_replace(
        portfolio=one,
        transaction_id=first.pk,
        draft=Draft(
            TransactionType.BUY, "USD", apple, Decimal(12), Decimal(100), traded_at=at(1), external_id="x"
        ),
        now=NOW,
    )
    assert Transaction.objects.filter(type="DIVIDEND", reverses__isnull=False).exists()
    one.refresh_from_db()
    client = as_owner(one)
    response = client.get(f"/v1/portfolios/{one.pk}/transactions/export")
    assert response.status_code == 200 and response.streaming
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content)
    two = copy_of(one)
    body = imported(client, f"/v1/portfolios/{two.pk}", text)
    assert body["new"] == one.last_sequence
    assert ledger(two) == ledger(one)
    assert folded(two) == folded(one)
    assert is_sound()
    # What it writes is what it read, and in neither portfolio is any of it new.
    two.refresh_from_db()
    again = b"".join(client.get(f"/v1/portfolios/{two.pk}/transactions/export").streaming_content)
    assert again == text
    for portfolio in (one, two):
        body = imported(client, f"/v1/portfolios/{portfolio.pk}", text)
        assert (body["new"], body["duplicates"]) == (0, one.last_sequence)
    assert folded(two) == folded(one)


def test_the_filters_are_those_of_the_list(as_alice, apple, samsung):
    url = opened(as_alice)
    text = "type,stock_code,quantity,price,traded_at\n" + "".join(
        f"BUY,{code},1,{price},2024-01-0{day}T10:00:00Z\n"
        for code, price, day in (("AAPL", 1, 2), ("005930", 2, 3), ("AAPL", 3, 4))
    )
    imported(as_alice, url, text)

    def prices(query: str) -> list[str]:
        lines = lines_of(as_alice.get(f"{url}/transactions/export?{query}"))
        return [line[lines[0].index("price")] for line in lines[1:]]

    assert prices("") == ["1", "2", "3"]
    assert prices("stock_code=aapl") == ["1", "3"]
    assert prices("from_date=2024-01-03") == ["2", "3"]
    assert prices("type=BUY&to_date=2024-01-03") == ["1", "2"]
    assert prices("type=SELL") == []
    assert as_alice.get(f"{url}/transactions/export?limit=1").status_code == 400
    assert as_alice.get(f"{url}/transactions/export?type=SHORT").status_code == 400


def test_a_reversal_without_its_row_is_refused(as_alice, apple, refused):
    url = opened(as_alice)
    imported(as_alice, url, "type,stock_code,quantity,price,traded_at\nBUY,AAPL,1,1,2024-01-02\n")
    row = Transaction.objects.get()
    assert as_alice.post(f"{url}/transactions/{row.pk}/reversal").status_code == 201
    lines = lines_of(as_alice.get(f"{url}/transactions/export"))

    def refusals(*rows: list[str]) -> list[str]:
        text = io.StringIO()
        csv.writer(text).writerows([lines[0], *rows])
        response = sent(as_alice, opened(as_alice), text.getvalue())
        report = refused(response, 422, "IMPORT_REFUSED")["details"]["report"]
        return [row["reason"] for row in report if row["status"] == "refused"]

    buy, undo = lines[1], lines[2]
    assert refusals(undo) == ["is no row of this file"]
    assert refusals(undo, buy) == ["comes later in the file"]
    assert refusals(buy, undo, [*["3"], *undo[1:]]) == ["is reversed twice"]
    dearer = [*undo[: lines[0].index("price")], "2", *undo[lines[0].index("price") + 1 :]]
    assert refusals(buy, dearer) == ["says something else than its reversal"]
    assert refusals(buy, [*["3"], *buy[1:-4], "1", *buy[-3:]]) == ["is not reversed"]
    assert refusals(buy, buy) == ["is the number of line 2 too"]


def test_a_row_that_stands_in_the_ledger_is_not_reversed_by_a_file(as_alice, apple, refused):
    one, two = opened(as_alice), opened(as_alice)
    buy = "type,stock_code,quantity,price,traded_at\nBUY,AAPL,1,1,2024-01-02\n"
    imported(as_alice, one, buy)
    imported(as_alice, two, buy)
    row = Transaction.objects.filter(portfolio_id=one[-36:]).get()
    assert as_alice.post(f"{one}/transactions/{row.pk}/reversal").status_code == 201
    text = b"".join(as_alice.get(f"{one}/transactions/export").streaming_content)
    details = refused(sent(as_alice, two, text), 422, "IMPORT_REFUSED")["details"]
    assert details["report"][0]["reason"] == "is a row of the ledger that stands; reverse it there"


def test_a_long_ledger_is_read_in_pages(alice, apple):
    portfolio = Portfolio.objects.create(owner=alice, name="long", base_currency="USD", last_sequence=2500)
    Transaction.objects.bulk_create(
        Transaction(
            portfolio=portfolio,
            sequence=number,
            type="BUY",
            stock=apple,
            quantity=1,
            price=number,
            currency="USD",
            fx_rate=1,
            traded_at=at(0),
        )
        for number in range(1, 2501)
    )
    with CaptureQueriesContext(connection) as queries:
        pieces = list(exported(portfolio))
    assert len(pieces) == 4 and len(queries) == 7
    rows = list(csv.reader(io.StringIO("".join(pieces))))
    assert [row[0] for row in rows[1:]] == [str(number) for number in range(1, 2501)]


def _number(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)


_MOMENTS = st.integers(0, 400).map(at)
_NOTES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(str.strip)


@st.composite
def _step(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from([*TransactionType, "BUY", "BUY", "SELL", "reverse", "replace"]))
    values: dict[str, Any] = {"traded_at": draw(_MOMENTS), "note": draw(_NOTES)}
    costs = {"fee": draw(_number("0", "9", 2)), "tax": draw(_number("0", "9", 8))}
    shares = {
        "quantity": draw(_number("0.0000000001", "50", 10)),
        "price": draw(_number("0.00000001", "900", 8)),
    }
    amount = {"amount": draw(_number("0.00000001", "9999", 8))}
    if kind in ("BUY", "SELL", "replace"):
        values |= {**shares, **costs}
    elif kind == "TRANSFER_IN":
        values |= shares
    elif kind == "TRANSFER_OUT":
        values |= shares if draw(st.booleans()) else {"quantity": shares["quantity"]}
    elif kind in ("SPLIT", "BONUS"):
        to, per = draw(st.sampled_from([("2", "1"), ("3", "2"), ("1", "3"), ("1.0000000001", "1")]))
        values |= {"ratio_to": Decimal(to), "ratio_from": Decimal(per)}
    elif kind in ("DIVIDEND", "INTEREST"):
        values |= {**amount, **costs}
    elif kind != "reverse":
        values |= amount
    return kind, values


def _told(portfolio: Portfolio, stocks: list[Stock], steps: list[tuple[str, dict[str, Any]]]) -> None:
    """Record what can be recorded of a random story."""
    made: list[Transaction] = []
    for number, (kind, values) in enumerate(steps):
        stock = stocks[number % 2]
        try:
            with transaction.atomic():
                if kind in ("reverse", "replace"):
                    if not made:
                        continue
                    row = made[number % len(made)]
                    if kind == "reverse":
                        transaction_reverse(portfolio=portfolio, transaction_id=row.pk, now=NOW)
                        continue
                    draft = Draft(TransactionType.BUY, stock.currency, stock, **values)
                    made.append(
                        transaction_replace(
                            portfolio=portfolio, transaction_id=row.pk, draft=draft, now=NOW
                        ).transaction
                    )
                    continue
                cash = "amount" in values and kind != "DIVIDEND"
                draft = Draft(
                    TransactionType(kind),
                    "USD" if cash else stock.currency,
                    None if cash else stock,
                    external_id=f"e{number}" if number % 5 == 0 else None,
                    **values,
                )
                made.append(transaction_record(portfolio=portfolio, draft=draft, now=NOW).transaction)
        except PortfoliosError:
            continue


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(_step(), min_size=1, max_size=14),
    method=st.sampled_from(["average", "fifo", "lifo", "hifo"]),
    base=st.sampled_from(["USD", "KRW"]),
)
def test_any_ledger_comes_back_from_its_file(alice, apple, samsung, rates, steps, method, base):
    undo = transaction.savepoint()
    one = Portfolio.objects.create(
        owner=alice, name="one", base_currency=base, method=method, records_cash=True
    )
    _told(one, [apple, samsung], steps)
    one.refresh_from_db()
    text = "".join(exported(one))
    two = copy_of(one)
    client = as_owner(one)
    assert imported(client, f"/v1/portfolios/{two.pk}", text)["new"] == one.last_sequence
    assert ledger(two) == ledger(one)
    assert folded(two) == folded(one)
    assert portfolio_reconcile(portfolio_id=two.pk) == []
    transaction.savepoint_rollback(undo)
