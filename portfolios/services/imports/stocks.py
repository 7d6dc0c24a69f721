"""The stocks that a file names, found before anything is locked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from portfolios.errors import FileUnreadable
from portfolios.importing.layout import Layout
from portfolios.importing.limits import MAX_ASKED, MAX_ROWS, MAX_STOCKS
from portfolios.importing.records import Records
from portfolios.importing.rows import MAX_CODE
from portfolios.importing.upload import Upload
from stocks.errors import StocksError
from stocks.models import Stock
from stocks.selectors.listing import stocks_by_symbol
from stocks.services.discovery import find_or_list
from stocks.sessions import schedule

_AT_ONCE = 1000


@dataclass(slots=True)
class NamedStocks:
    """The stocks by their codes as the file writes them, and why others are none."""

    found: dict[str, Stock] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def records_of(upload: Upload, layout: Layout) -> Records:
    """The records of a file from its header on."""
    upload.file.seek(0)
    records = Records(upload.file, delimiter=layout.delimiter, encoding=layout.encoding)
    records.skip(layout.header_line - 1)
    return records


def stocks_named(upload: Upload, layout: Layout, *, now: datetime) -> NamedStocks:
    """Find the stocks of a file, listing some that providers describe; raises FileUnreadable.

    The whole file is read, so that one that cannot be is refused before a transaction begins.
    """
    codes = _codes(upload, layout)
    named = NamedStocks()
    rest = iter(codes)
    while some := list(islice(rest, _AT_ONCE)):
        named.found |= stocks_by_symbol(some)
    asked = 0
    for code in codes:
        if code in named.found:
            continue
        if asked == MAX_ASKED:
            named.problems[code] = f"{code} is no stock that is listed here"
            continue
        asked += 1
        try:
            named.found[code] = find_or_list(code, now=now)
        except StocksError as error:
            named.problems[code] = error.message.rstrip(".")
    for code, stock in named.found.items():
        # A calendar takes seconds to build, which the database is not to wait for later.
        schedule(stock.market.calendar)
        if stock.kind == Stock.Kind.INDEX:
            named.problems[code] = f"{code} is an index, which nobody can hold"
    return named


def _codes(upload: Upload, layout: Layout) -> dict[str, None]:
    """The codes of a file in the order in which they come."""
    records = iter(records_of(upload, layout))
    header = next(records, None)
    if header is None:
        raise FileUnreadable("has no header")
    place = layout.places(*header).get("stock_code", (None,))[0]
    codes: dict[str, None] = {}
    constant = layout.constants.get("stock_code")
    if constant is not None:
        codes[constant] = None
    rows = 0
    for line, cells in records:
        rows += 1
        if rows > MAX_ROWS:
            raise FileUnreadable(f"is the row after {MAX_ROWS:,}, which are the most", line=line)
        if place is None or place >= len(cells):
            continue
        code = cells[place].strip()
        if code and len(code) <= MAX_CODE and code not in codes:
            if len(codes) == MAX_STOCKS:
                raise FileUnreadable(f"names more than {MAX_STOCKS:,} stocks", line=line)
            codes[code] = None
    return codes
