"""The doors of the shop: /v1/products, /v1/orders, /v1/payments, /v1/subscription"""

from __future__ import annotations

import json
import logging
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.billing.models import Order, Payment, Product
from accounts.billing.tests.cases import bought, ordered, processed
from accounts.tests.clients import token

pytestmark = pytest.mark.django_db

PAY = {"gateway": "sandbox", "token": "sandbox_success"}


def test_it_works(as_alice, alice, products):
    order = as_alice.post("/v1/orders", {"products": ["pro-month", {"code": "history-pack", "quantity": 2}]})
    assert order.status_code == 201
    body = order.json()
    assert (body["status"], body["currency"], body["total"]) == ("pending", "USD", 128)
    assert b'"total":128,' in order.content
    assert [(one["code"], one["quantity"], one["amount"]) for one in body["items"]] == [
        ("pro-month", 1, 29),
        ("history-pack", 2, 99),
    ]
    assert body["payment"] is None
    paid = as_alice.post(f"/v1/orders/{body['id']}/pay", PAY)
    assert paid.status_code == 202
    assert paid.json()["payment"]["status"] == "pending"
    assert paid.json()["status"] == "pending"
    processed(Payment.objects.get())
    read = as_alice.get(f"/v1/orders/{body['id']}").json()
    assert (read["status"], read["payment"]["status"]) == ("fulfilled", "succeeded")
    mine = as_alice.get("/v1/subscription").json()
    assert mine["tier"] == "pro"
    assert [(one["code"], one["tier"]) for one in mine["periods"]] == [("pro-month", "pro")]
    assert [one["code"] for one in mine["data_packs"]] == ["history-pack"]
    assert as_alice.get("/v1/auth/me").json()["tier"] == "pro"


def test_everybody_sees_what_is_sold(client, products):
    body = client.get("/v1/products").json()
    assert [one["code"] for one in body["products"]] == [
        *("basic-month", "history-pack", "pro-month", "pro-year", "won-pack")
    ]
    assert body["products"][2] == {
        "code": "pro-month",
        "name": "pro-month",
        "description": "",
        "kind": "plan",
        "tier": "pro",
        "period_days": 30,
        "price": 29,
        "currency": "USD",
    }
    assert b'"price":12000,' in client.get("/v1/products?kind=data_pack").content
    assert len(client.get("/v1/products?per_page=2&page=3").json()["products"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"products": ["pro-month"], "total_amount": 1}, "total_amount"),
        ({"products": ["pro-month"], "user_id": 1}, "user_id"),
        ({"products": ["pro-month"], "status": "paid"}, "status"),
        ({"products": ["pro-month"], "currency": "KRW"}, "currency"),
        ({"products": [{"code": "pro-month", "price": 1}]}, "products"),
        ({"products": [{"code": "pro-month", "quantity": 0}]}, "products"),
        ({"products": [{"code": "pro-month", "quantity": -1}]}, "products"),
        ({"products": [{"code": "pro-month", "quantity": 101}]}, "products"),
        ({"products": [{"code": "pro-month", "quantity": 1.5}]}, "products"),
        ({"products": [{"code": "pro-month", "quantity": "١"}]}, "products"),
        ({"products": ["pro-month", "pro-month"]}, "products"),
        ({"products": []}, "products"),
        ({"products": [1, 2]}, "products"),
        ({"products": [None]}, "products"),
        ({"products": "pro-month"}, "products"),
        ({"products": ["x"] * 21}, "products"),
        ({}, "products"),
    ],
)
def test_what_an_order_may_not_say(as_alice, products, refused, body, field):
    assert field in refused(as_alice.post("/v1/orders", body), 400, "VALIDATION_ERROR")["details"]
    assert not Order.objects.exists()


def test_what_is_not_sold_is_not_ordered(as_alice, products, refused):
    body = refused(
        as_alice.post("/v1/orders", {"products": ["gone", "nothing", "pro-month"]}),
        422,
        "PRODUCT_NOT_AVAILABLE",
    )
    assert body["details"] == {"products": ["gone", "nothing"]}


def test_two_currencies_are_never_added(as_alice, products, refused):
    body = refused(
        as_alice.post("/v1/orders", {"products": ["won-pack", "pro-month"]}), 422, "CURRENCIES_DIFFER"
    )
    assert body["details"] == {"currencies": ["KRW", "USD"]}


def test_of_others_nothing_is_there(as_alice, as_charlie, client, alice, products, refused):
    order = bought(alice, "pro-month")
    for path, verb in (("", "get"), ("/pay", "post"), ("/cancel", "post")):
        for order_id in (order.pk, uuid4()):
            body = PAY if path == "/pay" else None
            reply = getattr(as_charlie, verb)(f"/v1/orders/{order_id}{path}", body)
            refused(reply, 404, "ORDER_NOT_FOUND")
        refused(getattr(client, verb)(f"/v1/orders/{order.pk}{path}"), 401, "UNAUTHORIZED")
    assert as_charlie.get("/v1/orders").json()["orders"] == []
    assert as_charlie.get("/v1/payments").json()["payments"] == []
    assert as_charlie.get("/v1/subscription").json() == {"tier": "free", "periods": [], "data_packs": []}
    for path in ("orders", "payments", "subscription"):
        refused(client.get(f"/v1/{path}"), 401, "UNAUTHORIZED")


