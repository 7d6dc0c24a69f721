"""Scores across markets: the stocks that were just worked out, among those whose figures are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from stocks.arrays import numbers
from stocks.compute.own import OWN_FIELDS, Part
from stocks.indicators.bars import Array, Days
from stocks.indicators.scores import SCORE_IDS, SCORE_INPUTS, scores
from stocks.models import Stock

#: A stock whose last bar lies this far behind its market's newest has left the comparison.
RANKED_WITHIN_DAYS: Final = 30
_INPUTS: Final = [OWN_FIELDS.index(id_) for id_ in SCORE_INPUTS]
_OTHERS: Final = f"""
SELECT kept.stock_id, kept.date, {", ".join(f"kept.{name}" for name in SCORE_INPUTS)}
FROM stocks_latestindicators AS kept JOIN stocks_stock AS stock ON stock.id = kept.stock_id
WHERE stock.market_id = %s AND kept.stock_id <> ALL (%s::int[])
ORDER BY kept.stock_id
"""  # noqa: S608 – the names are identifiers from the catalogue, not input


@dataclass(frozen=True, slots=True)
class Ranked:
    """The scores of n stocks: their ids and days (n,), and SCORE_IDS (n, scores), NaN where unknown."""

    stocks: npt.NDArray[np.int32]
    days: Days
    scores: Array


def rank_market(market: str, parts: Sequence[Part], *, alone: bool = False) -> Ranked:
    """Rank the stocks of one market: those of ``parts`` in their order, then the others that are stored.

    So computing one stock leaves the same scores as computing all. Only equities are ranked, and only those
    that still trade: see RANKED_WITHIN_DAYS. ``alone`` says that there are no others.
    """
    stocks = np.concatenate([np.empty(0, np.int32), *(part.stocks for part in parts)])
    days = np.concatenate([np.empty(0, "datetime64[D]"), *(part.days for part in parts)])
    inputs = np.concatenate([np.empty((0, len(SCORE_INPUTS))), *(part.values[:, _INPUTS] for part in parts)])
    if not alone:
        with connection.cursor() as cursor:
            cursor.execute(_OTHERS, [market, numbers(stocks.tolist())])
            rows = cursor.fetchall()
        stocks = np.append(stocks, np.array([row[0] for row in rows], dtype=np.int32))
        days = np.append(days, np.array([row[1] for row in rows], dtype="datetime64[D]"))
        others = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, len(SCORE_INPUTS))
        inputs = np.concatenate([inputs, others])
    ranked, sector = _groups(market, stocks, days)
    found = scores(dict(zip(SCORE_INPUTS, inputs.T, strict=True)), ranked, sector)
    return Ranked(stocks, days, np.stack([found[id_] for id_ in SCORE_IDS], axis=1))


def _groups(
    market: str, stocks: npt.NDArray[np.int32], days: Days
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """0 for each stock that is ranked, −1 for the others; and a number for each sector, −1 if unknown."""
    about = {
        id_: (kind, sector)
        for id_, kind, sector in Stock.objects.filter(market_id=market).values_list("id", "kind", "sector")
    }
    kinds = np.array([about[id_][0] for id_ in stocks.tolist()], dtype=np.str_)
    sectors = np.array([about[id_][1] for id_ in stocks.tolist()], dtype=np.str_)
    is_ranked = kinds == Stock.Kind.EQUITY.value
    if is_ranked.any():
        newest = days[is_ranked].max()
        is_ranked &= newest - days <= np.timedelta64(timedelta(days=RANKED_WITHIN_DAYS))
    _, number = np.unique(sectors, return_inverse=True)
    return np.where(is_ranked, 0, -1), np.where(sectors == "", -1, number.reshape(-1))
