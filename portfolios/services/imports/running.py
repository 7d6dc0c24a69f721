"""Read a file into a ledger: all of its new rows, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

from django.db import transaction

from portfolios.importing.layout import Layout
from portfolios.importing.limits import KEPT_REPORTS, SHOWN_HOLDINGS
from portfolios.importing.upload import Upload
from portfolios.models import CashBalance, Holding, ImportRun, Portfolio
from portfolios.services import actions
from portfolios.services.imports.matching import earliest_of_stocks, match
from portfolios.services.imports.reporting import ReportedRow, packed_report, shown_rows, store_report
from portfolios.services.imports.staging import counts, stage, stocks_touched
from portfolios.services.imports.stocks import NamedStocks
from portfolios.services.imports.writing import append_new, project
from portfolios.services.locking import portfolio_lock
from stocks.loading.database import execute
from stocks.models import Stock

# A request has seconds for a statement; one over some hundred thousand rows may need more on a busy machine.
_PATIENCE = "SET LOCAL statement_timeout = '5min'; SET LOCAL idle_in_transaction_session_timeout = '2min'"
# Neither the stage nor rows that were written a moment ago have statistics to be trusted: where these say
# that there is hardly a row, each row of one table would be looked for in all of the other.
_BY_HASH, _AS_USUAL = "SET LOCAL enable_nestloop = off", "SET LOCAL enable_nestloop TO DEFAULT"


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file did, or would do.

    ``holdings`` are those of the stocks that it names, and ``cash`` is that of the portfolio, both as they
    are after it; they are None where rows are refused, so that there is no after.
    """

    run: ImportRun
    shown: list[ReportedRow]
    holdings: list[Holding] | None
    cash: list[CashBalance] | None
    base_currency: str


@dataclass(slots=True)
class _Outcome:
    """What is known of a file before what it wrote is undone."""

    counts: dict[str, int]
    shown: list[ReportedRow]
    report: IO[bytes]
    base_currency: str
    holdings: list[Holding] | None = None
    cash: list[CashBalance] | None = field(default=None)


class _Undone(Exception):
    """Takes everything back that was written, and what is known of it along."""

    def __init__(self, outcome: _Outcome) -> None:
        self.outcome = outcome
        super().__init__()


@transaction.atomic
def portfolio_import(
    *,
    portfolio: Portfolio,
    upload: Upload,
    layout: Layout,
    named: NamedStocks,
    dry_run: bool,
    now: datetime,
) -> Imported:
    """Read a file whose stocks are ``named``; a dry run does the same, and takes it back.

    Raises PortfolioNotFound for an archived portfolio, and FileUnreadable.
    """
    execute(_PATIENCE)
    try:
        with transaction.atomic():
            outcome = _run(portfolio, upload, layout, named, dry_run, now)
            if dry_run or outcome.counts.get("refused"):
                raise _Undone(outcome)
    except _Undone as undone:
        outcome = undone.outcome
    run = ImportRun.objects.create(
        portfolio=portfolio,
        created_at=now,
        digest=upload.digest,
        dry_run=dry_run,
        rows=sum(outcome.counts.values()),
        new=outcome.counts.get("new", 0),
        duplicates=outcome.counts.get("duplicate", 0),
        refused=outcome.counts.get("refused", 0),
        report=b"",
    )
    store_report(run, outcome.report)
    kept = ImportRun.objects.filter(portfolio=portfolio).order_by("-created_at", "-id")
    ImportRun.objects.filter(
        pk__in=list(kept.values_list("pk", flat=True)[KEPT_REPORTS : KEPT_REPORTS * 2])
    ).delete()
    return Imported(run, outcome.shown, outcome.holdings, outcome.cash, outcome.base_currency)


def _run(
    portfolio: Portfolio, upload: Upload, layout: Layout, named: NamedStocks, dry_run: bool, now: datetime
) -> _Outcome:
    # Before the lock: nothing here depends on what the ledger holds.
    stage(upload, layout, named, portfolio, now=now)
    locked = portfolio_lock(portfolio.pk)
    stocks = {stock.pk: stock for stock in named.found.values()}
    held = Holding.objects.filter(portfolio=locked, stock_id__in=stocks_touched())
    for stock_id in list(held.order_by("stock_id").values_list("stock_id", flat=True)):
        actions.settle(locked, stocks[stock_id], now=now)
    execute(_BY_HASH)
    match(locked, stocks)
    before = locked.last_sequence
    refused = counts().get("refused", 0)
    if not refused:
        append_new(locked, newest_first=layout.newest_first, now=now)
    execute(_AS_USUAL)
    if not refused:
        project(locked, stocks, since=before, now=now)
        refused = counts().get("refused", 0)
    touched = earliest_of_stocks()
    if not refused:
        for stock_id, since in touched.items():
            actions.settle(locked, stocks[stock_id], now=now, since=since)
    written = not dry_run and not refused
    outcome = _Outcome(
        counts(), shown_rows(written=written), packed_report(written=written), locked.base_currency
    )
    if not refused:
        outcome.holdings = _holdings(locked, stocks)
        outcome.cash = list(CashBalance.objects.filter(portfolio=locked).order_by("currency"))
    return outcome


def _holdings(portfolio: Portfolio, stocks: dict[int, Stock]) -> list[Holding]:
    rows = Holding.objects.filter(portfolio=portfolio, stock_id__in=stocks).select_related("stock")
    return list(rows.order_by("stock__code")[:SHOWN_HOLDINGS])
