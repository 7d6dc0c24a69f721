"""The corporate actions of one stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from stocks.models import CorporateAction, Stock
from stocks.types import ActionKind


@dataclass(frozen=True, slots=True)
class Announced:
    """An action, and whether its ex-date has come on the exchange's clock."""

    action: CorporateAction
    effective: bool


def stock_actions(
    stock: Stock, *, start: date, end: date, kind: ActionKind | None, now: datetime
) -> list[Announced]:
    """The actions of ``stock`` (with its market) with an ex-date from ``start`` to ``end``, newest first."""
    today = now.astimezone(ZoneInfo(stock.market.timezone)).date()
    actions = CorporateAction.objects.filter(stock_id=stock.id, ex_date__range=(start, end))
    if kind is not None:
        actions = actions.filter(kind=kind.value)
    return [
        Announced(action, effective=action.ex_date <= today)
        for action in actions.order_by("-ex_date", "kind")
    ]
