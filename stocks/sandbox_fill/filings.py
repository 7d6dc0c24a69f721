"""Statements and outlooks as rows of PostgreSQL's binary COPY format, without an object a value.

As with the bars, every row of a kind has one width, so that a block of rows is one structured array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stocks.compute.binary import EPOCH, HEADER, TRAILER
from stocks.providers.sandbox.filings import Books, Ints, Outlook, outlook, quarters, years
from stocks.providers.sandbox.universe import Instrument
from stocks.types import STATEMENT_LINES

STATEMENT_COLUMNS: Final = (
    *("stock_id", "fiscal_year", "fiscal_quarter", "period_end", "filed_on", "shares_outstanding"),
    *(*STATEMENT_LINES, "eps"),
    *("period_type", "currency", "source", "reported"),
)
OUTLOOK_COLUMNS: Final = ("stock_id", "as_of", "forward_eps", "forward_dps", "currency", "source")

_BASE: Final = 10_000
# Digits of a NUMERIC: four before the point, for amounts below 10**16, and one behind it.
_DIGITS: Final = 5
_NEGATIVE: Final = 0x4000
_NUMERIC: Final = [
    ("length", ">i4"),
    ("count", ">i2"),
    ("weight", ">i2"),
    ("sign", ">i2"),
    ("scale", ">i2"),
    ("digits", ">i2", (_DIGITS,)),
]
#: A JSON object without members behind the version of its format.
_NOTHING_REPORTED: Final = b"\x01{}"

Chosen = npt.NDArray[np.bool_]


def rows(
    seed: int,
    instruments: Sequence[Instrument],
    ids: Mapping[str, int],
    *,
    filed: tuple[date, date],
    expected: tuple[date, date],
    source: str,
) -> tuple[bytes, bytes, int]:
    """Bytes of a whole COPY IN of STATEMENT_COLUMNS, of one of OUTLOOK_COLUMNS, and the number of statements.

    Args:
        seed: of the market.
        instruments: whose; an index files nothing.
        ids: the stored id of each code.
        filed: the first and last day of filing.
        expected: the first and last day of what is expected.
        source: what the rows name as their source.
    """
    companies = [one for one in instruments if not one.index]
    if not companies:
        return HEADER + TRAILER, HEADER + TRAILER, 0
    stock_ids = np.array([ids[one.code] for one in companies], dtype=np.int64)
    books = quarters(seed, companies, max(filed[1], expected[1]))
    statements = [
        _statements(companies, stock_ids, books, _within(books, *filed), source, annual=False),
        _statements(
            companies,
            stock_ids,
            whole := years(companies, books),
            _within(whole, *filed),
            source,
            annual=True,
        ),
    ]
    # The first quarters have no four behind them.
    told = _within(books, *expected) & (np.arange(len(books.ends)) >= 3)
    ahead = _outlooks(companies, stock_ids, books, outlook(seed, companies, books), told, source)
    count = sum(len(block) for block in statements)
    return (
        HEADER + b"".join(block.tobytes() for block in statements) + TRAILER,
        HEADER + ahead.tobytes() + TRAILER,
        count,
    )


def _within(books: Books, start: date, end: date) -> Chosen:
    found: Chosen = (np.datetime64(start) <= books.filed_on) & (books.filed_on <= np.datetime64(end))
    return found


def _statements(
    companies: Sequence[Instrument],
    stock_ids: Ints,
    books: Books,
    chosen: Chosen,
    source: str,
    *,
    annual: bool,
) -> npt.NDArray[Any]:
    stock, period = np.nonzero(chosen)
    kind = b"annual" if annual else b"quarterly"
    block = np.empty(
        len(stock),
        dtype=[
            ("fields", ">i2"),
            ("stock_id", _value(">i4")),
            ("fiscal_year", _value(">i2")),
            ("fiscal_quarter", [("length", ">i4")] if annual else _value(">i2")),
            ("period_end", _value(">i4")),
            ("filed_on", _value(">i4")),
            ("shares_outstanding", _value(">i8")),
            ("amounts", _NUMERIC, (len(STATEMENT_LINES) + 1,)),
            ("period_type", _value(f"S{len(kind)}")),
            ("currency", _value("S3")),
            ("source", _value(f"S{len(source)}")),
            ("reported", _value(f"S{len(_NOTHING_REPORTED)}")),
        ],
    )
    block["fields"] = len(STATEMENT_COLUMNS)
    _put(block["stock_id"], stock_ids[stock])
    _put(block["fiscal_year"], books.fiscal_years[period])
    if annual:
        block["fiscal_quarter"]["length"] = -1
    else:
        _put(block["fiscal_quarter"], period % 4 + 1)
    _put(block["period_end"], _days(books.ends[period]))
    _put(block["filed_on"], _days(books.filed_on[chosen]))
    _put(block["shares_outstanding"], books.shares[chosen])
    decimals = np.array([one.venue.digits for one in companies])[stock]
    for at, name in enumerate(STATEMENT_LINES):
        _put_numeric(block["amounts"][:, at], books.lines[name][chosen], np.zeros_like(decimals))
    _put_numeric(block["amounts"][:, -1], books.eps[chosen], decimals)
    _put(block["period_type"], kind)
    _put(block["currency"], _currencies(companies)[stock])
    _put(block["source"], source.encode("ascii"))
    _put(block["reported"], _NOTHING_REPORTED)
    return block


def _outlooks(
    companies: Sequence[Instrument],
    stock_ids: Ints,
    books: Books,
    ahead: Outlook,
    chosen: Chosen,
    source: str,
) -> npt.NDArray[Any]:
    stock, _ = np.nonzero(chosen)
    block = np.empty(
        len(stock),
        dtype=[
            ("fields", ">i2"),
            ("stock_id", _value(">i4")),
            ("as_of", _value(">i4")),
            ("amounts", _NUMERIC, (2,)),
            ("currency", _value("S3")),
            ("source", _value(f"S{len(source)}")),
        ],
    )
    block["fields"] = len(OUTLOOK_COLUMNS)
    _put(block["stock_id"], stock_ids[stock])
    _put(block["as_of"], _days(books.filed_on[chosen]))
    decimals = np.array([one.venue.digits for one in companies])[stock]
    _put_numeric(block["amounts"][:, 0], ahead.forward_eps[chosen], decimals)
    _put_numeric(block["amounts"][:, 1], ahead.forward_dps[chosen], decimals)
    _put(block["currency"], _currencies(companies)[stock])
    _put(block["source"], source.encode("ascii"))
    return block


def _value(kind: str) -> list[tuple[str, str]]:
    return [("length", ">i4"), ("value", kind)]


def _put(field: npt.NDArray[Any], values: Any) -> None:
    field["length"] = field.dtype["value"].itemsize
    field["value"] = values


def _put_numeric(field: npt.NDArray[Any], units: Ints, decimals: npt.NDArray[np.int_]) -> None:
    """Write whole units of 10**-decimals (0 to 4 decimals) as NUMERIC; leading zero digits are allowed."""
    fraction = 10**decimals
    whole, rest = np.divmod(np.abs(units), fraction)
    field["length"] = field.dtype.itemsize - 4
    field["count"] = _DIGITS
    field["weight"] = _DIGITS - 2
    field["sign"] = np.where(units < 0, _NEGATIVE, 0)
    field["scale"] = 8
    digits = field["digits"]
    for place in range(_DIGITS - 2, -1, -1):
        whole, digits[:, place] = np.divmod(whole, _BASE)
    digits[:, -1] = rest * (_BASE // fraction)


def _days(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int32]:
    return (days - EPOCH).astype(np.int32)


def _currencies(companies: Sequence[Instrument]) -> npt.NDArray[np.bytes_]:
    return np.array([one.venue.currency for one in companies], dtype="S3")
