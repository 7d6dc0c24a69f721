"""Strict decoding of what providers send, and the pickers that take single values out of it."""

from __future__ import annotations

import contextlib
import json as writer
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.providers import json
from stocks.providers.errors import Malformed


def test_it_works():
    assert json.loads(b'{"c": 278.5, "t": 1765307442, "d": null, "tags": ["a", true]}') == {
        "c": Decimal("278.5"),
        "t": 1765307442,
        "d": None,
        "tags": ["a", True],
    }


def test_a_fraction_keeps_every_digit():
    assert json.loads(b"[0.1000000000000000055, 1E+2]") == [Decimal("0.1000000000000000055"), Decimal("1E+2")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "out of range"),
        (b'{"a": 1e-400}', "out of range"),
        (b'{"a": 1e999999999999999999999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": 0.' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"b": [{"a": 1, "a": 1}]}', "same key twice"),
        (b"[" * 65 + b"]" * 65, "deeper than 64 levels"),
        (b"[" * 2_000_000, "deeper than 64 levels"),
        (b'{"a":' * 100_000, "deeper than 64 levels"),
        (b'\xff\xfe{"a": 1}', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'"\\', "not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_reason(body: bytes, reason: str):
    with pytest.raises(Malformed, match=reason):
        json.loads(body)


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 2_000_000, b'"' + b"\\\\" * 2_000_000, b'["a", "b' * 500_000]
)
def test_texts_that_never_end_take_no_longer_than_others(body: bytes):
    began = time.monotonic()
    with pytest.raises(Malformed):
        json.loads(body)
    assert time.monotonic() - began < 10


def test_a_refusal_never_repeats_what_came():
    with pytest.raises(Malformed) as refused:
        json.loads(b'{"apikey": SECRETKEY}')
    assert "SECRETKEY" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_64_levels_pass_and_brackets_inside_texts_are_none():
    assert json.loads(b"[" * 64 + b"]" * 64)
    assert json.loads(b'{"a": "' + b"[" * 100 + b'\\"{{\\\\"}')


@given(st.text(max_size=60) | st.binary(max_size=200))
def test_whatever_comes_is_decoded_or_refused_by_name(body):
    with contextlib.suppress(Malformed):
        json.loads(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_json_of_another_writer_is_read(value):
    assert json.loads(writer.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("112.1300", Decimal("112.1300")),
        (" 7 ", Decimal(7)),
        ("-0.66", Decimal("-0.66")),
        (Decimal("0.92"), Decimal("0.92")),
        (0, Decimal(0)),
        (None, None),
        ("None", None),
        ("-", None),
        ("", None),
    ],
)
def test_a_number_may_be_a_number_or_its_spelling(value, number):
    assert json.decimal(value, "a") == number


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "1e3", "12a", "١٢", "1,200", "0x1f", "1_000", "5%", True, [], {}, "9" * 41, 10**30],
)
def test_what_spells_no_plain_number_is_refused(value):
    with pytest.raises(Malformed, match="eps"):
        json.decimal(value, "eps")


@pytest.mark.parametrize(
    "value", [0, "0.0000", "-1", None, "None", Decimal(-3), "nan", 10**12, "0.000000001", Decimal("1e300")]
)
def test_a_price_is_a_number_above_0_that_a_column_holds(value):
    with pytest.raises(Malformed, match="close"):
        json.price(value, "close")


def test_a_price_that_may_be_absent_may_be_0_too():
    assert json.price_or_none("112.13", "open") == Decimal("112.13")
    assert json.price_or_none("0.0000", "open") is json.price_or_none(None, "open") is None
    with pytest.raises(Malformed, match="open"):
        json.price_or_none("-1", "open")


def test_money_may_be_negative_but_not_more_than_a_column_holds():
    assert json.money("-14264000000", "retained") == Decimal(-14264000000)
    assert json.money("None", "retained") is None
    with pytest.raises(Malformed, match="out of range"):
        json.money(-(10**16), "retained")


def test_a_whole_number_may_be_written_with_a_fraction_of_zeros():
    assert json.whole("29062853", "volume") == 29062853
    assert json.whole("29062853.0", "volume") == 29062853
    assert json.whole(Decimal("12.00"), "volume") == 12
    assert json.whole("None", "volume") is None
    with pytest.raises(Malformed, match="not a whole number"):
        json.whole("1.5", "volume")
    for value in ("-1", 2**63):
        with pytest.raises(Malformed, match="no count"):
            json.count(value, "volume")


def test_a_date_is_written_as_iso_says():
    assert json.day("2018-10-05", "day") == date(2018, 10, 5)
    for value in (
        "2018-13-05",
        "2018-10-05T00:00",
        "5.10.2018",
        "0001-01-01",
        "2999-12-31",
        "None",
        None,
        20181005,
    ):
        with pytest.raises(Malformed, match="day"):
            json.day(value, "day")


def test_texts_lists_and_objects_are_what_they_claim_to_be():
    assert json.text("  Apple Inc ", "name") == "Apple Inc"
    assert json.text("A\x00pp\ud800le\U0001f34e 애플", "name") == "Apple\U0001f34e 애플"
    assert json.text(None, "name") == json.text("None", "name") == ""
    assert json.mapping({"a": 1}, "quote") == {"a": 1}
    assert json.sequence([1], "feed") == [1]
    for pick, value in ((json.text, 1), (json.required, "None"), (json.mapping, []), (json.sequence, {})):
        with pytest.raises(Malformed, match="it"):
            pick(value, "it")
