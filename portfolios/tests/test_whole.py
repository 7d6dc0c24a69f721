"""Whole numbers round as Decimals do, in compiled loops as well, ties and unknown digits included."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portfolios.maths.rounding_compiled import even, percent_even
from portfolios.maths.whole import half_even, percent, price_units, units, written
from portfolios.money import percent_of
from stocks.figures import ratio, rounded

NUMBERS = st.integers(-(2**60), 2**60)
UNITS = st.sampled_from([10**places for places in range(2, 19)])


@given(NUMBERS, UNITS)
def test_one_number_is_rounded_as_a_decimal(number: int, unit: int) -> None:
    assert half_even(number, unit) == rounded(ratio(Decimal(number), Decimal(unit)), 0)


@given(NUMBERS, UNITS, st.booleans())
def test_loops_round_as_python_does(number: int, unit: int, near_tie: bool) -> None:
    if near_tie:
        number -= number % unit - unit // 2
    assert even(number, unit, False, False) == half_even(number, unit)
    # A little less: as if there were more digits.
    assert even(number, unit, True, False) == half_even(number * 10**9 - 1, unit * 10**9)
    assert even(number, unit, False, True) == half_even(number * 10**9 + 1, unit * 10**9)
    assert even(number, 1, False, False) == number


@given(st.integers(-(2**61), 2**61), st.integers(0, 2**61))
def test_a_percentage_is_that_of_decimals(part: int, whole: int) -> None:
    expected = percent_of(Decimal(part), Decimal(whole))
    one = percent(part, whole)
    assert (None if one is None else Decimal(one).scaleb(-4)) == expected
    found, is_sure = percent_even(part, whole, False)
    if whole and is_sure:
        assert found == one
    if abs(part) < 10**16 and 0 < whole < 10**15 and abs(part) < whole * 10**6:
        assert is_sure


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**15), st.integers(1, 10**9 - 1))
def test_what_is_certain_holds_whatever_digits_are_missing(part: int, whole: int, digits: int) -> None:
    found, is_sure = percent_even(part, whole, True)
    if is_sure:
        assert found == percent(part * 10**9 - digits, whole * 10**9 + digits)


@given(st.decimals(-(10**9), 10**9, places=8, allow_nan=False), st.sampled_from([8, 10, 20]))
def test_units_and_texts_lose_nothing(number: Decimal, places: int) -> None:
    whole = units(number, places)
    assert Decimal(whole).scaleb(-places) == number
    if places == 8:
        text = written(whole, places)
        assert Decimal(text) == number
        assert "." not in text or not text.endswith(("0", "."))


def test_a_price_is_rounded_as_its_column_rounds_it() -> None:
    assert price_units(Decimal("1.000000005")) == 100000001
    assert written(None, 2) == "null"
    assert [written(number, 2) for number in (-5, 100, 150, -100)] == ["-0.05", "1", "1.5", "-1"]


def test_a_percentage_of_many_digits_is_rounded_once() -> None:
    # 12.34565 and a little: cut to 28 digits it would be a tie, and go to the even digit below.
    part, whole = 1234565 * 10**33 + 1, 10**40
    assert percent(part, whole) == 123457
    assert percent_of(Decimal(part), Decimal(whole)) == Decimal("12.3457")
