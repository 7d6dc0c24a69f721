"""Charts become the bars that were traded and the actions that were paid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from stocks.providers.errors import Malformed
from stocks.providers.yahoo.parse import charts
from stocks.types import Action, ActionKind, Bar

ONE_DAY = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)


def _reply(rows: list[list[Any]], meta: dict[str, Any] | None = None, events: Any = None) -> Any:
    """A chart with a row per day from ONE_DAY on: open, high, low, close, volume."""
    stamps = [int((ONE_DAY + timedelta(days=at)).timestamp()) for at in range(len(rows))]
    columns = dict(zip(charts._COLUMNS, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    return {
        "chart": {
            "result": [
                {
                    "meta": {
                        "symbol": "AAPL",
                        "currency": "USD",
                        "exchangeTimezoneName": "America/New_York",
                        "instrumentType": "EQUITY",
                        "priceHint": 2,
                        **(meta or {}),
                    },
                    "timestamp": stamps,
                    "indicators": {"quote": [columns]},
                    **({"events": events} if events else {}),
                }
            ],
            "error": None,
        }
    }


def _bars(rows: list[list[Any]], **options: Any) -> list[Bar]:
    chart = charts.chart(_reply(rows, **options), ["AAPL"], "")
    return charts.bars(chart, date.min, date.max)


def _split(day: datetime, new: Any, old: Any = 1) -> dict[str, Any]:
    at = int(day.timestamp())
    return {"splits": {str(at): {"date": at, "numerator": new, "denominator": old}}}


def test_it_works():
    (bar,) = _bars([[1, 3, 1, 2, 100]])
    assert bar == Bar(date(2025, 11, 12), Decimal(1), Decimal(3), Decimal(1), Decimal(2), 100)


def test_the_day_of_a_split_is_traded_after_it_and_the_day_before_is_not():
    events = _split(ONE_DAY + timedelta(days=1), Decimal("4.0"))
    before, after = _bars([[10, 12, 9, 11, 400], [10, 12, 9, 11, 400]], events=events)
    assert (before.close, before.volume) == (Decimal(44), 100)
    assert (after.close, after.volume) == (Decimal(11), 400)


def test_splits_multiply():
    chart = charts.Chart(
        "AAPL",
        charts.Unit("USD"),
        2,
        True,
        (),
        ((date(2014, 6, 9), Fraction(7)), (date(2020, 8, 31), Fraction(4))),
        (),
    )
    assert chart.factor(date(2014, 6, 8)) == 28
    assert chart.factor(date(2014, 6, 9)) == 4
    assert chart.factor(date(2020, 8, 31)) == 1


def test_a_split_that_has_no_ratio_makes_the_whole_chart_useless():
    with pytest.raises(Malformed):
        _bars([[1, 1, 1, 1, 1]], events=_split(ONE_DAY, 0))


def _recent(before: Any, after: Any, new: Any, old: Any = 1) -> charts.Chart:
    """A split on the second of two days."""
    rows = [[price, price, price, price, 10] for price in (before, after)]
    return charts.chart(_reply(rows, events=_split(ONE_DAY + timedelta(days=1), new, old)), ["AAPL"], "USD")


@pytest.mark.parametrize(
    ("before", "after", "new", "old"), [(400, 100, 4, 1), (1, 20, 1, 20), (390, 120, 4, 1), (30, 20, 3, 2)]
)
def test_a_fresh_split_that_is_not_yet_in_the_prices_is_refused(before, after, new, old):
    chart = _recent(before, after, new, old)
    with pytest.raises(Malformed, match="split"):
        charts.refuse_unsettled(chart, date(2025, 11, 14))
    charts.refuse_unsettled(chart, date(2025, 12, 1))


@pytest.mark.parametrize(
    ("before", "after", "new", "old"),
    [(100, 100, 4, 1), (100, 60, 4, 1), (20, 25, 1, 20), (110, 100, 11, 10)],
)
def test_a_fresh_split_that_is_in_the_prices_is_undone(before, after, new, old):
    charts.refuse_unsettled(_recent(before, after, new, old), date(2025, 11, 14))


def test_a_ratio_without_end_is_rounded_to_what_its_column_holds():
    chart = charts.chart(_reply([[1, 1, 1, 1, 1]], events=_split(ONE_DAY, 1, 3)), ["AAPL"], "USD")
    (split,) = charts.actions(chart, date.min, date.max)
    assert split == Action(ActionKind.SPLIT, date(2025, 11, 12), ratio=Decimal("0.3333333333"))


def test_two_dividends_of_a_day_are_one_action():
    at = int(ONE_DAY.timestamp())
    paid = {str(at + n): {"date": at + n, "amount": Decimal("0.5")} for n in range(2)}
    chart = charts.chart(_reply([[1, 1, 1, 1, 1]], events={"dividends": paid}), ["AAPL"], "USD")
    (dividend,) = charts.actions(chart, date.min, date.max)
    assert (dividend.amount, dividend.currency) == (Decimal(1), "USD")


def test_a_dividend_before_a_split_was_paid_per_old_share():
    at = int(ONE_DAY.timestamp())
    events = _split(ONE_DAY + timedelta(days=30), 4) | {
        "dividends": {str(at): {"date": at, "amount": Decimal("0.205")}}
    }
    chart = charts.chart(_reply([[1, 1, 1, 1, 1]], events=events), ["AAPL"], "USD")
    dividend, split = charts.actions(chart, date.min, date.max)
    assert dividend.amount == Decimal("0.82")
    assert split.ratio == 4


def test_pence_become_pounds():
    (bar,) = _bars([[400, 500, 300, 450, 10]], meta={"currency": "GBp"})
    assert (bar.open, bar.close) == (Decimal(4), Decimal("4.5"))


@pytest.mark.parametrize(
    "row",
    [
        [None, None, None, None, None],
        [1, 2, 1, 0, 10],
        [1, 2, 1, -2, 10],
        [1, 2, 1, 2, None],
        [1, None, 1, 2, 10],
        [3, 2, 1, 2, 10],
        [1, 2, 1, 3, 10],
        [1, 2, Decimal("1.5"), 2, 10],
    ],
    ids=["null", "no close", "negative", "no volume", "no high", "open above", "close above", "low above"],
)
def test_a_day_that_is_not_whole_is_left_out(row):
    (whole,) = _bars([row, [1, 3, 1, 2, 100]])
    assert whole.close == 2


@pytest.mark.parametrize("row", [[0, 0, 0, 5, 0], [None, None, None, 5, 0], [5, 5, 5, 5, 0]])
def test_a_halted_day_keeps_its_close_alone(row):
    (bar,) = _bars([row])
    assert bar == Bar(date(2025, 11, 12), None, None, None, Decimal(5), 0)


def test_an_index_has_days_without_volume():
    (bar,) = _bars([[5, 5, 5, 5, 0]], meta={"instrumentType": "INDEX"})
    assert (bar.open, bar.volume) == (Decimal(5), 0)


def test_of_two_rows_of_a_day_the_later_counts():
    reply = _reply([[1, 1, 1, 1, 1], [1, 2, 1, 2, 2]])
    stamps = reply["chart"]["result"][0]["timestamp"]
    stamps[1] = stamps[0] + 60
    (bar,) = charts.bars(charts.chart(reply, ["AAPL"], "USD"), date.min, date.max)
    assert bar.close == 2


@pytest.mark.parametrize(
    ("zone", "stamp", "day"),
    [
        ("Asia/Seoul", datetime(2025, 11, 12, 0, 0, tzinfo=UTC), date(2025, 11, 12)),
        ("Asia/Seoul", datetime(2025, 11, 11, 23, 0, tzinfo=UTC), date(2025, 11, 12)),
        ("America/New_York", datetime(2025, 3, 7, 14, 30, tzinfo=UTC), date(2025, 3, 7)),
        ("America/New_York", datetime(2025, 3, 10, 13, 30, tzinfo=UTC), date(2025, 3, 10)),
        ("America/New_York", datetime(2025, 7, 4, 2, 0, tzinfo=UTC), date(2025, 7, 3)),
        ("Europe/London", datetime(2025, 6, 30, 23, 0, tzinfo=UTC), date(2025, 7, 1)),
    ],
)
def test_a_day_is_the_date_where_the_exchange_is(zone, stamp, day):
    reply = _reply([[1, 1, 1, 1, 1]], meta={"exchangeTimezoneName": zone})
    reply["chart"]["result"][0]["timestamp"] = [int(stamp.timestamp())]
    (bar,) = charts.bars(charts.chart(reply, ["AAPL"], "USD"), date.min, date.max)
    assert bar.date == day


@pytest.mark.parametrize(
    "meta",
    [
        {"symbol": "MSFT"},
        {"currency": "KRW"},
        {"currency": None},
        {"exchangeTimezoneName": "Nowhere/City"},
        {"exchangeTimezoneName": "../etc/passwd"},
        {"exchangeTimezoneName": None},
    ],
)
def test_a_chart_of_something_else_is_refused(meta):
    with pytest.raises(Malformed):
        charts.chart(_reply([[1, 1, 1, 1, 1]], meta=meta), ["AAPL"], "USD")


def test_days_before_1970_have_dates():
    reply = _reply([[1, 1, 1, 1, 1]])
    stamp = datetime(1962, 1, 2, 15, 0, tzinfo=UTC)
    reply["chart"]["result"][0]["timestamp"] = [int(stamp.timestamp())]
    (bar,) = charts.bars(charts.chart(reply, ["AAPL"], "USD"), date.min, date.max)
    assert bar.date == date(1962, 1, 2)


def test_milliseconds_are_no_date():
    reply = _reply([[1, 1, 1, 1, 1]])
    reply["chart"]["result"][0]["timestamp"] = [int(ONE_DAY.timestamp() * 1000)]
    with pytest.raises(Malformed):
        charts.chart(reply, ["AAPL"], "USD")


def test_columns_of_another_length_are_refused():
    reply = _reply([[1, 1, 1, 1, 1]])
    reply["chart"]["result"][0]["indicators"]["quote"][0]["close"] = [1, 2]
    with pytest.raises(Malformed):
        charts.chart(reply, ["AAPL"], "USD")


def test_a_chart_without_days_has_no_bars():
    assert _bars([]) == []


def test_rates_are_of_the_end_of_their_day_and_never_of_the_future():
    reply = _reply(
        [[1453, 1460, 1451, Decimal("1453.72998046875"), 0], [1, 2, 1, Decimal("1455.5"), 0]],
        meta={"symbol": "KRW=X", "currency": "KRW", "instrumentType": "CURRENCY", "priceHint": 4},
    )
    chart = charts.chart(reply, ["USDKRW=X", "KRW=X"], "KRW")
    now = ONE_DAY + timedelta(days=1)
    first, second = charts.rates(chart, "USD", date.min, date.max, now)
    assert (first.rate, first.as_of) == (Decimal("1453.73"), datetime(2025, 11, 12, 22, tzinfo=UTC))
    assert (second.base, second.quote, second.as_of) == ("USD", "KRW", now)
