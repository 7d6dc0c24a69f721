"""The tier that money buys: raised, extended, lowered, and known in open sockets"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.billing.models import OrderEvent, Standing, Subscription
from accounts.billing.selectors import has_pack
from accounts.billing.services.refunds import order_refund
from accounts.billing.tasks import end_subscriptions
from accounts.billing.tests.cases import bought, processed
from accounts.models import User
from accounts.session_cache import Standing as Remembered
from accounts.session_cache import name as session_name
from accounts.tests.clients import token

pytestmark = pytest.mark.django_db


def tier(user: User) -> str:
    user.refresh_from_db()
    return user.tier


def pass_days(days: float) -> None:
    """As if all had been bought so long ago."""
    delta = timedelta(days=days)
    for row in Subscription.objects.all():
        Subscription.objects.filter(pk=row.pk).update(
            starts_at=row.starts_at - delta, ends_at=row.ends_at - delta
        )
    Standing.objects.update(changes_at=F("changes_at") - delta)


def test_it_works(alice, products):
    bought(alice, "basic-month")
    assert tier(alice) == "basic"
    bought(alice, "pro-month")
    assert tier(alice) == "pro"
    assert end_subscriptions() == 0
    pass_days(30)
    assert end_subscriptions() == 1
    assert tier(alice) == "basic"
    assert end_subscriptions() == 0
    pass_days(30)
    assert end_subscriptions() == 1
    assert tier(alice) == "free"
    assert end_subscriptions() == 0
    changes = OrderEvent.objects.filter(type="tier.changed").order_by("number")
    assert list(changes.values_list("tier", flat=True)) == ["basic", "pro", "basic", "free"]


def test_a_second_month_is_added_to_the_first(alice, products):
    bought(alice, "pro-month")
    bought(alice, pro_month=2)
    ends = max(row.ends_at for row in Subscription.objects.all())
    assert timedelta(days=89, hours=23) < ends - timezone.now() <= timedelta(days=90)
    pass_days(31)
    end_subscriptions()
    assert tier(alice) == "pro"
    pass_days(59)
    end_subscriptions()
    assert tier(alice) == "free"


def test_one_order_may_hold_both_plans(alice, products):
    bought(alice, "basic-month", "pro-month")
    assert tier(alice) == "pro"
    assert list(Subscription.objects.values_list("tier", flat=True)) == ["pro", "basic"]


def test_a_refund_leaves_what_else_was_bought(alice, products):
    bought(alice, "basic-month")
    order = bought(alice, "pro-month")
    order_refund(order_id=order.pk, now=timezone.now())
    processed(order.payment)
    assert tier(alice) == "basic"
    pass_days(30)
    end_subscriptions()
    assert tier(alice) == "free"


def test_a_tier_that_was_set_by_hand_is_what_a_plan_falls_back_to(alice, products):
    User.objects.filter(pk=alice.pk).update(tier="basic")
    bought(alice, "pro-month")
    assert tier(alice) == "pro"
    pass_days(30)
    end_subscriptions()
    assert tier(alice) == "basic"


def test_a_plan_that_is_weaker_than_the_tier_set_by_hand_takes_nothing(alice, products):
    User.objects.filter(pk=alice.pk).update(tier="pro")
    alice.refresh_from_db()
    bought(alice, "basic-month")
    assert tier(alice) == "pro"
    pass_days(30)
    end_subscriptions()
    assert tier(alice) == "pro"


def test_a_tier_that_is_set_by_hand_meanwhile_is_the_new_base(alice, products):
    bought(alice, "basic-month")
    User.objects.filter(pk=alice.pk).update(tier="pro")
    pass_days(30)
    end_subscriptions()
    assert tier(alice) == "pro"


def test_nobody_is_touched_who_has_bought_no_plan(alice, products):
    User.objects.filter(pk=alice.pk).update(tier="pro")
    bought(alice, "history-pack")
    assert tier(alice) == "pro"
    assert not Standing.objects.exists()


def test_a_pack_is_had_from_its_order_to_its_refund(alice, charlie, products):
    order = bought(alice, "history-pack")
    now = timezone.now()
    assert has_pack(alice, "history-pack", now=now)
    assert not has_pack(charlie, "history-pack", now=now)
    assert not has_pack(alice, "won-pack", now=now)
    order_refund(order_id=order.pk, now=now)
    processed(order.payment)
    assert not has_pack(alice, "history-pack", now=timezone.now())


def test_sessions_and_keys_know_the_tier_at_once(
    as_alice, alice, alices_key, products, redis_client, django_capture_on_commit_callbacks
):
    assert as_alice.get("/v1/auth/me").json()["tier"] == "free"
    by_key = token(alices_key.text)
    assert by_key.get("/v1/auth/me").json()["tier"] == "free"
    entry = session_name(alice.sessions.get().pk)
    with django_capture_on_commit_callbacks(execute=True):
        bought(alice, "pro-month")
    remembered = redis_client.get(entry)
    assert remembered is None or Remembered.read(remembered) is None
    assert as_alice.get("/v1/auth/me").json()["tier"] == "pro"
    assert by_key.get("/v1/auth/me").json()["tier"] == "pro"
