"""Binary fractions become the decimals that they stand for, and splits are undone to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.providers.yahoo.prices import Unit, places, price, shares, unit


def _sent(value: Decimal) -> Decimal:
    """As Yahoo writes it: a 32-bit float widened to 64 bits."""
    return Decimal(repr(float(np.float32(float(value)))))


def test_it_works():
    assert price(Decimal("189.9199981689453")) == Decimal("189.92")


@pytest.mark.parametrize(
    ("sent", "hint", "stands_for"),
    [
        ("1.5699999999999932", 2, "1.57"),
        ("4.989999999999995", 2, "4.99"),
        ("0.12834799289703369", 2, "0.128348"),
        ("0.30000001192092896", 4, "0.3"),
        ("1468.72998046875", 4, "1468.73"),
        ("101663.1953125", 2, "101663.195"),
        ("66900.0", 2, "66900"),
        ("150123456.0", 2, "150123456"),
        ("88.6265", 2, "88.6265"),
        ("151.234567", 2, "151.234567"),
        ("-1.2300000190734863", 2, "-1.23"),
        ("0", 2, "0"),
    ],
)
def test_a_price_is_what_its_float_stands_for(sent, hint, stands_for):
    found = price(Decimal(sent), hint)
    assert str(found) == stands_for


@pytest.mark.parametrize(
    ("sent", "factor", "traded"),
    [
        # Apple before 4 for 1 in 2020, and on its first day, before 224 for 1 in all.
        ("127.14250183105469", Fraction(4), "508.57"),
        ("124.80750274658203", Fraction(4), "499.23"),
        ("0.12834799289703369", Fraction(224), "28.75"),
        # Samsung before 50 for 1, and a reverse split of 1 for 20.
        ("53000.0", Fraction(50), "2650000"),
        ("30.600000381469727", Fraction(1, 20), "1.53"),
    ],
)
def test_a_split_is_undone_to_what_was_traded(sent, factor, traded):
    assert str(price(Decimal(sent), 2, factor)) == traded


@given(
    cents=st.integers(1, 5_000_000),
    factor=st.sampled_from(
        [Fraction(1), *map(Fraction, (2, 3, 4, 7, 20, 50, 224)), Fraction(3, 2), Fraction(1, 8)]
    ),
)
def test_every_price_in_cents_comes_back_from_its_adjusted_float(cents, factor):
    traded = Decimal(cents).scaleb(-2)
    adjusted = (traded * factor.denominator / factor.numerator).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    if adjusted > 0:
        assert price(_sent(adjusted), 2, factor) == traded


@given(won=st.integers(1, 5_000_000), factor=st.sampled_from([Fraction(n) for n in (1, 2, 3, 5, 10, 50)]))
def test_a_price_in_won_has_no_fraction_after_a_split_by_three(won, factor):
    adjusted = (Decimal(won) / factor.numerator).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    assert price(_sent(adjusted), places(2, "KRW"), factor) == won


@given(sent=st.floats(2**-20, 2**30, width=32))
def test_a_price_is_never_further_away_than_the_float_leaves_open(sent):
    found = price(Decimal(repr(sent)), 2)
    if sent >= 0.01:  # below, the eight decimals of a column end first
        assert np.float32(float(found)) == np.float32(sent)


def test_a_number_that_no_column_holds_is_left_as_it_is():
    assert price(Decimal("1E+300")) == Decimal("1E+300")
    assert price(Decimal("1" * 60)) == Decimal("1" * 60)


def test_the_shares_traded_are_fewer_before_a_split():
    assert shares(Decimal(155552400), Fraction(4)) == 38888100
    assert shares(Decimal(39565391)) == 39565391


def test_pence_cents_and_agorot_are_hundredths():
    assert unit("GBp") == unit("GBX") == Unit("GBP", -2)
    assert unit("ZAc") == Unit("ZAR", -2)
    assert unit("ILA") == Unit("ILS", -2)
    assert unit("GBP") == Unit("GBP", 0)


def test_a_currency_without_cents_has_no_decimals_whatever_yahoo_shows():
    assert places(2, "KRW") == 0
    assert places(4, "USD") == 4
    assert places(None, "USD") == 2
