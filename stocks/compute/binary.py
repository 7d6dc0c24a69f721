"""Rows of PostgreSQL's binary COPY format as NumPy arrays: a stock, a date and some float8 columns.

Every column has a fixed width, so a block of rows is one structured array and no value passes through Python.
NULL has another width; unknown therefore travels as NaN and becomes NULL in the SQL around it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

#: Signature, flags and an empty extension; see "Binary Format" of PostgreSQL's COPY page.
HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
#: Day 0 of PostgreSQL's binary dates.
EPOCH: Final = np.datetime64("2000-01-01", "D")


def row_type(floats: int) -> np.dtype[Any]:
    """The layout of one row: field count, then each field behind its length in bytes."""
    value = [("length", ">i4"), ("value", ">f8")]
    return np.dtype(
        [
            ("fields", ">i2"),
            ("stock_length", ">i4"),
            ("stock", ">i4"),
            ("date_length", ">i4"),
            ("date", ">i4"),
            ("values", value, (floats,)),
        ]
    )


def decode(data: bytes | bytearray, floats: int) -> npt.NDArray[Any]:
    """The rows of a whole COPY OUT, as an array of :func:`row_type`."""
    dtype = row_type(floats)
    body = len(data) - len(HEADER) - len(TRAILER)
    if not data.startswith(HEADER[:11]) or body % dtype.itemsize:
        raise ValueError("These are not rows of the expected binary COPY layout")
    return np.frombuffer(data, dtype=dtype, offset=len(HEADER), count=body // dtype.itemsize)


def encode(
    stocks: npt.NDArray[np.int32], dates: npt.NDArray[np.datetime64], values: npt.NDArray[np.float64]
) -> bytes:
    """The bytes of a whole COPY IN of rows (stock, date, values…); ``values`` has shape (rows, floats)."""
    rows = np.empty(len(stocks), dtype=row_type(values.shape[1]))
    rows["fields"] = 2 + values.shape[1]
    rows["stock_length"] = rows["date_length"] = 4
    rows["stock"] = stocks
    rows["date"] = (dates.astype("datetime64[D]") - EPOCH).astype(np.int32)
    rows["values"]["length"] = 8
    rows["values"]["value"] = values
    return HEADER + rows.tobytes() + TRAILER
