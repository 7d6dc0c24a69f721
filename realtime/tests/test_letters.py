"""Texts written in columns are those that are written one by one."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.protocol.letters import PLACES, Column, joined, padded, written

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(10**9), 10**9),
    st.integers(-(10**9), 10**9).map(lambda number: number * 10**8),
    st.sampled_from([0, 1, -1, 9_999, 10_000, -10_000, 99_999_999, 10**8, 2**32 - 1, 2**32, -(2**63)]),
)


def plain(number: int, places: int) -> str:
    text = f"{Decimal(number).scaleb(-places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=20))
def test_numbers_are_plain_digits_without_trailing_zeros(places: int, rows: list[tuple[int, bool]]) -> None:
    numbers = np.array([number for number, _ in rows], np.int64)
    null = np.array([is_null for _, is_null in rows])
    expected = [("null" if is_null else plain(number, places)).encode() for number, is_null in rows]
    assert joined(len(rows), [written(numbers, null, places=places)]) == expected
    texts = joined(len(rows), [b"<", written(numbers, places=places), b">"])
    assert texts == [f"<{plain(number, places)}>".encode() for number, _ in rows]


@pytest.mark.parametrize("places", PLACES)
def test_every_ending_of_a_number_is_written(places: int) -> None:
    last = np.arange(20_000, dtype=np.int64)
    for numbers in (last, last * 10_000, -last, last + 123_456_789 * 10**8):
        assert joined(len(numbers), [written(numbers, places=places)]) == [
            plain(number, places).encode() for number in numbers.tolist()
        ]


@given(st.lists(st.tuples(st.text(max_size=8), NUMBERS, st.booleans()), min_size=1, max_size=12))
def test_what_stands_in_a_row_is_joined(rows: list[tuple[str, int, bool]]) -> None:
    names = [json.dumps(name).encode() for name, _, _ in rows]
    figures = written(np.array([number for _, number, _ in rows], np.int64), places=2)
    ends = np.array([*(end for _, _, end in rows[:-1]), True])
    columns: list[Column] = [b'{"name":', padded(names), b',"number":', figures, b"}"]
    alone = [
        b'{"name":%b,"number":%b}' % (name, plain(number, 2).encode())
        for name, (_, number, _) in zip(names, rows, strict=True)
    ]
    assert joined(len(rows), columns) == alone
    together: list[list[bytes]] = [[]]
    for text, end in zip(alone, ends.tolist(), strict=True):
        together[-1].append(text)
        if end:
            together.append([])
    assert joined(len(rows), columns, ends) == [b",".join(texts) for texts in together[:-1]]


def test_no_rows_are_no_texts() -> None:
    assert joined(0, [b"x"]) == []
