"""What of the sandbox is already in the database."""

from __future__ import annotations

from datetime import date

from django.db.models import Max

from stocks.models import DailyBar, Stock
from stocks.providers.sandbox import NAME, known


def stock_ids() -> dict[str, int]:
    """The ids of the stored stocks of the sandbox by code."""
    return dict(Stock.objects.filter(source=NAME).values_list("code", "id"))


def last_sessions() -> dict[str, date]:
    """The last stored session by calendar; empty calendars are left out.

    One well-known stock tells it for its calendar: those have a bar on every session.
    """
    first_of = {stock.market: stock.code for stock in reversed(known.STOCKS)}
    stocks = Stock.objects.filter(source=NAME, code__in=first_of.values())
    found: dict[str, date] = {}
    for stock_id, calendar in stocks.order_by("code").values_list("id", "market__calendar"):
        last = DailyBar.objects.filter(stock_id=stock_id).aggregate(last=Max("date"))["last"]
        if last is not None:
            found[calendar] = max(last, found.get(calendar, last))
    return found
