"""One exchange rate from those that are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.rates import APART, best, candidates, identity, pairs_for
from stocks.types import FxRate

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def given_rate(base: str, quote: str, rate: str, source: str = "a", age: timedelta = timedelta(0)) -> FxRate:
    return FxRate(base, quote, Decimal(rate), NOW - age, NOW - age, source)


def chosen(base: str, quote: str, *rates: FxRate):
    known = {(one.base, one.quote): one for one in rates}
    return best(list(candidates(base, quote, known)), apart=HOUR)


def test_a_rate_that_is_given_is_itself():
    rate = chosen("USD", "KRW", given_rate("USD", "KRW", "1300.5"))
    assert (rate.rate, rate.derived, rate.sources) == (Decimal("1300.5"), False, ("a",))


def test_an_inverse_is_worked_out_with_as_many_digits_as_it_takes():
    rate = chosen("KRW", "USD", given_rate("USD", "KRW", "1380"))
    assert (rate.rate, rate.derived) == (Decimal("0.000724637681159"), True)


def test_a_cross_goes_through_a_common_base_and_names_both_sources():
    rate = chosen(
        "EUR", "KRW", given_rate("USD", "EUR", "0.8", "b", age=HOUR), given_rate("USD", "KRW", "1300", "a")
    )
    assert (rate.rate, rate.derived, rate.sources) == (Decimal(1625), True, ("a", "b"))
    assert rate.as_of == NOW - HOUR  # no newer than the older of the two


def test_nothing_is_worked_out_of_rates_of_different_times():
    legs = given_rate("USD", "EUR", "0.8", age=APART + HOUR), given_rate("USD", "KRW", "1300")
    assert chosen("EUR", "KRW", *legs) is None


def test_two_rates_without_a_common_base_give_nothing():
    assert chosen("EUR", "KRW", given_rate("EUR", "JPY", "160"), given_rate("JPY", "KRW", "9")) is None
    assert chosen("EUR", "KRW") is None


def test_the_most_direct_comes_first_unless_it_is_old():
    crossed = (given_rate("USD", "EUR", "0.8"), given_rate("USD", "KRW", "1300"))
    assert chosen("EUR", "KRW", given_rate("EUR", "KRW", "1600", age=HOUR / 2), *crossed).rate == 1600
    assert chosen("EUR", "KRW", given_rate("EUR", "KRW", "1600", age=2 * HOUR), *crossed).rate == 1625
    assert chosen("EUR", "KRW", given_rate("KRW", "EUR", "0.000625"), *crossed).rate == 1600


def test_a_currency_in_itself_is_one_and_nobody_is_named_for_it():
    rate = identity("USD", NOW)
    assert (rate.rate, rate.derived, rate.sources) == (Decimal(1), False, ("identity",))


@pytest.mark.parametrize(("base", "quote"), [("USD", "KRW"), ("EUR", "USD"), ("KRW", "EUR"), ("KRW", "JPY")])
def test_no_pair_is_of_a_currency_with_itself(base, quote):
    assert all(one != other for one, other in pairs_for(base, quote))


_RATES = st.decimals(min_value="0.0001", max_value="100000", places=4)


@given(_RATES, _RATES)
def test_there_and_back_is_one(eur, krw):
    legs = (given_rate("USD", "EUR", str(eur)), given_rate("USD", "KRW", str(krw)))
    there, back = chosen("EUR", "KRW", *legs), chosen("KRW", "EUR", *legs)
    assert abs(there.rate * back.rate - 1) < Decimal("1E-10")
