"""Bars of providers against the rules, and against what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stocks.models import DailyBar
from stocks.services.bars import Stored, check_fetched, same_basis, store_bars
from stocks.tests import loading_cases
from stocks.tests.factories import StockFactory, bar
from stocks.types import Bar

DAYS = [date(2024, 11, day) for day in (4, 5, 6, 7, 8)]
TODAY = date(2024, 11, 9)


def flat(day: date, close: str, **values: Any) -> Bar:
    price = Decimal(close)
    return replace(Bar(day, price, price, price, price, 100), **values)


def check(*given: Bar, start: date = DAYS[0], end: date = DAYS[-1]):
    return check_fetched("005930", given, start=start, end=end, sessions=DAYS, today=TODAY)


class TestRules:
    def test_it_works(self):
        good = [flat(day, "71000.5") for day in DAYS]
        assert check(*reversed(good)).bars == good
        assert check(*good).refused == []

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"close": Decimal(0)}, "the close is not above zero"),
            ({"close": Decimal("NaN")}, "the close is not finite"),
            ({"close": Decimal("-5")}, "the close is not above zero"),
            ({"high": Decimal("70999")}, "the high is below the low"),
            ({"low": Decimal("0")}, "the low is zero although others of the day are not"),
            ({"open": None}, "the open is blank although others of the day are not"),
            ({"volume": -1}, "the volume is negative"),
            ({"close": Decimal("1e13")}, "the close is too large"),
            ({"date": date(2024, 11, 2)}, "not a day that was asked for"),
        ],
    )
    def test_what_cannot_be_a_bar_is_refused_alone(self, values, reason):
        checked = check(replace(flat(DAYS[0], "71000"), **values), flat(DAYS[1], "71000"))
        assert [bar.date for bar in checked.bars] == [DAYS[1]]
        (why,) = checked.refused
        assert why.startswith("005930 2024-11-0")
        assert why.endswith(reason)

    def test_a_day_without_trades_keeps_its_close(self):
        idle = flat(DAYS[0], "71000", open=None, high=None, low=None, volume=0)
        assert check(idle).bars == [idle]
        zero = flat(DAYS[0], "71000", open=Decimal(0), high=Decimal(0), low=Decimal(0), volume=0)
        assert check(zero).bars == [idle]

    def test_a_day_that_is_no_session_is_refused(self):
        sunday = date(2024, 11, 3)
        checked = check(flat(sunday, "71000"), start=sunday)
        assert checked.bars == []
        assert checked.refused == ["005930 2024-11-03: no session of its market"]

    def test_a_day_that_comes_twice_counts_once(self):
        checked = check(flat(DAYS[0], "71000"), flat(DAYS[0], "72000"))
        assert [one.close for one in checked.bars] == [71000]
        assert checked.refused == ["005930 2024-11-04: twice in one answer"]

    def test_decimals_stay_as_they_came_up_to_eight(self):
        (one,) = check(flat(DAYS[0], "0.12345678")).bars
        assert one.close == Decimal("0.12345678")


class TestBasis:
    STORED = {day: Decimal(100) for day in DAYS}

    def test_equal_closes_and_none_in_common_fit(self):
        assert same_basis(self.STORED, [flat(day, "100") for day in DAYS])
        assert same_basis({}, [flat(DAYS[0], "100")])

    def test_a_factor_on_most_days_does_not_fit(self):
        assert not same_basis(self.STORED, [flat(day, "500") for day in DAYS])
        assert not same_basis(self.STORED, [flat(day, "98") for day in DAYS])

    def test_one_wrong_day_of_five_is_a_correction(self):
        assert same_basis(self.STORED, [*(flat(day, "100.4") for day in DAYS[:4]), flat(DAYS[4], "500")])


@pytest.mark.django_db
class TestStore:
    def test_new_bars_are_written_with_their_source(self):
        stock = StockFactory.create(code="005930")
        days = [date(2023, 12, 28), date(2024, 1, 2)]
        stored = store_bars(stock.id, [flat(day, "71000") for day in days], source="yahoo")
        assert stored == Stored(inserted=2)
        assert stored.changed
        assert set(DailyBar.objects.values_list("date", "source")) == {(day, "yahoo") for day in days}

    def test_the_same_again_changes_nothing(self):
        stock = StockFactory.create()
        given = [flat(day, "71000") for day in DAYS]
        store_bars(stock.id, given, source="yahoo")
        assert store_bars(stock.id, given, source="yahoo") == Stored(unchanged=5)
        assert not store_bars(stock.id, given, source="second").changed

    def test_a_source_corrects_itself(self):
        stock = StockFactory.create()
        store_bars(stock.id, [flat(day, "71000") for day in DAYS], source="yahoo")
        late = [flat(DAYS[3], "71000"), flat(DAYS[4], "71200")]
        assert store_bars(stock.id, late, source="yahoo") == Stored(corrected=1, unchanged=1)
        assert DailyBar.objects.get(date=DAYS[4]).close == 71200

    def test_what_a_file_says_stays_and_the_difference_is_counted(self):
        stock = StockFactory.create(code="005930")
        for day in DAYS[:4]:
            bar(stock, day, 71000, volume=100, source="csv")
        given = [*(flat(day, "71000") for day in DAYS[:3]), flat(DAYS[3], "71100"), flat(DAYS[4], "71300")]
        assert store_bars(stock.id, given, source="yahoo") == Stored(inserted=1, unchanged=3, differing=1)
        assert [row[4] for row in loading_cases.bars("005930")] == ["71000"] * 4 + ["71300"]

    def test_replace_lets_the_provider_win(self):
        stock = StockFactory.create()
        bar(stock, DAYS[0], 71000, volume=100, source="csv")
        stored = store_bars(stock.id, [flat(DAYS[0], "71500")], source="yahoo", replace=True)
        assert stored == Stored(corrected=1)
        assert DailyBar.objects.values_list("close", "source").get() == (71500, "yahoo")

    def test_bars_on_another_share_basis_are_not_put_among_those_of_a_file(self):
        stock = StockFactory.create()
        for day in DAYS[:3]:
            bar(stock, day, 1420, source="csv")
        stored = store_bars(stock.id, [flat(day, "71000") for day in DAYS], source="yahoo")
        assert stored == Stored(differing=5, other_basis=True)
        assert not stored.changed
        assert DailyBar.objects.count() == 3

    def test_no_rebase_is_ever_made_of_a_providers_bars(self):
        stock = StockFactory.create()
        for day in DAYS:
            bar(stock, day, 1420, source="csv")
        store_bars(stock.id, [flat(day, "71000") for day in DAYS], source="yahoo")
        store_bars(stock.id, [flat(day, "71000") for day in DAYS], source="yahoo", replace=True)
        assert not stock.actions.exists()
