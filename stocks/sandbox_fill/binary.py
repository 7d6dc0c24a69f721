"""Bars as rows of PostgreSQL's binary COPY format, made by NumPy without a Python object per value.

A price travels as the exact NUMERIC that it is: whole units are split into base-10000 digits by integer
arithmetic. Every row of a kind has one width, so a block of rows is one structured array.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stocks.compute.binary import EPOCH, HEADER, TRAILER
from stocks.providers.sandbox.bars import Block
from stocks.providers.sandbox.ladders import Units

COLUMNS: Final = ("stock_id", "date", "volume", "open", "high", "low", "close", "source")

_BASE: Final = 10_000
# Digits of a NUMERIC: three before the point, for prices below 10**12, and one behind it.
_DIGITS: Final = 4
_NUMERIC: Final = np.dtype(
    [
        ("length", ">i4"),
        ("count", ">i2"),
        ("weight", ">i2"),
        ("sign", ">i2"),
        ("scale", ">i2"),
        ("digits", ">i2", (_DIGITS,)),
    ]
)
_NULL: Final = np.dtype([("length", ">i4")])


def rows(stock_ids: npt.NDArray[np.int32], block: Block, chosen: npt.NDArray[np.bool_], source: str) -> bytes:
    """The bytes of a whole COPY IN of COLUMNS.

    Args:
        stock_ids: the stored id of each instrument of the block.
        block: the bars.
        chosen: shape (stocks, days); the bars to write. Halted ones get no open, high and low.
        source: what the rows name as their source.
    """
    traded = _kind(stock_ids, block, chosen & ~block.halted, source, quoted=True)
    halted = _kind(stock_ids, block, chosen & block.halted, source, quoted=False)
    return HEADER + traded.tobytes() + halted.tobytes() + TRAILER


def _kind(
    stock_ids: npt.NDArray[np.int32],
    block: Block,
    chosen: npt.NDArray[np.bool_],
    source: str,
    *,
    quoted: bool,
) -> npt.NDArray[Any]:
    stock, day = np.nonzero(chosen)
    rows = np.empty(len(stock), dtype=_row_type(len(source), quoted=quoted))
    rows["fields"] = len(COLUMNS)
    rows["stock_id"]["length"] = rows["date"]["length"] = 4
    rows["stock_id"]["value"] = stock_ids[stock]
    rows["date"]["value"] = (block.days[day] - EPOCH).astype(np.int32)
    rows["volume"]["length"] = 8
    rows["volume"]["value"] = block.volume[chosen]
    decimals = np.array([instrument.digits for instrument in block.instruments])[stock]
    for name in ("open", "high", "low"):
        if quoted:
            _put_numeric(rows[name], getattr(block, name)[chosen], decimals)
        else:
            rows[name]["length"] = -1
    _put_numeric(rows["close"], block.close[chosen], decimals)
    rows["source"]["length"] = len(source)
    rows["source"]["value"] = source.encode("ascii")
    return rows


def _row_type(source_length: int, *, quoted: bool) -> np.dtype[Any]:
    price = _NUMERIC if quoted else _NULL
    whole = [("length", ">i4"), ("value", ">i4")]
    return np.dtype(
        [
            ("fields", ">i2"),
            ("stock_id", whole),
            ("date", whole),
            ("volume", [("length", ">i4"), ("value", ">i8")]),
            ("open", price),
            ("high", price),
            ("low", price),
            ("close", _NUMERIC),
            ("source", [("length", ">i4"), ("value", f"S{source_length}")]),
        ]
    )


def _put_numeric(field: npt.NDArray[Any], units: Units, decimals: npt.NDArray[np.int_]) -> None:
    """Write whole units of 10**-decimals (0 to 4 decimals) as NUMERIC; leading zero digits are allowed."""
    fraction = 10**decimals
    whole, rest = np.divmod(units, fraction)
    field["length"] = _NUMERIC.itemsize - 4
    field["count"] = _DIGITS
    field["weight"] = _DIGITS - 2
    field["sign"] = 0
    field["scale"] = 8
    digits = field["digits"]
    digits[:, 0] = whole // _BASE**2
    digits[:, 1] = whole // _BASE % _BASE
    digits[:, 2] = whole % _BASE
    digits[:, 3] = rest * (_BASE // fraction)
