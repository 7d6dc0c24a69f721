"""Stocks and corporate actions as rows of their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from stocks.models import Stock
from stocks.providers.sandbox import NAME
from stocks.providers.sandbox.actions import actions
from stocks.providers.sandbox.events import factor_on, splits
from stocks.providers.sandbox.universe import Instrument

ACTION_COLUMNS = ("stock_id", "kind", "ex_date", "ratio", "amount", "currency", "source")


def stock(seed: int, instrument: Instrument, through: date) -> Stock:
    """The unsaved row of an instrument with its shares of the day ``through``."""
    factor = factor_on(splits(seed, instrument, through), through)
    listing = instrument.listing(int(instrument.shares * factor) or None)
    return Stock(
        code=listing.code,
        name=listing.name,
        market_id=listing.market,
        kind=listing.kind,
        sector=listing.sector,
        industry=listing.industry,
        currency=listing.currency,
        shares_outstanding=listing.shares_outstanding,
        listed_on=listing.listed_on,
        source=NAME,
    )


def action_rows(
    seed: int, instruments: Iterable[Instrument], ids: Mapping[str, int], start: date, end: date
) -> Iterator[Sequence[Any]]:
    """Actions with an ex-date from ``start`` to ``end`` inclusive, in ACTION_COLUMNS."""
    for instrument in instruments:
        for action in actions(seed, instrument, start, end):
            figures = (action.kind.value, action.ex_date, action.ratio, action.amount, action.currency)
            yield (ids[instrument.code], *figures, NAME)
