"""Indicators of one stock: the stored ones of its last session, and series worked out when they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from stocks.compute.adjusting import adjusted_bars
from stocks.compute.companies import LISTS_ALL_DIVIDENDS, OnFile, read_actions
from stocks.compute.levels import stored_levels
from stocks.compute.reading import BarReader, RawBars
from stocks.indicators.bars import Array, Bars, Days
from stocks.indicators.catalog import FIELDS
from stocks.indicators.on_demand import Asked, work_out
from stocks.models import LatestIndicators, Stock


@dataclass(frozen=True, slots=True)
class Latest:
    """The stored figures of a stock by id, on the session that they follow; None is unknown."""

    day: date
    computed_at: datetime
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """Sessions, oldest first, and series as long as they are, by label; NaN is unknown."""

    days: Days
    values: Mapping[str, Array]


def latest_figures(stock: Stock) -> Latest | None:
    """Every figure of the catalogue, or None where none was computed."""
    row = LatestIndicators.objects.filter(stock_id=stock.id).values("date", "computed_at", *FIELDS).first()
    if row is None:
        return None
    return Latest(row.pop("date"), row.pop("computed_at"), row)


def stock_series(stock: Stock, asked: Sequence[Asked], *, start: date, end: date, now: datetime) -> Series:
    """The series over the sessions within ``start`` … ``end``, on the share basis of the last session.

    They are worked out over all bars that there are, for averages that decay depend on the first one, so a
    series does not depend on the range that is asked for. Where no index of the market is listed, its level
    is that of the last computation.
    """
    raw = next((bars for chunk in BarReader([stock.id], packs=False, keeps=False) for bars in chunk), None)
    if raw is None:
        return Series(np.empty(0, "datetime64[D]"), {label: np.empty(0) for label in _labels(asked)})
    bars = _bars(stock, raw, today=now.astimezone(ZoneInfo(stock.market.timezone)).date())
    first, last = np.searchsorted(bars.days, [np.datetime64(start, "D"), np.datetime64(end, "D") + 1])
    return Series(
        bars.days[first:last],
        {label: values[first:last] for label, values in work_out(asked, bars).items()},
    )


def _bars(stock: Stock, raw: RawBars, *, today: date) -> Bars:
    actions = read_actions([stock.id])
    days = raw.days[-1:].astype("datetime64[D]")
    on_file = OnFile.read([stock], days, actions, as_of=None, today=today)
    return adjusted_bars(
        raw,
        on_file.actions[0],
        currency=stock.currency,
        lists_all_dividends=stock.source in LISTS_ALL_DIVIDENDS,
        shares=float(on_file.shares[0]),
        levels=stored_levels(stock.market_id),
    )


def _labels(asked: Sequence[Asked]) -> list[str]:
    return list(dict.fromkeys(label for one in asked for label in one.labels))
