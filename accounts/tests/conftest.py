from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.keys import IssuedKey, api_key_issue
from accounts.services.sessions import SignIn, session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import UserFactory

ENVELOPE = {"error", "message", "details", "timestamp", "path", "request_id"}


@pytest.fixture
def alice(db: None) -> User:
    return UserFactory.create(email="alice@example.com", name="Alice Liddell")


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory.create(email="bob@example.com", name="Bob Cratchit")


@pytest.fixture
def charlie(db: None) -> User:
    return UserFactory.create(email="charlie@example.com", name="Charlie Bucket")


@pytest.fixture
def client() -> APIClient:
    """Nobody, speaking JSON."""
    return APIClient()


@pytest.fixture
def signed_in(alice: User) -> SignIn:
    return session_start(user=alice)


@pytest.fixture
def as_alice(signed_in: SignIn) -> APIClient:
    return bearer(signed_in.access_token)


@pytest.fixture
def as_charlie(charlie: User) -> APIClient:
    return bearer(session_start(user=charlie).access_token)


@pytest.fixture
def alices_key(alice: User) -> IssuedKey:
    return api_key_issue(user=alice, name="laptop")


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Checks that a reply is an error in the envelope, and returns its body."""

    def check(response: Any, status: int, code: str) -> dict[str, Any]:
        assert response.status_code == status, response.content
        body = response.json()
        assert set(body) == ENVELOPE
        assert body["error"] == code
        assert body["message"]
        return body

    return check
