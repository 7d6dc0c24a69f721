"""Which rows of the stage the ledger has already, and which contradict it or each other.

A row with an external_id is known by that, one without by all that it says: its nth occurrence in the file is
the nth in the ledger, so that a file that was read before brings nothing, a longer one brings what is new in
it, and two equal trades of one day are two. What corrects another row is known by that row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from portfolios.models import AppliedAction, Portfolio
from portfolios.services.actions import KINDS, PAID_WITHIN, is_near
from portfolios.services.imports.staging import rows_of
from portfolios.types import TransactionType
from stocks.loading.database import execute
from stocks.models import Stock
from stocks.types import ActionKind

# The same expression over both tables; their columns have the same decimals, so that equal is spelt equal.
_CONTENT = """sha256(convert_to(concat_ws('|', {0}.type, coalesce({0}.stock_id::text, ''),
    coalesce({0}.quantity::text, ''), coalesce({0}.price::text, ''), coalesce({0}.amount::text, ''),
    {0}.fee::text, {0}.tax::text, coalesce({0}.ratio_to::text, ''), coalesce({0}.ratio_from::text, ''),
    {0}.currency, extract(epoch FROM {0}.traded_at)::text), 'UTF8'))"""
_FIGURES = """({0}.type, {0}.stock_id, {0}.quantity, {0}.price, {0}.amount, {0}.fee, {0}.tax, {0}.ratio_to,
    {0}.ratio_from, {0}.currency, {0}.traded_at, {0}.given_rate, {0}.given_base)"""


def _spelt(statement: str) -> str:
    """A statement with ``CONTENT(table)`` and ``FIGURES(table)`` written out."""
    for name, spelling in (("CONTENT", _CONTENT), ("FIGURES", _FIGURES)):
        statement = re.sub(rf"{name}\((\w+)\)", partial(_written, spelling), statement)
    return statement


def _written(spelling: str, place: re.Match[str]) -> str:
    return spelling.format(place[1])


_CURRENCIES = """
UPDATE import_stage
   SET currency = %(base)s,
       status = CASE WHEN %(base)s = '' THEN 'refused' ELSE status END,
       place = CASE WHEN %(base)s = '' THEN 'currency' ELSE place END,
       reason = CASE WHEN %(base)s = '' THEN 'is needed: the portfolio has no base currency yet'
                     ELSE reason END
 WHERE status = 'new' AND currency IS NULL
"""
# Of a dividend that stands for no corporate action only the amount counts.
_DIVIDENDS = """
UPDATE import_stage AS one SET quantity = NULL, price = NULL
 WHERE type = 'DIVIDEND' AND quantity IS NOT NULL AND action_kind IS NULL AND reverses IS NULL
   AND NOT EXISTS (SELECT FROM import_stage AS other WHERE other.reverses = one.label)
"""
_NUMBER_CONTENT = _spelt("""
UPDATE import_stage AS one SET content = numbered.content, nth = numbered.nth
  FROM (SELECT line, content, row_number() OVER (PARTITION BY content, external_id ORDER BY line) AS nth
          FROM (SELECT line, external_id, CONTENT(staged) AS content
                  FROM import_stage AS staged WHERE status = 'new' AND reverses IS NULL) AS hashed
       ) AS numbered
 WHERE one.line = numbered.line
""")
_LABELS_TWICE = """
UPDATE import_stage AS one
   SET status = 'refused', place = 'sequence', reason = 'is the number of line ' || first.line || ' too'
  FROM (SELECT label, min(line) AS line FROM import_stage WHERE label IS NOT NULL
         GROUP BY label HAVING count(*) > 1) AS first
 WHERE one.label = first.label AND one.line > first.line AND one.status = 'new'
"""
_EXTERNAL_IN_FILE = """
UPDATE import_stage AS one
   SET status = CASE WHEN one.content = first.content THEN 'duplicate' ELSE 'refused' END,
       place = 'external_id',
       reason = CASE WHEN one.content = first.content THEN 'is that of line ' || first.line
                     ELSE 'is that of line ' || first.line || ', which is another transaction' END
  FROM (SELECT DISTINCT ON (external_id) external_id, line, content FROM import_stage
         WHERE external_id IS NOT NULL AND status = 'new' ORDER BY external_id, line) AS first
 WHERE one.external_id = first.external_id AND one.line > first.line AND one.status = 'new'
