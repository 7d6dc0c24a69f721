"""Running a screen against the stored indicators."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg
from django.db import OperationalError, connection, transaction
from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.expressions import OrderBy

from screening.amounts import amounts
from screening.coverage import COMPARED_WITHIN, coverage
from screening.criteria import Criterion, Screen
from screening.errors import ScreenTooSlow
from screening.fields import DEFAULT_COLUMNS, TEXTS, column, shown
from screening.queryset import matching_ids
from stocks.models import Stock
from stocks.selectors.listing import listed_stocks

STATEMENT_TIMEOUT_MS: Final = 1000
#: What describes a stock in each row, before its figures.
DESCRIBED: Final = ("code", "name", "market", "currency", "trade_date")


@dataclass(frozen=True, slots=True)
class Matches:
    """One page of the stocks that match, how many there are in all, and what the client should know.

    ``milliseconds`` is the time it took to find them. ``rows`` may stand in JSON already.
    """

    rows: list[dict[str, Any]] | orjson.Fragment
    total: int
    milliseconds: float
    warnings: list[str]


def run_screen(screen: Screen) -> Matches:
    """The listed stocks that meet all that a screen asks; raises ScreenTooSlow after STATEMENT_TIMEOUT_MS.

    Stocks that lag more than COMPARED_WITHIN behind their market are left out, and a warning says how many.

    Rows carry code, name, market, currency, trade_date (the session whose close the figures follow),
    DEFAULT_COLUMNS and every field that is filtered or sorted by, under the names the client used. Unknown
    values come last whichever way is sorted, equal ones in order of code.
    """
    names = shown_names(screen)
    columns = list(dict.fromkeys(column(name) for name in names))
    started = time.perf_counter()
    with bounded():
        compared = coverage(screen.market)
        stocks = _matching(screen).filter(compared.condition())
        found = list(_page(stocks, screen, columns))
        total = found[0][0] if found else (stocks.count() if screen.first else 0)
        unknown = _without_values(screen) if not total else []
    milliseconds = (time.perf_counter() - started) * 1000
    rows = [row_of(names, columns, values[1:]) for values in found]
    warnings = [f"No listed stock of this market has a value for {name}." for name in unknown]
    # Unknown values come last, so where the first is unknown all are.
    if rows and not screen.first and screen.sort_by in names and rows[0][screen.sort_by] is None:
        warnings.append(f"No stock found has a value for {screen.sort_by}; they are in order of code.")
    warnings += about(compared.left_out, compared.currencies, screen)
    return Matches(rows=rows, total=total, milliseconds=milliseconds, warnings=warnings)


def _page(stocks: QuerySet[Stock], screen: Screen, columns: Sequence[str]) -> QuerySet[Stock, Any]:
    rows = ordered(stocks.annotate(total=Window(Count("*"))), screen, columns, "total")
    return rows[screen.first : screen.first + screen.per_page]


def ordered(
    stocks: QuerySet[Stock], screen: Screen, columns: Sequence[str], *first: str
) -> QuerySet[Stock, Any]:
    """These stocks in the order of a screen: ``first``, what ``row_of`` describes them by, ``columns``."""
    return stocks.order_by(_order(screen), "code").values_list(
        *first,
        "code",
        "name",
        "market_id",
        "currency",
        "indicators__date",
        *(f"indicators__{field}" for field in columns),
    )


def shown_names(screen: Screen) -> list[str]:
    """What a row shows, by the names the client used."""
    names = dict.fromkeys([*DEFAULT_COLUMNS, *screen.asked])
    if screen.sort_by not in TEXTS:
        names[screen.sort_by] = None
    return list(names)


def about(left_out: int, currencies: Sequence[str], screen: Screen) -> Iterator[str]:
    """What is to be said of stocks that lag behind, and of the currencies of those that are compared."""
    if left_out:
        yield (
            f"Left out for a last session more than {COMPARED_WITHIN.days} days behind their market's "
            f"newest: {left_out}."
        )
    compared = amounts(screen)
    if compared and len(currencies) > 1:
        yield (
            f"{', '.join(compared)} compares amounts of different currencies "
            f"({', '.join(currencies)}) without converting them; choose one market."
        )


def all_of(screen: Screen) -> tuple[list[str], Iterator[dict[str, Any]]]:
    """The columns of every stock that a screen finds, and the stocks in its order, however many they are.

    They are found before this returns, so that it raises ScreenTooSlow and not the reading of them.
    """
    names = shown_names(screen)
    columns = list(dict.fromkeys(column(name) for name in names))
    with bounded():
        stocks = _matching(screen).filter(coverage(screen.market).condition())
        found = list(ordered(stocks, screen, columns))
    return [*DESCRIBED, *names], (row_of(names, columns, values) for values in found)


def _matching(screen: Screen) -> QuerySet[Stock]:
    stocks = listed_stocks(market=screen.market).order_by()
    if screen.condition is not None:
        stocks = stocks.filter(pk__in=matching_ids(screen.condition))
    return stocks.filter(*(bound for criterion in screen.criteria for bound in _bounds(criterion)))


def _bounds(criterion: Criterion) -> Iterator[Q]:
    # The field comes from the catalogue, never from the client's text.
    path = f"indicators__{criterion.field}"
    if criterion.low is not None:
        yield Q((f"{path}__gte", criterion.low))
    if criterion.high is not None:
        yield Q((f"{path}__lte", criterion.high))


def _order(screen: Screen) -> OrderBy:
    path = screen.sort_by if screen.sort_by in TEXTS else f"indicators__{column(screen.sort_by)}"
    return F(path).desc(nulls_last=True) if screen.descending else F(path).asc(nulls_last=True)


def row_of(names: Sequence[str], columns: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """A row of a reply, of what describes the stock and the values of ``columns``, in this order."""
    code, stock_name, market, currency, day, *figures = values
    shown_by_column = {field: shown(field, value) for field, value in zip(columns, figures, strict=True)}
    return {
        "code": code,
        "name": stock_name,
        "market": market,
        "currency": currency,
        "trade_date": day,
        **{name: shown_by_column[column(name)] for name in names},
    }


def _without_values(screen: Screen) -> list[str]:
    """The names of the asked figures that are unknown for every listed stock of the market."""
    if not screen.asked:
        return []
    counts = listed_stocks(market=screen.market).aggregate(
        **{
            f"known_{position}": Count(f"indicators__{column(name)}")
            for position, name in enumerate(screen.asked)
        }
    )
    return [name for position, name in enumerate(screen.asked) if not counts[f"known_{position}"]]


@contextmanager
def bounded() -> Iterator[None]:
    """A transaction in which each statement may take STATEMENT_TIMEOUT_MS."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise ScreenTooSlow from error
        raise
