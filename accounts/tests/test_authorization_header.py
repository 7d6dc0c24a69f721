"""The Authorization header and X-API-Key, as any route reads them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db
PATH = "/v1/auth/me"


def get(client, **headers):
    return client.get(PATH, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_it_works(client, signed_in, alices_key):
    for headers in (
        {"Authorization": f"Bearer {signed_in.access_token}"},
        {"Authorization": f"bearer   {signed_in.access_token}"},
        {"Authorization": f"Token {alices_key.text}"},
        {"Authorization": f"TOKEN {alices_key.text}"},
        {"X_API_Key": alices_key.text},
        {"Authorization": "", "X_API_Key": f" {alices_key.text} "},
    ):
        assert get(client, **headers).status_code == 200, headers


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Token",
        "Token a b",
        "Basic YTpi",
        "Digest x",
        "x",
        "é è",
        "Bearer, x",
        "\x00",
    ],
)
def test_a_malformed_header_is_401(client, refused, value):
    response = get(client, Authorization=value)
    refused(response, 401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_is_no_bearer_token_and_an_access_token_no_key(client, refused, signed_in, alices_key):
    refused(get(client, Authorization=f"Bearer {alices_key.text}"), 401, "UNAUTHORIZED")
    refused(get(client, Authorization=f"Token {signed_in.access_token}"), 401, "UNAUTHORIZED")
    refused(get(client, X_API_Key=signed_in.access_token), 401, "UNAUTHORIZED")


def test_a_refused_header_is_not_rescued_by_another(client, refused, alices_key):
    refused(get(client, Authorization="Bearer nonsense", X_API_Key=alices_key.text), 401, "UNAUTHORIZED")


def test_a_token_in_the_query_is_no_credential(client, refused, signed_in):
    refused(client.get(f"{PATH}?token={signed_in.access_token}"), 401, "UNAUTHORIZED")


def test_replies_to_credentials_are_private_and_kept_by_no_cache(client, signed_in, alices_key):
    for headers in (
        {"Authorization": f"Bearer {signed_in.access_token}"},
        {"Authorization": "Bearer nonsense"},
        {"X_API_Key": alices_key.text},
    ):
        assert get(client, **headers)["Cache-Control"] == "private, no-store"
    assert "Cache-Control" not in client.get("/v1/auth/ping").headers
