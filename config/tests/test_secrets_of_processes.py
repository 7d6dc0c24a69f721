"""No secret that is issued, mailed or given reaches what any process writes: servers, workers, consumers.

All log at their most talkative. What they wrote, their files of requests and the rows of the request log are
searched for every secret of the run, as a whole and in part.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from accounts.billing.models import Payment, Product
from accounts.billing.tests.standin import StripeStandIn, signed
from accounts.models import LoggedRequest, User
from config.development import web_command
from config.embedded import processes
from config.testing import LiveStack
from config.tests.mail_server import MailServer
from config.tests.test_limits_of_processes import until_listening
from config.tests.test_request_log import table_away
from screening.models import Delivery, WebhookEndpoint
from screening.tests.test_alert_deliveries import notification
from stocks.tests.standin import Answer, StandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
#: A secret of which this much can be read is as good as known.
PART = 20


class Given:
    """Every secret of the run, by what it is."""

    def __init__(self) -> None:
        self.all: dict[str, str] = {}

    def keep(self, name: str, secret: str) -> str:
        assert len(secret) >= 16, name
        self.all[name] = secret
        return secret

    def make(self, name: str, prefix: str = "") -> str:
        return self.keep(name, prefix + secrets.token_urlsafe(40))

    def found_in(self, text: str) -> list[str]:
        """Names of those that stand in the text, or the end of which does."""
        return [name for name, secret in self.all.items() if secret[-PART:] in text]


class Caller:
    """A program that keeps every secret that it sends or gets."""

    def __init__(self, url: str, given: Given) -> None:
        self._url = url
        self._given = given
        self.token = ""

    def __call__(self, method: str, path: str, status: int, body: Any = None, **options: Any) -> Any:
        headers = options.pop("headers", {"Authorization": f"Bearer {self.token}"} if self.token else {})
        reply = requests.request(
            method,
            f"{self._url}{path}",
            json=body,
            headers=headers,
            timeout=120,
            allow_redirects=False,
            **options,
        )
        assert reply.status_code == status, (path, reply.status_code, reply.text[:500])
        with suppress(ValueError):
            return reply.json()
        return reply

    def opens(self, path: str) -> None:
        """A stream, which is left at once; or is told that the ticket counts no more."""
        with requests.get(f"{self._url}{path}", stream=True, timeout=120) as reply:
            assert reply.status_code in (200, 401)

    def signs_in(self, reply: dict[str, Any], name: str) -> None:
        self.token = self._given.keep(f"access token, {name}", reply["access_token"])
        self._given.keep(f"refresh token, {name}", reply["refresh_token"])


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def gateway() -> Iterator[StripeStandIn]:
    with StripeStandIn() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with StandIn(lambda request: Answer()) as server:
        yield server


def until(reached: Callable[[], bool], what: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def passwords_and_links(ask: Caller, given: Given, mails: MailServer) -> None:
    """An account's whole life: every way in, every other password, every mailed link."""
    first, second, third = (given.make(f"password {number}") for number in (1, 2, 3))
    wrong = given.make("wrong password")
    account = {"email": "dave@example.com", "password": first}
    ask.signs_in(ask("POST", "/v1/auth/register", 201, {**account, "name": "Dave"}), "registered")
    ask("POST", "/v1/auth/register", 409, {**account, "name": "Dave"})
    ask("POST", "/v1/auth/login", 401, {**account, "password": wrong}, headers={})
    ask("POST", "/v1/auth/login", 400, {**account, "password": [wrong]}, headers={})
    broken = {"Content-Type": "application/json"}
    ask("POST", "/v1/auth/login", 400, data=f'{{"password": "{wrong}"', headers=broken)
    link = given.keep("confirmation link", mails.token("/v1/auth/email/confirm"))
    ask("GET", f"/v1/auth/email/confirm?token={link}", 200, headers={})
    ask("POST", "/v1/auth/email/confirm", 200, {"token": link}, headers={})
    ask("POST", "/v1/auth/email/confirm", 400, {"token": link}, headers={})
    change = {"current_password": first, "new_password": second}
    ask("POST", "/v1/auth/password/change", 204, change)
    ask("POST", "/v1/auth/password/forgot", 202, {"email": account["email"]}, headers={})
    link = given.keep("reset link", mails.token("/v1/auth/password/reset"))
    ask("GET", f"/v1/auth/password/reset?token={link}", 200, headers={})
    ask("POST", "/v1/auth/password/reset", 204, {"token": link, "new_password": third}, headers={})
    ask("POST", "/v1/auth/password/reset", 400, {"token": link, "new_password": wrong}, headers={})
    reply = ask("POST", "/v1/auth/login", 200, {**account, "password": third}, headers={})
    ask.signs_in(reply, "login")
    used = {"refresh_token": reply["refresh_token"]}
    ask.signs_in(ask("POST", "/v1/auth/refresh", 200, used, headers={}), "refresh")