"""
_EXTERNAL_IN_LEDGER = _spelt("""
UPDATE import_stage AS one
   SET status = CASE WHEN one.content = CONTENT(old) THEN 'duplicate' ELSE 'refused' END,
       place = 'external_id',
       reason = CASE WHEN one.content = CONTENT(old)
                     THEN 'is that of row ' || old.sequence || ' of the ledger'
                     ELSE 'is that of row ' || old.sequence || ' of the ledger, which is another transaction'
                END,
       matched = old.id
  FROM portfolios_transaction AS old
 WHERE one.status = 'new' AND old.portfolio_id = %(portfolio)s AND old.external_id = one.external_id
""")
_CONTENT_IN_LEDGER = _spelt("""
UPDATE import_stage AS one
   SET status = 'duplicate', reason = 'is row ' || known.sequence || ' of the ledger', matched = known.id
  FROM (SELECT id, sequence, content, row_number() OVER (PARTITION BY content ORDER BY sequence) AS nth
          FROM (SELECT id, sequence, CONTENT(old) AS content
                  FROM portfolios_transaction AS old
                 WHERE portfolio_id = %(portfolio)s AND external_id IS NULL AND reverses_id IS NULL
                   AND traded_at BETWEEN (SELECT min(traded_at) FROM import_stage)
                                     AND (SELECT max(traded_at) FROM import_stage)) AS hashed
       ) AS known
 WHERE one.status = 'new' AND one.external_id IS NULL AND one.reverses IS NULL
   AND one.content = known.content AND one.nth = known.nth
""")
# What it reverses must be there, before it and once, and say the same.
_REVERSALS = _spelt("""
UPDATE import_stage AS one
   SET status = CASE WHEN judged.wrong IS NULL THEN 'duplicate' ELSE 'refused' END,
       place = 'reverses',
       reason = coalesce(judged.wrong, 'is row ' || judged.sequence || ' of the ledger')
  FROM (SELECT undoing.line, known.sequence,
               CASE WHEN old.line IS NULL THEN 'is no row of this file'
                    WHEN old.reverses IS NOT NULL THEN 'is itself a reversal'
                    WHEN old.line >= undoing.line THEN 'comes later in the file'
                    WHEN undoing.again > 1 THEN 'is reversed twice'
                    WHEN FIGURES(old) IS DISTINCT FROM FIGURES(undoing)
                    THEN 'says something else than its reversal'
                    WHEN old.matched IS NULL AND old.status <> 'new' THEN 'is a row that is not taken'
                    WHEN old.matched IS NOT NULL AND known.id IS NULL
                    THEN 'is a row of the ledger that stands; reverse it there'
               END AS wrong
          FROM (SELECT *, row_number() OVER (PARTITION BY reverses ORDER BY line) AS again
                  FROM import_stage WHERE reverses IS NOT NULL AND status = 'new') AS undoing
          LEFT JOIN import_stage AS old ON old.label = undoing.reverses
          LEFT JOIN portfolios_transaction AS known ON known.reverses_id = old.matched
       ) AS judged
 WHERE one.line = judged.line AND (judged.wrong IS NOT NULL OR judged.sequence IS NOT NULL)
""")
_REPLACEMENTS = """
UPDATE import_stage AS one
   SET status = 'refused', place = 'replaces', reason = judged.reason
  FROM (SELECT placed.line,
               CASE WHEN old.line IS NULL THEN 'is no row of this file'
                    WHEN old.line >= placed.line THEN 'comes later in the file'
                    WHEN placed.again > 1 THEN 'is replaced twice'
                    WHEN NOT EXISTS (SELECT FROM import_stage AS undoing
                                      WHERE undoing.reverses = old.label AND undoing.status <> 'refused')
                    THEN 'is not reversed'
                    WHEN known.id IS NOT NULL THEN 'is replaced by row ' || known.sequence || ' of the ledger'
                    END AS reason
          FROM (SELECT *, row_number() OVER (PARTITION BY replaces ORDER BY line) AS again
                  FROM import_stage WHERE replaces IS NOT NULL AND status = 'new') AS placed
          LEFT JOIN import_stage AS old ON old.label = placed.replaces
          LEFT JOIN portfolios_transaction AS known ON known.replaces_id = old.matched
       ) AS judged
 WHERE one.line = judged.line AND judged.reason IS NOT NULL
"""
# Rows that a corporate action in the ledger may stand for.
_ACTIONS = """
SELECT line, type, stock_id, traded_at, amount, action_kind, action_date FROM import_stage
 WHERE status = 'new' AND type = ANY(%(types)s) AND stock_id = ANY(%(stocks)s) AND reverses IS NULL
 ORDER BY traded_at, line
