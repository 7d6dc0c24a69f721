"""The first fill and every later one: whatever is missing up to the last finished sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db import transaction

from stocks import dataset
from stocks.compute import compute_indicators
from stocks.loading.ahead import ahead
from stocks.loading.database import copy_rows, copy_text, execute
from stocks.models import Dataset, Stock
from stocks.partitions import ensure_years
from stocks.providers.sandbox import NAME, Sandbox, sessions
from stocks.providers.sandbox.bars import bars
from stocks.providers.sandbox.closes import closing_ticks
from stocks.providers.sandbox.universe import Instrument, by_calendar
from stocks.quotes import write_quotes
from stocks.sandbox_fill import companies, filings, stored
from stocks.sandbox_fill.binary import COLUMNS, rows

#: Bars of the first fill.
YEARS = 3
#: Statements reach further back than bars: six fiscal years are filed, what a growth over five of them takes.
STATEMENT_LEAD = timedelta(days=1_540)
#: Stocks whose bars are held in memory together.
CHUNK = 300

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows were added, and the last session that is now stored."""

    stocks: int = 0
    bars: int = 0
    statements: int = 0
    actions: int = 0
    quotes: int = 0
    indicators: int = 0
    through: date | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Part:
    """Stocks of one calendar that all miss the same days, ``start`` to ``end``."""

    instruments: Sequence[Instrument]
    start: date
    end: date
    statements_from: date


def fill_sandbox(
    *, sandbox: Sandbox | None = None, now: datetime | None = None, progress: Progress | None = None
) -> Summary:
    """Add what the database lacks of the sandbox, in one transaction, and compute the indicators anew.

    Args:
        sandbox: the market; the whole one where None.
        now: sessions that have closed by then are added.
        progress: called with (what, done, in all) as the work proceeds.

    Raises:
        SandboxAndRealData: the database holds real data.
    """
    began = time.perf_counter()
    sandbox, now = sandbox or Sandbox(), now or datetime.now(UTC)
    through = Dataset.objects.values_list("sandbox_through", flat=True).get(id=1)
    if _is_complete(sandbox, now):
        return Summary(through=through, seconds=round(time.perf_counter() - began, 3))
    with transaction.atomic():
        # A first fill takes longer than a request may.
        for timeout in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            execute(f"SET LOCAL {timeout} = 0")
        # The row stays locked to the end: a second filler waits here and then finds nothing missing.
        dataset.claim(Dataset.Origin.SANDBOX)
        summary = _fill(sandbox, now, progress or _silent)
    return replace(summary, seconds=round(time.perf_counter() - began, 3))


def _silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


def _is_complete(sandbox: Sandbox, now: datetime) -> bool:
    """Whether nothing can be missing, judged without loading a calendar; False where it cannot be told."""
    last = stored.last_sessions()
    if set(last) != set(sessions.calendars()):
        return False
    if any(sessions.may_have_finished_since(calendar, day, now) for calendar, day in last.items()):
        return False
    wanted = {one.code for one in sandbox.universe if _is_listed(one, last[one.venue.calendar])}
    return wanted <= stored.stock_ids().keys()


def _is_listed(instrument: Instrument, on: date) -> bool:
    return instrument.listed_on is None or instrument.listed_on <= on


def _fill(sandbox: Sandbox, now: datetime, progress: Progress) -> Summary:
    seed = sandbox.seed
    known, last = stored.stock_ids(), stored.last_sessions()
    parts: list[_Part] = []
    ends: dict[str, date] = {}
    for calendar, members in by_calendar(sandbox.universe):
        ends[calendar] = end = sessions.last_finished(calendar, now)
        parts += _parts([one for one in members if _is_listed(one, end)], known, last.get(calendar), end)
    new_stocks = _write_stocks(seed, sandbox.universe, ends)
    if not parts and not new_stocks:
        return Summary(through=max(ends.values()))
    ids = stored.stock_ids()
    bar_count = sum(_write_bars(seed, parts, ids, progress))
    statement_count, action_count = _write_companies(seed, parts, ids, progress)
    received_at = now
    quotes = 0
    for calendar, members in by_calendar(one for one in sandbox.universe if one.code in ids):
        ticks = closing_ticks(seed, members, ends[calendar], received_at=received_at, source=NAME)
        quotes += write_quotes(ticks).changed
    Dataset.objects.filter(id=1).update(sandbox_through=max(ends.values()))
    dataset.bump_version()
    if not last:
        # The computation that follows, and every reader, is planned by what this finds.
        tables = ("dailybar", "stock", "statement", "fundamentalsnapshot", "corporateaction")
        execute(f"ANALYZE {', '.join(f'stocks_{table}' for table in tables)}")
    computed = compute_indicators(progress=lambda done, total: progress("indicators", done, total))
    return Summary(
        stocks=new_stocks,
        bars=bar_count,
        statements=statement_count,
        actions=action_count,
        quotes=quotes,
        indicators=computed.computed,
        through=max(ends.values()),
    )


