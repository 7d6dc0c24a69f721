"""No secret that is issued or given reaches a log."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.clients import bearer, token

pytestmark = pytest.mark.django_db
PASSWORD = "SecurePass123"


@pytest.fixture
def logged():
    """Everything logged during the test by any logger at any level, before anything is cut out of it."""
    sink = StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    loggers = [logging.getLogger(), logging.getLogger("stockroom.requests"), logging.getLogger("accounts")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        # Before the handlers whose filter would rewrite the record.
        logger.handlers.insert(0, handler)
        logger.setLevel(logging.DEBUG)
    yield sink
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_it_works(client, logged):
    secrets = [PASSWORD, f"{PASSWORD}wrong"]
    account = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"}
    pair = client.post("/v1/auth/register", account).json()
    secrets += [pair["access_token"], pair["refresh_token"]]
    client.post("/v1/auth/login", account | {"password": f"{PASSWORD}wrong"})
    client.post("/v1/auth/login", {"email": "nobody@example.com", "password": PASSWORD})
    client.post("/v1/auth/login", account | {"password": PASSWORD * 20})
    newer = client.post("/v1/auth/refresh", {"refresh_token": pair["refresh_token"]}).json()
    secrets += newer.values()
    key = bearer(newer["access_token"]).post("/v1/api-keys", {"name": "x"}).json()["api_key"]
    secrets.append(key)
    token(key).get("/v1/auth/me")
    token(key[:-1] + "x").get("/v1/auth/me")
    client.get(f"/v1/auth/me?token={newer['access_token']}&api_key={key}")
    client.get("/v1/nowhere", headers={"X-API-Key": key})
    client.post("/v1/register", {"name": "Eve", "last_name": "X", "email": "eve@example.com"})
    match = re.search(r"token=(\S+)", str(mail.outbox[0].body))
    assert match
    link = match[1]
    secrets.append(link)
    client.get("/v1/register/confirm", {"token": link})
    secrets.append(client.post("/v1/register/confirm", {"token": link}).json()["api_key"])
    client.post("/v1/register/confirm", {"token": link})
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        APIClient().post("/v1/auth/refresh", {"refresh_token": pair["refresh_token"]})
    text = logged.getvalue()
    assert "/v1/auth/login" in text
    assert "a used refresh token came back" in text
    for secret in secrets:
        assert len(secret) > 10
        assert secret not in text
