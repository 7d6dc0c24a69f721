"""Corporate actions and statements from the providers, stock by stock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from stocks.dataset import bump_version, claim
from stocks.models import Dataset, Statement
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.mesh.mesh import Answer, Mesh
from stocks.providers.protocol import Capability
from stocks.selectors.loaded import Loaded
from stocks.services.actions import StoredActions, store_actions
from stocks.services.asking import Asker, Stopped
from stocks.services.fetched import remember, remember_since
from stocks.services.jobs import Run
from stocks.services.statements import StoredStatements, store_statements

#: What scheduled work looks at: actions of the last weeks and those that are announced.
ACTIONS_BACK, ACTIONS_AHEAD = timedelta(days=30), timedelta(days=90)
#: How far statements reach back where none is stored, and how much is asked for again where some are.
STATEMENTS_BACK, STATEMENTS_AGAIN = timedelta(days=6 * 366), timedelta(days=120)

Done = Callable[[int], None]


def nobody_watches(_: int) -> None:
    """Nobody watches."""


def load_actions(
    stocks: Iterable[Loaded],
    *,
    run: Run,
    asker: Asker,
    now: datetime,
    start: date | None = None,
    end: date | None = None,
    done: Done = nobody_watches,
) -> set[str]:
    """Ask for the actions of stocks and store them; returns the codes about which somebody could be asked.

    Each stock is one transaction. Where ``start`` is None: since shortly before they were asked for last, or
    since the first bar; where ``end`` is None: all that are announced.
    """
    last = end or (now + ACTIONS_AHEAD).date()

    def first(stock: Loaded) -> date:
        if start is not None:
            return start
        recent = ((stock.asked_at or now) - ACTIONS_BACK).date()
        return min(recent, stock.first or recent) if stock.asked_at is None else recent

    def ask(mesh: Mesh, stock: Loaded) -> Answer:
        return mesh.actions(stock.key, first(stock), last)

    def store(stock: Loaded, answer: Answer) -> StoredActions:
        return store_actions(
            stock.id,
            answer.value,
            code=stock.code,
            currency=stock.key.currency,
            source=answer.source,
            start=first(stock),
            end=last,
            today=now.date(),
        )

    return _load(stocks, Capability.ACTIONS, ask, store, start, run=run, asker=asker, now=now, done=done)


def load_statements(
    stocks: Iterable[Loaded],
    *,
    run: Run,
    asker: Asker,
    now: datetime,
    start: date | None = None,
    end: date | None = None,
    done: Done = nobody_watches,
) -> set[str]:
    """Ask for the statements of stocks and store them; each stock is one transaction.

    Where ``start`` is None, a stock that has statements is asked for the newest alone.
    """

    def ask(mesh: Mesh, stock: Loaded) -> Answer:
        return mesh.statements(stock.key, start or _statements_from(stock, now), end or now.date())

    def store(stock: Loaded, answer: Answer) -> StoredStatements:
        return store_statements(
            stock.id, answer.value, code=stock.code, source=answer.source, today=now.date()
        )

    return _load(stocks, Capability.STATEMENTS, ask, store, start, run=run, asker=asker, now=now, done=done)


def _load(
    stocks: Iterable[Loaded],
    capability: Capability,
    ask: Callable[[Mesh, Loaded], Answer],
    store: Callable[[Loaded, Answer], StoredActions | StoredStatements],
    start: date | None,
    *,
    run: Run,
    asker: Asker,
    now: datetime,
    done: Done,
) -> set[str]:
    kind = capability.value
    answered: set[str] = set()
    for number, stock in enumerate(stocks, 1):
        try:
            answer = asker.about(capability, stock.key, lambda mesh, stock=stock: ask(mesh, stock))  # type: ignore[misc]  # bound now
        except Stopped as stop:
            run.note(stop.reason)
            run.count(f"{kind}_left")
        except (NotFound, NotOffered):
            run.count(f"{kind}_missing")
            remember(kind, [stock.code], at=now, missing=True)
            if start is not None:
                remember_since(kind, stock.code, start, at=now)
            answered.add(stock.code)
        except ProviderError as error:
            run.error(f"{stock.code}: {error.message}")
        else:
            with transaction.atomic():
                claim(Dataset.Origin.REAL)
                stored = store(stock, answer)
                remember(kind, [stock.code], at=now, source=answer.source)
                if start is not None:
                    remember_since(kind, stock.code, start, at=now, source=answer.source)
                if stored.changed:
                    bump_version()
            _count(run, kind, stored)
            answered.add(stock.code)
        done(number)
    return answered


def _count(run: Run, kind: str, stored: StoredActions | StoredStatements) -> None:
    run.count(f"{kind}_asked")
    for name in ("inserted", "corrected", "unchanged", "differing"):
        run.count(f"{kind}_{name}", getattr(stored, name))
    if isinstance(stored, StoredActions):
        run.count(f"{kind}_withdrawn", stored.withdrawn)
    for why in stored.refused:
        run.count(f"{kind}_refused")
        run.note(why)


def _statements_from(stock: Loaded, now: datetime) -> date:
    newest = Statement.objects.filter(stock_id=stock.id).aggregate(last=Max("filed_on"))["last"]
    return (now - STATEMENTS_BACK).date() if newest is None else newest - STATEMENTS_AGAIN