def keys_and_tickets(ask: Caller, given: Given, mails: MailServer, sockets: list[str]) -> None:
    made = ask("POST", "/v1/api-keys", 201, {"name": "ci"})
    key = given.keep("API key", made["api_key"])
    ask("GET", "/v1/auth/me", 200, headers={"Authorization": f"Token {key}"})
    ask("GET", f"/v1/auth/me?api_key={key}&token={ask.token}", 401, headers={})
    ask("GET", "/v1/nowhere", 404, headers={"X-API-Key": key})
    ask("GET", f"/v1/stocks/{key}", 404)
    rotated = ask("POST", f"/v1/api-keys/{made['id']}/rotate", 201, {"grace_s": 600})
    given.keep("API key, rotated", rotated["api_key"])
    ask("GET", "/v1/auth/me", 200, headers={"X-API-Key": rotated["api_key"]})
    person = {"name": "Eve", "last_name": "X", "email": "eve@example.com"}
    ask("POST", "/v1/register", 202, person, headers={})
    link = given.keep("link to a key", mails.token("/v1/register/confirm"))
    ask("GET", f"/v1/register/confirm?token={link}", 200, headers={})
    mailed = ask("POST", "/v1/register/confirm", 201, {"token": link}, headers={})
    given.keep("API key, by mail", mailed["api_key"])
    for number, url in enumerate(sockets):
        ticket = given.keep(f"ticket {number}", ask("POST", "/v1/auth/ticket", 201)["ticket"])
        for query in (f"ticket={ticket}", f"ticket={ticket}", f"token={ask.token}", f"token={key}x"):
            # The ticket counts once, and the last is nobody's key.
            with suppress(WebSocketException, TimeoutError), connect(f"{url}/ws/stocks?{query}") as socket:
                socket.recv(30)
                socket.send(json.dumps({"type": "auth", "token": ask.token}))
                socket.recv(30)
                socket.send(json.dumps({"type": "subscribe", "rooms": [key]}))
                socket.recv(30)
    ticket = given.keep("ticket of a stream", ask("POST", "/v1/auth/ticket", 201)["ticket"])
    for _ in range(2):
        ask.opens(f"/v1/events?ticket={ticket}")


def hooks_and_shares(ask: Caller, given: Given, receiver: StandIn) -> None:
    address = f"{receiver.url}/hooks/{given.make('address of a webhook')}"
    made = ask("POST", "/v1/webhooks", 201, {"url": address})
    webhook_id = made["webhook"]["id"]
    given.keep("webhook secret", made["secret"])
    ask("POST", "/v1/webhooks", 403, {"url": address})
    rotated = ask("POST", f"/v1/webhooks/{webhook_id}/secret", 201)
    given.keep("webhook secret, rotated", rotated["secret"])
    user = User.objects.get(email="dave@example.com")
    hook = WebhookEndpoint.objects.get(pk=webhook_id)
    receiver.scripted.append(Answer(status=500))
    Delivery.objects.create(notification=notification(user), channel="webhook", endpoint=hook)
    Delivery.objects.create(notification=notification(user, arm=2), channel="email")
    screen = ask("POST", "/v1/screens", 201, {"name": "Cheap", "filters": {"per": {"max": 15}}})
    shared = ask("POST", f"/v1/screens/{screen['id']}/share", 200)["share_url"]
    word = given.keep("shared screen", shared.rpartition("/")[2])
    ask("GET", f"/v1/screens/shared/{word}", 200, headers={})
    ask("GET", f"/v1/screens/shared/{word}/nowhere", 404, headers={})
    ask("DELETE", f"/v1/screens/{screen['id']}/share", 204)
    ask("GET", f"/v1/screens/shared/{word}", 404, headers={})


def money(ask: Caller, given: Given, gateway: StripeStandIn) -> None:
    card = given.make("means of payment", "pm_")
    for token in (card, "pm_none", "pm_broken"):
        order = ask("POST", "/v1/orders", 201, {"products": ["pack"]})
        ask("POST", f"/v1/orders/{order['id']}/pay", 202, {"gateway": "stripe", "token": token})
    until(lambda: Payment.objects.filter(status="succeeded").count() == 2, "payments are taken")
    for intent in list(gateway.intents):
        body = gateway.event(intent, "payment_intent.succeeded")
        secret = given.all["gateway's webhook secret"]
        ask("POST", "/v1/payments/webhook/stripe", 200, data=body, headers=signed(body, secret=secret))
        forged = signed(body, secret=given.make("forger's secret", "whsec_"))
        ask("POST", "/v1/payments/webhook/stripe", 400, data=body, headers=forged)


