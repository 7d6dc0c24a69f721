"""Rows of a reply, written from columns: byte for byte what the same figures give as Decimals.

A Decimal, its rounding and a call of the encoder for each of a thousand figures take longer than all the rest
of a screen. Nearly every figure can be rounded by the C library instead; where that might round the other
way, for it sees the binary value and we the decimal one, the slow way is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from realtime.protocol.encoding import dumps
from screening.fields import FIELDS, shown
from screening.snapshot.order import Positions
from screening.snapshot.table import View

#: So many figures are kept written out: some 20 MB.
MOST_CELLS: Final = 200_000
# How near to the middle between two results a figure may lie and still be rounded by the C library.
_NEAR: Final = 1e-4


def written(view: View, positions: Positions, names: Mapping[str, str]) -> bytes:
    """The JSON array of these stocks: code, name, market, currency, trade_date, then ``names``.

    ``names`` says which field stands under each name of a row.
    """
    if not len(positions):
        return b"[]"
    days = np.datetime_as_string(view.days[positions]).tolist()
    rows = [
        [f'{view.snapshot.head(position)},"trade_date":{_day(day)}']
        for position, day in zip(positions.tolist(), days, strict=True)
    ]
    for name, field in names.items():
        key = f'"{name}":'
        for row, text in zip(rows, _cells(view, field, positions), strict=True):
            row.append(key + text)
    return ("[{" + "},{".join([",".join(row) for row in rows]) + "}]").encode()


def _cells(view: View, field: str, positions: Positions) -> Iterator[str]:
    """The figures of a field as JSON; those of the snapshot are kept, for the same stocks are found often."""
    write, values = writer(field), view.column(field)[positions].tolist()
    if field in view.live:
        return map(write, values)
    kept, begin = view.snapshot.cells, view.snapshot.at[field] * len(view)
    if len(kept) > MOST_CELLS:
        kept.clear()
    return (
        kept.get(begin + position) or kept.setdefault(begin + position, write(value))
        for position, value in zip(positions.tolist(), values, strict=True)
    )


def _day(day: str) -> str:
    return "null" if day == "NaT" else f'"{day}"'


def writer(field: str) -> Callable[[float], str]:
    """What writes the figures of a field."""
    if field == "close_price":
        return _price
    return _whole if FIELDS[field].unit == "money" else _four


def _four(value: float) -> str:
    """A figure with at most 4 decimals."""
    steps = value * 10_000
    # NaN fails the first of both tests, and so do the infinities.
    if -1e9 < steps < 1e9 and not 0.5 - _NEAR < steps % 1.0 < 0.5 + _NEAR:
        text = f"{value:.4f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    return _exactly("roe", value)


def _whole(value: float) -> str:
    """Money in whole units."""
    if -9e15 < value < 9e15 and not 0.5 - _NEAR < value % 1.0 < 0.5 + _NEAR:
        text = f"{value:.0f}"
        return "0" if text == "-0" else text
    return _exactly("market_cap", value)


def _price(value: float) -> str:
    """A price as it prints, where it has no more than the 8 decimals of a price."""
    text = repr(value)
    whole, point, decimals = text.partition(".")
    if point and len(decimals) <= 8 and "e" not in decimals and whole != "-0":
        return whole if decimals == "0" else text
    return _exactly("close_price", value)


def _exactly(field: str, value: float) -> str:
    return dumps(shown(field, value)).decode()
