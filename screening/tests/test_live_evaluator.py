"""Live screens on a real database: each stock that enters or leaves is told once"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DataError

from screening.live import journal as module
from screening.live.evaluator import Evaluator
from screening.models import LiveScreen, SavedScreen, ScreenBatch, ScreenMember
from screening.services.saved import screen_change, screen_delete
from screening.tests.live_cases import (
    Bench,
    at,
    crossings,
    listed,
    logged,
    members,
    saved,
    snapshot,
    somebody_in,
)
from stocks.dataset import bump_version
from stocks.lease import Lease, LeaseLost
from stocks.models import LatestIndicators, Stock
from stocks.tests.factories import QuoteFactory
from stocks.tests.tick_cases import batch, update

pytestmark = pytest.mark.django_db


def test_a_screen_begins_with_its_members_and_tells_who_enters_and_leaves(redis_client):
    listed("A"), listed("B", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "A"))
        bench.show(at(105, "B"))
        begin, enter, leave = logged(redis_client, screen)
    assert (begin["event"], begin["total"], begin["live"]) == ("members", 1, True)
    assert [row["code"] for row in begin["stocks"]] == ["B"]
    assert (enter["event"], enter["stock_code"], enter["total"]) == ("enter", "A", 2)
    assert enter["stock"]["close_price"] == 115
    assert (leave["event"], leave["stock_code"], leave["total"]) == ("leave", "B", 1)
    assert leave["stock"]["close_price"] == 105
    assert begin["number"] < enter["number"] < leave["number"]
    assert members(screen) == ["A"]


def test_only_what_changes_sides_is_told(redis_client):
    listed("A"), listed("B", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(109, "A"), at(111, "B"))
        bench.show(at(110, "A"), at(112, "B"))
        bench.show(at(111, "A"))
        bench.show(at(112, "A"))
    assert crossings(redis_client, screen) == [("enter", "A")]


def test_a_row_shows_what_the_screen_shows_over_http(redis_client):
    listed("A", per_ttm=10.0, roe=12.5)
    screen = saved("per < 11 and close_price > 105 and roe > 1")
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(106, "A"))
        row = logged(redis_client, screen)[-1]["stock"]
    assert row == {
        "code": "A",
        "name": Stock.objects.get(code="A").name,
        "market": "KOSPI",
        "currency": "KRW",
        "trade_date": row["trade_date"],
        "close_price": 106,
        "per": Decimal("10.6"),
        "pbr": None,
        "roe": Decimal("12.5"),
        "dividend_yield": None,
        "quality_score": None,
    }
    assert row["trade_date"] >= str(datetime.now(UTC).date())


def test_the_market_of_a_screen_and_stocks_that_lag_are_left_out(redis_client):
    listed("A"), listed("B")
    Stock.objects.filter(code="B").update(market="KOSDAQ")
    old = listed("C")
    LatestIndicators.objects.filter(stock=old).update(date=date(2024, 1, 5))
    screen = saved(market="KOSPI")
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(*(at(115, code) for code in "ABC"))
    assert crossings(redis_client, screen) == [("enter", "A")]


def test_nobody_watches_and_nothing_is_written(redis_client):
    listed("A")
    screen = saved()
    bench = Bench(redis_client)
    bench.show(at(115, "A"))
    assert not LiveScreen.objects.exists()
    assert not ScreenMember.objects.exists()
    assert logged(redis_client, screen) == []


def test_a_stale_tick_lets_nothing_enter_and_the_first_fresh_one_does(redis_client):
    listed("A"), listed("B", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "A", age=100), at(100, "B", age=100))
        assert crossings(redis_client, screen) == []
        bench.show(at(115, "A", age=80))
        assert crossings(redis_client, screen) == [("enter", "A")]


def test_a_stale_price_that_was_stored_lets_nothing_enter_after_a_restart(redis_client):
    stock = listed("A")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        when = datetime.now(UTC) - timedelta(seconds=120)
        QuoteFactory.create(stock=stock, price=Decimal(115), as_of=when, source="sandbox")
        bench = bench.replaced()
        assert crossings(redis_client, screen) == []
        assert members(screen) == []
        # The same price, fresh: no figure changes by it.
        bench.show(at(115, "A"))
        assert crossings(redis_client, screen) == [("enter", "A")]


def test_who_begins_to_watch_is_told_of_stale_prices_as_a_screen_over_http_is(redis_client):
    when = datetime.now(UTC) - timedelta(seconds=120)
    QuoteFactory.create(stock=listed("A"), price=Decimal(115), as_of=when, source="sandbox")
    screen = saved()
    with somebody_in(redis_client, screen):
        Bench(redis_client)
    assert members(screen) == ["A"]


def test_a_tick_that_comes_again_or_late_changes_nothing(redis_client):
    listed("A")
    screen = saved()
    first, second, third = at(105, "A"), at(115, "A"), at(100, "A")
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        for one in (second, first, second, third, second, third):
            bench.show(one)
    assert crossings(redis_client, screen) == [("enter", "A"), ("leave", "A")]


def test_an_alert_alone_keeps_a_screen_live_and_its_room_is_not_told(redis_client):
    listed("A")
    screen = saved()
    _alert(screen)
    bench = Bench(redis_client)
    bench.show(at(115, "A"))
    assert members(screen) == ["A"]
    assert logged(redis_client, screen) == []
    assert not LiveScreen.objects.get().told
    with somebody_in(redis_client, screen):
        bench.look()
        bench.show(at(105, "A"))
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "leave"]
    assert LiveScreen.objects.get().told


def test_a_room_that_everybody_left_is_told_while_its_log_is_kept(redis_client, monkeypatch):
    listed("A")
    screen = saved()
    bench = Bench(redis_client)
    with somebody_in(redis_client, screen):
        bench.look()
    bench.look()
    bench.show(at(115, "A"))
    assert crossings(redis_client, screen) == [("enter", "A")]
    monkeypatch.setattr("screening.live.watching.KEPT_SECONDS", 0.0)
    bench.look()
    assert not LiveScreen.objects.exists()
    assert not ScreenMember.objects.exists()


def test_who_takes_over_tells_what_has_become_different(redis_client):
    listed("A"), listed("B", 120), listed("C", 130)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        for code, price in (("A", 115), ("B", 105)):
            QuoteFactory.create(
                stock=Stock.objects.get(code=code),
                price=Decimal(price),
                as_of=datetime.now(UTC),
                source="sandbox",
            )
        bench.replaced()
    assert sorted(crossings(redis_client, screen)) == [("enter", "A"), ("leave", "B")]
    assert members(screen) == ["A", "C"]


@pytest.mark.parametrize("where", ["fire_alerts", "tell_rooms"])
def test_what_was_written_and_not_told_is_told_by_the_next_one(redis_client, monkeypatch, where):
    listed("A")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)

        def die(*_args, **_options):
            raise SystemExit

        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(module, where, die)
            bench.show(at(115, "A"))
        assert crossings(redis_client, screen) == []
        bench = bench.replaced()
        assert crossings(redis_client, screen) == [("enter", "A")]
        bench.replaced()
    assert crossings(redis_client, screen) == [("enter", "A")]


def test_what_was_told_and_not_noted_is_not_told_again(redis_client):
    listed("A")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "A"))
        bench.tell_updates()
        assert ScreenBatch.objects.filter(told_at=None).exists()
        bench.replaced()
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "enter"]
    assert not ScreenBatch.objects.filter(told_at=None).exists()


def test_a_failed_write_is_done_again_from_what_is_stored(redis_client, monkeypatch):
    listed("A"), listed("B", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)

        def refuse(*_args, **_options):
            raise DataError("out of range")

        entry = batch(update(at(115, "A"), at(105, "B")))
        with monkeypatch.context() as patch, pytest.raises(DataError):
            patch.setattr(module, "write", refuse)
            bench.evaluator.handle(entry)
        bench.evaluator.handle(entry)
    assert sorted(crossings(redis_client, screen)) == [("enter", "A"), ("leave", "B")]


def test_who_has_lost_the_lease_writes_and_tells_nothing(redis_client):
    listed("A")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.lease.release()
        other = Lease("screens")
        assert other.take()
        bench.lease.epoch = other.epoch - 1
        with pytest.raises(LeaseLost):
            bench.show(at(115, "A"))
        assert members(screen) == []
        successor = Evaluator(other, redis_client)
        successor.look()
        successor.handle(batch(update(at(116, "A"))))
    assert crossings(redis_client, screen) == [("enter", "A")]


def test_an_update_of_somebody_who_was_replaced_comes_to_nothing(redis_client):
    listed("A", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(125, "A"))
        epoch = bench.lease.epoch
        successor = bench.replaced()
        successor.show(at(130, "A"))
        successor.tell_updates()
        bench.lease.epoch = epoch
        bench.tell_updates()
    told = [one for one in logged(redis_client, screen) if one["event"] == "update"]
    assert [row["close_price"] for one in told for row in one["stocks"]] == [130]


def test_a_changed_screen_tells_its_members_anew(redis_client):
    listed("A", 120), listed("B", 90)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        _change(screen, q="close_price < 100")
        bench.look()
        bench.show(at(95, "A"))
    first, second, enter = logged(redis_client, screen)
    assert [[row["code"] for row in one["stocks"]] for one in (first, second)] == [["A"], ["B"]]
    assert (enter["event"], enter["stock_code"]) == ("enter", "A")
    assert members(screen) == ["A", "B"]


def test_another_name_is_no_other_question(redis_client):
    listed("A", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        screen_change(
            user=screen.user, screen_id=screen.pk, changes={"name": "x"}, asked={}, now=datetime.now(UTC)
        )
        bench.look()
    assert len(logged(redis_client, screen)) == 1


def test_a_screen_that_was_changed_while_nobody_looked_begins_anew(redis_client):
    listed("A", 120), listed("B", 90)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        _change(screen, q="close_price < 100")
        bench.replaced()
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "members"]
    assert members(screen) == ["B"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_deleted_screen_says_so_and_ends(redis_client, restart):
    listed("A", 120)
    screen, other = saved(), saved()
    with somebody_in(redis_client, screen, other):
        bench = Bench(redis_client)
        screen_id = screen.pk
        screen_delete(user=screen.user, screen_id=screen_id)
        bench = bench.replaced() if restart else bench
        bench.look()
        bench.show(at(100, "A"))
        screen.pk = screen_id
        assert [one["event"] for one in logged(redis_client, screen)] == ["members", "gone"]
    assert crossings(redis_client, other) == [("leave", "A")]
    assert list(LiveScreen.objects.values_list("screen_id", flat=True)) == [other.pk]
    assert not ScreenMember.objects.filter(live__screen_id=screen_id).exists()


def test_a_screen_of_somebody_who_may_not_sign_in_is_gone(redis_client):
    listed("A", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        screen.user.is_active = False
        screen.user.save()
        bench.look()
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "gone"]


def test_a_screen_that_asks_what_there_is_no_longer_is_gone(redis_client):
    listed("A", 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        SavedScreen.objects.filter(pk=screen.pk).update(
            asked={"q": "no_such_figure > 1"}, changed_at=datetime.now(UTC)
        )
        bench.look()
        assert [one["event"] for one in logged(redis_client, screen)] == ["members", "gone"]
        assert snapshot(screen.pk) == {"event": "gone", "number": 0}


def test_another_version_of_the_data_lets_stocks_enter_and_leave(redis_client):
    listed("A", roe=5.0), listed("B", roe=20.0)
    screen = saved("roe > 10")
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(101, "A"), at(101, "B"))
        LatestIndicators.objects.filter(stock__code="A").update(roe=15.0)
        LatestIndicators.objects.filter(stock__code="B").update(roe=5.0)
        bump_version()
        bench.look()
        assert sorted(crossings(redis_client, screen)) == [("enter", "A"), ("leave", "B")]
        assert members(screen) == ["A"]


def test_prices_stay_where_they_are_laid_over_another_version(redis_client):
    listed("A")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "A"))
        bump_version()
        listed("B", 130)
        bump_version()
        bench.look()
    assert crossings(redis_client, screen) == [("enter", "A"), ("enter", "B")]


def test_a_stock_that_is_no_longer_listed_leaves(redis_client):
    listed("A", 120), listed("B", 130)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        Stock.objects.filter(code="A").update(is_active=False)
        bump_version()
        bench.look()
    leave = logged(redis_client, screen)[-1]
    assert (leave["event"], leave["stock_code"], leave["stock"]) == ("leave", "A", None)
    assert members(screen) == ["B"]


def test_a_stock_that_is_no_longer_listed_leaves_after_a_restart(redis_client):
    listed("A", 120), listed("B", 130)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        Stock.objects.filter(code="A").update(is_active=False)
        bump_version()
        bench.replaced()
    assert crossings(redis_client, screen) == [("leave", "A")]
    assert members(screen) == ["B"]


def test_the_price_of_one_stock_moves_the_rank_of_another(redis_client):
    for number, pbr in enumerate((1.0, 2.0, 3.0)):
        listed(f"S{number}", pbr=pbr)
    screen = saved("percentile(pbr) >= 60")
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        assert members(screen) == ["S2"]
        # Its ratio falls from 3 to 1.8, below that of S1.
        bench.show(at(60, "S2"))
        bench.look()
    assert sorted(crossings(redis_client, screen)) == [("enter", "S1"), ("leave", "S2")]


def test_a_crossing_of_closes_is_read_when_the_screen_begins(redis_client):
    from stocks.models import RecentIndicators

    stock = listed("A", sma_20=100.0)
    RecentIndicators.objects.bulk_create(
        RecentIndicators(stock=stock, date=date(2024, 11, 8 - back), number=10 - back, **figures)
        for back, figures in enumerate(
            ({"close_price": 101.0, "sma_20": 100.0}, {"close_price": 99.0, "sma_20": 100.0})
        )
    )
    screen = saved("close_price crosses_above sma_20")
    bench = Bench(redis_client)
    with somebody_in(redis_client, screen):
        bench.look()
    assert members(screen) == ["A"]


def test_changed_figures_of_members_are_told_together(redis_client):
    listed("A", 120), listed("B", 130), listed("C")
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(121, "A"), at(131, "B"), at(101, "C"))
        bench.show(at(122, "A"))
        bench.tell_updates()
        bench.tell_updates()
        bench.show(at(122, "A"))
        bench.tell_updates()
    update_event = logged(redis_client, screen)[-1]
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "update"]
    assert update_event["total"] == 2
    assert [(row["code"], row["close_price"]) for row in update_event["stocks"]] == [("A", 122), ("B", 131)]


def test_each_member_has_its_turn_where_more_changed_than_one_update_tells(redis_client, monkeypatch):
    monkeypatch.setattr("screening.live.updates.MOST_ROWS", 2)
    codes = [f"S{number}" for number in range(5)]
    for code in codes:
        listed(code, 120)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        for price in (121, 122, 123):
            bench.show(*(at(price, code) for code in codes))
            bench.tell_updates()
    told = [row["code"] for one in logged(redis_client, screen)[1:] for row in one["stocks"]]
    assert told == ["S0", "S1", "S2", "S3", "S4", "S0"]


def test_updates_wait_for_somebody_in_the_room(redis_client):
    listed("A", 120)
    screen = saved()
    bench = Bench(redis_client)
    with somebody_in(redis_client, screen):
        bench.look()
    bench.look()
    bench.show(at(121, "A"))
    bench.tell_updates()
    assert [one["event"] for one in logged(redis_client, screen)] == ["members"]
    with somebody_in(redis_client, screen):
        bench.look()
        bench.tell_updates()
    assert [one["event"] for one in logged(redis_client, screen)] == ["members", "update"]


def test_a_snapshot_and_the_events_after_it_give_what_a_later_one_says(redis_client):
    for number in range(6):
        listed(f"S{number}", 105 + 2 * number)
    screen = saved()
    with somebody_in(redis_client, screen):
        bench = Bench(redis_client)
        bench.show(at(115, "S0"))
        before = snapshot(screen.pk)
        bench.show(at(100, "S5"), at(112, "S1"))
        bench.show(at(100, "S0"), at(113, "S5"))
        known = {row["code"] for row in before["stocks"]}
        for event in logged(redis_client, screen):
            if event["event"] in ("enter", "leave") and event["number"] > before["number"]:
                (known.add if event["event"] == "enter" else known.remove)(event["stock_code"])
        after = snapshot(screen.pk)
    assert before["live"]
    assert known == {row["code"] for row in after["stocks"]}
    assert after["total"] == len(known)


def test_the_snapshot_of_a_screen_that_is_not_live_yet_is_found_at_once(redis_client):
    listed("A", 120), listed("B")
    found = snapshot(saved().pk)
    assert (found["event"], found["total"], found["live"], found["number"]) == ("members", 1, False, 0)
    assert [row["code"] for row in found["stocks"]] == ["A"]


def test_a_snapshot_is_bounded_and_says_how_many_there_are(redis_client, monkeypatch):
    for module_name in ("standing", "rows"):
        monkeypatch.setattr(f"screening.live.{module_name}.MOST_SHOWN", 3)
    for number in range(5):
        listed(f"S{number}", 120 + number)
    screen = saved(sort_by="close_price", order="desc")
    with somebody_in(redis_client, screen):
        Bench(redis_client)
        shown = snapshot(screen.pk)
        told = logged(redis_client, screen)[0]
    assert [row["code"] for row in shown["stocks"]] == ["S4", "S3", "S2"]
    assert shown["total"] == 5
    assert (told["stocks"], told["total"]) == (shown["stocks"], 5)


def _change(screen: SavedScreen, **asked: str) -> None:
    screen_change(user=screen.user, screen_id=screen.pk, changes={}, asked=asked, now=datetime.now(UTC))


def _alert(screen: SavedScreen) -> None:
    from screening.services.alerts import alert_create

    alert_create(
        user=screen.user, kind="screen", condition="enters", screen_id=screen.pk, now=datetime.now(UTC)
    )
