"""The tier that a user's plans give, and when it changes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.billing.models import OrderEvent, Standing, Subscription
from accounts.billing.services.events import event_add
from accounts.billing.timeline import Period, period_at, with_plan, without_item
from accounts.models import User
from accounts.signals import forget_user
from accounts.tiers import tiers

logger = logging.getLogger(__name__)


def plan_add(*, user: User, item_id: int, tier: str, length: timedelta, now: datetime) -> None:
    """Give the user a plan for so long; part of a transaction that has locked the user."""
    periods = _periods(user, now)
    _write(
        user,
        with_plan(periods, item=item_id, tier=tier, length=length, strength=strength(), now=now),
        now,
    )


def plan_take_back(*, user: User, item_id: int, now: datetime) -> None:
    """Take back what is left of a plan; part of a transaction that has locked the user."""
    periods = _periods(user, now)
    _write(user, without_item(periods, item=item_id, strength=strength(), now=now), now)


def standing_begin(*, user: User) -> None:
    """Remember the tier that the user has without any plan, before the first one."""
    Standing.objects.get_or_create(user=user, defaults={"base": user.tier, "applied": user.tier})


def standing_apply(*, user: User, now: datetime) -> bool:
    """Give the user the tier that holds at ``now``; says whether it was another one.

    Part of a transaction that has locked the user. Open connections are told once that is committed.
    """
    standing = Standing.objects.select_for_update().get(user=user)
    if user.tier != standing.applied:
        standing.base = user.tier
    current = period_at(_periods(user, now), now)
    ranks = strength()
    tier = standing.base
    if current is not None and ranks[current.tier] > ranks[tier]:
        tier = current.tier
    standing.applied = tier
    standing.changes_at = None if current is None else current.ends_at
    standing.save(update_fields=["base", "applied", "changes_at"])
    if tier == user.tier:
        return False
    before, user.tier = user.tier, tier
    User.objects.filter(pk=user.pk).update(tier=tier)
    forget_user(user)
    event_add(type=OrderEvent.Type.TIER_CHANGED, user_id=user.pk, tier=tier)
    logger.info("user %s: tier %s, was %s", user.pk, tier, before)
    return True


def standings_follow(*, now: datetime) -> int:
    """Lower, or raise, the tiers of those whose plan has ended; returns how many have changed."""
    due = Standing.objects.filter(changes_at__lte=now).order_by("changes_at")
    return sum(_follow(user_id, now) for user_id in list(due.values_list("user_id", flat=True)[:1000]))


@transaction.atomic
def _follow(user_id: UUID, now: datetime) -> bool:
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    return standing_apply(user=user, now=now)


def strength() -> dict[str, int]:
    """By tier, how strong it is: the table has the smallest first."""
    return {name: at for at, name in enumerate(tiers())}


def _periods(user: User, now: datetime) -> list[Period]:
    rows = Subscription.objects.filter(user=user, ends_at__gt=now).order_by("starts_at")
    return [Period(row.item_id, row.tier, row.starts_at, row.ends_at) for row in rows]


def _write(user: User, periods: list[Period], now: datetime) -> None:
    # What is over is never touched.
    Subscription.objects.filter(user=user, ends_at__gt=now).delete()
    Subscription.objects.bulk_create(
        Subscription(user=user, item_id=one.item, tier=one.tier, starts_at=one.starts_at, ends_at=one.ends_at)
        for one in periods
    )
