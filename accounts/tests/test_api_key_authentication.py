"""What is accepted as an API key."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import InternalError, connection
from django.db.models.query import QuerySet
from django.utils import timezone

from accounts.keys import api_key_digest, api_key_generate
from accounts.models import ApiKey, RefreshToken
from accounts.services.keys import api_key_issue
from accounts.tests.clients import token
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def status_of(key: str) -> int:
    return token(key).get("/v1/auth/me").status_code


def test_it_works(alices_key):
    assert status_of(alices_key.text) == 200


def test_an_expired_key_is_refused(alice, refused):
    issued = api_key_issue(user=alice, name="day", expires_at=timezone.now() + timedelta(days=1))
    assert status_of(issued.text) == 200
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1), tick=False):
        refused(token(issued.text).get("/v1/auth/me"), 401, "UNAUTHORIZED")


def test_a_revoked_key_is_refused_at_once(as_alice, alices_key):
    as_alice.delete(f"/v1/api-keys/{alices_key.row.pk}")
    assert status_of(alices_key.text) == 401


def test_the_key_of_an_inactive_user_is_refused(alice, alices_key):
    alice.is_active = False
    alice.save()
    assert status_of(alices_key.text) == 401


def test_a_wrong_checksum_asks_no_database(alices_key, django_assert_num_queries):
    wrong = alices_key.text[:-1] + ("0" if alices_key.text[-1] != "0" else "1")
    with django_assert_num_queries(0):
        assert status_of(wrong) == 401


def test_an_unknown_key_of_the_right_form_is_refused(alices_key):
    assert status_of(api_key_generate()) == 401


def test_the_right_prefix_with_another_secret_is_refused(alices_key):
    other = api_key_generate()
    ApiKey.objects.filter(pk=alices_key.row.pk).update(prefix=other[:15])
    assert status_of(other) == 401


def test_a_key_is_refused_under_another_pepper(alices_key, settings):
    settings.API_KEY_PEPPER = "stolen tables are of no use without it"
    assert status_of(alices_key.text) == 401


def test_every_refusal_reads_the_same(as_alice, alices_key, refused):
    as_alice.delete(f"/v1/api-keys/{alices_key.row.pk}")
    texts = [alices_key.text, api_key_generate(), "sk_x", "anything"]
    bodies = [refused(token(text).get("/v1/auth/me"), 401, "UNAUTHORIZED") for text in texts]
    assert len({(body["message"], str(body["details"])) for body in bodies}) == 1


def test_the_last_use_is_written_once_a_minute(alices_key):
    def last_used():
        return ApiKey.objects.get().last_used_at

    begun = timezone.now()
    with time_machine.travel(begun, tick=False):
        status_of(alices_key.text)
    assert last_used() == begun
    with time_machine.travel(begun + timedelta(seconds=59), tick=False):
        status_of(alices_key.text)
    assert last_used() == begun
    with time_machine.travel(begun + timedelta(seconds=61), tick=False):
        status_of(alices_key.text)
    assert last_used() == begun + timedelta(seconds=61)


def test_a_refused_key_is_not_recorded_as_used(alice):
    issued = api_key_issue(user=alice, name="old", expires_at=timezone.now() - timedelta(seconds=1))
    status_of(issued.text)
    assert ApiKey.objects.get().last_used_at is None


def test_a_database_that_cannot_write_still_lets_a_key_read(alices_key, monkeypatch):
    def read_only(*args, **kwargs):
        raise InternalError("cannot execute UPDATE in a read-only transaction")

    monkeypatch.setattr(QuerySet, "update", read_only)
    assert status_of(alices_key.text) == 200


def test_a_dump_of_the_tables_holds_no_usable_secret(client, alice, alices_key, signed_in):
    pair = client.post("/v1/auth/refresh", {"refresh_token": signed_in.refresh_token}).json()
    names = [f"accounts_{name}" for name in ("user", "session", "refreshtoken", "apikey")]
    with connection.cursor() as cursor:
        dump = ""
        for name in names:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {name} t")
            rows = [row for (row,) in cursor]
            assert rows, name
            dump += "\n".join(rows)
    secrets = [alices_key.text, alices_key.text[16:59], PASSWORD, *pair.values()]
    secrets += [signed_in.refresh_token, signed_in.access_token]
    for secret in secrets:
        assert secret not in dump
        assert secret.encode().hex() not in dump
    # The check would see a secret that is there.
    assert alices_key.text[:15] in dump
    assert api_key_digest(alices_key.text).hex() in dump
    # Nothing that is stored opens anything.
    row = ApiKey.objects.get()
    for stored in (row.prefix, bytes(row.digest).hex(), f"{row.prefix}_{bytes(row.digest).hex()}"):
        assert status_of(stored) == 401
    for digest in RefreshToken.objects.values_list("digest", flat=True):
        body = {"refresh_token": bytes(digest).hex()}
        assert client.post("/v1/auth/refresh", body).status_code == 401
