"""Stripe's API as far as the shop speaks it, on 127.0.0.1: honest about keys, and counting what it takes.

The token says what becomes of a charge: ``pm_ok``, ``pm_declined``, ``pm_wait`` (processing), ``pm_lost``
(taken, and the reply never comes), ``pm_broken`` (500 the first time), ``pm_none`` (no such token).
"""

from __future__ import annotations

import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

WEBHOOK_SECRET = "whsec_of_the_stand_in_0123456789"
SECRET_KEY = "sk_test_of_the_stand_in_0123456789"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may be killed while it waits for its answer; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class StripeStandIn:
    """Attributes: ``url``, ``key``, ``intents`` by id, ``refunds`` by intent, ``calls``, each path and key.

    ``charged`` counts how often money was taken for a payment of ours. A token in ``held`` is
    answered once its event is set.
    """

    def __init__(self) -> None:
        self.key = SECRET_KEY
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.charged: dict[str, int] = {}
        self.calls: list[tuple[str, str]] = []
        self.delay = 0.0
        self.held: dict[str, threading.Event] = {}
        self._replies: dict[str, tuple[bytes, int, Any]] = {}
        self._broken: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> StripeStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def event(self, intent_id: str, kind: str, *, event_id: str = "") -> bytes:
        """The body of an event of an intent: payment_intent.succeeded, .payment_failed, charge.refunded."""
        with self._lock:
            intent = dict(self.intents[intent_id])
        if kind == "payment_intent.succeeded":
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        elif kind == "charge.refunded":
            intent |= {"id": "ch_1", "payment_intent": intent_id, "amount_refunded": intent["amount"]}
        else:
            intent |= {"last_payment_error": {"code": "card_declined", "decline_code": "stolen_card"}}
        event = {"id": event_id or f"evt_{uuid4().hex}", "type": kind, "data": {"object": intent}}
        return json.dumps(event).encode()

    def settle(self, intent_id: str) -> None:
        """Take the money of an intent that was processing, once."""
        with self._lock:
            self._take(self.intents[intent_id])

    def answer(self, method: str, path: str, form: dict[str, str], headers: Any) -> tuple[int, Any] | None:
        """Status and body; None where the connection is to break before a reply."""
        key = headers.get("Idempotency-Key", "")
        time.sleep(self.delay)
        if (held := self.held.get(form.get("payment_method", ""))) is not None:
            held.wait(60)
        with self._lock:
            self.calls.append((f"{method} {path}", key))
            if headers.get("Authorization") != f"Bearer {self.key}":
                return 401, {"error": {"type": "invalid_request_error"}}
            if method == "GET":
                intent = self.intents.get(path.rpartition("/")[2])
                return (200, intent) if intent else (404, {"error": {"code": "resource_missing"}})
            asked = json.dumps([path, form], sort_keys=True).encode()
            if key in self._replies:
                before, status, body = self._replies[key]
                if before == asked:
                    return status, body
                return 400, {"error": {"type": "idempotency_error"}}
            if form.get("payment_method") == "pm_broken" and key not in self._broken:
                self._broken.add(key)
                return 500, {"error": {"type": "api_error"}}
            status, body = self._carry_out(path, form)
            self._replies[key] = (asked, status, body)
            return None if form.get("payment_method") == "pm_lost" else (status, body)

    def _carry_out(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if path == "/v1/refunds":
            intent_id = form["payment_intent"]
            if intent_id in self.refunds:
                return 400, {"error": {"code": "charge_already_refunded"}}
            self.refunds[intent_id] = {"id": f"re_{uuid4().hex}", "status": "succeeded"}
            return 200, self.refunds[intent_id]
        assert path == "/v1/payment_intents", path
        assert form["confirm"] == "true"
        intent: dict[str, Any] = {
            "id": f"pi_{uuid4().hex}",
            "amount": int(form["amount"]),
            "currency": form["currency"],
            "metadata": {name: form[f"metadata[{name}]"] for name in ("payment_id", "order_id")},
            "status": "processing",
        }
        self.intents[intent["id"]] = intent
        match form["payment_method"]:
            case "pm_declined":
                intent["status"] = "requires_payment_method"
                error = {"type": "card_error", "code": "card_declined", "decline_code": "stolen_card"}
                return 402, {"error": {**error, "payment_intent": intent}}
            case "pm_none":
                del self.intents[intent["id"]]
                return 400, {"error": {"code": "resource_missing", "type": "invalid_request_error"}}
            case "pm_wait":
                return 200, dict(intent)
        self._take(intent)
        return 200, dict(intent)

    def _take(self, intent: dict[str, Any]) -> None:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        payment_id = intent["metadata"]["payment_id"]
        self.charged[payment_id] = self.charged.get(payment_id, 0) + 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                if len(body) < length:
                    # Who asks was killed while it did.
                    self.close_connection = True
                    return
                form = {name: values[0] for name, values in parse_qs(body).items()}
                reply = stand_in.answer(self.command, self.path, form, self.headers)
                if reply is None:
                    self.close_connection = True
                    return
                raw = json.dumps(reply[1]).encode()
                try:
                    self.send_response(reply[0])
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = handle_one  # noqa: N815 (names that http.server looks for)

            def log_message(self, *_: Any) -> None:
                """Tests read ``calls``."""

        return Handler


class Page:
    """One page on 127.0.0.1: its ``status`` and ``body`` are what the next request is answered with."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"[]"
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(page.status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/products"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Page:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of an event, signed as Stripe's documentation says."""
    timestamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={digest}", "Content-Type": "application/json"}
