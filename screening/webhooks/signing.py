"""How an endpoint knows that a request is ours: an HMAC over the time and the body."""

from __future__ import annotations

import base64
import hmac
from uuid import UUID

from django.conf import settings

HEADER = "X-Stockroom-Signature"


def secret_of(endpoint_id: UUID, version: int) -> str:
    """The secret of an endpoint: ``whsec_`` and 43 characters.

    It follows from the server's own key, so that no table holds it; a higher version is another secret.
    """
    text = f"webhook:{endpoint_id}:{version}".encode()
    digest = hmac.digest(settings.API_KEY_PEPPER.encode(), text, "sha256")
    return f"whsec_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """The value of the header: ``t=<Unix seconds>,v1=<hex of HMAC-SHA256 over "t.body">``."""
    told = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()
    return f"t={timestamp},v1={told}"
