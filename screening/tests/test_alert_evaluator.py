"""The evaluator on a real database: each edge fires once, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import DataError, transaction

from accounts.tests.factories import UserFactory
from screening.alerts import evaluator as module
from screening.alerts.evaluator import GROUP
from screening.alerts.rules import State
from screening.models import Alert, Delivery, Notification, WebhookEndpoint
from screening.services.alerts import alert_change, alert_delete
from screening.tests.alert_cases import Bench, alert, at, prices, stock, values
from stocks.dataset import bump_version
from stocks.lease import Lease, LeaseLost
from stocks.models import LatestIndicators
from stocks.tests.factories import QuoteFactory
from stocks.tests.tick_cases import batch, update

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


def test_a_crossing_fires_once_and_again_after_the_way_back():
    one = alert()
    bench = Bench()
    bench.show(*prices(99, 101, 102))
    bench.show(*prices(103, 100, 104))
    assert values(one) == [101, 104]
    one.refresh_from_db()
    assert (one.times_fired, one.arm) == (2, 3)
    assert list(Notification.objects.order_by("number").values_list("arm", flat=True)) == [1, 2]


def test_an_edge_within_one_batch_is_not_folded_away():
    one = alert()
    Bench().show(*prices(99, 101, 99, 101, 99))
    assert values(one) == [101, 101]


def test_a_stored_quote_says_on_which_side_an_alert_begins():
    QuoteFactory.create(stock=stock(), price=Decimal(99), as_of=datetime.now(UTC))
    rising = alert()
    falling = alert(condition="below")
    bench = Bench()
    bench.show(at(101))
    assert values(rising) == [101]
    assert values(falling) == []
    bench.show(at(99))
    assert values(falling) == [99]


def test_an_entry_that_comes_again_fires_nothing():
    one = alert(condition="crosses")
    bench = Bench()
    entry = batch(update(*prices(99, 101, 99, 101)))
    bench.evaluator.handle(entry)
    bench.evaluator.handle(entry)
    # Another process, which knows only what is written.
    bench.lease.release()
    other = Bench()
    other.evaluator.handle(entry)
    assert values(one) == [101, 99, 101]


def test_a_tick_that_is_older_than_one_before_it_changes_nothing():
    one = alert()
    bench = Bench()
    early, late = prices(101, 99)
    bench.show(late)
    bench.show(early)
    assert values(one) == []


def test_a_stale_tick_fires_nothing_and_the_first_fresh_one_does():
    one = alert()
    Alert.objects.update(state=State.ARMED)
    bench = Bench()
    bench.show(replace(at(101), as_of=datetime.now(UTC) - timedelta(seconds=91)))
    assert values(one) == []
    bench.show(at(102))
    assert values(one) == [102]


def test_a_price_of_the_last_session_is_not_stale_until_the_next_one_opens(time_machine):
    """Seoul closes at 06:30 UTC; by then 90 seconds are long over at 07:00, and at 00:01 the next day."""
    one = alert()
    Alert.objects.update(state=State.ARMED)
    close = datetime(2024, 11, 8, 6, 30, tzinfo=UTC)
    last = replace(at(101), as_of=close, received_at=close, source="test")
    time_machine.move_to(datetime(2024, 11, 11, 0, 1, tzinfo=UTC), tick=False)
    bench = Bench()
    bench.show(last)
    assert values(one) == []
    time_machine.move_to(datetime(2024, 11, 8, 7, tzinfo=UTC), tick=False)
    bench.evaluator._seen.clear()
    bench.show(last)
    assert values(one) == [101]


def test_hysteresis_and_cooldown_keep_it_silent():
    wide = alert(hysteresis=Decimal(5))
    calm = alert(cooldown_s=3600)
    Bench().show(*prices(99, 101, 99, 102, 94, 103))
    assert values(wide) == [101, 103]
    assert values(calm) == [101]


def test_one_that_does_not_repeat_is_done():
    one = alert(repeat=False)
    bench = Bench()
    bench.show(*prices(99, 101, 99, 102))
    bench.show(*prices(99, 103))
    one.refresh_from_db()
    assert values(one) == [101]
    assert one.status == "done"


def test_an_expired_one_is_silent_and_says_so():
    one = alert()
    Alert.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    bench = Bench()
    bench.show(*prices(99, 101))
    one.refresh_from_db()
    assert values(one) == []
    assert one.status == "expired"


def test_one_that_expires_meanwhile_is_silent():
    one = alert(expires_at=datetime.now(UTC) + timedelta(hours=1))
    bench = Bench()
    bench.show(at(99))
    Alert.objects.update(expires_at=datetime.now(UTC))
    bench.read_anew()
    bench.show(at(101))
    assert values(one) == []


def test_changes_are_compared_as_they_are_shown():
    up = alert(kind="change_pct", threshold=Decimal(5))
    down = alert(kind="change_pct", condition="below", threshold=Decimal(-5))
    both = alert(kind="change_pct", condition="beyond", threshold=Decimal(5))
    bench = Bench()
    bench.show(at(100, previous_close=Decimal(100)))
    bench.show(at("105", previous_close=Decimal(100)))
    assert values() == []
    bench.show(at("105.0001", previous_close=Decimal(100)))
    assert (values(up), values(down), values(both)) == ([Decimal("5.0001")], [], [Decimal("5.0001")])
    bench.show(at("94.9", previous_close=Decimal(100)))
    assert values(down) == [Decimal("-5.1")]
    bench.show(at(94, previous_close=None))
    assert len(values()) == 3


def figures(code: str = "005930", **values) -> None:
    now = datetime.now(UTC)
    LatestIndicators.objects.update_or_create(
        stock=stock(code), defaults={"date": now.date(), "computed_at": now, **values}
    )
    bump_version()


def test_volumes_are_compared_with_their_average():
    figures(volume_avg_20d=1000.0)
    one = alert(kind="volume_ratio", threshold=Decimal(3))
    bench = Bench()
    bench.show(at(100, volume=2_000), at(100, volume=3_000), at(100, volume=3_100), at(100, volume=4_000))
    assert values(one) == [Decimal("3.1")]
    # The next session begins with nothing.
    bench.show(at(100, volume=10), at(100, volume=5_000))
    assert values(one) == [Decimal("3.1"), Decimal(5)]


def test_indicators_fire_when_they_are_computed():
    figures(rsi_14=65.0)
    one = alert(kind="indicator", field="rsi_14", threshold=Decimal(70))
    bench = Bench()
    bench.look()
    assert values(one) == []
    figures(rsi_14=71.25)
    bench.look()
    bench.look()
    assert values(one) == [Decimal("71.25")]
    figures(rsi_14=None)
    bench.look()
    figures(rsi_14=60.0)
    bench.look()
    figures(rsi_14=75.0)
    bench.look()
    assert values(one) == [Decimal("71.25"), Decimal(75)]


def test_an_indicator_of_an_older_session_is_stale():
    figures(rsi_14=65.0)
    one = alert(kind="indicator", field="rsi_14", threshold=Decimal(70))
    bench = Bench()
    figures(rsi_14=71.0, date=date(2020, 1, 2))
    bench.look()
    assert values(one) == []


def test_an_alert_made_while_it_runs_is_known_with_the_next_look():
    bench = Bench()
    QuoteFactory.create(stock=stock(), price=Decimal(99), as_of=datetime.now(UTC))
    one = alert()
    # The tick comes before the evaluator knows of the alert.
    bench.show(at(101))
    assert values(one) == []
    bench.look()
    assert values(one) == [101]
    bench.look()
    bench.show(at(102))
    assert values(one) == [101]


def test_what_its_user_changes_pauses_or_deletes_counts_at_once():
    user = UserFactory.create(tier="pro")
    changed, paused, deleted = (alert(user) for _ in range(3))
    bench = Bench()
    bench.show(at(99))
    now = datetime.now(UTC)
    alert_change(user=user, alert_id=changed.pk, changes={"threshold": Decimal(200)}, now=now)
    alert_change(user=user, alert_id=paused.pk, changes={"status": "paused"}, now=now)
    alert_delete(user=user, alert_id=deleted.pk)
    # Not even looked at yet.
    bench.show(at(101))
    assert values() == []
    bench.look()
    alert_change(user=user, alert_id=paused.pk, changes={"status": "active"}, now=datetime.now(UTC))
    bench.look()
    bench.show(at(99), at(101), at(201))
    assert values(changed) == [201]
    assert values(paused) == [101]


def test_an_account_that_is_switched_off_is_told_nothing():
    one = alert()
    bench = Bench()
    bench.show(at(99))
    get_user_model().objects.update(is_active=False)
    bench.show(at(101))
    assert values(one) == []


def test_mails_and_webhooks_are_put_on_their_way_in_the_same_transaction():
    user = UserFactory.create(tier="pro")
    on, off = (WebhookEndpoint.objects.create(user=user, url=f"https://example.com/{n}") for n in range(2))
    WebhookEndpoint.objects.filter(pk=off.pk).update(active=False)
    alert(user, by_email=True, by_webhook=True)
    alert(user)
    bench = Bench()
    bench.show(*prices(99, 101))
    assert Notification.objects.count() == 2
    ways = Delivery.objects.values_list("channel", "endpoint", "status").order_by("channel")
    assert list(ways) == [("email", None, "pending"), ("webhook", on.pk, "pending")]
    assert bench.hurried == 1


def test_who_has_lost_the_lease_writes_nothing():
    one = alert()
    bench = Bench()
    bench.show(at(99))
    bench.lease.release()
    other = Lease(GROUP)
    assert other.take()
    bench.lease.epoch = other.epoch - 1
    with pytest.raises(LeaseLost), transaction.atomic():
        bench.show(at(101))
    assert values(one) == []
    successor = Bench.__new__(Bench)
    successor.lease, successor.hurried = other, 0
    successor.evaluator = module.Evaluator(other)
    successor.show(at(102))
    assert values(one) == [102]


def test_what_failed_is_begun_anew_from_what_is_written(monkeypatch):
    one = alert()
    bench = Bench()
    bench.show(at(99))

    def refuse(*_args, **_options):
        raise DataError("out of range")

    entry = batch(update(*prices(101, 99, 101)))
    with monkeypatch.context() as patch, pytest.raises(DataError):
        patch.setattr(module, "write", refuse)
        bench.evaluator.handle(entry)
    bench.evaluator.handle(entry)
    assert values(one) == [101, 101]


def test_prices_that_no_row_holds_are_evaluated_in_their_place():
    one = alert(threshold=Decimal(10) ** 11)
    low, high = prices(99, 99)
    great = at(str(10**11 + 5))
    Bench().show(low, great, high)
    assert values(one) == [Decimal(10**11 + 5)]