def test_no_get_pays(as_alice, alice, products, refused):
    order = ordered(alice, "pro-month")
    for path in (f"orders/{order.pk}/pay", f"orders/{order.pk}/cancel", "payments/webhook/sandbox"):
        refused(as_alice.get(f"/v1/{path}"), 405, "METHOD_NOT_ALLOWED")
    for path in ("payments", "payments/start", "orders", f"orders/{order.pk}", "products", "subscription"):
        as_alice.get(f"/v1/{path}")
    assert Order.objects.get().status == "pending"
    assert not Payment.objects.exists()


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"])
def test_a_card_number_is_refused_and_told_to_nobody(as_alice, alice, products, caplog, refused, number):
    order = ordered(alice, "pro-month")
    with caplog.at_level(logging.DEBUG):
        reply = as_alice.post(f"/v1/orders/{order.pk}/pay", {"gateway": "sandbox", "token": number})
    assert "token" in refused(reply, 400, "VALIDATION_ERROR")["details"]
    assert number not in reply.content.decode()
    assert number not in caplog.text
    for field in ("number", "cvc", "card", "exp_month", "amount"):
        refused(as_alice.post(f"/v1/orders/{order.pk}/pay", {**PAY, field: "1"}), 400, "VALIDATION_ERROR")
    assert not Payment.objects.exists()


def test_only_gateways_that_the_settings_name_take_payments(as_alice, alice, products, refused):
    order = ordered(alice, "pro-month")
    for name in ("stripe", "manual", "nothing", "../sandbox"):
        reply = as_alice.post(f"/v1/orders/{order.pk}/pay", {**PAY, "gateway": name})
        refused(reply, 422, "GATEWAY_NOT_AVAILABLE")


def test_a_token_is_in_no_reply(as_alice, alice, products):
    order = ordered(alice, "pro-month")
    reply = as_alice.post(f"/v1/orders/{order.pk}/pay", PAY)
    for one in (reply, as_alice.get("/v1/orders"), as_alice.get("/v1/payments")):
        assert "sandbox_success" not in one.content.decode()
        assert "token" not in one.content.decode()


def test_a_key_makes_one_order_and_one_payment(as_alice, as_charlie, products, refused):
    headers = {"Idempotency-Key": "one"}
    first = as_alice.post("/v1/orders", {"products": ["pro-month"]}, headers=headers)
    again = as_alice.post("/v1/orders", {"products": ["pro-month"]}, headers=headers)
    assert again.content == first.content
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = as_alice.post("/v1/orders", {"products": ["basic-month"]}, headers=headers)
    refused(other, 422, "IDEMPOTENCY_KEY_REUSED")
    assert as_charlie.post("/v1/orders", {"products": ["pro-month"]}, headers=headers).status_code == 201
    assert Order.objects.count() == 2
    url, headers = f"/v1/orders/{first.json()['id']}/pay", {"Idempotency-Key": "two"}
    replies = [as_alice.post(url, PAY, headers=headers) for _ in range(3)]
    assert {(reply.status_code, reply.content) for reply in replies} == {(202, replies[0].content)}
    refused(as_alice.post(url, PAY), 409, "PAYMENT_IN_PROGRESS")
    assert Payment.objects.count() == 1


def test_an_order_that_is_over_is_neither_paid_nor_cancelled(as_alice, alice, products, refused):
    order = bought(alice, "pro-month")
    for path, body in (("pay", PAY), ("cancel", None)):
        details = refused(as_alice.post(f"/v1/orders/{order.pk}/{path}", body), 409, "ORDER_NOT_PENDING")
        assert details["details"] == {"status": "fulfilled"}
    waiting = ordered(alice, "pro-month")
    assert as_alice.post(f"/v1/orders/{waiting.pk}/cancel").json()["status"] == "cancelled"
    refused(as_alice.post(f"/v1/orders/{waiting.pk}/cancel", {"because": 1}), 400, "VALIDATION_ERROR")


def test_an_account_has_a_hundred_unpaid_orders_at_most(as_alice, alice, products, refused):
    Order.objects.bulk_create(Order(user=alice, currency="USD", total=1) for _ in range(100))
    refused(as_alice.post("/v1/orders", {"products": ["pro-month"]}), 409, "ORDER_LIMIT_REACHED")


