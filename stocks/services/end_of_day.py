"""What is done once a market has closed: its bars, and whatever companies have announced and filed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice

from stocks.compute import compute_indicators
from stocks.interest import urgent_codes
from stocks.models import LatestIndicators, Market, QuarantinedTick, Stock
from stocks.providers.protocol import Capability
from stocks.providers.registry import refuse_mixture
from stocks.selectors.loaded import Loaded, loaded_stocks
from stocks.services.asking import Asker, is_live
from stocks.services.jobs import Run, job_run, slot_of
from stocks.services.loading_bars import Wanted, load_bars
from stocks.services.loading_reports import load_actions, load_statements
from stocks.sessions import schedule

TASK = "end_of_day"
#: Seconds between two runs, and how long one may take.
SLOT_SECONDS, RUN_SECONDS = 600, 300.0
#: Providers need so long to have the bar of a session.
AFTER_CLOSE = timedelta(minutes=20)
#: How far back the bars of a stock without any begin; indicators look back a year.
FIRST_BARS = timedelta(days=400)
STATEMENTS_EVERY, STATEMENTS_PER_RUN = timedelta(days=7), 20
ACTIONS_EVERY, ACTIONS_PER_RUN = timedelta(days=1), 100
#: A held price waits for the split that may explain it.
HELD_ACTIONS_EVERY = timedelta(hours=1)


def run_end_of_day(*, now: datetime, asker: Asker | None = None) -> Run | None:
    """Load what the providers have by now and the database lacks; once per slot, within the run's time.

    The actions of stocks whose prices are held come first; then bars, the oldest gap before all others; then
    the actions of each stock once a day; then statements, a few at a time. What is left over is the next
    run's. The indicators of a market follow once its bars are in. Raises SandboxAndRealData.
    """
    kinds = (Capability.HISTORY, Capability.ACTIONS, Capability.STATEMENTS)
    live = [kind for kind in kinds if is_live(kind)]
    if not live:
        return None
    refuse_mixture()
    with job_run(task=TASK, slot=slot_of(now, SLOT_SECONDS), now=now) as run:
        if run is None:
            return None
        asker = asker or Asker(seconds=RUN_SECONDS, patience=5.0)
        if Capability.ACTIONS in live:
            load_actions(_held(now), run=run, asker=asker, now=now)
        if Capability.HISTORY in live:
            load_bars(missing_bars(now), run=run, asker=asker, now=now)
        if Capability.ACTIONS in live:
            load_actions(_due_for_actions(now), run=run, asker=asker, now=now)
        if Capability.STATEMENTS in live:
            load_statements(_due_for_statements(now), run=run, asker=asker, now=now)
        for market in markets_to_compute(now):
            run.count("computed", compute_indicators(market=market).computed)
    return run


def missing_bars(now: datetime) -> list[Wanted]:
    """The stocks that lack the bar of their market's last session, those with the oldest gap first."""
    wanted: list[Wanted] = []
    for calendar, markets in _by_calendar().items():
        session = schedule(calendar).last_closed(now - AFTER_CLOSE)
        if session is None:
            continue
        for stock in loaded_stocks(asked="bars", markets=markets):
            if (stock.last is None or stock.last < session) and _may_ask_again(stock, session, now):
                start = session - FIRST_BARS if stock.last is None else stock.last + timedelta(days=1)
                wanted.append(Wanted(stock, start, session))
    return sorted(wanted, key=lambda one: (one.stock.last is None, one.start, one.stock.code))


def markets_to_compute(now: datetime) -> list[str]:
    """The markets whose last session has all the bars that may come now, and no figures yet."""
    ready: list[str] = []
    waiting = {one.stock.key.market for one in missing_bars(now)}
    for calendar, markets in _by_calendar().items():
        session = schedule(calendar).last_closed(now - AFTER_CLOSE)
        for market in sorted(set(markets) - waiting):
            has_bars = any(stock.last == session for stock in loaded_stocks(asked="bars", markets=[market]))
            figures = LatestIndicators.objects.filter(stock__market_id=market, date__gte=session)
            if session is not None and has_bars and not figures.exists():
                ready.append(market)
    return ready


def _may_ask_again(stock: Loaded, session: date, now: datetime) -> bool:
    """Whether it is time to ask for a stock whose bars did not come: the longer they stay away, the rarer."""
    if stock.asked_at is None:
        return True
    behind = timedelta.max if stock.last is None else session - stock.last
    if behind <= timedelta(days=5):
        pause = timedelta(hours=1)
    elif behind <= timedelta(days=30):
        pause = timedelta(days=1)
    else:
        pause = timedelta(days=7)
    return now - stock.asked_at >= pause


def _by_calendar() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, calendar in Market.objects.order_by("code").values_list("code", "calendar"):
        found.setdefault(calendar, []).append(code)
    return found


def _held(now: datetime) -> list[Loaded]:
    """The stocks whose prices are in quarantine."""
    codes = QuarantinedTick.objects.filter(status=QuarantinedTick.Status.HELD).order_by()
    held = set(codes.values_list("code", flat=True))
    return _due(loaded_stocks(asked="actions", codes=held), HELD_ACTIONS_EVERY, now) if held else []


def _due_for_actions(now: datetime) -> Iterator[Loaded]:
    due = _due(loaded_stocks(asked="actions"), ACTIONS_EVERY, now)
    return islice(_urgent_first(due), ACTIONS_PER_RUN)


def _due_for_statements(now: datetime) -> Iterator[Loaded]:
    due = _due(loaded_stocks(asked="statements"), STATEMENTS_EVERY, now)
    companies = (stock for stock in due if stock.kind == Stock.Kind.EQUITY)
    return islice(_urgent_first(companies), STATEMENTS_PER_RUN)


def _due(stocks: Iterable[Loaded], pause: timedelta, now: datetime) -> list[Loaded]:
    """Those that were not asked about within ``pause``; the ones asked longest ago first."""
    due = [one for one in stocks if one.asked_at is None or now - one.asked_at >= pause]
    never = datetime.min.replace(tzinfo=now.tzinfo)
    return sorted(due, key=lambda one: (one.asked_at or never, one.code))


def _urgent_first(stocks: Iterable[Loaded]) -> list[Loaded]:
    urgent = frozenset(urgent_codes())
    is_other: Callable[[Loaded], bool] = lambda one: one.code not in urgent  # noqa: E731  (sorted is stable)
    return sorted(stocks, key=is_other)
