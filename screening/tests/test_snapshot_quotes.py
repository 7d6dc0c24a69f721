"""Newest prices laid over the figures of the last session"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from screening.fields import FIELDS
from screening.snapshot.quotes import INVERSE, PROPORTIONAL, Quotes, Terms, overlay
from screening.snapshot.table import Snapshot, Texts, View
from stocks.sessions import Schedule
from stocks.types import Action, ActionKind

SEOUL = ZoneInfo("Asia/Seoul")
THURSDAY, FRIDAY, MONDAY, TUESDAY = (
    date(2024, 11, 7),
    date(2024, 11, 8),
    date(2024, 11, 11),
    date(2024, 11, 12),
)
DAYS = (THURSDAY, FRIDAY, MONDAY, TUESDAY)


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SEOUL)


def hours() -> Schedule:
    opens = tuple(int(moment(day, 9).timestamp()) for day in DAYS)
    closes = tuple(int(moment(day, 15, 30).timestamp()) for day in DAYS)
    return Schedule(opens, closes, dict(zip(DAYS, closes, strict=True)), time(15, 30), SEOUL, DAYS)


CLOSE, CAP = 1000.0, 5e9


def laid(
    at: datetime | None,
    price: float = 1100.0,
    *,
    day: date | None = FRIDAY,
    previous: float | None = None,
    volume: float | None = 7.0,
    sandbox: bool = False,
    splits: tuple[Action, ...] = (),
    **figures: float,
) -> View:
    """The view of one stock, whose figures follow the session of ``day`` and whose quote is of ``at``."""
    stored = {
        "close_price": CLOSE,
        "market_cap": CAP,
        "change_1d": 1.0,
        "volume": 3.0,
        "rsi_14": 55.0,
    } | figures
    snapshot = Snapshot(
        version=1,
        fields=tuple(FIELDS),
        ids=np.array([1], np.int32),
        texts={name: Texts.of([name]) for name in ("code", "name", "market", "sector", "kind", "currency")},
        markets=("KOSPI",),
        name_order=np.array([1], np.int32),
        days=np.array([day], "datetime64[D]"),
        figures=np.array([[stored.get(name, np.nan)] for name in FIELDS]),
    )
    quotes = Quotes.none(1)
    if at is not None:
        new = Quotes(
            as_of=np.array([int(at.timestamp() * 1_000_000)]),
            seq=np.array([1]),
            price=np.array([price]),
            previous_close=np.array([np.nan if previous is None else previous]),
            volume=np.array([np.nan if volume is None else volume]),
            sandbox=np.array([sandbox]),
        )
        quotes.take(np.array([0]), new)
    terms = Terms.of(snapshot.days, ["XKRX"], {"XKRX": hours()}, {0: splits} if splits else {})
    return overlay(snapshot, terms, quotes)


def figure(view: View, name: str) -> float | None:
    value = view.column(name)[0]
    return None if np.isnan(value) else float(value)


def figures(view: View, *names: str) -> tuple[Any, ...]:
    return tuple(figure(view, name) for name in names)


def test_a_price_of_the_next_session_replaces_what_follows_from_it():
    view = laid(moment(MONDAY, 10), 1100.0, per_ttm=10.0, dividend_yield_ttm=2.2)
    assert figures(view, "close_price", "volume", "market_cap", "per_ttm") == (1100.0, 7.0, CAP * 1.1, 11.0)
    assert figure(view, "change_1d") == pytest.approx(10.0)
    assert figure(view, "dividend_yield_ttm") == pytest.approx(2.0)
    assert figure(view, "rsi_14") == 55.0
    assert view.days.tolist() == [MONDAY]


@pytest.mark.parametrize(
    "at",
    [None, moment(THURSDAY, 10), moment(FRIDAY, 10), moment(FRIDAY, 16), moment(FRIDAY + timedelta(1), 12)],
    ids=["none", "older", "of the session itself", "after its close", "on the day off after it"],
)
def test_the_bar_of_a_session_is_its_last_word(at):
    view = laid(at)
    assert figures(view, "close_price", "market_cap", "change_1d") == (CLOSE, CAP, 1.0)
    assert view.days.tolist() == [FRIDAY]


def test_the_sandbox_trades_on_after_the_close_and_on_days_off():
    assert figure(laid(moment(FRIDAY, 15), sandbox=True), "close_price") == CLOSE
    evening = laid(moment(FRIDAY, 20), sandbox=True, previous=800.0)
    assert figures(evening, "close_price", "change_1d") == (1100.0, pytest.approx(37.5))
    assert evening.days.tolist() == [FRIDAY]
    saturday = laid(moment(FRIDAY + timedelta(1), 3), sandbox=True, previous=CLOSE)
    assert figure(saturday, "close_price") == 1100.0
    assert saturday.days.tolist() == [FRIDAY + timedelta(1)]


def test_a_stock_without_figures_has_no_price_laid_over_it():
    view = laid(moment(MONDAY, 10), day=None, close_price=np.nan, market_cap=np.nan)
    assert figure(view, "close_price") is None
    assert view.days.tolist() == [None]


def test_the_providers_previous_close_counts_and_ours_only_of_the_session_before():
    assert figure(laid(moment(MONDAY, 10), previous=1010.0), "change_1d") == pytest.approx(
        (1100 / 1010 - 1) * 100
    )
    assert figure(laid(moment(MONDAY, 10)), "change_1d") == pytest.approx(10.0)
    # The figures lag by a session: the close of Monday is not on file.
    assert figure(laid(moment(TUESDAY, 10)), "change_1d") is None
    assert figure(laid(moment(TUESDAY, 10), previous=1050.0), "change_1d") == pytest.approx(
        (1100 / 1050 - 1) * 100
    )


def test_an_unknown_volume_is_not_that_of_the_session_before():
    assert figure(laid(moment(MONDAY, 10), volume=None), "volume") is None


def split(day: date, ratio: str) -> Action:
    return Action(ActionKind.SPLIT, day, ratio=Decimal(ratio))


def test_after_a_split_the_stored_close_is_brought_to_the_new_shares():
    view = laid(moment(MONDAY, 10), 220.0, previous=1000.0, splits=(split(MONDAY, "5"),), per_ttm=10.0)
    # The provider's previous close may be of old shares.
    assert figure(view, "change_1d") == pytest.approx(10.0)
    assert figure(view, "market_cap") == pytest.approx(CAP * 1.1)
    assert figure(view, "per_ttm") == pytest.approx(11.0)
    later = laid(moment(TUESDAY, 10), 220.0, previous=200.0, splits=(split(MONDAY, "5"),))
    assert figures(later, "change_1d", "market_cap") == (None, pytest.approx(CAP * 1.1))


def test_a_split_that_is_only_announced_changes_nothing():
    view = laid(moment(MONDAY, 10), splits=(split(TUESDAY, "5"),))
    assert figure(view, "market_cap") == pytest.approx(CAP * 1.1)


def test_where_nobody_told_us_of_a_split_there_is_no_market_value():
    told = laid(moment(MONDAY, 10), 220.0, previous=200.0, per_ttm=10.0, dividend_yield_ttm=2.0)
    assert figures(told, "close_price", "change_1d") == (220.0, pytest.approx(10.0))
    assert figures(told, "market_cap", "per_ttm", "dividend_yield_ttm") == (None, None, None)
    assert figure(laid(moment(MONDAY, 10), 220.0), "market_cap") is None
    assert figure(laid(moment(TUESDAY, 10), 2200.0, previous=2000.0), "market_cap") is None
    assert figure(laid(moment(TUESDAY, 10), 1900.0, previous=1500.0), "market_cap") == pytest.approx(
        CAP * 1.9
    )


def test_what_is_proportional_to_the_price_is_known_to_the_catalogue():
    known = {name for name in (*PROPORTIONAL, *INVERSE) if name in FIELDS}
    assert known >= {"market_cap", "per_ttm", "pbr", "psr", "earnings_yield", "dividend_yield_ttm"}
    for name in known:
        view = laid(moment(MONDAY, 10), 1250.0, **{str(name): 8.0})  # type: ignore[arg-type]  # all are figures
        assert figure(view, name) == (10.0 if name in PROPORTIONAL else 6.4), name


def test_an_older_quote_replaces_no_newer_one():
    quotes = Quotes.none(2)

    def take(place: int, as_of: int, seq: int, price: float) -> list[int]:
        one = Quotes(
            np.array([as_of]), np.array([seq]), np.array([price]), *(np.array([1.0]),) * 2, np.array([False])
        )
        return quotes.take(np.array([place]), one).tolist()

    assert take(1, 10, 5, 1.0) == [1]
    assert take(1, 10, 5, 2.0) == take(1, 10, 4, 2.0) == take(1, 9, 9, 2.0) == []
    assert take(1, 10, 6, 3.0) == take(1, 11, 0, 4.0) == [1]
    assert quotes.price[1] == 4.0
    assert quotes.as_of.tolist() == [-1, 11]


def test_a_moment_of_utc_belongs_to_the_session_of_its_place():
    view = laid(datetime(2024, 11, 11, 0, 0, tzinfo=UTC))
    assert view.days.tolist() == [MONDAY]
    assert laid(datetime(2024, 11, 10, 23, 59, tzinfo=UTC)).days.tolist() == [FRIDAY]
