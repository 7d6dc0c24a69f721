"""Exchange rate files: one rate of a pair a day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Layout
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.table import Batch, Refusal
from stocks.loading.upsert import Upsert
from stocks.models import FxRate

LAYOUTS = (Layout("exchange rates", {name: name for name in ("date", "base", "quote", "rate")}, {}),)
EARLIEST = date(1900, 1, 1)
PLACES = 10
MAX_RATE = Decimal(10) ** 10


class Rates:
    """A load of exchange rates: how many units of ``quote`` one unit of ``base`` bought on a day.

    A day's rate counts from its first moment in UTC, so one that a provider gives later that day is newer.

    Args:
        source: what the rows name as their source.
    """

    def __init__(self, *, source: str) -> None:
        self._source = source
        self._lines: dict[tuple[Any, ...], int] = {}

    def options(self) -> dict[str, Any]:
        return {"source": self._source}

    def begin(self) -> None:
        self._latest = datetime.now(UTC).date() + timedelta(days=1)
        self._upsert = Upsert(
            table=FxRate._meta.db_table,
            key=("base", "quote", "date"),
            inserted=("rate", "as_of"),
            compared=("rate",),
            constants={"source": self._source, "received_at": timezone.now()},
        )
        self._upsert.prepare()

    def check(self, batch: Batch) -> tuple[list[NumberedRow], list[Refusal]]:
        return checked_rows(batch, self._row)

    def write(self, checked: list[NumberedRow]) -> Written:
        rows, refused = without_repeated(checked, self._lines, key=lambda row: row[:3])
        inserted, updated = self._upsert.rows(rows)
        return Written(inserted, updated, len(rows) - inserted - updated, refused)

    def finish(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """There is nothing to free."""

    def _row(self, cell: Cell) -> tuple[Any, ...]:
        base, quote = _currency(cell("base"), "base"), _currency(cell("quote"), "quote")
        if base == quote:
            raise BadCell("the base is the quote")
        day = cells.day(cell("date"), "date", earliest=EARLIEST, latest=self._latest)
        if day is None:
            raise BadCell("the date is blank")
        rate = cells.decimal(cell("rate"), "rate", limit=MAX_RATE, places=PLACES)
        if rate is None:
            raise BadCell("the rate is blank")
        if rate <= 0:
            raise BadCell("the rate is not above zero")
        return base, quote, day, rate, datetime.combine(day, time(), UTC)


def _currency(text: str, name: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise BadCell(f"the {name} is no currency code")
    return text
