"""The stocks that rows of a file may speak of."""

from __future__ import annotations

from stocks.loading.cells import BadCell
from stocks.loading.history import UNKNOWN_CODE
from stocks.models import Market, Stock


class Listed:
    """Every listed stock by code; with a market, those of other markets are refused."""

    def __init__(self, market: Market | None) -> None:
        self._market = market.code if market else None
        rows = Stock.objects.values_list("code", "id", "currency", "market_id")
        self._stocks = {code: (stock_id, currency, where) for code, stock_id, currency, where in rows}

    def find(self, code: str) -> tuple[int, str]:
        """The id and currency of a stock, or BadCell."""
        if not code:
            raise BadCell("the code is blank")
        if code not in self._stocks:
            raise BadCell(UNKNOWN_CODE)
        stock_id, currency, where = self._stocks[code]
        if self._market not in (None, where):
            raise BadCell(f"the stock is not on {self._market}")
        return stock_id, currency
