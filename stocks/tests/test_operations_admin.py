"""The staff pages of the pipeline: providers, dead letters, runs of jobs, prices in quarantine"""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.tests.factories import PASSWORD
from stocks import dead_letters, gate, stream
from stocks.models import JobRun, QuarantinedTick
from stocks.providers import registry
from stocks.providers.errors import ProviderError
from stocks.providers.mesh.breaker import State
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.tests.book_provider import Upstreams
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.tests.standin import Answer, StandIn
from stocks.types import StockKey, Tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
PROVIDERS, CLOSE = reverse("operations:providers"), reverse("operations:close-breaker")
LETTERS, DECIDE = reverse("operations:dead-letters"), reverse("operations:decide-dead-letters")
#: An address where no Redis listens.
NOBODY = "redis://127.0.0.1:1/0"
NOW = datetime(2024, 11, 8, 3, tzinfo=UTC)


def staff_with(*permissions: str) -> Client:
    user = User.objects.create_user(f"{len(permissions)}@example.com", PASSWORD, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin_client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.com", PASSWORD))
    return client


def text_of(client: Client, page: str) -> str:
    response = client.get(page)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


# --- Who may come in ---


@pytest.mark.parametrize("page", [PROVIDERS, LETTERS])
def test_only_staff_that_may_see_runs_of_jobs_sees_a_page(page):
    assert "/admin/login/" in Client().get(page)["Location"]
    plain = Client()
    plain.force_login(User.objects.create_user("user@example.com", PASSWORD))
    assert "/admin/login/" in plain.get(page)["Location"]
    assert staff_with().get(page).status_code == 403
    assert staff_with("view_jobrun").get(page).status_code == 200


@pytest.mark.parametrize("action", [CLOSE, DECIDE])
def test_only_who_may_change_runs_of_jobs_acts_by_post_and_with_the_token(action):
    values = {"provider": "books", "capability": "*", "deed": "replay", "letter": "live:1-0"}
    assert staff_with("view_jobrun").post(action, values).status_code == 403
    allowed = staff_with("view_jobrun", "change_jobrun")
    assert allowed.get(action).status_code == 405
    assert allowed.post(action, values).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(email="2@example.com"))
    assert strict.post(action, values).status_code == 403


def test_the_first_page_leads_to_them(admin_client):
    text = text_of(admin_client, reverse("admin:index"))
    assert PROVIDERS in text
    assert LETTERS in text
    assert PROVIDERS not in text_of(staff_with(), reverse("admin:index"))


def test_the_pages_are_in_no_frame_and_in_no_cache(admin_client):
    for page in (PROVIDERS, LETTERS):
        response = admin_client.get(page)
        assert response["X-Frame-Options"] == "DENY"
        assert "no-store" in response["Cache-Control"]


# --- Providers ---


@pytest.fixture
def broken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstreams]:
    """A provider whose breaker for order books is open."""
    upstream = Upstreams()
    upstream.broken = Answer(b"oops", 500)
    with StandIn(upstream) as server:
        monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build")
        settings.YAHOO_URL, settings.MARKET_DATA = server.url, ["books"]
        for _ in range(3):
            with pytest.raises(ProviderError):
                mesh().order_book(StockKey("A"))
        yield upstream


def breaker() -> State:
    return mesh().health()[0].breakers[Capability.ORDER_BOOK].state


def test_a_provider_is_shown_with_its_calls_and_breakers(admin_client, broken):
    text = text_of(admin_client, PROVIDERS)
    assert "books: score 0" in text
    assert "3 calls in the last 15 minutes" in text
    assert "<td>order_book</td>" in text
    assert "<td>open</td>" in text
    assert "<td>upstream</td>" in text
    assert text.count('<button type="submit" class="button">Close</button>') == 1


def test_who_may_only_see_has_no_button(broken):
    assert "Close</button>" not in text_of(staff_with("view_jobrun"), PROVIDERS)


