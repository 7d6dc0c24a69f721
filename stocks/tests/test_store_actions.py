"""Corporate actions of providers against the rules, and against the bars that they would adjust."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stocks.models import CorporateAction
from stocks.services.actions import StoredActions, store_actions, why_refused
from stocks.tests.factories import ActionFactory, StockFactory, bars
from stocks.types import Action, ActionKind

pytestmark = pytest.mark.django_db

SPLIT, DIVIDEND, BONUS = ActionKind.SPLIT, ActionKind.DIVIDEND, ActionKind.BONUS
EX = date(2024, 11, 6)
START, END, TODAY = date(2024, 10, 1), date(2025, 1, 31), date(2024, 11, 20)


def split(ratio: str = "50", day: date = EX, kind: ActionKind = SPLIT) -> Action:
    return Action(kind, day, ratio=Decimal(ratio))


def dividend(amount: str = "361", day: date = EX, currency: str = "") -> Action:
    return Action(DIVIDEND, day, amount=Decimal(amount), currency=currency)


def store(stock: Any, *actions: Action, source: str = "yahoo") -> StoredActions:
    return store_actions(
        stock.id,
        actions,
        code=stock.code,
        currency=stock.currency,
        source=source,
        start=START,
        end=END,
        today=TODAY,
    )


def stored(stock: Any) -> list[tuple[str, str, str, str]]:
    """Kind, ex-date, ratio or amount, and currency."""
    return [
        (row.kind, row.ex_date.isoformat(), f"{(row.ratio or row.amount).normalize():f}", row.currency)
        for row in CorporateAction.objects.filter(stock=stock).order_by("ex_date", "kind")
    ]


def test_it_works():
    stock = StockFactory.create()
    assert store(stock, dividend(), split()) == StoredActions(inserted=2)
    assert stored(stock) == [
        ("dividend", "2024-11-06", "361", "KRW"),
        ("split", "2024-11-06", "50", ""),
    ]
    again = store(stock, dividend(), split())
    assert again == StoredActions(unchanged=2)
    assert not again.changed


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (split("0"), "out of range"),
        (split("-2"), "out of range"),
        (split("NaN"), "is a ratio"),
        (split("1"), "changes nothing"),
        (split("1000000"), "out of range"),
        (Action(SPLIT, EX), "is a ratio"),
        (Action(SPLIT, EX, ratio=Decimal(2), amount=Decimal(1)), "is a ratio"),
        (dividend("0"), "out of range"),
        (dividend("Infinity"), "is an amount"),
        (Action(DIVIDEND, EX, ratio=Decimal(2), amount=Decimal(1)), "is an amount"),
        (Action(ActionKind.REBASE, EX, ratio=Decimal(2)), "no kind"),
        (split(day=date(1850, 1, 1)), "before 1900"),
    ],
)
def test_what_cannot_be_an_action_is_refused(action, reason):
    assert reason in (why_refused(action) or "")
    stock = StockFactory.create()
    result = store(stock, action, dividend(day=date(2024, 12, 2)))
    assert (result.inserted, len(result.refused)) == (1, 1)


def test_what_was_not_asked_for_is_refused():
    result = store(StockFactory.create(code="005930"), split(day=date(2023, 5, 4)))
    assert result.refused == ("005930 split of 2023-05-04: not a day that was asked for",)


def test_two_dividends_of_one_day_are_one_sum_and_two_splits_are_not():
    stock = StockFactory.create()
    result = store(stock, dividend("361"), dividend("1000"), split("2"), split("3"))
    assert [row[2] for row in stored(stock)] == ["1361", "2"]
    assert len(result.refused) == 1


def test_a_source_corrects_itself_and_another_source_does_not():
    stock = StockFactory.create()
    store(stock, dividend("361"))
    assert store(stock, dividend("362")) == StoredActions(corrected=1)
    assert store(stock, dividend("400"), source="second") == StoredActions(differing=1)
    assert [row[2] for row in stored(stock)] == ["362"]


def test_what_is_announced_no_more_is_withdrawn_as_long_as_its_day_has_not_come():
    stock = StockFactory.create()
    past, ahead, theirs = date(2024, 11, 18), date(2024, 12, 27), date(2024, 12, 30)
    store(stock, dividend(day=past), dividend(day=ahead))
    ActionFactory.create(stock=stock, kind="dividend", ex_date=theirs, amount=Decimal(5), source="csv")
    result = store(stock, dividend(day=date(2024, 12, 28)))
    assert (result.inserted, result.withdrawn) == (1, 1)
    assert [row[1] for row in stored(stock)] == ["2024-11-18", "2024-12-28", "2024-12-30"]


class TestBarsThatAreAdjustedAlready:
    """Files of vendors are adjusted for the splits that were known when they were delivered."""

    DAYS = ("2024-11-04", "2024-11-05", "2024-11-06", "2024-11-07")

    def _stock(self, *closes: int, source: str = "csv"):
        stock = StockFactory.create(code="005930")
        bars(stock, zip(self.DAYS, closes, strict=True))
        stock.daily_bars.update(source=source)
        return stock

    def test_a_split_that_the_files_prices_pass_over_is_refused(self):
        result = store(self._stock(1000, 1010, 1005, 1020), split("50"), dividend())
        assert result.refused == ("005930 split of 2024-11-06: the stored bars are adjusted for it already",)
        assert result.inserted == 1

    def test_a_split_that_the_files_prices_show_is_stored(self):
        assert store(self._stock(50_000, 50_500, 1005, 1020), split("50")).inserted == 1

    def test_a_reverse_split_is_told_in_the_same_way(self):
        adjusted = self._stock(1000, 1010, 1005, 1020)
        assert store(adjusted, split("0.1")).inserted == 0
        adjusted.daily_bars.filter(date__lt=EX).update(open=100, high=100, low=100, close=100)
        assert store(adjusted, split("0.1")).inserted == 1

    def test_a_small_bonus_issue_is_told_by_the_nearer_step(self):
        stock = self._stock(1100, 1100, 1000, 1000)
        assert store(stock, split("1.1", kind=BONUS)).inserted == 1
        stock.actions.all().delete()
        stock.daily_bars.filter(date__lt=EX).update(open=1000, high=1000, low=1000, close=1000)
        assert store(stock, split("1.1", kind=BONUS)).inserted == 0

    def test_bars_of_a_provider_are_as_traded_whatever_they_look_like(self):
        assert store(self._stock(1000, 1010, 1005, 1020, source="yahoo"), split("50")).inserted == 1

    def test_a_split_that_is_announced_is_stored(self):
        assert store(self._stock(1000, 1010, 1005, 1020), split("50", day=date(2024, 12, 2))).inserted == 1
