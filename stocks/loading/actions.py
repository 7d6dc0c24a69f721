"""Files of corporate actions: splits, bonus issues and dividends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Layout
from stocks.loading.listed import Listed
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.table import Batch, Refusal
from stocks.loading.upsert import Upsert
from stocks.models import CorporateAction, Market
from stocks.models.fields import MAX_PRICE
from stocks.services.actions import ADJUSTED, EARLIEST, KINDS, MAX_RATIO, already_adjusted, why_refused
from stocks.types import Action, ActionKind

LAYOUTS = (
    Layout(
        "corporate actions",
        {name: name for name in ("code", "kind", "ex_date")},
        {name: name for name in ("ratio", "amount", "currency")},
    ),
)
PLACES = 10
#: Announced actions lie ahead, but not for long.
AHEAD = timedelta(days=2 * 366)


class Actions:
    """A load of corporate actions.

    Args:
        market: the only one whose stocks are taken, if any.
        source: what the rows name as their source.
        as_given: take splits also where the stored bars seem to be adjusted for them already.
    """

    def __init__(self, *, market: Market | None, source: str, as_given: bool) -> None:
        self._market = market
        self._source = source
        self._as_given = as_given
        self._lines: dict[tuple[Any, ...], int] = {}

    def options(self) -> dict[str, Any]:
        market = self._market.code if self._market else None
        return {"market": market, "source": self._source, "as_given": self._as_given}

    def begin(self) -> None:
        self._latest = datetime.now(UTC).date() + AHEAD
        self._listed = Listed(self._market)
        values = ("ratio", "amount", "currency")
        self._upsert = Upsert(
            table=CorporateAction._meta.db_table,
            key=("stock_id", "ex_date", "kind"),
            inserted=values,
            compared=values,
            constants={"source": self._source},
        )
        self._upsert.prepare()

    def check(self, batch: Batch) -> tuple[list[NumberedRow], list[Refusal]]:
        return checked_rows(batch, self._row)

    def write(self, checked: list[NumberedRow]) -> Written:
        refused: list[Refusal] = []
        if not self._as_given:
            given = [(row[0], Action(ActionKind(row[2]), row[1], ratio=row[3])) for _, row in checked]
            adjusted = already_adjusted(given)
            refused = [Refusal(checked[at][0], ADJUSTED, ADJUSTED) for at in sorted(adjusted)]
            checked = [row for at, row in enumerate(checked) if at not in adjusted]
        rows, repeated = without_repeated(checked, self._lines, key=lambda row: row[:3])
        inserted, updated = self._upsert.rows(rows)
        return Written(inserted, updated, len(rows) - inserted - updated, [*refused, *repeated])

    def finish(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """There is nothing to free."""

    def _row(self, cell: Cell) -> tuple[Any, ...]:
        stock_id, currency = self._listed.find(cell("code"))
        kind = cell("kind").lower()
        if kind not in [str(one) for one in KINDS]:
            raise BadCell(f"the kind is none of {', '.join(KINDS)}")
        ex_date = cells.day(cell("ex_date"), "ex-date", earliest=EARLIEST, latest=self._latest)
        if ex_date is None:
            raise BadCell("the ex-date is blank")
        named = cell("currency")
        if named and not re.fullmatch(r"[A-Z]{3}", named):
            raise BadCell("the currency is no currency code")
        action = Action(
            ActionKind(kind),
            ex_date,
            ratio=_ratio(cell("ratio")),
            amount=cells.decimal(cell("amount"), "amount", limit=MAX_PRICE),
        )
        if (why := why_refused(action)) is not None:
            raise BadCell(why)
        paid_in = (named or currency) if action.amount is not None else ""
        return stock_id, ex_date, kind, action.ratio, action.amount, paid_in


def _ratio(text: str) -> Decimal | None:
    """New shares per old share, written ``2:1`` (two for one) or ``2``."""
    new, colon, old = text.partition(":")
    if not colon:
        return cells.decimal(text, "ratio", limit=MAX_RATIO, places=PLACES)
    shares = [cells.decimal(part.strip(), "ratio", limit=MAX_RATIO, places=PLACES) for part in (new, old)]
    if None in shares or not all(share and share > 0 for share in shares):
        raise BadCell("the ratio is not a ratio")
    first, second = shares
    assert first is not None and second is not None
    return cells.rounded(first / second, places=PLACES)
