"""Closes of many stocks at once: to the last digit, and as they were loaded."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from stocks.selectors.closes import BELOW, PLACES, stored_closes
from stocks.tests.factories import ActionFactory, StockFactory, bars

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2023, 12, 29), date(2024, 1, 3)


def test_closes_come_by_stock_and_day_and_lose_no_digit():
    one, other, none = (StockFactory.create() for _ in range(3))
    prices = [("2023-12-29", "0.00000001"), ("2024-01-02", "89999999999.99999999"), ("2024-01-03", "71000.1")]
    bars(one, [*prices, ("2024-01-04", 5), ("2023-12-28", 5)])
    bars(other, [("2024-01-02", 10)])
    ActionFactory.create(stock=other, ex_date="2024-01-03", ratio=2)
    found = stored_closes([one.pk, other.pk, none.pk], first=FIRST, last=LAST)
    assert set(found) == {one.pk, other.pk}
    days, closes = found[one.pk]
    assert [date.fromordinal(int(day)).isoformat() for day in days] == [day for day, _ in prices]
    assert [Decimal(int(close)).scaleb(-PLACES) for close in closes] == [Decimal(text) for _, text in prices]
    # Raw: the split of the day after changes nothing.
    assert found[other.pk].prices.tolist() == [10 * 10**PLACES]


def test_a_price_beyond_its_room_is_left_out_and_never_wrong():
    one, other = StockFactory.create(), StockFactory.create()
    bars(one, [("2024-01-02", BELOW), ("2024-01-03", 7)])
    bars(other, [("2024-01-02", BELOW)])
    found = stored_closes([one.pk, other.pk], first=FIRST, last=LAST)
    assert found[one.pk].prices.tolist() == [7 * 10**PLACES]
    assert other.pk not in found
    assert stored_closes([], first=FIRST, last=LAST) == {}
