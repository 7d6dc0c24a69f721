"""Bringing the stored rebases in line with the rows, once a price file is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from stocks.loading.bar_table import BarTable
from stocks.loading.basis import compare, factor_before, rebases_after
from stocks.models import CorporateAction
from stocks.types import Action, ActionKind

Rebases = Mapping[date, Decimal]
# Which of a stock's days the file held.
HeldDays = Callable[[int, Sequence[date]], Sequence[bool]]


def stored_rebases() -> dict[int, Rebases]:
    """The ratios of every rebased stock by ex-date."""
    rows = CorporateAction.objects.filter(kind=ActionKind.REBASE, ratio__isnull=False).order_by("stock_id")
    found = rows.values_list("stock_id", "ex_date", "ratio")
    return {
        stock_id: {ex_date: ratio for _, ex_date, ratio in group if ratio is not None}
        for stock_id, group in groupby(found, itemgetter(0))
    }


class Joined(NamedTuple):
    """Of how many stocks the rebases changed, and which stocks differ by no constant ratio."""

    changed: int
    unjoined: list[int]


def join(table: BarTable, stored: Mapping[int, Rebases], held: HeldDays, *, source: str) -> Joined:
    """Write the rebases that the loaded file makes necessary.

    Args:
        table: the bars' table after all of the file's rows are written.
        stored: the rebases before the load.
        held: tells which days of a stock came with the file.
        source: what the actions name as their source.
    """
    ratios, unjoined = _ratios(table, stored)
    changed: dict[int, list[Action]] = {}
    for stock_id, days in table.days_of(sorted(ratios)):
        before = stored.get(stock_id, {})
        actions = rebases_after(days, held(stock_id, days), ratios[stock_id], factor_before(before))
        if {action.ex_date: action.ratio for action in actions} != before:
            changed[stock_id] = actions
    CorporateAction.objects.filter(stock_id__in=list(changed), kind=ActionKind.REBASE).delete()
    CorporateAction.objects.bulk_create(
        [
            CorporateAction(
                stock_id=stock_id,
                kind=action.kind,
                ex_date=action.ex_date,
                ratio=action.ratio,
                source=source,
            )
            for stock_id, actions in changed.items()
            for action in actions
        ]
    )
    return Joined(len(changed), unjoined)


def _ratios(table: BarTable, stored: Mapping[int, Rebases]) -> tuple[dict[int, Decimal], list[int]]:
    """The ratio of each stock whose rebases may have to change, and the stocks without a constant one."""
    unjoined: list[int] = []
    ratios: dict[int, Decimal] = {}
    for stock_id, days in table.common_days():
        rebases = stored.get(stock_id, {})
        overlap = table.overlaps[stock_id]
        ratio, is_constant = compare(days, overlap.equal, overlap.last, factor_before(rebases))
        if not is_constant:
            unjoined.append(stock_id)
        if ratio is not None and (ratio != 1 or rebases):
            ratios[stock_id] = ratio
    return ratios, unjoined
