"""Corporate actions of providers and files: checked, and held against the bars that they would adjust."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import connection

from stocks.models import CorporateAction
from stocks.models.fields import MAX_PRICE
from stocks.providers.registry import BUILDERS
from stocks.types import Action, ActionKind

EARLIEST: Final = date(1900, 1, 1)
MAX_RATIO: Final = Decimal(1_000_000)
RATIO_STEP: Final = Decimal(1).scaleb(-10)
PRICE_STEP: Final = Decimal(1).scaleb(-8)
ADJUSTED: Final = "the stored bars are adjusted for it already"
#: Kinds that a provider or a file may tell of; a rebase is our own.
KINDS: Final = (ActionKind.SPLIT, ActionKind.BONUS, ActionKind.DIVIDEND)

_AROUND = """
SELECT given.number, before.close, before.source, coalesce(after.open, after.close)
  FROM unnest(%s::int[], %s::int[], %s::date[]) AS given (number, stock_id, ex_date)
 CROSS JOIN LATERAL (
    SELECT close, source FROM stocks_dailybar AS bar
     WHERE bar.stock_id = given.stock_id AND bar.date < given.ex_date ORDER BY date DESC LIMIT 1
 ) AS before
 CROSS JOIN LATERAL (
    SELECT open, close FROM stocks_dailybar AS bar
     WHERE bar.stock_id = given.stock_id AND bar.date >= given.ex_date ORDER BY date LIMIT 1
 ) AS after
"""
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(%(kind)s::text[], %(ex_date)s::date[], %(ratio)s::numeric[], %(amount)s::numeric[],
                         %(currency)s::text[]) AS action (kind, ex_date, ratio, amount, currency)
), stored AS MATERIALIZED (
    SELECT old.source = %(source)s AS may_change,
           (old.ratio, old.amount, old.currency)
             IS NOT DISTINCT FROM (given.ratio, given.amount, given.currency) AS same
      FROM given JOIN stocks_corporateaction AS old
        ON old.stock_id = %(stock)s AND old.kind = given.kind AND old.ex_date = given.ex_date
), written AS (
    INSERT INTO stocks_corporateaction AS action (stock_id, kind, ex_date, ratio, amount, currency, source)
    SELECT %(stock)s, kind, ex_date, ratio, amount, currency, %(source)s FROM given ORDER BY ex_date, kind
    ON CONFLICT (stock_id, ex_date, kind) DO UPDATE SET
        ratio = excluded.ratio, amount = excluded.amount, currency = excluded.currency
      WHERE action.source = excluded.source AND (action.ratio, action.amount, action.currency)
            IS DISTINCT FROM (excluded.ratio, excluded.amount, excluded.currency)
)
SELECT count(*), count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same AND may_change) FROM stored
"""


@dataclass(frozen=True, slots=True)
class StoredActions:
    """What became of the actions of a stock.

    ``differing`` contradict a stored one of another source, which stays. ``withdrawn`` were announced for a
    day that has not come, and are announced no more.
    """

    inserted: int = 0
    corrected: int = 0
    unchanged: int = 0
    differing: int = 0
    withdrawn: int = 0
    refused: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.corrected or self.withdrawn)


def store_actions(
    stock_id: int,
    actions: Iterable[Action],
    *,
    code: str,
    currency: str,
    source: str,
    start: date,
    end: date,
    today: date,
) -> StoredActions:
    """Write what a provider says of a stock's actions from ``start`` to ``end``, in the caller's transaction.

    Splits come before dividends, several dividends of one day become their sum, and a stored action changes
    only where its own source corrects it. An action for which the stored bars are adjusted is refused: it
    would be counted twice in every adjusted reading.
    """
    refused: list[str] = []
    good: dict[tuple[ActionKind, date], Action] = {}
    for action in sorted(actions, key=_splits_first):
        why = why_refused(action)
        if why is None and not start <= action.ex_date <= end:
            why = "not a day that was asked for"
        if why is not None:
            refused.append(f"{code} {action.kind} of {action.ex_date}: {why}")
            continue
        place = (action.kind, action.ex_date)
        action = _normal(action, currency)
        known = good.get(place)
        if known is not None and (action.amount is None or action.currency != known.currency):
            refused.append(f"{code} {action.kind} of {action.ex_date}: twice in one answer")
        elif known is not None and known.amount is not None and action.amount is not None:
            good[place] = replace(known, amount=known.amount + action.amount)
        else:
            good[place] = action
    wanted = list(good.values())
    adjusted = already_adjusted([(stock_id, action) for action in wanted])
    refused += [f"{code} {wanted[at].kind} of {wanted[at].ex_date}: {ADJUSTED}" for at in sorted(adjusted)]
    wanted = [action for at, action in enumerate(wanted) if at not in adjusted]
    withdrawn = _withdraw(stock_id, set(good), source, max(start, today), end)
    inserted, corrected, same, differing = _write(stock_id, wanted, source)
    return StoredActions(inserted, corrected, same, differing, withdrawn, tuple(refused))


