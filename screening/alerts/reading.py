"""Alerts and the figures they look at, read from the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from screening.alerts.book import Watch
from screening.alerts.measures import Key, Measure, units
from screening.alerts.rules import Condition, Rule, State
from screening.fields import shown
from screening.models import Alert
from stocks.models import LatestIndicators
from stocks.sessions import schedule
from stocks.wire_text import micros

AVERAGE_VOLUME = "volume_avg_20d"
# Longer than any transaction of a request: what was changed so long ago is seen by everybody.
_OVERLAP = timedelta(seconds=30)


class Changed(NamedTuple):
    """Alerts that changed: those that are active, and the ids of those that are not."""

    watches: list[Watch]
    others: list[UUID]


class Figure(NamedTuple):
    """The stored value of an indicator of a stock; ``key`` says when it was computed."""

    code: str
    field: str
    value: int
    key: Key


def database_time() -> datetime:
    """The clock that ``changed_at`` follows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


def all_active() -> list[Watch]:
    """Every alert on a stock that is active and whose user may sign in."""
    return [_watch(row) for row in _rows(Q(status="active", user__is_active=True))]


def changed_since(moment: datetime, known: Mapping[UUID, datetime]) -> tuple[Changed, dict[UUID, datetime]]:
    """What users changed since ``moment`` and not as in ``known``, and when each of those was changed.

    ``moment`` is of the database's clock. It looks back farther than that: a change is seen when its
    transaction ends, and has the time at which that began.
    """
    times = {
        alert_id: at
        for alert_id, at in Alert.objects.filter(changed_at__gt=moment - _OVERLAP)
        .order_by()
        .values_list("id", "changed_at")
        if known.get(alert_id) != at
    }
    if not times:
        return Changed([], []), {}
    active = Q(status="active", user__is_active=True, id__in=list(times))
    watches = [_watch(row) for row in _rows(active)]
    there = {watch.alert_id for watch in watches}
    return Changed(watches, [alert_id for alert_id in times if alert_id not in there]), times


def average_volumes(codes: Iterable[str]) -> dict[str, Fraction]:
    """The mean volume of the last 20 bars by code, where it is known."""
    rows = LatestIndicators.objects.filter(stock__code__in=list(codes)).order_by()
    return {
        code: Fraction(average)
        for code, average in rows.values_list("stock__code", AVERAGE_VOLUME)
        if average is not None
    }


def fresh_figures(fields: Mapping[str, set[str]], now: datetime) -> list[Figure]:
    """The stored indicators that are asked for by code, of stocks whose last session they are of.

    Where a later session has closed, the figure is stale, and left out.
    """
    names = sorted(set().union(*fields.values()))
    if not names:
        return []
    rows = LatestIndicators.objects.filter(stock__code__in=list(fields)).order_by()
    found: list[Figure] = []
    for code, calendar, day, computed_at, *values in rows.values_list(
        "stock__code", "stock__market__calendar", "date", "computed_at", *names
    ):
        closed = schedule(calendar).last_closed(now)
        if closed is not None and day < closed:
            continue
        for name, value in zip(names, values, strict=True):
            if name in fields[code] and (number := figure_units(name, value)) is not None:
                found.append(Figure(code, name, number, (micros(computed_at), 0)))
    return found


def figure_units(field: str, value: float | None) -> int | None:
    """A stored figure as it is shown, in units of 10^-8."""
    number = shown(field, value)
    return None if number is None else units(number)


_COLUMNS = (
    *("id", "stock__code", "kind", "condition", "field", "threshold", "hysteresis"),
    *("state", "arm", "seen_at", "seen_seq", "repeat", "cooldown_s", "fired_as_of", "expires_at"),
)


def _rows(condition: Q) -> Iterable[tuple[object, ...]]:
    return Alert.objects.filter(condition, stock__isnull=False).order_by().values_list(*_COLUMNS)


def _watch(row: tuple[object, ...]) -> Watch:
    alert_id, code, kind, condition, field, threshold, hysteresis, *standing = row
    state, arm, seen_at, seen_seq, repeat, cooldown, fired, expires = standing
    assert isinstance(alert_id, UUID)
    return Watch(
        alert_id=alert_id,
        code=str(code),
        measure=measure_of(str(kind), str(condition), str(field)),
        rule=rule_of(str(condition), threshold, hysteresis),
        state=State(state),  # type: ignore[arg-type]  # the column holds its numbers
        arm=int(arm),  # type: ignore[call-overload]
        seen=(int(seen_at), int(seen_seq)),  # type: ignore[call-overload]
        repeat=bool(repeat),
        cooldown=int(cooldown),  # type: ignore[call-overload]
        fired_at=micros(fired) if isinstance(fired, datetime) else None,
        expires_at=micros(expires) if isinstance(expires, datetime) else None,
    )


def measure_of(kind: str, condition: str, field: str) -> str:
    """What of a tick, or which indicator, an alert looks at."""
    match kind:
        case Alert.Kind.PRICE:
            return Measure.PRICE
        case Alert.Kind.VOLUME:
            return Measure.VOLUME
        case Alert.Kind.CHANGE:
            return Measure.SWING if condition == Alert.Condition.BEYOND else Measure.CHANGE
    return field


def rule_of(condition: str, threshold: object, hysteresis: object) -> Rule:
    """The rule of an alert on a stock."""
    assert isinstance(threshold, Decimal)
    assert isinstance(hysteresis, Decimal)
    known: Condition = condition  # type: ignore[assignment]  # the table takes no other
    return Rule(known, units(threshold), units(hysteresis))
