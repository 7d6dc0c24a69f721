"""Who Schemathesis is: somebody signed in by FUZZ_EMAIL and FUZZ_PASSWORD, or nobody where they are unset."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

import requests
import schemathesis

ADDRESS = os.environ["FUZZ_URL"]
EMAIL, PASSWORD = os.environ.get("FUZZ_EMAIL", ""), os.environ.get("FUZZ_PASSWORD", "")
#: What ends the sessions of who asks is asked by somebody who was made for that request alone.
ENDS_SESSIONS = ("/v1/auth/logout", "/v1/auth/logout-all", "/v1/auth/password/change")
#: Less than an access token lives.
SECONDS = 1200.0


class SignedIn:
    """Puts an access token on every request, a fresh one in time."""

    token = ""
    until = 0.0

    def get(self, case: Any, context: Any) -> str:
        if context.operation.path in ENDS_SESSIONS:
            passing = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(16)}
            return _token("register", {**passing, "name": "Passing"})
        if time.monotonic() > SignedIn.until:
            SignedIn.token = _token("login", {"email": EMAIL, "password": PASSWORD})
            SignedIn.until = time.monotonic() + SECONDS
        return SignedIn.token

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def _token(how: str, body: dict[str, str]) -> str:
    reply = requests.post(f"{ADDRESS}/v1/auth/{how}", json=body, timeout=60)
    reply.raise_for_status()
    return str(reply.json()["access_token"])


if EMAIL:
    schemathesis.auth(refresh_interval=None)(SignedIn)
