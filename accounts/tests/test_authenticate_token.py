"""authenticate_token: who may open a WebSocket."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.authentication import authenticate_token
from accounts.keys import api_key_generate
from accounts.principal import Principal
from accounts.services.keys import api_key_issue, api_keys_revoke
from accounts.services.sessions import session_end
from accounts.tokens import access_token_read

pytestmark = pytest.mark.django_db


def test_it_works(alice, signed_in, alices_key):
    expires_at = access_token_read(signed_in.access_token).expires_at
    proved = authenticate_token(signed_in.access_token)
    assert proved == Principal(user_id=alice.pk, email=alice.email, tier="free", expires_at=expires_at)
    by_key = authenticate_token(alices_key.text)
    assert by_key == Principal(user_id=alice.pk, email=alice.email, tier="free", expires_at=None)


def test_the_tier_is_the_one_in_the_database(alice, signed_in):
    alice.tier = "pro"
    alice.save()
    proved = authenticate_token(signed_in.access_token)
    assert proved is not None
    assert proved.tier == "pro"


def test_a_key_ends_when_it_says(alice):
    end = timezone.now() + timedelta(days=1)
    proved = authenticate_token(api_key_issue(user=alice, name="day", expires_at=end).text)
    assert proved is not None
    assert proved.expires_at == end


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "sk_", "sk_é", "\ud800", "\x00", "sk_" + "a" * 10_000])
def test_any_other_text_is_nobody(token):
    assert authenticate_token(token) is None


def test_credentials_that_have_ended_are_nobody(alice, signed_in, alices_key):
    session_end(session=alice.sessions.get())
    api_keys_revoke(keys=alice.api_keys.all())
    assert authenticate_token(signed_in.access_token) is None
    assert authenticate_token(alices_key.text) is None
    assert authenticate_token(signed_in.refresh_token) is None
    assert authenticate_token(api_key_generate()) is None


def test_an_inactive_user_is_nobody(alice, signed_in, alices_key):
    alice.is_active = False
    alice.save()
    assert authenticate_token(signed_in.access_token) is None
    assert authenticate_token(alices_key.text) is None