def why_refused(action: Action) -> str | None:
    """Why an action cannot be true, or None."""
    if action.kind not in KINDS:
        return "no kind that is loaded"
    if action.ex_date < EARLIEST:
        return f"the ex-date is before {EARLIEST.year}"
    if action.kind is ActionKind.DIVIDEND:
        amount = action.amount
        if action.ratio is not None or amount is None or not amount.is_finite():
            return "a dividend is an amount"
        return None if PRICE_STEP <= amount < MAX_PRICE else "the amount is out of range"
    ratio = action.ratio
    if action.amount is not None or ratio is None or not ratio.is_finite():
        return f"a {action.kind} is a ratio"
    if not RATIO_STEP <= ratio < MAX_RATIO:
        return "the ratio is out of range"
    return "a ratio of 1 changes nothing" if ratio == 1 else None


def already_adjusted(actions: Sequence[tuple[int, Action]]) -> set[int]:
    """The places of those actions (each with its stock's id) that the stored bars are adjusted for.

    Files often are, up to the day of their delivery: over the ex-date their prices go on as if nothing had
    been. The step from the last bar before to the first one after tells, by whether it is nearer to none or
    to the ratio. Bars of providers are stored as traded.
    """
    rated = [(at, key, one.ex_date) for at, (key, one) in enumerate(actions) if one.ratio is not None]
    if not rated:
        return set()
    columns = [list(column) for column in zip(*rated, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, columns)
        around = cursor.fetchall()
    found: set[int] = set()
    for at, before, source, after in around:
        ratio = actions[at][1].ratio
        if ratio is None or source in BUILDERS:
            continue
        step, whole = math.log(before / after), math.log(ratio)
        if abs(step) < abs(step - whole):
            found.add(at)
    return found


def _splits_first(action: Action) -> tuple[bool, date]:
    return action.kind is ActionKind.DIVIDEND, action.ex_date


def _normal(action: Action, currency: str) -> Action:
    """The action as the columns hold it."""
    if action.ratio is not None:
        return replace(action, ratio=action.ratio.quantize(RATIO_STEP), currency="")
    assert action.amount is not None
    return replace(action, amount=action.amount.quantize(PRICE_STEP), currency=action.currency or currency)


def _withdraw(
    stock_id: int, announced: set[tuple[ActionKind, date]], source: str, after: date, end: date
) -> int:
    rows = CorporateAction.objects.filter(
        stock_id=stock_id, source=source, kind__in=KINDS, ex_date__gt=after, ex_date__lte=end
    )
    gone = [row.id for row in rows if (ActionKind(row.kind), row.ex_date) not in announced]
    return CorporateAction.objects.filter(id__in=gone).delete()[0] if gone else 0


def _write(stock_id: int, actions: Sequence[Action], source: str) -> tuple[int, int, int, int]:
    if not actions:
        return 0, 0, 0, 0
    names = ("kind", "ex_date", "ratio", "amount", "currency")
    columns = {name: [getattr(action, name) for action in actions] for name in names}
    columns["kind"] = [str(action.kind) for action in actions]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {**columns, "stock": stock_id, "source": source})
        known, same, corrected = cursor.fetchone()
    return len(actions) - known, corrected, same, known - same - corrected
