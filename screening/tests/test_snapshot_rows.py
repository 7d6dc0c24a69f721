"""Figures are written as the same figures are as Decimals"""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime.protocol.encoding import dumps
from screening.fields import shown
from screening.snapshot.rows import writer

FIELDS = ("close_price", "market_cap", "roe")
#: Right between two results, and right beside that.
TIES = st.builds(
    lambda steps, places, aside: math.nextafter((2 * steps + 1) / 2 / 10**places, aside),
    st.integers(-(10**9), 10**9),
    st.sampled_from([0, 4, 8]),
    st.sampled_from([-math.inf, math.inf, 0.0]),
)
EXACT_TIES = st.builds(
    lambda steps, places: (2 * steps + 1) / 2 / 10**places,
    st.integers(-(10**9), 10**9),
    st.sampled_from([0, 4, 8]),
)


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=3000)
@given(
    value=st.floats() | st.floats(-1e6, 1e6) | TIES | EXACT_TIES | st.integers(-(10**17), 10**17).map(float)
)
@example(-0.0)
@example(-0.00001)
@example(0.00005)
@example(9007199254740993.0)
@example(1.7976931348623157e308)
@example(5e-324)
def test_a_figure_is_written_as_its_decimal_is(field, value):
    assert writer(field)(value) == dumps(shown(field, value)).decode()