"""
_SHARES: Final = (ActionKind.SPLIT.value, ActionKind.BONUS.value)
_TYPES: Final = [
    kind.value for kind in (TransactionType.SPLIT, TransactionType.BONUS, TransactionType.DIVIDEND)
]


def match(portfolio: Portfolio, stocks: dict[int, Stock]) -> None:
    """Judge every new row of the stage; the portfolio is locked, and its due actions are written."""
    values = {"portfolio": portfolio.pk}
    execute(_CURRENCIES, {"base": portfolio.base_currency})
    execute(_DIVIDENDS)
    execute(_NUMBER_CONTENT)
    execute(_LABELS_TWICE)
    execute(_EXTERNAL_IN_FILE)
    execute(_EXTERNAL_IN_LEDGER, values)
    execute(_CONTENT_IN_LEDGER, values)
    _match_actions(portfolio, stocks)
    execute(_REVERSALS)
    execute(_REPLACEMENTS)


def _match_actions(portfolio: Portfolio, stocks: dict[int, Stock]) -> None:
    """Leave out what a corporate action that was applied stands for, a dividend for one payment alone."""
    applied: defaultdict[int, list[_Applied]] = defaultdict(list)
    rows = AppliedAction.objects.filter(portfolio=portfolio, stock_id__in=stocks, kind__in=KINDS)
    for one in rows.select_related("transaction__reversed_by").order_by("-ex_date"):
        applied[one.stock_id].append(_Applied(one))
    if not applied:
        return
    known = {row_id for (row_id,) in execute("SELECT matched FROM import_stage WHERE matched IS NOT NULL")}
    for ones in applied.values():
        for action in ones:
            # Its row is in the file as itself, and so no other row of it is that payment.
            action.taken = action.transaction_id in known
    values = {"types": _TYPES, "stocks": list(applied)}
    # Few stocks have actions, and fewer rows are theirs; they are read before any of them is changed.
    for line, kind, stock_id, moment, amount, given_kind, given_day in list(rows_of(_ACTIONS, values)):
        day = moment.astimezone(ZoneInfo(stocks[stock_id].market.timezone)).date()
        found = _standing_for(applied[stock_id], kind, day, amount, given_kind, given_day)
        if found is not None:
            execute(
                "UPDATE import_stage SET status = 'duplicate', reason = %s, matched = %s WHERE line = %s",
                [
                    f"the {found.kind} of {found.ex_date} has been applied to the portfolio",
                    *(found.transaction_id, line),
                ],
            )


class _Applied:
    """An action that was applied, and whether a row of this file is known to be it."""

    def __init__(self, row: AppliedAction) -> None:
        self.kind, self.ex_date = row.kind, row.ex_date
        old = row.transaction
        self.transaction_id = row.transaction_id
        self.amount = None if old is None else old.amount
        self.stands = old is None or not hasattr(old, "reversed_by")
        self.taken = False

    def is_of_day(self, kind: str, day: date) -> bool:
        if kind == TransactionType.DIVIDEND.value:
            return self.stands and self.ex_date == day and self.kind not in _SHARES and not self.taken
        return self.stands and self.ex_date == day and self.kind in _SHARES

    def is_paid(self, day: date, amount: Decimal) -> bool:
        return (
            self.kind == ActionKind.DIVIDEND.value
            and self.stands
            and not self.taken
            and self.amount is not None
            and self.ex_date <= day <= self.ex_date + PAID_WITHIN
            and is_near(amount, self.amount)
        )


def _standing_for(
    applied: Sequence[_Applied],
    kind: str,
    day: date,
    amount: Decimal | None,
    given_kind: str | None,
    given_day: date | None,
) -> _Applied | None:
    if given_kind is not None:
        same = (one for one in applied if (one.kind, one.ex_date) == (given_kind, given_day))
        return next((one for one in same if one.transaction_id is not None), None)
    found = next((one for one in applied if one.is_of_day(kind, day)), None)
    if found is None and amount is not None:
        found = next((one for one in applied if one.is_paid(day, amount)), None)
    if found is not None:
        found.taken = True
    return found


def earliest_of_stocks() -> dict[int, datetime]:
    """The time of the earliest new row of each stock."""
    return dict(
        execute(
            "SELECT stock_id, min(traded_at) FROM import_stage"
            " WHERE status = 'new' AND stock_id IS NOT NULL GROUP BY stock_id"
        )
    )
