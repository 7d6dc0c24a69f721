from __future__ import annotations

import logging

import pytest

from stocks import stream
from stocks.tests.tick_cases import tick, update
from stocks.wire import decode


def _ids(client) -> list[bytes]:
    return [entry_id for entry_id, _ in client.xrange(stream.STREAM)]


def _read(client, group: str, count: int) -> list[bytes]:
    reply = client.xreadgroup(group, "reader", {stream.STREAM: ">"}, count=count)
    return [entry_id for _, entries in reply for entry_id, _ in entries]


@pytest.fixture
def small_nodes(redis_client):
    """Redis cuts whole nodes of a stream only; small ones let a test see what is cut."""
    before = redis_client.config_get("stream-node-max-entries")["stream-node-max-entries"]
    redis_client.config_set("stream-node-max-entries", 1)
    yield
    redis_client.config_set("stream-node-max-entries", before)


def test_an_update_is_one_entry(redis_client):
    one = update(tick(), tick("AAPL", "150.25"))
    stream.append(redis_client, one)
    ((_, fields),) = redis_client.xrange(stream.STREAM)
    assert list(fields) == [stream.FIELD]
    assert decode(fields[stream.FIELD]).update() == one


def test_groups_are_made_once_and_begin_at_the_first_entry(redis_client):
    stream.append(redis_client, update(tick()))
    stream.ensure_groups(redis_client)
    stream.ensure_groups(redis_client)
    names = {group["name"] for group in redis_client.xinfo_groups(stream.STREAM)}
    assert names == {b"live", b"store"}
    assert len(_read(redis_client, "store", 10)) == 1


def test_what_one_group_has_not_read_is_never_cut(redis_client, small_nodes):
    stream.ensure_groups(redis_client)
    for _ in range(10):
        stream.append(redis_client, update(tick()))
    read = _read(redis_client, "live", 10)
    redis_client.xack(stream.STREAM, "live", *read)
    stream.trim(redis_client)
    assert len(_ids(redis_client)) == 10


def test_what_is_pending_is_never_cut(redis_client, small_nodes):
    stream.ensure_groups(redis_client)
    for _ in range(10):
        stream.append(redis_client, update(tick()))
    for group in stream.GROUPS:
        read = _read(redis_client, group, 10)
        redis_client.xack(stream.STREAM, group, *[one for one in read if one != read[3]])
    pending = _ids(redis_client)[3]
    stream.trim(redis_client)
    assert _ids(redis_client)[0] == pending


def test_what_all_have_handled_is_cut(redis_client, small_nodes):
    stream.ensure_groups(redis_client)
    for _ in range(10):
        stream.append(redis_client, update(tick()))
    for group in stream.GROUPS:
        redis_client.xack(stream.STREAM, group, *_read(redis_client, group, 8))
    last = _ids(redis_client)[7]
    assert stream.trim(redis_client) == 3
    assert _ids(redis_client)[0] == last


def test_a_writer_waits_when_nobody_reads(redis_client, monkeypatch):
    monkeypatch.setattr(stream, "MAX_BACKLOG", 5)
    stream.ensure_groups(redis_client)
    for _ in range(6):
        stream.append(redis_client, update(tick()))
    with pytest.raises(stream.StreamFull):
        stream.trim(redis_client)
    assert len(_ids(redis_client)) == 6


def test_a_group_that_falls_behind_is_named(redis_client, monkeypatch, caplog):
    monkeypatch.setattr(stream, "LAGGING", 3)
    stream.ensure_groups(redis_client)
    for _ in range(4):
        stream.append(redis_client, update(tick()))
    _read(redis_client, "live", 4)
    with caplog.at_level(logging.WARNING):
        stream.trim(redis_client)
    assert "group store is 4 entries behind" in caplog.text
    assert "group live" not in caplog.text


def test_a_lag_says_what_each_group_has_still_to_do(redis_client):
    stream.ensure_groups(redis_client)
    for _ in range(5):
        stream.append(redis_client, update(tick()))
    _read(redis_client, "live", 2)
    redis_client.xack(stream.STREAM, "store", *_read(redis_client, "store", 4))
    redis_client.xadd(stream.dead_stream("live"), {"batch": b"x"})
    stream.count_lost(redis_client, "store", 3)
    lags = stream.lags(redis_client)
    assert list(lags) == ["live", "store"]
    assert (lags["live"].behind, lags["live"].pending) == (3, 2)
    assert (lags["store"].behind, lags["store"].pending) == (1, 0)
    assert (lags["live"].dead, lags["store"].dead) == (1, 0)
    assert (lags["live"].lost, lags["store"].lost) == (0, 3)


