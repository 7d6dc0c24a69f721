"""Rounding and writing figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stocks.figures import from_float, percent_change, plain, rounded


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("1.00005", 4, "1.0000"),
        ("1.00015", 4, "1.0002"),
        ("-1.00005", 4, "-1.0000"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("0.123456785", 8, "0.12345678"),
    ],
)
def test_a_half_goes_to_the_even_neighbour(value, places, expected):
    assert str(rounded(Decimal(value), places)) == expected


def test_the_largest_price_times_the_largest_ratio_still_has_eight_decimals():
    assert rounded(Decimal("999999999999.12345678") * 10**9, 8) == Decimal("999999999999123456780")


def test_a_percent_change_has_four_decimals():
    assert percent_change(Decimal(71000), Decimal(70000)) == Decimal("1.4286")
    assert percent_change(Decimal("245.5"), Decimal("237.88")) == Decimal("3.2033")


@pytest.mark.parametrize(("new", "old"), [(None, Decimal(1)), (Decimal(1), None), (Decimal(1), Decimal(0))])
def test_a_change_from_nothing_is_unknown(new, old):
    assert percent_change(new, old) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1 + 0.2, "0.3000"),
        (15.2, "15.2000"),
        (423000000000000.0, "423000000000000.0000"),
        (-0.00004, "-0.0000"),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_double_becomes_the_decimal_it_prints_as(value, expected):
    figure = from_float(value)
    assert (figure if figure is None else str(figure)) == expected


def test_a_price_in_plain_digits_has_no_exponent_and_no_idle_zeros():
    assert plain(Decimal("71000.00000000")) == "71000"
    assert plain(Decimal("0.00001230")) == "0.0000123"
    assert plain(Decimal("1E+5")) == "100000"
