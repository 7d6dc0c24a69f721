from __future__ import annotations

import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.names import InvalidRoom, parse_room


@pytest.mark.parametrize(
    "text",
    [
        "price:005930",
        "price:^NSEI",
        "price:BRK.B",
        "price:HDFCBANK.NS",
        "price:BTC-USD",
        "orderbook:0001A0",
        "market:KOSPI",
        "market:KOSDAQ GLOBAL",
        "sector:Information Technology",
        "sector:Hotels, Restaurants & Leisure",
        "sector:전기·전자",
        "sector:그외 기타 운송장비 제조업",
        "portfolio:7f6c2f3e-1d1f-4a38-8d4c-0f2b6f1f0a11",
        "price:" + "A" * 64,
    ],
)
def test_names_of_real_stocks_markets_and_sectors_are_rooms(text: str) -> None:
    assert str(parse_room(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "price",
        "price:",
        ":005930",
        "Price:005930",
        "pri*:005930",
        "price:*",
        "price:?",
        "price:00[59]30",
        "price:a\\b",
        "price:a:b",
        "price: 005930",
        "price:005930 ",
        "price:\u3000",
        "price:a\nb",
        "price:a\0b",
        "price:a\u200db",
        "price:\u202e005930",
        "price:\ud800",
        "price:🙂",
        "price:" + "A" * 65,
        "price:" + "A" * 100_000,
        "p" * 33 + ":x",
    ],
)
def test_wildcards_invisible_characters_and_overlong_keys_are_refused(text: str) -> None:
    with pytest.raises(InvalidRoom):
        parse_room(text)


def test_decomposed_hangul_names_the_same_room() -> None:
    composed = "sector:전기"
    assert str(parse_room(unicodedata.normalize("NFD", composed))) == composed


@given(st.text(max_size=120) | st.builds("price:{}".format, st.text(max_size=80)))
def test_a_name_is_refused_or_stands_for_itself(text: str) -> None:
    with contextlib.suppress(InvalidRoom):
        name = parse_room(text)
        assert parse_room(str(name)) == name
        assert str(name).isprintable()
