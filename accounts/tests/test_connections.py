"""Who may open a connection that stays open, who may keep it, and that nothing keeps one that has ended."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from accounts import connection_cache
from accounts.connection_cache import Entry
from accounts.connections import authenticate_tokens, recheck_principals
from accounts.keys import api_key_digest, api_key_generate, api_key_prefix
from accounts.models import ApiKey, User
from accounts.principal import Principal
from accounts.redis import breaker
from accounts.services.keys import api_key_issue, api_key_revoke, api_keys_revoke
from accounts.services.sessions import session_end, session_start
from accounts.tests.outages import absent_redis, close_breaker, forget_outages
from accounts.tokens import access_token_issue, access_token_read
from accounts.tombstones import TOMBSTONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def redis_there(redis_client):
    forget_outages()
    yield
    forget_outages()


def proved(token: str) -> Principal:
    [found] = authenticate_tokens([token])
    assert isinstance(found, Principal)
    return found


def again(principal: Principal) -> Principal | Exception | None:
    [found] = recheck_principals([principal])
    return found


def age(principal: Principal, redis_client, seconds: float) -> None:
    """Let the entry be so much older."""
    name = principal.credential
    entry = Entry.read(redis_client.get(name))
    assert entry is not None
    asked_at, rest = entry.written().split(b" ", 1)
    redis_client.set(name, b"%.3f %s" % (float(asked_at) - seconds, rest), keepttl=True)


def test_it_works(alice, signed_in, alices_key):
    expires_at = access_token_read(signed_in.access_token).expires_at
    by_session, by_key = authenticate_tokens([signed_in.access_token, alices_key.text])
    session = connection_cache.session_name(alice.sessions.get().pk)
    key = connection_cache.key_name(alices_key.row.prefix)
    assert by_session == Principal(alice.pk, alice.email, "free", expires_at, session)
    assert by_key == Principal(alice.pk, alice.email, "free", None, key)
    assert recheck_principals([by_session, by_key]) == [by_session, by_key]


def test_no_token_is_kept(signed_in, alices_key, redis_client):
    found = authenticate_tokens([signed_in.access_token, alices_key.text])
    # The secret of a key may itself begin with a line: it is what stands between the id and the checksum.
    secret = alices_key.text[len("sk_123456789012_") : -len("_12345678")]
    secrets = [*signed_in.access_token.split(".")[1:], alices_key.text, secret]
    assert len(secret) == 43
    kept = repr(found) + "".join(repr((key, redis_client.get(key))) for key in redis_client.scan_iter("*"))
    assert "connect:session:" in kept
    assert not [secret for secret in secrets if secret in kept]


def test_the_first_time_costs_one_query_for_all_and_the_second_none(alice, bob, django_assert_num_queries):
    tokens = [session_start(user=user).access_token for user in (alice, bob, alice)]
    with django_assert_num_queries(1):
        first = authenticate_tokens(tokens)
    with django_assert_num_queries(0):
        assert authenticate_tokens(tokens) == first
        principals = [one for one in first if isinstance(one, Principal)]
        assert recheck_principals(principals) == first
    assert [one.user_id for one in principals] == [alice.pk, bob.pk, alice.pk]


def test_a_key_costs_a_query_and_the_record_of_its_use_and_then_none(alices_key, django_assert_num_queries):
    with django_assert_num_queries(2):
        proved(alices_key.text)
    assert ApiKey.objects.get().last_used_at is not None
    with django_assert_num_queries(0):
        proved(alices_key.text)


def test_the_tier_is_the_one_in_the_database(alice, signed_in):
    before = proved(signed_in.access_token)
    alice.tier = "pro"
    alice.save()
    assert proved(signed_in.access_token).tier == "pro"
    found = again(before)
    assert isinstance(found, Principal)
    assert found.tier == "pro"


def test_a_key_ends_when_it_says(alice, redis_client):
    end = timezone.now() + timedelta(seconds=1.5)
    text = api_key_issue(user=alice, name="short", expires_at=end).text
    principal = proved(text)
    assert principal.expires_at == end
    assert redis_client.ttl(principal.credential) <= 2
    while timezone.now() < end:
        time.sleep(0.05)
    assert authenticate_tokens([text]) == [None]
    assert again(principal) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "sk_", "sk_é", "\ud800", "\x00", "sk_" + "a" * 10_000])
def test_any_other_text_is_nobody_and_costs_no_query(token, signed_in, django_assert_num_queries):
    proved(signed_in.access_token)
    with django_assert_num_queries(0):
        found = authenticate_tokens([token, signed_in.access_token])
    assert found[0] is None
    assert isinstance(found[1], Principal)


def test_of_a_known_key_another_secret_is_nobody(alices_key, django_assert_num_queries):
    proved(alices_key.text)
    body = alices_key.row.prefix + api_key_generate()[len(alices_key.row.prefix) : -9]
    other = f"{body}_{zlib.crc32(body.encode()):08x}"
    assert api_key_prefix(other) == alices_key.row.prefix
    with django_assert_num_queries(0):
        assert authenticate_tokens([other]) == [None]


def test_a_token_that_names_another_users_session_is_nobody(alice, bob, signed_in):
    session = alice.sessions.get()
    forged = access_token_issue(user_id=bob.pk, session_id=session.pk, tier="pro")
    assert authenticate_tokens([forged]) == [None]
    proved(signed_in.access_token)
    assert authenticate_tokens([forged]) == [None]


def end_session(user: User) -> None:
    session_end(session=user.sessions.get())


def delete_session(user: User) -> None:
    user.sessions.get().delete()


def revoke_key(user: User) -> None:
    api_key_revoke(user=user, key_id=user.api_keys.get().pk)


def revoke_keys(user: User) -> None:
    api_keys_revoke(keys=user.api_keys.all())


def delete_key(user: User) -> None:
    user.api_keys.get().delete()


def let_key_end(user: User) -> None:
    key = user.api_keys.get()
    key.expires_at = timezone.now()
    key.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def delete(user: User) -> None:
    user.delete()


@pytest.mark.parametrize("change", [end_session, delete_session, deactivate, delete])
def test_whatever_ends_a_session_ends_its_connections(change: Callable[[User], None], alice, signed_in):
    principal = proved(signed_in.access_token)
    change(alice)
    assert again(principal) is None
    assert authenticate_tokens([signed_in.access_token]) == [None]


@pytest.mark.parametrize("change", [revoke_key, revoke_keys, delete_key, let_key_end, deactivate, delete])
def test_whatever_ends_a_key_ends_its_connections(change: Callable[[User], None], alice, alices_key):
    principal = proved(alices_key.text)
    change(alice)
    assert again(principal) is None
    assert authenticate_tokens([alices_key.text]) == [None]


def test_a_session_that_is_ended_leaves_those_of_the_key(alice, signed_in, alices_key):
    by_key = proved(alices_key.text)
    end_session(alice)
    assert again(by_key) == by_key


def test_nothing_is_written_over_a_tombstone(alice, signed_in, redis_client):
    name = connection_cache.session_name(alice.sessions.get().pk)
    redis_client.set(name, TOMBSTONE, ex=60)
    proved(signed_in.access_token)
    assert redis_client.get(name) == TOMBSTONE


def test_an_entry_is_not_prolonged_by_who_reads_it(signed_in, redis_client, django_assert_num_queries):
    principal = proved(signed_in.access_token)
    redis_client.expire(principal.credential, 77)
    with django_assert_num_queries(0):
        proved(signed_in.access_token)
        again(principal)
    assert redis_client.ttl(principal.credential) <= 77


def test_an_open_connection_has_its_entry_confirmed_in_time(
    signed_in, redis_client, django_assert_num_queries
):
    principal = proved(signed_in.access_token)
    redis_client.expire(principal.credential, 250)
    age(principal, redis_client, connection_cache.CONFIRMED_SECONDS + 1)
    with django_assert_num_queries(0):
        assert proved(signed_in.access_token) == principal
    with django_assert_num_queries(1):
        assert again(principal) == principal
    assert redis_client.ttl(principal.credential) > 590
    with django_assert_num_queries(0):
        assert again(principal) == principal


def test_what_was_written_before_redis_failed_is_not_believed(signed_in, django_assert_num_queries):
    principal = proved(signed_in.access_token)
    breaker.failed(OSError())
    close_breaker()
    breaker.failed_at = time.monotonic()
    with django_assert_num_queries(1):
        assert again(principal) == principal


def test_without_redis_the_database_is_asked(alice, signed_in, settings):
    with absent_redis() as settings.REDIS_URL:
        principal = proved(signed_in.access_token)
        assert again(principal) == principal
        end_session(alice)
        assert again(principal) is None


def test_without_the_database_those_who_are_remembered_come_in(bob, signed_in):
    remembered = proved(signed_in.access_token)
    other = session_start(user=bob).access_token
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], "1"
    try:
        found, missing = authenticate_tokens([signed_in.access_token, other])
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
    assert found == remembered
    assert isinstance(missing, OperationalError)


def test_a_user_without_a_credential_is_looked_at_by_name(alice):
    by_cookie = Principal(alice.pk, alice.email, "free", None)
    assert again(by_cookie) == by_cookie
    deactivate(alice)
    assert again(by_cookie) is None


def test_who_keeps_connections_is_told_after_the_commit(alice, alices_key, signed_in, settings):
    settings.ACCOUNTS_TELL = f"{__name__}.hear"
    for change in (end_session, revoke_key, deactivate, delete):
        told.clear()
        user_id = alice.pk
        change(alice)
        assert user_id in told


told: list[object] = []


def hear(user_ids: list[object]) -> None:
    assert not connection.in_atomic_block
    told.extend(user_ids)


@pytest.mark.parametrize(
    "text",
    [b"", b"-", b"x", b"1 2 3 4 5 6", b"1.0 %s free - zz a@b" % api_key_digest("x").hex().encode()],
)
def test_anything_else_in_redis_is_no_entry(text):
    assert Entry.read(text) is None
