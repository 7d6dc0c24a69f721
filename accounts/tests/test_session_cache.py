"""What is remembered of sessions, and that nothing brings back one that has ended."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import session_cache
from accounts.errors import InvalidRefreshToken
from accounts.models import RefreshToken, Session, User
from accounts.selectors import session_find
from accounts.services.sessions import session_end, session_refresh, session_start, sessions_end
from accounts.session_cache import Standing
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.outages import absent_redis, forget_outages
from accounts.tombstones import TOMBSTONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def redis_there(redis_client):
    forget_outages()
    yield
    forget_outages()


@pytest.fixture
def session(alice, signed_in) -> Session:
    found = alice.sessions.select_related("user").get()
    session_cache.remember(found)
    return found


@pytest.fixture
def entry(redis_client):
    """What Redis holds of a session now."""
    return lambda session: redis_client.get(session_cache.name(session.pk))


def test_it_works(session, alice, entry, redis_client):
    assert Standing.read(entry(session)) == Standing(alice.pk, "free", "alice@example.com")
    assert 0 < redis_client.ttl(session_cache.name(session.pk)) <= 30


def test_an_entry_does_not_outlive_its_session(alice, entry, redis_client):
    short = Session.objects.create(user=alice, expires_at=timezone.now() + timedelta(seconds=9))
    session_cache.remember(short)
    assert 0 < redis_client.ttl(session_cache.name(short.pk)) <= 9
    over = Session.objects.create(user=alice, expires_at=timezone.now())
    session_cache.remember(over)
    assert entry(over) is None


@pytest.mark.parametrize("text", [b"", b"-", b"x", b"a b c", b"\xff\xff", b"1 2"])
def test_what_is_no_entry_says_nothing(text):
    assert Standing.read(text) is None


def test_a_logout_holds_though_a_request_remembers_the_session_late(session, entry):
    # The request asked the database before the logout, and writes what it found after it.
    found = session_find(session_id=session.pk, user_id=session.user_id, now=timezone.now())
    assert found is not None
    session_end(session=session)
    session_cache.remember(found)
    assert entry(session) == TOMBSTONE


def test_a_tombstone_outlives_every_request(session, redis_client):
    session_end(session=session)
    assert redis_client.ttl(session_cache.name(session.pk)) > 10 * session_cache.ALIVE_SECONDS


def test_a_tombstone_stands_before_the_change_is_committed(session, entry):
    with transaction.atomic():
        sessions_end(sessions=Session.objects.all(), because="test")
        assert entry(session) == TOMBSTONE


def change_tier(user: User) -> None:
    user.tier = "pro"
    user.save()


def change_only_the_tier(user: User) -> None:
    user.tier = "pro"
    user.save(update_fields=["tier"])


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def change_password(user: User) -> None:
    user.set_password(f"another {PASSWORD}")
    user.save()


def delete_user(user: User) -> None:
    user.delete()


def delete_users_in_bulk(user: User) -> None:
    User.objects.filter(pk=user.pk).delete()


def delete_session(user: User) -> None:
    user.sessions.get().delete()


def revoke_by_hand(user: User) -> None:
    session = user.sessions.get()
    session.revoked_at = timezone.now()
    session.save()


def end_in_the_admin(user: User) -> None:
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(staff)
    path = reverse("admin:accounts_session_changelist")
    chosen = {"action": "end", "_selected_action": [str(user.sessions.get().pk)]}
    assert client.post(path, chosen).status_code == 302


def edit_in_the_admin(user: User) -> None:
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(staff)
    path = reverse("admin:accounts_user_change", args=[user.pk])
    shown = client.get(path).context["adminform"].form.initial
    values = {name: shown[name] for name in ("email", "name", "is_active")} | {"tier": "pro"}
    assert client.post(path, values).status_code == 302
    user.refresh_from_db()
    assert user.tier == "pro"


@pytest.mark.parametrize(
    "change",
    [
        change_tier,
        change_only_the_tier,
        deactivate,
        change_password,
        delete_user,
        delete_users_in_bulk,
        delete_session,
        revoke_by_hand,
        end_in_the_admin,
        edit_in_the_admin,
    ],
)
def test_whatever_ends_a_session_or_changes_its_user_buries_the_entry(change, session, alice, entry):
    change(alice)
    assert entry(session) == TOMBSTONE


def test_a_used_refresh_token_that_comes_back_buries_the_entry(session, signed_in, entry):
    session_refresh(refresh_token=signed_in.refresh_token)
    assert Standing.read(entry(session)) is not None
    RefreshToken.objects.filter(used_at__isnull=False).update(used_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(InvalidRefreshToken):
        session_refresh(refresh_token=signed_in.refresh_token)
    assert entry(session) == TOMBSTONE


def test_what_changes_nothing_that_is_remembered_leaves_the_entry(session, alice, entry):
    alice.last_login = timezone.now()
    alice.save(update_fields=["last_login"])
    session_refresh(refresh_token=session_start(user=alice).refresh_token)
    assert Standing.read(entry(session)) is not None


def test_a_session_that_was_opened_while_its_user_changed_is_not_remembered_as_it_was(alice, entry):
    opened: list[Session] = []

    def sign_in() -> None:
        try:
            session_start(user=User.objects.get(pk=alice.pk))
            found = Session.objects.select_related("user").get(user=alice)
            assert found.user.is_active
            session_cache.remember(found)
            opened.append(found)
        finally:
            connection.close()

    with transaction.atomic():
        # As the admin does: the list of sessions is read before the other one is there.
        session_cache.forget(Session.objects.filter(user=alice).values_list("pk", flat=True))
        thread = threading.Thread(target=sign_in)
        thread.start()
        thread.join(30)
        [session] = opened
        assert Standing.read(entry(session)) is not None
        alice.is_active = False
        alice.save()
    assert entry(session) == TOMBSTONE


def test_of_many_requests_and_one_logout_none_remembers_a_dead_session(alice, entry):
    for _ in range(15):
        session_start(user=alice)
        session = Session.objects.select_related("user").latest("created_at")
        barrier = threading.Barrier(9)

        def ask(session: Session = session, barrier: threading.Barrier = barrier) -> None:
            try:
                barrier.wait(30)
                for _ in range(5):
                    now = timezone.now()
                    found = session_find(session_id=session.pk, user_id=session.user_id, now=now)
                    if found is not None:
                        session_cache.remember(found)
            finally:
                connection.close()

        def leave(session: Session = session, barrier: threading.Barrier = barrier) -> None:
            try:
                barrier.wait(30)
                session_end(session=session)
                assert entry(session) == TOMBSTONE
            finally:
                connection.close()

        with ThreadPoolExecutor(9) as pool:
            jobs = [pool.submit(ask) for _ in range(8)] + [pool.submit(leave)]
            for job in jobs:
                job.result(60)
        assert entry(session) == TOMBSTONE


def test_a_logout_needs_no_redis_and_is_told_as_soon_as_it_is_back(session, entry, settings):
    address = settings.REDIS_URL
    with absent_redis() as settings.REDIS_URL:
        session_end(session=session)
        assert Session.objects.get(pk=session.pk).revoked_at is not None
        # The entry of before is still there, as after a short outage.
        assert Standing.read(entry(session)) is not None
        time.sleep(0.3)
    settings.REDIS_URL = address
    deadline = time.monotonic() + 10
    while entry(session) != TOMBSTONE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while any(thread.name == "tombstones" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_redis_nothing_is_remembered_and_nothing_fails(alice, signed_in, settings):
    with absent_redis() as settings.REDIS_URL:
        session_cache.remember(alice.sessions.select_related("user").get())
        session_cache.forget([])
