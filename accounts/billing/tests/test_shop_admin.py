"""The staff pages of the shop"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.billing.models import Order, Payment, Product
from accounts.billing.tests.cases import asked, bought, ordered, processed, statuses
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

MODELS = ("order", "payment", "orderevent", "gatewayevent", "subscription", "standing", "packgrant")


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


def act(client: Client, model: str, action: str, *rows):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(f"/admin/billing/{model}/", data, follow=True)


def test_it_works(staff, alice, products):
    order = bought(alice, "pro-month", "history-pack")
    for model in (*MODELS, "product"):
        page = staff.get(f"/admin/billing/{model}/")
        assert page.status_code == 200, model
        assert staff.get(f"/admin/billing/{model}/?q=alice").status_code == 200, model
    page = staff.get(f"/admin/billing/order/{order.pk}/change/")
    assert "history-pack" in page.content.decode()
    assert staff.get("/admin/billing/payment/?held=yes").status_code == 200


def test_products_are_added_changed_and_switched_off(staff, products):
    data = {"code": "extra", "name": "Extra", "kind": "plan", "tier": "basic", "period_days": 7}
    data |= {"price": "1.50", "currency": "usd", "active": "on"}
    assert staff.post("/admin/billing/product/add/", data).status_code == 302
    made = Product.objects.get(code="extra")
    assert (made.currency, made.price) == ("USD", 1.5)
    url = f"/admin/billing/product/{made.pk}/change/"
    for wrong in ({"price": "1.505"}, {"price": "0"}, {"price": "NaN"}, {"currency": "XXX"}, {"tier": ""}):
        page = staff.post(url, data | wrong)
        assert page.status_code == 200, wrong
        assert "errorlist" in page.content.decode(), wrong
    assert staff.post(url, {**data, "active": ""}).status_code == 302
    made.refresh_from_db()
    assert not made.active


@pytest.mark.parametrize("model", MODELS)
def test_records_are_neither_added_nor_changed_nor_deleted(staff, alice, products, model):
    order = bought(alice, "pro-month")
    rows = {"order": order, "payment": order.payment}
    assert staff.get(f"/admin/billing/{model}/add/").status_code == 403
    if model in rows:
        url = f"/admin/billing/{model}/{rows[model].pk}"
        assert staff.post(f"{url}/change/", {"status": "refunded"}).status_code == 403
        assert staff.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    assert statuses(order) == ("fulfilled", "succeeded")


def test_a_refund_goes_through_the_gateway(staff, alice, products, stripe):
    order = ordered(alice, "pro-month")
    payment = processed(asked(order, "pm_ok", "stripe"))
    act(staff, "order", "refund", order)
    assert statuses(order) == ("fulfilled", "refunding")
    page = act(staff, "payment", "refund", payment)
    assert "Only an order that was paid" in page.content.decode()
    processed(payment)
    assert statuses(order) == ("refunded", "refunded")
    assert len(stripe.refunds) == 1


def test_staff_mark_and_cancel(staff, alice, products):
    by_bank, unwanted, lost = (ordered(alice, "pro-month") for _ in range(3))
    act(staff, "order", "mark_paid", by_bank)
    act(staff, "order", "cancel", unwanted)
    processed(asked(lost, "sandbox_down"))
    act(staff, "payment", "mark_failed", lost.payment)
    assert statuses(lost) == ("pending", "pending")
    Payment.objects.filter(order=lost).update(due_at=None)
    act(staff, "payment", "mark_failed", lost.payment)
    assert Order.objects.get(pk=unwanted.pk).status == "cancelled"
    assert (statuses(by_bank)[0], statuses(lost)[0]) == ("fulfilled", "failed")
    alice.refresh_from_db()
    assert alice.tier == "pro"


def test_who_may_only_look_moves_no_money(alice, products):
    order = bought(alice, "pro-month")
    viewer = UserFactory.create(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_order", "view_payment"]))
    client = Client()
    client.force_login(viewer)
    page = client.get("/admin/billing/order/").content.decode()
    assert "Refund the selected" not in page
    act(client, "order", "refund", order)
    act(client, "payment", "refund", order.payment)
    assert statuses(order) == ("fulfilled", "succeeded")


def test_a_token_is_on_no_page(staff, alice, products):
    payment = processed(asked(ordered(alice, "pro-month"), "sandbox_timeout"))
    for path in ("", f"{payment.pk}/change/"):
        assert "sandbox_timeout" not in staff.get(f"/admin/billing/payment/{path}").content.decode()
