"""Statements, splits and published ratios of many stocks as columns, read by binary COPY.

Stocks are numbered by their place in ``stock_ids``, as the facts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg.sql import SQL, Identifier, Literal

from stocks.arrays import numbers
from stocks.compute.binary import EPOCH, HEADER, TRAILER, copy_out
from stocks.indicators.filed import STORED, Days, Filed, Ints, Splits
from stocks.indicators.published import FORWARD, RATIOS, Snapshots

# Each row has a fixed width: integers and dates, a currency of three bytes, and figures that are never NULL.
_CURRENCY: Final = SQL("CASE WHEN currency ~ '^[A-Z]{3}$' THEN currency ELSE '???' END")
_STATEMENTS = SQL("""
SELECT stock_id, fiscal_year::int, coalesce(fiscal_quarter, 0)::int, filed_on,
       coalesce(basis_on, period_end, filed_on), {currency}, {figures}
FROM stocks_statement
WHERE stock_id = ANY({stocks}::int[]) AND filed_on <= {through}
ORDER BY id
""")
_SNAPSHOTS = SQL("""
SELECT stock_id, as_of, {currency}, {figures}
FROM stocks_fundamentalsnapshot
WHERE stock_id = ANY({stocks}::int[]) AND as_of <= {through}
ORDER BY id
""")
_SPLITS = SQL("""
SELECT stock_id, ex_date, '???', {figures}
FROM stocks_corporateaction
WHERE stock_id = ANY({stocks}::int[]) AND ex_date <= {through} AND ratio IS NOT NULL
ORDER BY id
""")
_PUBLISHED: Final = (*RATIOS, *FORWARD)


def read_filed(stock_ids: Sequence[int], *, through: date = date.max) -> Filed:
    """Every statement filed up to ``through``."""
    ints, currency, figures = _read(_STATEMENTS, stock_ids, through, ints=5, figures=STORED)
    return Filed(
        stock=_numbers(ints[0], stock_ids),
        fiscal_year=ints[1],
        fiscal_quarter=ints[2],
        filed_on=_days(ints[3]),
        basis_on=_days(ints[4]),
        currency=currency,
        values=figures,
    )


def read_snapshots(stock_ids: Sequence[int], *, through: date = date.max) -> Snapshots:
    """What vendors published up to ``through``."""
    ints, currency, figures = _read(_SNAPSHOTS, stock_ids, through, ints=2, figures=_PUBLISHED)
    return Snapshots(
        stock=_numbers(ints[0], stock_ids), as_of=_days(ints[1]), currency=currency, values=figures
    )


def read_splits(stock_ids: Sequence[int], *, through: date) -> Splits:
    """Splits, bonus issues and rebases up to ``through``, today at the latest: one that is only announced
    has multiplied no share yet.
    """
    ints, _, figures = _read(_SPLITS, stock_ids, through, ints=2, figures=("ratio",))
    return Splits(stock=_numbers(ints[0], stock_ids), ex_date=_days(ints[1]), ratio=figures["ratio"])


def _read(
    query: SQL, stock_ids: Sequence[int], through: date, *, ints: int, figures: Sequence[str]
) -> tuple[Ints, npt.NDArray[np.str_], dict[str, npt.NDArray[np.float64]]]:
    """The integers of a query, shape (ints, rows), its currencies, and its figures by name."""
    whole = query.format(
        stocks=Literal(numbers(stock_ids)),
        through=Literal(through),
        currency=_CURRENCY,
        figures=SQL(", ").join(
            SQL("coalesce({}::float8, 'NaN')").format(Identifier(name)) for name in figures
        ),
    )
    data = copy_out(SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(whole))
    rows = np.frombuffer(
        data,
        dtype=(row := _row_type(ints, len(figures))),
        offset=len(HEADER),
        count=(len(data) - len(HEADER) - len(TRAILER)) // row.itemsize,
    )
    values = np.ascontiguousarray(rows["figures"]["value"].T, dtype=np.float64)
    return (
        np.ascontiguousarray(rows["ints"]["value"].T, dtype=np.int64),
        rows["currency"]["value"].astype("U3"),
        dict(zip(figures, values, strict=True)),
    )


def _row_type(ints: int, figures: int) -> np.dtype[Any]:
    def field(kind: str) -> list[tuple[str, str]]:
        return [("length", ">i4"), ("value", kind)]

    return np.dtype(
        [
            ("fields", ">i2"),
            ("ints", field(">i4"), (ints,)),
            ("currency", field("S3")),
            ("figures", field(">f8"), (figures,)),
        ]
    )


def _numbers(ids: Ints, stock_ids: Sequence[int]) -> Ints:
    """The place of each id in ``stock_ids``, which need not be in order."""
    order = np.argsort(np.asarray(stock_ids, dtype=np.int64), kind="stable")
    return order[np.searchsorted(np.asarray(stock_ids, dtype=np.int64)[order], ids)]


def _days(numbers: Ints) -> Days:
    return EPOCH + numbers.astype("timedelta64[D]")
