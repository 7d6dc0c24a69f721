"""POST /v1/auth/ticket, and what a ticket opens."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.connections import authenticate_tokens
from accounts.errors import TicketsUnavailable
from accounts.services.keys import api_key_issue, api_keys_revoke
from accounts.services.sessions import session_end, session_start
from accounts.services.tickets import ticket_issue, tickets_redeem
from accounts.tests.clients import token
from accounts.tests.outages import absent_redis, close_breaker, forget_outages
from accounts.tickets import LIFE_SECONDS, Maker, ticket_generate, ticket_name
from accounts.tokens import access_token_read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
PATH = "/v1/auth/ticket"


def prove(ticket: str) -> Any:
    [found] = authenticate_tokens([ticket])
    return found


def test_it_works(as_alice, alice, signed_in):
    response = as_alice.post(PATH)
    assert response.status_code == 201
    body = response.json()
    assert body.keys() == {"ticket", "expires_at", "expires_in"}
    assert body["ticket"].startswith("tk_")
    assert body["expires_in"] == 30
    assert "no-store" in response["Cache-Control"]
    proved = prove(body["ticket"])
    assert proved is not None
    assert (proved.user_id, proved.email, proved.tier) == (alice.pk, alice.email, "free")
    # What it opens lasts no longer than the token that it was made with.
    assert proved.expires_at == access_token_read(signed_in.access_token).expires_at
    assert prove(body["ticket"]) is None


def test_a_key_makes_tickets_that_end_with_it(alice):
    end = timezone.now() + timedelta(days=1)
    issued = api_key_issue(user=alice, name="day", expires_at=end)
    proved = prove(token(issued.text).post(PATH).json()["ticket"])
    assert proved is not None
    assert proved.expires_at == end


def test_whoever_is_not_signed_in_gets_none(client, refused):
    refused(client.post(PATH), 401, "UNAUTHORIZED")


def test_an_unknown_field_is_refused(as_alice, refused):
    refused(as_alice.post(PATH, {"seconds": 3600}), 400, "VALIDATION_ERROR")


def test_a_ticket_opens_no_request(as_alice, client, refused):
    ticket = as_alice.post(PATH).json()["ticket"]
    refused(client.get("/v1/auth/me", headers={"Authorization": f"Bearer {ticket}"}), 401, "UNAUTHORIZED")
    refused(client.get("/v1/auth/me", headers={"X-API-Key": ticket}), 401, "UNAUTHORIZED")


def test_signing_out_kills_the_tickets_of_the_session(as_alice, alice):
    ticket = as_alice.post(PATH).json()["ticket"]
    session_end(session=alice.sessions.get())
    assert prove(ticket) is None


def test_another_session_of_the_user_leaves_them(as_alice, alice):
    ticket = as_alice.post(PATH).json()["ticket"]
    session_start(user=alice)
    session_end(session=alice.sessions.order_by("-created_at").first())
    assert prove(ticket) is not None


def test_revoking_a_key_kills_its_tickets(alice, alices_key):
    ticket = token(alices_key.text).post(PATH).json()["ticket"]
    api_keys_revoke(keys=alice.api_keys.all())
    assert prove(ticket) is None


def test_the_tickets_of_a_user_who_is_not_active_are_dead(as_alice, alices_key, alice):
    tickets = [client.post(PATH).json()["ticket"] for client in (as_alice, token(alices_key.text))]
    alice.is_active = False
    alice.save()
    assert [prove(ticket) for ticket in tickets] == [None, None]


def test_redis_holds_a_digest_that_ends_by_itself(as_alice, redis_client):
    ticket = as_alice.post(PATH).json()["ticket"]
    [name] = redis_client.scan_iter("ticket:*")
    assert 0 < redis_client.ttl(name) <= LIFE_SECONDS
    held = name + redis_client.get(name)
    assert ticket.removeprefix("tk_").encode() not in held
    assert ticket_name(ticket) == name.decode()


def test_of_parallel_uses_one_succeeds(as_alice):
    ticket = as_alice.post(PATH).json()["ticket"]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: tickets_redeem(tickets=[ticket, "tk_"]), range(16)))
    assert sum(one is not None for one, _ in found) == 1


@pytest.mark.parametrize("ticket", ["tk_", "tk_short", "tk_" + "é" * 43, "tk_" + "a" * 5000])
def test_any_other_text_is_no_ticket(ticket):
    assert prove(ticket) is None


def test_a_ticket_that_comes_twice_at_once_opens_one_connection(as_alice, signed_in):
    ticket = as_alice.post(PATH).json()["ticket"]
    found = authenticate_tokens([ticket, signed_in.access_token, ticket, "tk_"])
    assert [one is None for one in found] == [False, False, True, True]


def test_a_ticket_that_was_never_made_is_nobody():
    assert prove(ticket_generate()) is None


def test_without_redis_there_are_no_tickets(as_alice, alice, settings, refused):
    maker = Maker(alice.pk, alice.sessions.get().pk, key_prefix="", expires_at=timezone.now())
    ticket = ticket_issue(maker=maker).ticket
    with absent_redis() as settings.REDIS_URL:
        close_breaker()
        assert refused(as_alice.post(PATH), 503, "SERVICE_UNAVAILABLE")
        assert isinstance(prove(ticket), TicketsUnavailable)
    forget_outages()


def test_what_redis_holds_of_a_maker_is_read_back():
    one, moment = uuid.uuid4(), timezone.now()
    for maker in (
        Maker(one, session_id=one, key_prefix="", expires_at=moment),
        Maker(one, session_id=None, key_prefix="sk_abcdefabcdef", expires_at=None),
    ):
        assert Maker.read(maker.written()) == maker
    assert Maker.read(b"nonsense") is None
    assert Maker.read(b"session x y z") is None