def test_a_breaker_can_be_closed_and_it_is_written_down(admin_client, broken, caplog):
    assert breaker() is State.OPEN
    with caplog.at_level("WARNING", logger="stocks.admin.doors"):
        response = admin_client.post(CLOSE, {"provider": "books", "capability": "order_book"}, follow=True)
    assert said(response) == ["books is asked for order_book again."]
    assert breaker() is State.CLOSED
    entry = LogEntry.objects.get()
    assert (entry.user.email, entry.change_message) == ("boss@example.com", "closed")
    assert "boss@example.com: The breaker of books for order_book was closed" in caplog.text
    assert "The breaker of books" in text_of(admin_client, reverse("admin:index"))


@pytest.mark.parametrize(
    "values",
    [{}, {"provider": "nobody", "capability": "*"}, {"provider": "books", "capability": "positions"}],
)
def test_a_breaker_that_does_not_exist_is_closed_by_nobody(admin_client, broken, values):
    assert said(admin_client.post(CLOSE, values, follow=True)) == ["There is no such breaker."]
    assert not LogEntry.objects.exists()


def test_quotas_are_shown_without_their_key(admin_client, settings, monkeypatch):
    monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build_with_quota")
    settings.MARKET_DATA = ["books"]
    registry.configured()
    registry.quotas_of("books")[0].take(2)
    text = text_of(admin_client, PROVIDERS)
    assert "<td>5 calls in 60 s</td><td>2</td><td>3</td>" in text
    assert "a-secret-key" not in text


def test_without_providers_the_page_says_so(admin_client):
    assert "No provider is configured" in text_of(admin_client, PROVIDERS)


def test_without_redis_the_pages_say_so(admin_client, settings, broken):
    settings.REDIS_URL = NOBODY
    assert "Redis does not answer" in text_of(admin_client, PROVIDERS)
    assert "Redis does not answer" in text_of(admin_client, LETTERS)
    replies = [
        admin_client.post(CLOSE, {"provider": "books", "capability": "*"}, follow=True),
        admin_client.post(DECIDE, {"deed": "replay", "letter": "live:1-0"}, follow=True),
    ]
    assert all("Redis does not answer" in said(reply)[0] for reply in replies)


# --- Dead letters ---


def bury(client, reason="<script>alert(1)</script>") -> str:
    """A letter of the group store; returns its id."""
    stream.ensure_groups(client)
    client.xadd(stream.STREAM, {"batch": "not a batch"})
    ((_, [(entry_id, fields)]),) = client.xreadgroup("store", "me", {stream.STREAM: ">"}, count=1)
    dead_letters.bury(client, group="store", entry_id=entry_id, fields=fields, reason=reason)
    return dead_letters.dead_letters()[0].id


def test_letters_are_listed_and_escaped(admin_client, redis_client):
    letter = bury(redis_client)
    raw = admin_client.get(LETTERS).content.decode()
    assert "<script>alert" not in raw
    assert html.escape("<script>alert(1)</script>") in raw
    assert f'value="{letter}"' in raw
    assert "1 wait, the newest" in raw


def test_a_letter_is_replayed_and_it_is_written_down(admin_client, redis_client):
    letter = bury(redis_client)
    before = redis_client.xlen(stream.STREAM)
    response = admin_client.post(DECIDE, {"deed": "replay", "letter": [letter]}, follow=True)
    assert said(response) == ["1 of 1 letters replayed."]
    assert redis_client.xlen(stream.STREAM) == before + 1
    assert dead_letters.dead_letters() == []
    assert LogEntry.objects.get().change_message == "replayed"


def test_letters_are_discarded(admin_client, redis_client):
    chosen = [bury(redis_client) for _ in range(3)][:2]
    before = redis_client.xlen(stream.STREAM)
    response = admin_client.post(DECIDE, {"deed": "discard", "letter": chosen}, follow=True)
    assert said(response) == ["2 of 2 letters discarded."]
    assert redis_client.xlen(stream.STREAM) == before
    assert len(dead_letters.dead_letters()) == 1
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"deed": "replay"}, "Choose letters"),
        ({"letter": "live:1-0"}, "Choose letters"),
        ({"deed": "drop", "letter": "live:1-0"}, "Choose letters"),
        ({"deed": "discard", "letter": "nonsense"}, "is no dead letter"),
        ({"deed": "discard", "letter": "live:1-0"}, "0 of 1 letters discarded."),
    ],
)
def test_what_is_no_letter_is_said(admin_client, values, message):
    assert message in " ".join(said(admin_client.post(DECIDE, values, follow=True)))
    assert not LogEntry.objects.exists()


