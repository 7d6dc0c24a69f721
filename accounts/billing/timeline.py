"""When which plan holds: periods that follow each other, the strongest plan first. Pure.

A plan that is bought while another holds loses nothing: one of the same tier begins when that ends, a weaker
one waits, and a stronger one begins at once and makes the weaker one wait with what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """The time from ``starts_at`` until before ``ends_at`` in which what was bought gives ``tier``."""

    item: int
    tier: str
    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at


def with_plan(
    periods: Sequence[Period],
    *,
    item: int,
    tier: str,
    length: timedelta,
    strength: Mapping[str, int],
    now: datetime,
) -> list[Period]:
    """The periods once another plan was bought, those that are over included."""
    last = max([now, *(one.ends_at for one in periods)])
    return _laid_out([*periods, Period(item, tier, last, last + length)], strength=strength, now=now)


def without_item(
    periods: Sequence[Period], *, item: int, strength: Mapping[str, int], now: datetime
) -> list[Period]:
    """The periods once a plan was taken back: what was used of it stays, the others move up."""
    used = [_until(one, now) for one in periods if one.item == item and one.starts_at < now]
    others = [one for one in periods if one.item != item]
    return sorted([*used, *_laid_out(others, strength=strength, now=now)], key=lambda one: one.starts_at)


def period_at(periods: Iterable[Period], now: datetime) -> Period | None:
    """The one that holds at ``now``."""
    return next((one for one in periods if one.starts_at <= now < one.ends_at), None)


def _laid_out(periods: Sequence[Period], *, strength: Mapping[str, int], now: datetime) -> list[Period]:
    done = [one for one in periods if one.ends_at <= now]
    rest = [one for one in periods if one.ends_at > now]
    current = period_at(rest, now)
    # Of the same tier the one that holds goes on, and then the one that was to come first.
    rest.sort(key=lambda one: (-strength[one.tier], one is not current, one.starts_at))
    at, laid = now, []
    for one in rest:
        left = one.ends_at - max(one.starts_at, now)
        begun = one.starts_at < now
        if begun and at == now:
            laid.append(one)
        else:
            if begun:
                done.append(_until(one, now))
            laid.append(Period(one.item, one.tier, at, at + left))
        at += left
    return sorted([*done, *laid], key=lambda one: one.starts_at)


def _until(period: Period, now: datetime) -> Period:
    return Period(period.item, period.tier, period.starts_at, min(period.ends_at, now))
