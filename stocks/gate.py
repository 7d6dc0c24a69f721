"""The gate before the stream: what cannot be true, or is not to be believed of one source, stays outside.

A price that is far from the last one known (a hundredfold, a tenth, a half) is held until something else
says the same: another source with a price close to it, or a split that explains it, or a person. Held prices
stand in QuarantinedTick; the stock keeps its last price, which grows stale.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import F

from realtime.redis import worker_client
from stocks import stream
from stocks.adjust import adjustment_factors
from stocks.folds import why_refused
from stocks.models import CorporateAction, QuarantinedTick, Quote, Stock
from stocks.models.fields import MAX_PRICE
from stocks.providers.protocol import Update
from stocks.selectors.prices import last_sessions
from stocks.sessions import schedule
from stocks.types import Action, ActionKind, Tick

logger = logging.getLogger(__name__)

#: How far a price may be from the last one, as a factor either way, to be believed at once.
BELIEVED = Decimal("1.8")
#: How close the price of another source has to be, and how fresh, to bear a held one out.
AGREES = Decimal("1.05")
AGREES_WITHIN = timedelta(minutes=15)
#: Seconds between two notes of the same doubt.
HELD_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Reference:
    """The last price that was believed, and of when."""

    price: Decimal
    as_of: datetime
    source: str


class Gate:
    """Remembers the last believed price of each stock that came by; what it lacks it reads.

    Of use to one process: others have a gate of their own, and meet in the stored quotes.
    """

    def __init__(self) -> None:
        self._believed: dict[str, Reference] = {}
        # What this process holds, and when it was written down last: a feed may repeat a wrong price often.
        self._held: dict[tuple[str, str], tuple[float, Decimal]] = {}

    def admit(self, update: Update, *, now: datetime) -> Update:
        """What of an update may go on; the rest is put into quarantine. Reads and writes the database."""
        unknown = [tick.code for tick in update.ticks if tick.code not in self._believed]
        if unknown:
            self._believed |= references(unknown)
        ticks = tuple(tick for tick in update.ticks if self._is_believed(tick, now))
        books = []
        for book in update.books:
            if (why := why_refused(book, now)) is None:
                books.append(book)
            else:
                logger.warning("an order book of %s from %s is refused: %s", book.code, book.source, why)
        return Update(ticks, tuple(books))

    def _is_believed(self, tick: Tick, now: datetime) -> bool:
        if (why := why_refused(tick, now)) is not None:
            self._hold(tick, why, None)
            return False
        if self._is_held(tick):
            return False
        last = self._believed.get(tick.code) or _own_reference(tick)
        if last is not None and not near(tick.price, last.price, BELIEVED):
            # Other processes may know a newer price than this one.
            last = references([tick.code]).get(tick.code) or last
        if last is not None and not near(tick.price, last.price, BELIEVED):
            witness = _split_that_explains(tick, last) or _other_source_that_agrees(tick)
            if witness is None:
                self._hold(tick, f"{float(tick.price / last.price):.4g} times the last price", last)
                return False
            _confirm(tick, witness, now)
            self._held = {key: held for key, held in self._held.items() if key[0] != tick.code}
        self._release_own(tick, now)
        if last is None or tick.as_of >= last.as_of:
            self._believed[tick.code] = Reference(tick.price, tick.as_of, tick.source)
        return True

    def _is_held(self, tick: Tick) -> bool:
        """Whether the same doubt was looked into a moment ago."""
        at, price = self._held.get((tick.code, tick.source), (float("-inf"), tick.price))
        return time.monotonic() - at < HELD_AGAIN_SECONDS and near(tick.price, price, AGREES)

    def _hold(self, tick: Tick, reason: str, reference: Reference | None) -> None:
        key = (tick.code, tick.source)
        at, _ = self._held.get(key, (float("-inf"), None))
        if time.monotonic() - at >= HELD_AGAIN_SECONDS:
            hold(tick, reason, reference)
            self._held[key] = time.monotonic(), tick.price

    def _release_own(self, tick: Tick, now: datetime) -> None:
        """A source that is back at a believable price takes its doubtful one back."""
        if self._held.pop((tick.code, tick.source), None) is not None:
            QuarantinedTick.objects.filter(code=tick.code, source=tick.source, status="held").update(
                status=QuarantinedTick.Status.DISCARDED, decided_at=now, decided_by=tick.source
            )


@cache
def _gate() -> Gate:
    return Gate()


def admit(update: Update, *, now: datetime) -> Update:
    """What of ``update`` may go into the stream, by the gate of this process."""
    return _gate().admit(update, now=now)


def near(price: Decimal, other: Decimal, factor: Decimal) -> bool:
    """Whether two prices are at most ``factor`` times apart."""
    return other <= price * factor and price <= other * factor


def references(codes: Collection[str]) -> dict[str, Reference]:
    """The last believed price per code: the stored quote, else the close of the last bar."""
    found = {
        code: Reference(price, as_of, source)
        for code, price, as_of, source in Quote.objects.filter(stock__code__in=codes)
        .order_by()
        .values_list("stock__code", "price", "as_of", "source")
    }
    bare = Stock.objects.filter(code__in=set(codes) - found.keys()).select_related("market").order_by()
    stocks = {stock.id: stock for stock in bare}
    for stock_id, session in last_sessions(list(stocks)).items() if stocks else ():
        stock = stocks[stock_id]
        as_of = schedule(stock.market.calendar).close_of(session.bar.date)
        found[stock.code] = Reference(session.bar.close, as_of, session.source)
    return found


def hold(tick: Tick, reason: str, reference: Reference | None = None) -> None:
    """Write a tick to the quarantine; the same doubt about the same source counts up its open row."""
    storable = tick.price.is_finite() and abs(tick.price) < MAX_PRICE
    values: dict[str, Any] = {
        "reason": reason[:200],
        "price": tick.price if storable else None,
        "reference_price": reference.price if reference else None,
        "reference_source": reference.source if reference else "",
        "as_of": tick.as_of,
        "received_at": tick.received_at,
        "tick": _to_json(tick),
    }
    row, created = QuarantinedTick.objects.get_or_create(
        code=tick.code[:32], source=tick.source, status=QuarantinedTick.Status.HELD, defaults=values
    )
    if created:
        logger.warning("a price of %s from %s is held: %s", tick.code, tick.source, reason)
    else:
        QuarantinedTick.objects.filter(pk=row.pk).update(times=F("times") + 1, **values)


def release(row_id: int, *, by: str, now: datetime) -> bool:
    """Let a held price through, as a person decided; False when it is no longer held or is no price."""
    with transaction.atomic():
        row = QuarantinedTick.objects.select_for_update().filter(pk=row_id, status="held").first()
        tick = _from_json(row.tick) if row is not None else None
        if row is None or tick is None or why_refused(tick, now) is not None:
            return False
        row.status, row.decided_at, row.decided_by = QuarantinedTick.Status.CONFIRMED, now, by[:254]
        row.save(update_fields=["status", "decided_at", "decided_by"])
        # Within the transaction: a price that could not be handed on stays held.
        stream.append(worker_client(), Update(ticks=(tick,)))
    return True


def discard(row_id: int, *, by: str, now: datetime) -> bool:
    """Put a held price away for good; False when it is no longer held."""
    decided = {"status": QuarantinedTick.Status.DISCARDED, "decided_at": now, "decided_by": by[:254]}
    return bool(QuarantinedTick.objects.filter(pk=row_id, status="held").update(**decided))


def _split_that_explains(tick: Tick, last: Reference) -> str | None:
    """A split between the last price and this one that makes them near."""
    today = tick.as_of.date() + timedelta(days=1)
    rows = CorporateAction.objects.filter(
        stock__code=tick.code,
        kind__in=(ActionKind.SPLIT, ActionKind.BONUS),
        ex_date__gt=last.as_of.date() - timedelta(days=1),
        ex_date__lte=today,
    ).values_list("kind", "ex_date", "ratio")
    actions: Sequence[Action] = [Action(ActionKind(kind), day, ratio=ratio) for kind, day, ratio in rows]
    if not actions:
        return None
    before = min(action.ex_date for action in actions) - timedelta(days=1)
    (shares,) = adjustment_factors([before], actions, through=today)
    explained = near(tick.price, last.price / shares, BELIEVED)
    return f"split {actions[-1].ex_date}" if explained else None


def _other_source_that_agrees(tick: Tick) -> str | None:
    """Another source whose price is held for the same doubt, or stored, and is close to this one."""
    since = tick.received_at - AGREES_WITHIN
    held = QuarantinedTick.objects.filter(
        code=tick.code, status="held", received_at__gte=since, price__isnull=False
    ).exclude(source=tick.source)
    for source, price in held.values_list("source", "price"):
        if price is not None and near(tick.price, price, AGREES):
            return source
    return None


def _confirm(tick: Tick, witness: str, now: datetime) -> None:
    """The held prices that this one bears out were right."""
    QuarantinedTick.objects.filter(
        code=tick.code, status="held", price__range=(tick.price / AGREES, tick.price * AGREES)
    ).update(status=QuarantinedTick.Status.CONFIRMED, decided_at=now, decided_by=witness)


def _own_reference(tick: Tick) -> Reference | None:
    """For a stock without any price so far: the close that its first price says it comes from."""
    if tick.previous_close is None:
        return None
    return Reference(tick.previous_close, tick.as_of, tick.source)


def _to_json(tick: Tick) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in asdict(tick).items()
        if value is not None
    }


def _from_json(raw: Mapping[str, str]) -> Tick | None:
    prices = ("open", "high", "low", "previous_close")
    try:
        return Tick(
            code=raw["code"],
            price=Decimal(raw["price"]),
            as_of=datetime.fromisoformat(raw["as_of"]),
            received_at=datetime.fromisoformat(raw["received_at"]),
            source=raw["source"],
            seq=int(raw["seq"]),
            volume=int(raw["volume"]) if "volume" in raw else None,
            **{name: Decimal(raw[name]) for name in prices if name in raw},
        )
    except (KeyError, ValueError, ArithmeticError):
        return None