def test_lists_cost_the_same_queries_for_one_row_and_for_many(as_alice, alice, products):
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_alice.get(f"/v1/{path}").status_code == 200
        return len(captured)

    bought(alice, "pro-month", "history-pack")
    few = {path: queries(path) for path in ("orders", "payments", "subscription")}
    for _ in range(10):
        bought(alice, "pro-month", "history-pack")
    assert {path: queries(path) for path in few} == few


def test_lists_are_newest_first_and_can_be_narrowed(as_alice, alice, products):
    first, second = bought(alice, "pro-month"), ordered(alice, "basic-month")
    body = as_alice.get("/v1/orders").json()
    assert [one["id"] for one in body["orders"]] == [str(second.pk), str(first.pk)]
    assert body["meta"] == {"page": 1, "per_page": 50, "total": 2, "pages": 1}
    only = as_alice.get("/v1/orders?status=fulfilled").json()["orders"]
    assert [one["id"] for one in only] == [str(first.pk)]
    assert [one["order_id"] for one in as_alice.get("/v1/payments").json()["payments"]] == [str(first.pk)]
    assert as_alice.get("/v1/payments?status=failed").json()["payments"] == []


@pytest.fixture
def staff(as_alice, alice):
    alice.is_staff = True
    alice.save()
    return as_alice


def test_only_staff_who_signed_in_sync(as_charlie, client, alice, alices_key, refused):
    refused(client.post("/v1/products/sync"), 401, "UNAUTHORIZED")
    refused(as_charlie.post("/v1/products/sync"), 403, "FORBIDDEN")
    alice.is_staff = True
    alice.save()
    refused(token(alices_key.text).post("/v1/products/sync"), 403, "FORBIDDEN")


def test_products_are_taken_over_from_a_catalogue(staff, products, page, settings):
    settings.WEBHOOK_ALLOW_LOCAL = True
    plan = {"code": "pro-month", "name": "Pro", "kind": "plan", "tier": "pro", "period_days": 31}
    rows = [
        plan | {"price": 31.5, "currency": "USD"},
        {"code": "news", "name": "News", "kind": "data_pack", "price": 5, "currency": "EUR"},
        {"code": "news", "name": "News", "kind": "data_pack", "price": 6, "currency": "EUR"},
        plan | {"code": "won", "price": 0.5, "currency": "KRW"},
        plan | {"code": "free", "price": 0, "currency": "USD"},
        plan | {"code": "a", "price": "1", "currency": "USD"},
        plan | {"code": "b", "tier": "free", "price": 1, "currency": "USD"},
        plan | {"code": "c", "price": 1, "currency": "XXX"},
        {"code": "d", "name": "D", "kind": "data_pack", "tier": "pro", "price": 1, "currency": "USD"},
        {"id": 1, "title": "Backpack", "price": 109.95},
        plan | {"code": "Ü", "price": 1, "currency": "USD"},
        7,
    ]
    page.body = json.dumps({"products": rows}).encode()
    reply = staff.post("/v1/products/sync", {"url": page.url})
    assert reply.status_code == 200, reply.content
    body = reply.json()
    assert (body["created"], body["updated"], body["unchanged"]) == (1, 1, 0)
    assert [one["row"] for one in body["refused"]] == list(range(3, 13))
    reasons = {one["row"]: one["reason"] for one in body["refused"]}
    assert "decimals" in reasons[4]
    assert "unknown fields: id, title" in reasons[10]
    pro = Product.objects.get(code="pro-month")
    assert (pro.price, pro.period_days, pro.source) == (31.5, 31, "catalogue")
    assert Product.objects.get(code="basic-month").source == "admin"
    settings.PRODUCT_CATALOGUE_URL = page.url
    again = staff.post("/v1/products/sync").json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/"),
        *("https://[::ffff:10.0.0.1]/", "https://2130706433/", "file:///etc/passwd", "https://a@b.example/"),
    ],
)
def test_a_catalogue_is_read_from_public_addresses_alone(staff, refused, url):
    body = refused(staff.post("/v1/products/sync", {"url": url}), 422, "CATALOGUE_NOT_READ")
    assert "127.0.0.1" not in body["message"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_catalogue_that_does_not_answer_changes_nothing(staff, products, page, settings, refused, status):
    settings.WEBHOOK_ALLOW_LOCAL = True
    page.status = status
    body = refused(staff.post("/v1/products/sync", {"url": page.url}), 422, "CATALOGUE_NOT_READ")
    assert str(status) in body["message"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"products": 1}', b"[" * 100_000, b"[NaN]", b"\xff"])
def test_what_is_no_catalogue_is_refused(staff, page, settings, refused, body):
    settings.WEBHOOK_ALLOW_LOCAL = True
    page.body = body
    refused(staff.post("/v1/products/sync", {"url": page.url}), 422, "CATALOGUE_NOT_READ")


def test_without_a_catalogue_nothing_is_synced(staff, refused):
    assert "url" in refused(staff.post("/v1/products/sync"), 400, "VALIDATION_ERROR")["details"]
