"""The ledger as a file, in the layout that import reads: read back, it is the same ledger."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from portfolios.importing.layout import OWN
from portfolios.models import AppliedAction, Portfolio, Transaction
from portfolios.selectors.ledger import chosen
from stocks.figures import plain

_AT_ONCE: Final = 1000
_COLUMNS: Final = (
    *("sequence", "type", "stock__code", "quantity", "price", "amount", "fee", "tax", "ratio_to"),
    *("ratio_from", "currency", "traded_at", "external_id", "note", "fx_rate", "reverses__sequence"),
    *("replaces__sequence", "price_basis", "price_as_of", "id"),
)


def exported(portfolio: Portfolio, **filters: Any) -> Iterator[str]:
    """The rows that ``chosen`` chooses by ``filters``, oldest number first, as CSV, some hundred at a time.

    The ledger is only added to, so that its rows up to the newest one of now are one state of it, however
    long the reading takes.
    """
    last, after = portfolio.last_sequence, 0
    yield _text([OWN])
    rows = chosen(Transaction.objects.filter(portfolio=portfolio, sequence__lte=last), **filters)
    while page := list(
        rows.filter(sequence__gt=after).order_by("sequence").values_list(*_COLUMNS)[:_AT_ONCE]
    ):
        applied = AppliedAction.objects.filter(portfolio=portfolio, transaction__in=[row[-1] for row in page])
        actions = {
            row_id: f"{kind} {day}"
            for row_id, kind, day in applied.values_list("transaction_id", "kind", "ex_date")
        }
        yield _text([_cells(portfolio, row, actions.get(row[-1], "")) for row in page])
        after = page[-1][0]


def _cells(portfolio: Portfolio, row: tuple[Any, ...], action: str) -> list[str]:
    sequence, kind, code, quantity, price, amount, fee, tax, to, per, currency, traded_at, *rest = row
    external_id, note, rate, reverses, replaces, basis, as_of, _ = rest
    return [
        *(str(sequence), kind, code or "", _number(quantity), _number(price), _number(amount)),
        *(_number(fee), _number(tax), "" if to is None else f"{plain(to)}:{plain(per)}", currency),
        *(_moment(traded_at), external_id or "", note, _number(rate), portfolio.base_currency),
        *("" if reverses is None else str(reverses), "" if replaces is None else str(replaces), action),
        *(basis, "" if as_of is None else _moment(as_of)),
    ]


def _number(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
