"""Strict JSON in, exact JSON out."""

import contextlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from config.api.json import dumps_exact, loads_strict


def test_it_works():
    assert loads_strict(b'{"price": 150.25, "tags": ["a", null, true]}') == {
        "price": Decimal("150.25"),
        "tags": ["a", None, True],
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "invalid JSON"),
        (b"{", "invalid JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "out of range"),
        (b'{"a": 1e-400}', "out of range"),
        (b'{"a": 1e999999999999999999999}', "out of range"),
        (b'{"a": -1.5e-999999999999999999999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b"[" * 2000, "deeper than 32 levels"),
        (b"[" * 33 + b"]" * 33, "deeper than 32 levels"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'\xff\xfe{"a": 1}', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_reason(body: bytes, reason: str):
    with pytest.raises(ParseError) as caught:
        loads_strict(body)
    assert reason in str(caught.value.detail)


def test_brackets_inside_texts_are_no_depth():
    text = "[" * 100 + '\\"' + "{" * 100
    assert loads_strict(json.dumps({"a": text}).encode()) == {"a": text}


def test_32_levels_pass():
    assert loads_strict(b"[" * 32 + b"]" * 32)


@given(st.binary(max_size=200))
def test_random_bytes_are_parsed_or_refused_by_name(body: bytes):
    with contextlib.suppress(ParseError):
        loads_strict(body)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=8))
def test_a_decimal_survives_the_round_trip_to_the_last_digit(number: Decimal):
    assert loads_strict(dumps_exact({"n": number}))["n"] == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("71000.00000000", "71000"),
        ("150.25000000", "150.25"),
        ("1.5700000000", "1.57"),
        ("1E+15", "1000000000000000"),
        ("-0.00", "0"),
        ("-0.10", "-0.1"),
        ("NaN", "null"),
        ("Infinity", "null"),
    ],
)
def test_a_decimal_is_written_as_plain_digits(number: str, text: str):
    assert dumps_exact(Decimal(number)) == text.encode()


def test_times_are_utc_with_milliseconds():
    moment = datetime(2024, 1, 2, 15, 0, 0, 123456, tzinfo=UTC)
    assert dumps_exact([moment, date(2024, 1, 2), UUID(int=1)]) == (
        b'["2024-01-02T15:00:00.123Z","2024-01-02","00000000-0000-0000-0000-000000000001"]'
    )


def test_nan_from_a_kernel_becomes_null():
    assert dumps_exact({"x": float("nan"), "y": float("inf")}) == b'{"x":null,"y":null}'