# --- Runs of jobs ---


def test_a_run_is_shown_with_what_it_did_and_its_errors(admin_client):
    run = JobRun.objects.create(
        task="poll_quotes",
        slot="KOSPI 2024-11-08",
        status="failed",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=3, milliseconds=250),
        counts={"asked": 12, "stored": 10},
        errors=["yahoo: <b>limit</b>", "finnhub: upstream"],
    )
    listed = text_of(admin_client, reverse("admin:stocks_jobrun_changelist"))
    assert "asked 12, stored 10" in listed
    shown = admin_client.get(reverse("admin:stocks_jobrun_change", args=[run.pk])).content.decode()
    assert "<div>yahoo: &lt;b&gt;limit&lt;/b&gt;</div>" in shown
    assert "<div>finnhub: upstream</div>" in shown
    assert "3.2" in shown


# --- Quarantine ---

QUARANTINE = reverse("admin:stocks_quarantinedtick_changelist")


def held(price: str = "142000") -> QuarantinedTick:
    """A price twice the last one."""
    if not StockFactory._meta.model.objects.filter(code="A").exists():
        QuoteFactory.create(stock=StockFactory.create(code="A"))
    now = datetime.now(UTC)
    gate.hold(Tick("A", Decimal(price), now, now, "feed", 1), "2 times the last price")
    return QuarantinedTick.objects.get(status="held")


def decide(client: Client, action: str, *rows: QuarantinedTick):
    values = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(QUARANTINE, values, follow=True)


def test_a_confirmed_price_goes_into_the_stream(admin_client, redis_client):
    row = held()
    assert said(decide(admin_client, "confirm", row)) == ["1 of 1 prices let through."]
    row.refresh_from_db()
    assert (row.status, row.decided_by) == ("confirmed", "boss@example.com")
    assert redis_client.xlen(stream.STREAM) == 1
    assert LogEntry.objects.get().change_message == "The price 142000.00000000 was let through."


def test_a_discarded_price_goes_nowhere(admin_client, redis_client):
    row = held()
    decide(admin_client, "put_away", row)
    row.refresh_from_db()
    assert (row.status, redis_client.xlen(stream.STREAM)) == ("discarded", 0)


def test_a_price_is_decided_once(admin_client, redis_client):
    row = held()
    decide(admin_client, "put_away", row)
    messages = said(decide(admin_client, "confirm", row))
    assert messages[0] == "0 of 1 prices let through."
    assert redis_client.xlen(stream.STREAM) == 0


def test_what_can_be_no_price_is_not_let_through(admin_client, redis_client):
    row = held("-5")
    assert said(decide(admin_client, "confirm", row))[0] == "0 of 1 prices let through."
    row.refresh_from_db()
    assert (row.status, redis_client.xlen(stream.STREAM)) == ("held", 0)


def test_without_redis_a_price_stays_held(admin_client, settings):
    row = held()
    settings.REDIS_URL = NOBODY
    assert "stays held" in said(decide(admin_client, "confirm", row))[0]
    row.refresh_from_db()
    assert row.status == "held"


def test_who_may_only_see_decides_nothing():
    row = held()
    viewer = staff_with("view_quarantinedtick")
    assert viewer.get(QUARANTINE).status_code == 200
    decide(viewer, "confirm", row)
    row.refresh_from_db()
    assert row.status == "held"
    decide(staff_with("view_quarantinedtick", "change_quarantinedtick"), "put_away", row)
    row.refresh_from_db()
    assert row.status == "discarded"