def _parts(
    instruments: Sequence[Instrument], known: Mapping[str, int], last: date | None, end: date
) -> Iterator[_Part]:
    old = [one for one in instruments if one.code in known and last is not None]
    new = [one for one in instruments if one.code not in known or last is None]
    if old and last is not None and last < end:
        following = last + timedelta(days=1)
        yield _Part(old, following, end, following)
    if new:
        start = end - timedelta(days=round(365.25 * YEARS))
        yield _Part(new, start, end, start - STATEMENT_LEAD)


def _write_stocks(seed: int, universe: Sequence[Instrument], ends: Mapping[str, date]) -> int:
    """Add listed stocks and the shares that a split has made; returns how many stocks were added."""
    held = dict(Stock.objects.filter(source=NAME).values_list("code", "shares_outstanding"))
    wanted = [
        companies.stock(seed, one, ends[one.venue.calendar])
        for one in universe
        if _is_listed(one, ends[one.venue.calendar])
    ]
    absent = object()
    changed = [stock for stock in wanted if held.get(stock.code, absent) != stock.shares_outstanding]
    Stock.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["shares_outstanding", "updated_at"],
    )
    return sum(stock.code not in held for stock in wanted)


def _write_bars(
    seed: int, parts: Sequence[_Part], ids: Mapping[str, int], progress: Progress
) -> Iterator[int]:
    """Copy the bars straight into the partitions; yields the number of each chunk."""
    chunks = [
        (part, part.instruments[at : at + CHUNK])
        for part in parts
        for at in range(0, len(part.instruments), CHUNK)
    ]
    blocks = (block for part, chunk in chunks for block in bars(seed, chunk, part.start, part.end))
    total, done = sum(len(chunk) for _, chunk in chunks), 0
    for block in ahead(blocks):
        stock_ids = np.array([ids[instrument.code] for instrument in block.instruments], dtype=np.int32)
        years = block.days.astype("datetime64[Y]").astype(int) + 1970
        ensure_years(np.unique(years).tolist())
        for year in np.unique(years).tolist():
            chosen = block.listed & (years == year)
            table = f"stocks_dailybar_{year}"
            copy_text(
                f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)",
                [rows(stock_ids, block, chosen, NAME)],
            )
        done += len(block.instruments)
        progress("bars", done, total)
        yield int(block.listed.sum())


def _write_companies(
    seed: int, parts: Sequence[_Part], ids: Mapping[str, int], progress: Progress
) -> tuple[int, int]:
    counts = [0, 0]
    total, done = sum(len(part.instruments) for part in parts), 0
    for part in parts:
        given = (part.instruments, ids)
        counts[0] += _write_filings(seed, part, ids)
        acted = list(companies.action_rows(seed, *given, part.start, part.end))
        copy_rows(f"COPY stocks_corporateaction ({', '.join(companies.ACTION_COLUMNS)}) FROM STDIN", acted)
        counts[1] += len(acted)
        done += len(part.instruments)
        progress("statements and actions", done, total)
    return counts[0], counts[1]


def _write_filings(seed: int, part: _Part, ids: Mapping[str, int]) -> int:
    """Copy statements and what is expected at their filing; returns how many statements there are."""
    written = 0
    for at in range(0, len(part.instruments), CHUNK):
        stated, expected, count = filings.rows(
            seed,
            part.instruments[at : at + CHUNK],
            ids,
            filed=(part.statements_from, part.end),
            expected=(part.start, part.end),
            source=NAME,
        )
        for table, columns, data in (
            ("stocks_statement", filings.STATEMENT_COLUMNS, stated),
            ("stocks_fundamentalsnapshot", filings.OUTLOOK_COLUMNS, expected),
        ):
            copy_text(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", [data])
        written += count
    return written
