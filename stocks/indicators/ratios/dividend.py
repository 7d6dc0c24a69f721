"""Dividends: what is paid to the owners, out of what, and for how long. They count on their ex-dates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import DIVIDEND_YEARS, Companies
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.quotients import over, percent

#: Amounts brought to the same shares differ by rounding; an increase is more than that.
_HIGHER: Final = 1.0 + 1e-9


@dataclass(frozen=True, slots=True)
class Dividends:
    """The dividends of one stock as :class:`Companies` holds them; NaN is unknown."""

    ttm: float
    years: tuple[float, ...]
    next_in: float


def dividends_on(
    paid: Iterable[tuple[date, float]],
    *,
    on: date,
    complete_since: date | None = None,
    announced: Iterable[date] = (),
) -> Dividends:
    """What the dividends on file say on one day.

    Args:
        paid: (ex-date, cash per share on the split basis of ``on``), in any order; later ones do not count.
        on: the day.
        complete_since: every dividend since then is on file, so that a time without any had none. None:
            nobody promises that, and such a time is unknown.
        announced: ex-dates that were known on the day.
    """
    until_now = [(ex_date, amount) for ex_date, amount in paid if ex_date <= on]
    year_ago = on - timedelta(days=365)
    last = [amount for ex_date, amount in until_now if ex_date > year_ago]
    none_is_known = complete_since is not None and complete_since <= year_ago + timedelta(days=1)
    by_year: dict[int, list[float]] = {}
    for ex_date, amount in until_now:
        by_year.setdefault(ex_date.year, []).append(amount)

    def of_year(number: int) -> float:
        if number in by_year:
            return math.fsum(by_year[number])
        return 0.0 if complete_since is not None and complete_since <= date(number, 1, 1) else math.nan

    ahead = [(ex_date - on).days for ex_date in announced if ex_date >= on]
    return Dividends(
        ttm=math.fsum(last) if last or none_is_known else math.nan,
        years=tuple(of_year(on.year - 1 - back) for back in range(DIVIDEND_YEARS)),
        next_in=float(min(ahead)) if ahead else math.nan,
    )


def dividend(companies: Companies) -> dict[str, Array]:
    """Payouts, streaks and yields by id, one value a company, NaN where unknown."""
    facts, dps = companies.facts, companies.dps_ttm
    earnings = amounts.per_share(companies, facts.ttm("net_profit"))
    free = amounts.per_share(companies, facts.ttm("free_cash_flow"))
    return {
        "payout_ratio": percent(dps, earnings),
        "fcf_payout": percent(dps, free),
        "dps_ttm": dps,
        "dividend_streak_years": _streak(companies.dividends > 0.0, companies.dividends[:, 0]),
        "dividend_growth_streak": _growth_streak(companies.dividends),
        "ex_dividend_days": companies.ex_date_in,
        "yield_on_5y_avg_price": percent(dps, companies.average_close_5y),
        "dividend_cover": over(earnings, dps),
    }


def _growth_streak(dividends: Array) -> Array:
    now, before = dividends[:, :-1], dividends[:, 1:]
    # After no dividend at all the first one raises nothing.
    return _streak((now > before * _HIGHER) & (before > 0.0), now[:, 0] - before[:, 0])


def _streak(holds: np.ndarray, first: Array) -> Array:
    """How many of the newest years hold in a row; NaN where already the first is unknown."""
    return np.where(np.isnan(first), np.nan, np.cumprod(holds, axis=1).sum(axis=1))
