"""What is accepted as an access token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.errors import InvalidToken
from accounts.tests.clients import bearer
from accounts.tokens import AccessToken, _own_claims, access_token_issue, access_token_read, key_id

USER, SESSION = uuid4(), uuid4()


def claims(**changes):
    now = int(timezone.now().timestamp())
    full = {
        "typ": "access",
        "sub": str(USER),
        "sid": str(SESSION),
        "tier": "free",
        "iss": "stockroom",
        "aud": "stockroom-api",
        "iat": now,
        "exp": now + 600,
        "jti": uuid4().hex,
    } | changes
    return {name: value for name, value in full.items() if value is not ...}


def signed(payload=None, *, key=None, algorithm="HS256", **header):
    key = settings.JWT_SIGNING_KEY if key is None else key
    header = {"kid": key_id(settings.JWT_SIGNING_KEY)} | header
    header = {name: value for name, value in header.items() if value is not ...}
    return jwt.encode(claims() if payload is None else payload, key, algorithm=algorithm, headers=header)


def by_hand(header, payload, sign=lambda _: b""):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    body = part(json.dumps(header).encode()) + b"." + part(json.dumps(payload).encode())
    return (body + b"." + part(sign(body))).decode()


def test_it_works():
    issued = access_token_issue(user_id=USER, session_id=SESSION, tier="pro")
    read = access_token_read(issued)
    assert (read.user_id, read.session_id) == (USER, SESSION)
    assert timedelta(minutes=59) < read.expires_at - datetime.now(UTC) <= timedelta(minutes=60)


def test_the_short_way_reads_our_own_tokens_as_the_libraries_do():
    token = access_token_issue(user_id=USER, session_id=SESSION, tier="pro")
    assert _own_claims(token) == AccessToken(token).payload  # type: ignore[arg-type]  # as in tokens.py


@pytest.mark.parametrize(
    "token",
    [
        lambda: signed(claims(more=1)),
        lambda: signed(claims(jti=...)),
        lambda: signed(claims(exp=int(timezone.now().timestamp()))),
        lambda: signed(claims(exp=str(int(timezone.now().timestamp()) + 600))),
        lambda: signed(claims(iat=int(timezone.now().timestamp()) + 60)),
        lambda: signed(claims(aud=["stockroom-api"])),
        lambda: signed(claims(typ="refresh")),
        lambda: signed(cty="x"),
        lambda: signed(key="x" * 64),
        lambda: signed()[:-1],
        lambda: signed() + "=",
        lambda: "",
    ],
)
def test_the_short_way_leaves_every_other_token_to_the_libraries(token):
    assert _own_claims(token()) is None


def test_a_token_says_what_it_is_for():
    issued = access_token_issue(user_id=USER, session_id=SESSION, tier="pro")
    assert jwt.get_unverified_header(issued) == {
        "alg": "HS256",
        "typ": "JWT",
        "kid": key_id(settings.JWT_SIGNING_KEY),
    }
    payload = jwt.decode(issued, options={"verify_signature": False})
    assert set(payload) == {"typ", "sub", "sid", "tier", "iss", "aud", "iat", "exp", "jti"}
    assert payload["tier"] == "pro"
    assert payload["exp"] - payload["iat"] == 3600


def test_a_token_made_by_hand_with_our_key_is_accepted_so_the_refusals_below_mean_something():
    assert access_token_read(signed()).user_id == USER


def test_the_signing_key_is_not_the_secret_key_of_django():
    assert settings.JWT_SIGNING_KEY != settings.SECRET_KEY
    assert settings.SECRET_KEY not in (settings.JWT_SIGNING_KEY, settings.API_KEY_PEPPER)


def test_it_ends_after_an_hour():
    issued = access_token_issue(user_id=USER, session_id=SESSION, tier="free")
    with time_machine.travel(timezone.now() + timedelta(minutes=59), tick=False):
        access_token_read(issued)
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False), pytest.raises(InvalidToken):
        access_token_read(issued)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another-api"},
        {"aud": ["stockroom-api", "another-api"]},
        {"aud": ...},
        {"iss": "somebody"},
        {"iss": ...},
        {"typ": "refresh"},
        {"typ": ...},
        {"exp": 1},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": 10**30},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"jti": ...},
        {"iat": ...},
        {"sub": ...},
        {"sub": 1},
        {"sub": "alice"},
        {"sid": ...},
        {"sid": None},
        {"sid": 7},
        {"sid": "x"},
        {"sid": ["x"]},
    ],
)
def test_wrong_claims_are_refused_though_well_signed(change):
    with pytest.raises(InvalidToken):
        access_token_read(signed(claims(**change)))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_under_the_right_key_is_refused(algorithm):
    with pytest.raises(InvalidToken):
        access_token_read(signed(algorithm=algorithm))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None])
def test_no_signature_is_refused(name):
    header = {"alg": name, "typ": "JWT", "kid": key_id(settings.JWT_SIGNING_KEY)}
    with pytest.raises(InvalidToken):
        access_token_read(by_hand(header, claims()))


def test_a_signature_by_an_rsa_key_is_refused_and_so_is_its_public_key_used_as_a_secret():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(InvalidToken):
        access_token_read(signed(key=key, algorithm="RS256"))
    header = {"alg": "HS256", "typ": "JWT", "kid": key_id(settings.JWT_SIGNING_KEY)}
    forged = by_hand(header, claims(), lambda body: hmac.digest(public, body, hashlib.sha256))
    with pytest.raises(InvalidToken):
        access_token_read(forged)


@pytest.mark.parametrize(
    "kid", [..., "", "0" * 16, "../../../../dev/null", "' OR 1=1 --", "https://evil.example/jwks"]
)
def test_a_key_that_we_do_not_name_is_refused(kid):
    with pytest.raises(InvalidToken):
        access_token_read(signed(kid=kid))


@pytest.mark.parametrize("key", ["x" * 64, "SECRET_KEY", "API_KEY_PEPPER"])
def test_a_signature_by_another_secret_is_refused(key):
    with pytest.raises(InvalidToken):
        access_token_read(signed(key=getattr(settings, key, key)))


def test_keys_offered_in_the_header_are_ignored():
    own = "y" * 64
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(own.encode()).decode()}
    with pytest.raises(InvalidToken):
        access_token_read(
            signed(key=own, jwk=jwk, jku="https://evil.example/jwks", x5u="https://evil.example")
        )


def test_a_changed_claim_breaks_the_signature():
    header, _, signature = signed().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(tier="pro")).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        access_token_read(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.",
        "é.é.é",
        "\ud800",
        "\x00",
        "eyJhbGciOiJIUzI1NiJ9",
        "x" * 100_000,
        base64.urlsafe_b64encode(b"[" * 1400).rstrip(b"=").decode() + ".e30.x",
    ],
)
def test_what_is_no_token_is_refused(text):
    with pytest.raises(InvalidToken):
        access_token_read(text)


@given(st.text(max_size=200) | st.text("abcdefeyJ.-_=0", max_size=200))
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_refused_in_the_same_way(text):
    with pytest.raises(InvalidToken):
        access_token_read(text)


def test_no_single_changed_character_passes():
    issued = access_token_issue(user_id=USER, session_id=SESSION, tier="free")
    for place, right in enumerate(issued):
        for other in set("ABab01-_.") - {right}:
            with pytest.raises(InvalidToken):
                access_token_read(issued[:place] + other + issued[place + 1 :])


@pytest.mark.django_db
def test_a_refused_token_is_401_with_the_message_of_the_contract(refused, signed_in, alice):
    for text in (
        signed(claims(sub=str(alice.pk), exp=1)),
        signed(),  # well signed, for a session that does not exist
        by_hand({"alg": "none"}, claims()),
        "nonsense",
    ):
        response = bearer(text).get("/v1/auth/me")
        body = refused(response, 401, "UNAUTHORIZED")
        assert body["message"] == "Invalid or expired access token"
        assert body["details"] == {}
        assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.django_db
def test_a_session_of_one_user_does_not_open_another(alice, bob, signed_in):
    session = alice.sessions.get()
    assert (
        bearer(access_token_issue(user_id=alice.pk, session_id=session.pk, tier="free"))
        .get("/v1/auth/me")
        .status_code
        == 200
    )
    forged = access_token_issue(user_id=bob.pk, session_id=session.pk, tier="free")
    assert bearer(forged).get("/v1/auth/me").status_code == 401


@pytest.mark.django_db
def test_the_tier_in_a_token_decides_nothing(alice, signed_in):
    boastful = access_token_issue(user_id=alice.pk, session_id=alice.sessions.get().pk, tier="pro")
    assert bearer(boastful).get("/v1/auth/me").json()["tier"] == "free"


@pytest.mark.django_db
def test_a_leaked_signing_key_is_replaced_by_setting_another(settings, alice, signed_in):
    assert bearer(signed_in.access_token).get("/v1/auth/me").status_code == 200
    settings.JWT_SIGNING_KEY = "a new key " * 6
    assert bearer(signed_in.access_token).get("/v1/auth/me").status_code == 401
