"""History from the providers for chosen stocks: what is missing is found, asked for and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from stocks.models import CorporateAction
from stocks.selectors.loaded import Loaded, bar_days
from stocks.services.fetched import absent_spans, runs
from stocks.services.loading_bars import Wanted
from stocks.sessions import schedule

#: Gaps with at most so many sessions between them are asked for in one call.
APART = 60
_STOCKS_A_LOOK = 100
Reach = Callable[[Loaded], tuple[date, date] | None]


@dataclass(frozen=True, slots=True)
class Gap:
    """Sessions of a stock without a bar, from ``first`` to ``last``; ``sessions`` counts them."""

    stock: Loaded
    first: date
    last: date
    sessions: int


def find_gaps(stocks: Sequence[Loaded], reach: Reach, *, again: bool = False) -> tuple[list[Gap], int]:
    """The sessions that lack a bar, and how many others are left out because nobody has them.

    Args:
        stocks: where to look.
        reach: the first and last day of a stock to look at; None: not at all.
        again: count also what was asked for before and was not there.
    """
    gaps: list[Gap] = []
    remembered = 0
    for start in range(0, len(stocks), _STOCKS_A_LOOK):
        looked_at = [
            (stock, *found) for stock in stocks[start : start + _STOCKS_A_LOOK] if (found := reach(stock))
        ]
        if not looked_at:
            continue
        held = bar_days(
            [stock.id for stock, _, _ in looked_at],
            min(first for _, first, _ in looked_at),
            max(last for _, _, last in looked_at),
        )
        absent = {} if again else absent_spans([stock.code for stock, _, _ in looked_at])
        for stock, first, last in looked_at:
            sessions = schedule(stock.calendar).sessions(first, last)
            missing = set(sessions) - held[stock.id]
            known = {
                day for day in missing for begin, end in absent.get(stock.code, ()) if begin <= day <= end
            }
            remembered += len(known)
            missing -= known
            for begin, end in runs(missing, sessions):
                gaps.append(Gap(stock, begin, end, sum(begin <= day <= end for day in missing)))
    return gaps, remembered


def wanted_of(gaps: Sequence[Gap]) -> Iterator[Wanted]:
    """The calls that gaps of one stock after another make: near ones together."""
    open_one: Wanted | None = None
    for gap in gaps:
        if open_one is not None and open_one.stock is gap.stock:
            between = schedule(gap.stock.calendar).sessions(open_one.end, gap.first)
            if len(between) - 2 <= APART:
                open_one = Wanted(gap.stock, open_one.start, gap.last)
                continue
        if open_one is not None:
            yield open_one
        open_one = Wanted(gap.stock, gap.first, gap.last)
    if open_one is not None:
        yield open_one


def whole(stocks: Sequence[Loaded], reach: Reach) -> Iterator[Wanted]:
    """The calls that ask for everything within reach, whatever is stored."""
    for stock in stocks:
        if (found := reach(stock)) is not None:
            yield Wanted(stock, *found)


def between(first: date, last: date | None, now: datetime) -> Reach:
    """What ``backfill`` looks at: from ``first`` or the listing, to ``last`` or the last finished session."""

    def reach(stock: Loaded) -> tuple[date, date] | None:
        closed = schedule(stock.calendar).last_closed(now)
        if closed is None:
            return None
        start = max(first, stock.listed_on or first)
        end = min(last or closed, closed)
        return (start, end) if start <= end else None

    return reach


def inside(first: date | None, last: date | None) -> Reach:
    """What ``repair_gaps`` looks at: between a stock's first and last bar."""

    def reach(stock: Loaded) -> tuple[date, date] | None:
        if stock.first is None or stock.last is None:
            return None
        start, end = max(first or stock.first, stock.first), min(last or stock.last, stock.last)
        return (start, end) if start <= end else None

    return reach


def without_rebased(stocks: Sequence[Loaded]) -> tuple[list[Loaded], list[Loaded]]:
    """The stocks, and apart from them those whose files were adjusted at different dates.

    A rebase describes the rows of its files: with others in their place it would be wrong.
    """
    rows = CorporateAction.objects.filter(kind="rebase", stock_id__in=[stock.id for stock in stocks])
    rebased = set(rows.order_by().values_list("stock_id", flat=True))
    return (
        [stock for stock in stocks if stock.id not in rebased],
        [stock for stock in stocks if stock.id in rebased],
    )
