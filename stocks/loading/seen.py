"""Which (stock, day) a file has held so far, exactly and in little memory."""

from __future__ import annotations

import tempfile

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

# A page holds one bit a day for so many days of every stock.
DAYS_A_PAGE = 1024
_DAY_BITS = 20
_RECORD = np.dtype([("key", np.int64), ("line", np.uint32)])
_RECORDS_A_READ = 65_536


class SeenDays:
    """A set of (stock, day) pairs with the line each came from.

    Membership costs a bit a day and stock; the lines wait in a temporary file until a duplicate asks for one.
    Stocks are small integers from 0, days are days since 1900-01-01.
    """

    def __init__(self) -> None:
        self._pages: dict[int, npt.NDArray[np.uint8]] = {}
        self._lines = tempfile.TemporaryFile(prefix="stockroom-lines-")  # noqa: SIM115 - close() ends it

    def close(self) -> None:
        """Remove the temporary file."""
        self._lines.close()

    def add(self, stocks: Integers, days: Integers, lines: Integers) -> Integers:
        """Take rows in their order; returns, a row each, the line that had its key before, or 0."""
        keys = (stocks << _DAY_BITS) | days
        before = _repeated_within(keys, lines)
        held = self.holds(stocks, days)
        if held.any():
            before[held] = self._find(keys[held])
        new = before == 0
        self._mark(stocks[new], days[new])
        records = np.empty(int(new.sum()), _RECORD)
        records["key"], records["line"] = keys[new], lines[new]
        self._lines.seek(0, 2)
        self._lines.write(records.tobytes())
        return before

    def holds(self, stocks: Integers, days: Integers) -> npt.NDArray[np.bool_]:
        """Which of the rows have a key that is held."""
        held = np.zeros(len(stocks), np.bool_)
        numbers = days // DAYS_A_PAGE
        for number in np.unique(numbers):
            page = self._pages.get(int(number))
            if page is not None:
                here = (numbers == number) & (stocks < len(page))
                byte, bit = _place(days[here])
                held[here] = page[stocks[here], byte] & bit != 0
        return held

    def _mark(self, stocks: Integers, days: Integers) -> None:
        numbers = days // DAYS_A_PAGE
        for number in np.unique(numbers):
            here = numbers == number
            page = self._page(int(number), int(stocks[here].max()) + 1)
            byte, bit = _place(days[here])
            np.bitwise_or.at(page, (stocks[here], byte), bit)

    def _page(self, number: int, stocks: int) -> npt.NDArray[np.uint8]:
        page = self._pages.get(number, np.zeros((0, DAYS_A_PAGE // 8), np.uint8))
        if len(page) < stocks:
            page = np.pad(page, ((0, max(stocks, 2 * len(page)) - len(page)), (0, 0)))
            self._pages[number] = page
        return page

    def _find(self, keys: Integers) -> Integers:
        order = np.argsort(keys, kind="stable")
        wanted = keys[order]
        lines = np.zeros(len(keys), np.int64)
        self._lines.seek(0)
        while data := self._lines.read(_RECORDS_A_READ * _RECORD.itemsize):
            records = np.frombuffer(data, _RECORD)
            records = records[np.isin(records["key"], wanted)]
            left = np.searchsorted(wanted, records["key"], side="left")
            right = np.searchsorted(wanted, records["key"], side="right")
            for start, end, line in zip(left, right, records["line"], strict=True):
                lines[order[start:end]] = line
        return lines


def _repeated_within(keys: Integers, lines: Integers) -> Integers:
    before = np.zeros(len(keys), np.int64)
    if (keys[1:] > keys[:-1]).all():
        return before
    _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
    first = index[inverse]
    repeated = first != np.arange(len(keys))
    before[repeated] = lines[first[repeated]]
    return before


def _place(days: Integers) -> tuple[Integers, npt.NDArray[np.uint8]]:
    within = days % DAYS_A_PAGE
    return within >> 3, np.left_shift(1, within & 7).astype(np.uint8)
