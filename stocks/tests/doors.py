"""How the tests of the doors ask, and what they expect of an error."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from accounts.services.keys import api_key_issue
from accounts.tests.factories import UserFactory

ENVELOPE = {"error", "message", "details", "timestamp", "path", "request_id"}


def ask(path: str, **parameters: Any) -> Any:
    """GET by nobody."""
    return APIClient().get(path, parameters)


def member() -> APIClient:
    """A client with an API key in its header, as seed 1 sends it."""
    client = APIClient()
    client.credentials(
        HTTP_AUTHORIZATION=f"Token {api_key_issue(user=UserFactory.create(), name='test').text}"
    )
    return client


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that a reply is an error in the envelope; returns its details."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == ENVELOPE
    assert body["error"] == code
    assert body["message"]
    return body["details"]