def what_breaks(ask: Caller, given: Given) -> None:
    """A fault of ours, whose traceback is logged, with secrets in every place of the request."""
    key = given.make("key of a request that fails", "sk_")
    with table_away("screening_webhookendpoint"):
        ask("GET", f"/v1/webhooks?api_key={key}", 500)
        ask("POST", f"/v1/webhooks?token={ask.token}", 500, {"url": f"https://example.com/{key}"})


def test_nothing_that_any_process_writes_holds_a_secret(
    live_stack: LiveStack,
    mails: MailServer,
    gateway: StripeStandIn,
    receiver: StandIn,
    tmp_path: Path,
):
    given = Given()
    gateway.key = given.make("gateway's key", "sk_test_")
    environment = {
        "LOG_DIR": str(tmp_path),
        "LOG_LEVEL": "DEBUG",
        "REQUEST_LOG": "on",
        "SECRET_KEY": given.make("SECRET_KEY"),
        "JWT_SIGNING_KEY": given.make("JWT_SIGNING_KEY"),
        "API_KEY_PEPPER": given.make("API_KEY_PEPPER"),
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mails.port),
        "EMAIL_HOST_USER": "stockroom",
        "EMAIL_HOST_PASSWORD": given.make("EMAIL_HOST_PASSWORD"),
        "PAYMENT_GATEWAYS": "sandbox,stripe",
        "STRIPE_URL": gateway.url,
        "STRIPE_SECRET_KEY": gateway.key,
        "STRIPE_WEBHOOK_SECRET": given.make("gateway's webhook secret", "whsec_"),
        "WEBHOOK_ALLOW_LOCAL": "true",
    }
    Product.objects.create(code="pack", name="Pack", kind="data_pack", price=1, currency="USD")
    port, realtime = processes.free_port(), processes.free_port()
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "config"]
    calm = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    started = [
        live_stack.start(*web_command("127.0.0.1", port), **environment),
        live_stack.manage("runrealtime", f"--port={realtime}", "--workers=1", **environment),
        live_stack.start(*celery, "worker", "--concurrency=1", "--loglevel=DEBUG", *calm, **environment),
        live_stack.manage("process_payments", **environment),
    ]
    for listening in (port, realtime):
        until_listening(listening)
    ask = Caller(f"http://127.0.0.1:{port}", given)
    passwords_and_links(ask, given, mails)
    keys_and_tickets(ask, given, mails, [f"ws://127.0.0.1:{one}" for one in (port, realtime)])
    hooks_and_shares(ask, given, receiver)
    money(ask, given, gateway)
    what_breaks(ask, given)
    started.append(live_stack.start(*celery, "call", "screening.tasks.send_deliveries", **environment))
    until(lambda: Delivery.objects.filter(last_status=500).exists(), "what is due is sent")
    Delivery.objects.filter(channel="webhook").update(due_at=timezone.now())
    started.append(live_stack.start(*celery, "call", "screening.tasks.send_deliveries", **environment))
    until(lambda: Delivery.objects.filter(status="sent").count() == 2, "what failed is sent again")
    used = {"refresh_token": given.all["refresh token, login"]}
    ask("POST", "/v1/auth/refresh", 401, used, headers={})

    for one in started:
        live_stack.stop(one, 60)
    written = [live_stack.output(one) for one in started]
    files = [file.read_text() for file in sorted(tmp_path.glob("apicalls.log*"))]
    rows = str(list(LoggedRequest.objects.values()))
    # Each has something to say, so that what is searched is not nothing.
    assert all(len(text) > 100 for text in written[:4]), written
    assert "Traceback" in written[0]
    assert "/v1/auth/login" in "".join(files)
    assert "/v1/screens/shared/[secret]" in rows
    assert len(given.all) > 30
    for text in (*written, *files, rows):
        assert given.found_in(text) == [], [
            line for line in text.splitlines() for name in given.found_in(line)
        ]


def test_a_secret_is_found_where_it_stands():
    given = Given()
    secret = given.make("a secret")
    assert given.found_in(f"something {secret} else") == ["a secret"]
    assert given.found_in("something else") == []
