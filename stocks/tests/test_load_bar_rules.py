"""Which rows of a price file are bars."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.loading.bar_rules import COLUMNS, check_bars

TODAY = date(2026, 3, 20)
GOOD = {
    "code": "005930",
    "date": "2026-03-19",
    "open": "100",
    "high": "110",
    "low": "90",
    "close": "105",
    "volume": "1000",
}


def check(*rows: dict[str, str]):
    frame = pl.DataFrame([GOOD | row for row in rows], schema=dict.fromkeys(COLUMNS, pl.String))
    return check_bars(frame.with_row_index("line", 2), TODAY)


def reason(**cells: str) -> str | None:
    bars = check(cells)
    assert bars.frame.height + len(bars.refused) == 1
    if not bars.refused:
        return None
    assert bars.refused[0].line == 2
    return bars.refused[0].reason


def test_a_sound_row_is_a_bar_and_its_prices_stay_the_text_of_the_file():
    frame, refused, rounded = check(
        {"open": "101778.546875", "high": "106560.0", "low": "90.10", "close": "+105."}
    )
    assert frame.rows() == [
        (2, "005930", date(2026, 3, 19), "101778.546875", "106560.0", "90.10", "+105.", 1000)
    ]
    assert (refused, rounded) == ([], 0)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"code": ""}, "the code is blank"),
        ({"date": ""}, "the date is blank"),
        ({"date": "2026-02-30"}, "the date is not a date"),
        ({"date": "19/03/2026"}, "the date is not a date"),
        ({"date": "2026-03-19 00:00:00"}, "the date is not a date"),
        ({"date": "٢٠٢٦-03-19"}, "the date is not a date"),
        ({"date": "1899-12-31"}, "the date is before 1900"),
        ({"date": "0001-01-01"}, "the date is before 1900"),
        ({"date": "2026-03-22"}, "the date lies in the future"),
        ({"date": "9999-12-31"}, "the date lies in the future"),
        ({"close": ""}, "the close is blank"),
        ({"close": "NaN"}, "the close is not finite"),
        ({"close": "-inf"}, "the close is not finite"),
        ({"close": "Infinity"}, "the close is not finite"),
        ({"close": "abc"}, "the close is not a number"),
        ({"close": "1,000"}, "the close is not a number"),
        ({"close": "0x1F"}, "the close is not a number"),
        ({"close": "1_000"}, "the close is not a number"),
        ({"close": "１００"}, "the close is not a number"),
        ({"close": "0"}, "the close is not above zero"),
        ({"close": "-105"}, "the close is not above zero"),
        ({"close": "1000000000000"}, "the close is too large"),
        ({"close": "9" * 60}, "the close is too large"),
        ({"close": "1e12"}, "the close is too large"),
        ({"close": "0.123456789", "low": "0.1"}, "the close has more than 8 decimals"),
        ({"close": "1.5e-8", "low": "0.00000001"}, "the close has more than 8 decimals"),
        ({"volume": ""}, "the volume is blank"),
        ({"volume": "12.5"}, "the volume is not a whole number"),
        ({"volume": "many"}, "the volume is not a whole number"),
        ({"volume": "9" * 19}, "the volume is not a whole number"),
        ({"volume": "-1"}, "the volume is negative"),
        ({"open": ""}, "the open is blank although others of the day are not"),
        ({"high": ""}, "the high is blank although others of the day are not"),
        ({"low": ""}, "the low is blank although others of the day are not"),
        ({"open": "", "high": "", "low": "0"}, "the open is blank although others of the day are not"),
        ({"open": "0"}, "the open is zero although others of the day are not"),
        ({"open": "0", "high": "0"}, "the open is zero although others of the day are not"),
        ({"low": "-90"}, "the low is negative"),
        ({"open": "nan"}, "the open is not finite"),
        ({"high": "x"}, "the high is not a number"),
        ({"high": "1" + "0" * 12}, "the high is too large"),
        ({"high": "80"}, "the high is below the low"),
        ({"high": "99", "close": "95"}, "the high is below the open"),
        ({"high": "104"}, "the high is below the close"),
        ({"low": "101"}, "the low is above the open"),
        ({"low": "100", "close": "99"}, "the low is above the close"),
        ({"high": "110.00000001", "low": "110.00000001"}, "the low is above the open"),
    ],
)
def test_a_row_that_is_no_bar_is_refused_with_the_reason(cells, expected):
    assert reason(**cells) == expected


@pytest.mark.parametrize(
    "cells",
    [
        {"date": "20260319"},
        {"date": "1900-01-01"},
        {"date": "2026-03-21"},
        {"volume": "0"},
        {"volume": "1000.0"},
        {"high": "105", "low": "100"},
        {"open": "999999999999.99999999", "high": "999999999999.99999999"},
        {"open": "0.00000002", "high": "0.00000003", "low": "0.00000001", "close": "0.00000003"},
        {"close": "1.05e2"},
    ],
)
def test_a_row_at_the_edge_of_the_rules_is_taken(cells):
    assert reason(**cells) is None


@pytest.mark.parametrize("idle", ["0", "0.0", ""])
def test_a_day_without_trades_keeps_its_close_and_loses_the_rest(idle):
    frame, refused, _ = check({"open": idle, "high": idle, "low": idle, "volume": "0"})
    assert refused == []
    assert frame.select("open", "high", "low", "close").row(0) == (None, None, None, "105")


def test_noise_beyond_eight_decimals_is_rounded_half_to_even_and_counted():
    frame, refused, rounded = check(
        {"open": "100.123456785", "high": "1581.6678466796875"},
        {"open": "100.12345678500"},
        {"open": "100.1234567800000"},
    )
    assert refused == []
    assert frame["open"].to_list() == ["100.12345678", "100.12345678", "100.1234567800000"]
    assert frame["high"].to_list() == ["1581.66784668", "110", "110"]
    assert rounded == 2


def test_lines_are_those_of_the_rows():
    bars = check({}, {"close": ""}, {}, {"volume": "x"})
    assert bars.frame["line"].to_list() == [2, 4]
    assert [(refusal.line, refusal.kind) for refusal in bars.refused] == [
        (3, "the close is blank"),
        (5, "the volume is not a whole number"),
    ]


PRICE = st.sampled_from(
    [
        *["", "0", "0.0", "-1", "1", "1.5", "2", "3", "nan", "x", "1e12", "999999999999", "1e-10", "0.5"],
        *["0.123456789", "1.123456789", "1e0", "1" * 40],
    ]
)


@given(
    row=st.fixed_dictionaries(
        {
            "code": st.sampled_from(["", "005930"]),
            "date": st.sampled_from(["", "x", "1899-12-31", "2026-03-19", "20260319", "2026-03-22"]),
            **dict.fromkeys(["open", "high", "low", "close"], PRICE),
            "volume": st.sampled_from(["", "-1", "0", "5", "5.0", "5.5", "x"]),
        }
    )
)
@settings(max_examples=400, deadline=None)
def test_every_refused_row_has_a_reason_of_its_own_and_every_bar_holds_the_rules(row):
    frame, refused, _ = check(row)
    assert frame.height + len(refused) == 1
    if refused:
        assert refused[0].reason != "not a bar"
        return
    bar = frame.row(0, named=True)
    assert bar["date"].year >= 1900
    assert bar["volume"] >= 0
    close = Decimal(bar["close"])
    assert 0 < close < 10**12
    span = [bar["open"], bar["high"], bar["low"]]
    if span != [None, None, None]:
        open_, high, low = (Decimal(price) for price in span)
        assert 0 < low <= min(open_, close)
        assert max(open_, close) <= high < 10**12
