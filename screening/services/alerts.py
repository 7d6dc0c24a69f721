"""Set, change and delete alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.tiers import tier
from screening.alerts.measures import Key, Measure, Sight, tick_measure, units
from screening.alerts.reading import AVERAGE_VOLUME, figure_units, measure_of, rule_of
from screening.alerts.rules import State
from screening.errors import AlertLimitReached, AlertNotFound
from screening.models import Alert
from stocks.models import Quote, Stock
from stocks.selectors.prices import latest_prices
from stocks.wire_text import micros

#: What a change of these makes of an alert: another question, which begins anew.
_ASKED = ("condition", "threshold", "hysteresis")
_UNSEEN: Key = (-1, -1)


@transaction.atomic
def alert_create(
    *,
    user: User,
    kind: str,
    condition: str,
    stock: Stock | None = None,
    screen_id: UUID | None = None,
    field: str = "",
    threshold: Decimal | None = None,
    now: datetime,
    **settings: Any,
) -> Alert:
    """Set an alert; raises AlertLimitReached at as many as the tier allows.

    ``stock`` comes with its market, quote and indicators. Where the value stands now decides from which side
    the alert is armed: one whose condition holds already waits until it has ceased to.
    """
    # The lock makes parallel calls count one after the other.
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    limit = tier(row.tier).alerts
    if Alert.objects.filter(user=user).count() >= limit:
        raise AlertLimitReached(limit=limit, tier=row.tier)
    alert = Alert(
        user=user,
        kind=kind,
        condition=condition,
        stock=stock,
        screen_id=screen_id,
        field=field,
        threshold=threshold,
        **settings,
    )
    _stand(alert, now)
    alert.save()
    return alert


@transaction.atomic
def alert_change(*, user: User, alert_id: UUID, changes: Mapping[str, Any], now: datetime) -> Alert:
    """Change what an alert asks or how it tells; raises AlertNotFound for any other id.

    Another question, and one that is made active again, begins anew from where the value stands now.
    """
    alert = _locked(user, alert_id)
    revived = changes.get("status") == Alert.Status.ACTIVE and alert.status != Alert.Status.ACTIVE
    anew = revived or any(name in changes and changes[name] != getattr(alert, name) for name in _ASKED)
    for name, value in changes.items():
        setattr(alert, name, value)
    if anew:
        # What was found with the earlier question has another arm, and comes to nothing.
        alert.arm += 1
        _stand(alert, now)
    alert.changed_at = Now()
    alert.save()
    alert.refresh_from_db(fields=["changed_at"])
    return alert


@transaction.atomic
def alert_delete(*, user: User, alert_id: UUID) -> None:
    """Delete an alert of the user; what it has told stays. Raises AlertNotFound for any other id."""
    _locked(user, alert_id).delete()


def alerts_expire(*, now: datetime) -> int:
    """Mark the active alerts whose time is over; returns how many those were."""
    over = Alert.objects.filter(status=Alert.Status.ACTIVE, expires_at__lte=now)
    return over.update(status=Alert.Status.EXPIRED, changed_at=Now())


def _locked(user: User, alert_id: UUID) -> Alert:
    found = Alert.objects.select_for_update(of=("self",)).filter(pk=alert_id, user=user)
    alert = found.select_related("stock__market", "stock__quote", "stock__indicators").first()
    if alert is None:
        raise AlertNotFound
    return alert


def _stand(alert: Alert, now: datetime) -> None:
    """Put the alert where the value stands now, without firing it."""
    alert.state, (alert.seen_at, alert.seen_seq) = State.NEW, _UNSEEN
    if alert.stock is None:
        return
    rule = rule_of(alert.condition, alert.threshold, Decimal(alert.hysteresis))
    measure = measure_of(alert.kind, alert.condition, alert.field)
    value, seen = _standing(alert.stock, measure, now)
    if value is not None:
        alert.state, _ = rule.step(State.NEW, value)
        alert.seen_at, alert.seen_seq = seen


def _standing(stock: Stock, measure: str, now: datetime) -> tuple[int | None, Key]:
    """The value of a measure by what is stored now, and of when that is."""
    indicators = getattr(stock, "indicators", None)
    if measure not in frozenset(Measure):
        if indicators is None:
            return None, _UNSEEN
        return figure_units(measure, getattr(indicators, measure)), (micros(indicators.computed_at), 0)
    price = latest_prices([stock], now=now).get(stock.id)
    if price is None:
        return None, _UNSEEN
    quote: Quote | None = getattr(stock, "quote", None)
    seen = (micros(price.as_of), -1 if quote is None else quote.seq)
    previous = price.previous_close
    sight = Sight(seen, units(price.price), None if previous is None else units(previous), price.volume)
    average = None if indicators is None else getattr(indicators, AVERAGE_VOLUME)
    return tick_measure(measure, sight, None if average is None else Fraction(average)), seen
