"""Texts written in columns are those that are written one by one."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.protocol.letters import NULL, Column, Figures, Shelf, Texts, joined, lines, texts

PLACES = (0, 1, 2, 4, 8, 18)
NUMBERS = st.one_of(
    st.integers(1 - 2**63, 2**63 - 1),
    st.integers(-(10**9), 10**9),
    st.integers(-(10**9), 10**9).map(lambda number: number * 10**8),
    st.sampled_from([0, 1, -1, 9, 10, 99, 100, 9_999, 10_000, -10_000, 99_999_999, 10**8, 2**32, 1 - 2**63]),
)


def plain(number: int, places: int) -> str:
    text = f"{Decimal(number).scaleb(-places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.lists(st.one_of(NUMBERS, st.none()), min_size=1, max_size=20))
def test_numbers_are_plain_digits_without_trailing_zeros(places: int, rows: list[int | None]) -> None:
    numbers = np.array([NULL if number is None else number for number in rows], np.int64)
    expected = ["null" if number is None else plain(number, places) for number in rows]
    assert joined(len(rows), [Figures(numbers, places)]) == [text.encode() for text in expected]
    texts = joined(len(rows), [b"<", Figures(numbers, places), b">"])
    assert texts == [f"<{text}>".encode() for text in expected]


@pytest.mark.parametrize("places", PLACES)
def test_every_ending_of_a_number_is_written(places: int) -> None:
    last = np.arange(20_000, dtype=np.int64)
    for numbers in (last, last * 10_000, -last, last + 123_456_789 * 10**8):
        assert joined(len(numbers), [Figures(numbers, places)]) == [
            plain(number, places).encode() for number in numbers.tolist()
        ]


@given(st.lists(st.tuples(st.text(max_size=8), NUMBERS, st.booleans()), min_size=1, max_size=12))
def test_what_stands_in_a_row_is_joined(rows: list[tuple[str, int, bool]]) -> None:
    names = [json.dumps(name).encode() for name, _, _ in rows]
    figures = Figures(np.array([number for _, number, _ in rows], np.int64), 2)
    ends = np.array([*(end for _, _, end in rows[:-1]), True])
    columns: list[Column] = [b'{"name":', texts(names), b',"number":', figures, b"}"]
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
    assert lines(0, (b"x", texts([]), Figures(np.array([], np.int64)))).joined() == b""


@given(st.data())
def test_rows_of_texts_are_picked_and_put_anew(data: st.DataObject) -> None:
    shelf, expected = Shelf(), dict.fromkeys(range(8), b"")
    for _ in range(data.draw(st.integers(1, 8))):
        new = data.draw(st.dictionaries(st.integers(0, 6), st.binary(max_size=40), max_size=5))
        new[7] = b"the last"
        shelf.put(np.array([*new]), [*new.values()])
        expected |= new
        rows = data.draw(st.lists(st.integers(0, 7), max_size=9))
        found = lines(len(rows), (shelf.pick(np.array(rows, np.int64)),))
        assert found.joined() == b"".join(expected[row] for row in rows)


@pytest.mark.parametrize(
    "columns",
    [
        (texts([b"a"]),),
        (Figures(np.zeros(3, np.int64)),),
        (Figures(np.zeros((2, 2), np.int64)),),
        (Figures(np.zeros(2, np.int64), 19),),
        (Figures(np.zeros(2, np.int64), -1),),
        [texts([b"a", b"b"]) for _ in range(6)],
        (Texts(np.zeros(4, np.uint8), np.array([0, 2]), np.array([1, 5])),),
        (Texts(np.zeros(4, np.uint8), np.array([0, 3]), np.array([1, 2])),),
        (Texts(np.zeros(4, np.uint8), np.array([0, -1]), np.array([1, 2])),),
        (Texts(np.zeros(4, np.uint8), np.array([0, -3]), np.array([1, -1])),),
    ],
)
def test_what_is_no_column_is_refused(columns: list[Column]) -> None:
    with pytest.raises(ValueError, match=r"a text|a column|decimals|numbers|places"):
        lines(2, columns)