def test_a_group_of_another_room_is_told_of_from_when_it_is_made(redis_client):
    stream.ensure_groups(redis_client)
    stream.append(redis_client, update(tick()))
    assert list(stream.lags(redis_client)) == ["live", "store"]
    stream.ensure_group(redis_client, "alerts")
    lags = stream.lags(redis_client)
    assert list(lags) == ["live", "store", "alerts"]
    assert lags["alerts"].behind == 1


def test_a_group_that_nobody_reads_for_does_not_stop_the_intake(redis_client, monkeypatch, caplog):
    monkeypatch.setattr(stream, "KEPT_FOR_OTHERS", 150)
    stream.ensure_groups(redis_client)
    stream.ensure_group(redis_client, "alerts")
    stream.ensure_group(redis_client, "screens")
    for _ in range(400):
        stream.append(redis_client, update(tick()))
    for group in stream.GROUPS:
        redis_client.xack(stream.STREAM, group, *_read(redis_client, group, 395))
    redis_client.xack(stream.STREAM, "screens", *_read(redis_client, "screens", 398))
    assert stream.trim(redis_client) < 150
    lags = stream.lags(redis_client)
    assert (lags["alerts"].lost, lags["screens"].lost) == (395, 0)
    assert "group alerts passes over 395 entries" in caplog.text
    assert len(_read(redis_client, "alerts", 100)) == 5
    assert len(_read(redis_client, "screens", 100)) == 2


def test_the_age_is_that_of_the_oldest_entry_that_is_not_finished(redis_client):
    stream.ensure_groups(redis_client)
    now = redis_client.time()[0]
    for ago in (600, 300, 100):
        redis_client.xadd(stream.STREAM, {"batch": b"x"}, id=f"{(now - ago) * 1000}-0")
    first, *rest = _read(redis_client, "live", 3)
    _read(redis_client, "store", 3)
    for group in stream.GROUPS:
        redis_client.xack(stream.STREAM, group, first)
    ages = {name: lag.age_seconds for name, lag in stream.lags(redis_client).items()}
    assert ages["live"] == pytest.approx(300, abs=30)
    assert ages["store"] == pytest.approx(300, abs=30)
    for group in stream.GROUPS:
        redis_client.xack(stream.STREAM, group, *rest)
    assert [lag.age_seconds for lag in stream.lags(redis_client).values()] == [0, 0]
    redis_client.xadd(stream.STREAM, {"batch": b"x"}, id=f"{(now - 50) * 1000}-0")
    assert stream.lags(redis_client)["live"].age_seconds == pytest.approx(50, abs=30)


def test_without_groups_everything_is_before_them(redis_client):
    nothing = stream.Lag(behind=0, pending=0, age_seconds=0.0, dead=0, lost=0)
    assert stream.lags(redis_client) == {"live": nothing, "store": nothing}
    stream.append(redis_client, update(tick()))
    assert stream.lags(redis_client)["live"].behind == 1


def test_a_consumer_that_holds_entries_is_never_forgotten(redis_client):
    stream.ensure_groups(redis_client)
    stream.append(redis_client, update(tick()))
    _read(redis_client, "store", 1)
    for name in ("idle", "other"):
        redis_client.xgroup_createconsumer(stream.STREAM, "store", name)
    assert stream.forget_consumers(redis_client, "store", idle_ms=3_600_000) == 0
    assert stream.forget_consumers(redis_client, "store", name="idle") == 1
    assert stream.forget_consumers(redis_client, "store", name="reader") == 0
    assert stream.forget_consumers(redis_client, "store") == 1
    (left,) = redis_client.xinfo_consumers(stream.STREAM, "store")
    assert (left["name"], left["pending"]) == (b"reader", 1)
    redis_client.xgroup_destroy(stream.STREAM, "store")
    assert stream.forget_consumers(redis_client, "store") == 0
    redis_client.flushdb()
    assert stream.forget_consumers(redis_client, "store") == 0
