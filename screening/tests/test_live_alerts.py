"""Alerts on live screens: each stock that enters or leaves fires each of them once"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from screening.live import journal as module
from screening.models import Alert, Delivery, Notification, SavedScreen
from screening.services.alerts import alert_change, alert_create
from screening.tests.live_cases import Bench, at, listed, saved, somebody_in
from screening.tests.test_alert_rooms import logged
from stocks.dataset import bump_version
from stocks.models import LatestIndicators

pytestmark = pytest.mark.django_db


def alert_on(screen: SavedScreen, condition: str = "enters", **values) -> Alert:
    now = datetime.now(UTC)
    return alert_create(
        user=screen.user, kind="screen", condition=condition, screen_id=screen.pk, now=now, **values
    )


def fired(alert: Alert) -> list[str]:
    return list(
        Notification.objects.filter(alert=alert).order_by("number").values_list("stock_code", flat=True)
    )


def test_who_enters_and_leaves_fires_the_alerts_on_it(redis_client):
    listed("A"), listed("B")
    screen, other = saved(), saved()
    enters, leaves, elsewhere = alert_on(screen), alert_on(screen, "leaves"), alert_on(other, "leaves")
    bench = Bench(redis_client)
    one = at(115, "A")
    bench.show(one)
    bench.show(at(115, "B"))
    bench.show(at(105, "A"))
    assert (fired(enters), fired(leaves), fired(elsewhere)) == (["A", "B"], ["A"], ["A"])
    told = Notification.objects.get(alert=enters, stock_code="A")
    assert (told.price, told.as_of, told.screen_id) == (Decimal(115), one.as_of, screen.pk)
    (message, *_) = logged(redis_client, screen.user_id)
    assert (message["data"]["kind"], message["data"]["condition"]) == ("screen", "enters")
    assert message["data"]["screen_id"] == str(screen.pk)


def test_those_who_are_in_it_when_it_begins_fire_nothing(redis_client):
    listed("A", 120)
    alert = alert_on(saved())
    Bench(redis_client)
    assert fired(alert) == []


def test_another_question_fires_nothing_by_itself(redis_client):
    listed("A", 90), listed("B", 90)
    screen = saved()
    alert = alert_on(screen)
    bench = Bench(redis_client)
    SavedScreen.objects.filter(pk=screen.pk).update(
        asked={"q": "close_price < 100"}, changed_at=datetime.now(UTC)
    )
    bench.look()
    assert fired(alert) == []
    bench.show(at(101, "A"))
    bench.show(at(95, "A"))
    assert fired(alert) == ["A"]


def test_what_happened_while_nobody_evaluated_fires_once(redis_client):
    listed("A", roe=5.0)
    alert = alert_on(saved("roe > 10"))
    bench = Bench(redis_client)
    LatestIndicators.objects.update(roe=15.0)
    bump_version()
    bench = bench.replaced()
    bench.replaced()
    assert fired(alert) == ["A"]


def test_a_process_that_dies_after_it_fired_and_before_it_told_rooms_fires_once(redis_client, monkeypatch):
    listed("A")
    alert = alert_on(saved())
    bench = Bench(redis_client)

    def die(*_args, **_options):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(module, "tell_rooms", die)
        bench.show(at(115, "A"))
    assert fired(alert) == ["A"]
    bench.replaced().replaced()
    assert fired(alert) == ["A"]


def test_a_stale_price_fires_nothing(redis_client):
    listed("A")
    alert = alert_on(saved())
    bench = Bench(redis_client)
    bench.show(at(115, "A", age=100))
    assert fired(alert) == []
    bench.show(at(116, "A"))
    assert fired(alert) == ["A"]


def test_a_paused_alert_keeps_no_screen_live_and_begins_where_things_stand(redis_client):
    listed("A")
    screen = saved()
    alert = alert_on(screen)
    bench = Bench(redis_client)
    now = datetime.now(UTC)
    alert_change(user=screen.user, alert_id=alert.pk, changes={"status": "paused"}, now=now)
    bench.look()
    bench.show(at(115, "A"))
    alert_change(user=screen.user, alert_id=alert.pk, changes={"status": "active"}, now=now)
    bench.look()
    assert fired(alert) == []
    bench.show(at(105, "A"))
    bench.show(at(115, "A"))
    assert fired(alert) == ["A"]


def test_an_alert_that_does_not_repeat_fires_once_and_within_its_cooldown_none_does(redis_client):
    listed("A")
    screen = saved()
    once, rarely = alert_on(screen, repeat=False), alert_on(screen, cooldown_s=600)
    bench = Bench(redis_client)
    for price in (115, 105, 116, 106):
        bench.show(at(price, "A"))
    assert (fired(once), fired(rarely)) == (["A"], ["A"])
    once.refresh_from_db()
    assert once.status == "done"


def test_mails_and_webhooks_are_hurried(redis_client):
    listed("A")
    screen = saved()
    alert_on(screen, by_email=True)
    bench = Bench(redis_client)
    bench.show(at(115, "A"))
    assert Delivery.objects.filter(channel="email", status="pending").count() == 1
    assert bench.hurried == 1


def test_a_room_and_an_alert_are_told_of_the_same_event(redis_client):
    listed("A")
    screen = saved()
    alert = alert_on(screen)
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "A"))
    assert fired(alert) == ["A"]
