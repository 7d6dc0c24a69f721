"""GET /metrics"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django.fixtures import Settings

from config.embedded import processes
from config.metrics.collect import collect
from config.metrics.exposition import Gauge, render
from stocks import stream
from stocks.models import JobRun, QuarantinedTick
from stocks.providers import registry
from stocks.providers.errors import ProviderError
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Update
from stocks.tests.book_provider import Upstreams
from stocks.tests.factories import QuoteFactory
from stocks.tests.standin import Answer, StandIn
from stocks.types import StockKey, Tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
NOW = datetime(2024, 11, 8, 3, tzinfo=UTC)
STATUSES = ("done", "failed", "running")
PARTS = ("stream", "realtime", "requests", "providers", "jobs", "data", "orders", "shop")
_LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')


def read(**options) -> str:
    response = Client().get("/metrics", **options)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    return response.content.decode()


def samples(text: str) -> dict[tuple[str, str], float]:
    """The figures by name and labels, as a reader of the format takes the page apart."""
    found: dict[tuple[str, str], float] = {}
    described: set[str] = set()
    for line in text.splitlines():
        if line.startswith("#"):
            kind, name = line.split(" ", 3)[1:3]
            assert kind in ("HELP", "TYPE")
            described.add(name)
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        name, labels, number = match.groups()
        assert {name, re.sub("_(bucket|sum|count)$", "", name)} & described
        key = (name, labels or "")
        assert key not in found
        found[key] = math.inf if number == "+Inf" else float(number)
    return found


def run(task: str, slot: str, status: str, minutes: int) -> None:
    started = NOW - timedelta(minutes=minutes)
    JobRun.objects.create(
        task=task,
        slot=slot,
        status=status,
        started_at=started,
        finished_at=None if status == "running" else started + timedelta(minutes=1),
    )


@pytest.fixture
def provider(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstreams]:
    """The upstream of the one provider that is configured."""
    upstream = Upstreams()
    with StandIn(upstream) as server:
        monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build")
        settings.YAHOO_URL, settings.MARKET_DATA = server.url, ["books"]
        yield upstream


@time_machine.travel(NOW, tick=False)
def test_it_works(redis_client, provider):
    provider.books["A"] = {"asks": [["2", 1]], "bids": [["1", 1]], "at": NOW.isoformat()}
    mesh().order_book(StockKey("A"))
    provider.broken = Answer(b"oops", 500)
    for _ in range(3):
        with pytest.raises(ProviderError):
            mesh().order_book(StockKey("A"))
    stream.ensure_groups(redis_client)
    tick = Tick("A", Decimal(1), NOW, NOW, "test", 1)
    for _ in range(3):
        stream.append(redis_client, Update((tick,)))
    redis_client.xreadgroup("live", "me", {stream.STREAM: ">"}, count=2)
    QuoteFactory.create(as_of=NOW - timedelta(seconds=40))
    QuarantinedTick.objects.create(code="A", source="x", reason="far", received_at=NOW)
    QuarantinedTick.objects.create(code="B", source="x", reason="far", received_at=NOW, status="discarded")
    run("poll", "1", "done", 60)
    run("poll", "2", "done", 11)
    run("poll", "3", "failed", 5)
    run("old", "1", "done", 3 * 24 * 60)
    run("never", "1", "failed", 5)
    run("never", "2", "running", 1)

    found = samples(read())

    assert found["stockroom_stream_entries", ""] == 3
    assert found["stockroom_group_behind_entries", 'group="live"'] == 1
    assert found["stockroom_group_pending_entries", 'group="live"'] == 2
    assert found["stockroom_group_behind_entries", 'group="store"'] == 3
    assert found["stockroom_dead_letters", 'group="store"'] == 0
    assert found["stockroom_quote_newest_age_seconds", 'market="KOSPI"'] == 40
    assert found["stockroom_quarantine_open", ""] == 1
    assert found["stockroom_job_last_success_age_seconds", 'task="poll"'] == 600
    assert found["stockroom_job_last_success_age_seconds", 'task="never"'] == math.inf
    assert found["stockroom_job_last_success_age_seconds", 'task="old"'] == 3 * 86_400 - 60
    runs = {status: found["stockroom_job_runs_day", f'task="poll",status="{status}"'] for status in STATUSES}
    assert runs == {"done": 2, "failed": 1, "running": 0}
    assert found["stockroom_job_runs_day", 'task="never",status="running"'] == 1
    assert found["stockroom_job_runs_day", 'task="old",status="done"'] == 0
    assert found["stockroom_provider_calls", 'provider="books"'] == 4
    assert found["stockroom_provider_failures", 'provider="books"'] == 3
    assert found["stockroom_provider_score", 'provider="books"'] == 25
    assert found["stockroom_provider_place", 'provider="books",capability="order_book"'] == 0
    assert found["stockroom_provider_breaker", 'provider="books",capability="order_book"'] == 2
    assert found["stockroom_provider_breaker", 'provider="books",capability="*"'] == 0
    assert {found["stockroom_read_ok", f'part="{part}"'] for part in PARTS} == {1}


def test_what_a_quota_has_left_is_told_and_never_its_key(settings: Settings, monkeypatch):
    monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build_with_quota")
    settings.MARKET_DATA = ["books"]
    registry.configured()
    (quota,) = registry.quotas_of("books")
    quota.take(2)
    text = read()
    found = samples(text)
    labels = 'provider="books",quota="0",seconds="60"'
    assert found["stockroom_provider_quota_calls", labels] == 5
    assert found["stockroom_provider_quota_spent", labels] == 2
    assert found["stockroom_provider_quota_left", labels] == 3
    assert "a-secret-key" not in text


def test_an_empty_database_has_little_to_tell():
    found = samples(read())
    assert found["stockroom_quarantine_open", ""] == 0
    assert found["stockroom_stream_entries", ""] == 0
    assert not [name for name, _ in found if name.startswith("stockroom_job")]


def test_without_redis_the_rest_is_told(settings: Settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{processes.free_port()}/0"
    run("poll", "1", "done", 60)
    found = samples(read())
    assert found["stockroom_read_ok", 'part="stream"'] == 0
    assert found["stockroom_read_ok", 'part="data"'] == 1
    assert ("stockroom_quarantine_open", "") in found
    assert ("stockroom_stream_entries", "") not in found


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("10.1.2.3", None, 200),
        ("172.31.0.9", None, 200),
        ("192.168.7.7", None, 200),
        ("::1", None, 200),
        ("fd00::5", None, 200),
        ("::ffff:10.0.0.1", None, 200),
        ("172.32.0.1", None, 403),
        ("203.0.113.9", None, 403),
        ("2001:db8::1", None, 403),
        ("::ffff:8.8.8.8", None, 403),
        ("", None, 403),
        ("nonsense", None, 403),
        # A proxy in a private network asks for somebody.
        ("172.18.0.2", "10.0.0.7", 200),
        ("172.18.0.2", "203.0.113.9", 403),
        ("172.18.0.2", "10.0.0.7, 203.0.113.9", 403),
        ("172.18.0.2", "203.0.113.9, 10.0.0.7", 403),
        ("172.18.0.2", "", 403),
        ("203.0.113.9", "127.0.0.1", 403),
    ],
)
def test_without_a_token_only_private_addresses_may_read(address, forwarded, status):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    response = Client().get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert response.json()["error"] == "FORBIDDEN"
        assert b"stockroom_" not in response.content


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer s3cret-of-the-scraper", 200),
        ("Bearer s3cret-of-the-scrape", 403),
        ("Bearer ", 403),
        ("s3cret-of-the-scraper", 403),
        ("Bearer ü", 403),
        (None, 403),
    ],
)
def test_with_a_token_it_is_asked_of_everybody(settings: Settings, given, status):
    settings.METRICS_TOKEN = "s3cret-of-the-scraper"
    headers = {} if given is None else {"Authorization": given}
    for address in ("127.0.0.1", "203.0.113.9"):
        assert Client().get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(method):
    assert getattr(Client(), method)("/metrics").status_code == 405


def test_every_metric_is_in_the_guide(redis_client, settings: Settings, monkeypatch):
    monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build_with_quota")
    settings.MARKET_DATA = ["books"]
    guide = (settings.BASE_DIR / "docs" / "operations-admin.md").read_text()
    with time_machine.travel(NOW, tick=False):
        gauges = collect(NOW)
    assert len(gauges) > 20
    assert [gauge.name for gauge in gauges if f"`{gauge.name}`" not in guide] == []


def test_labels_and_help_are_escaped():
    gauge = Gauge("one", "a \\ and\na line")
    gauge.add(1, market='K"O\\S\nPI')
    gauge.add(None, market="unknown")
    assert render([gauge, Gauge("none", "without figures")]) == (
        '# HELP one a \\\\ and\\na line\n# TYPE one gauge\none{market="K\\"O\\\\S\\nPI"} 1\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (0.25, "0.25"), (Decimal("1.5"), "1.5"), (math.inf, "+Inf"), (1e22, "1e+22")],
)
def test_numbers_are_written_as_the_format_wants_them(value, text):
    gauge = Gauge("one", "help")
    gauge.add(value)
    assert render([gauge]).splitlines()[-1] == f"one {text}"
