"""The staff page that deletes users, and those who have what is kept"""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.admin import KEPT
from accounts.billing.models import Product
from accounts.billing.tests.cases import bought
from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import PASSWORD, UserFactory
from portfolios.models import Portfolio

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


@pytest.fixture
def buyer() -> User:
    Product.objects.create(
        code="pro-day", name="Pro", kind="plan", tier="pro", period_days=1, price=2, currency="USD"
    )
    user = UserFactory.create()
    bought(user, "pro-day")
    return user


@pytest.fixture
def investor() -> User:
    user = UserFactory.create()
    Portfolio.objects.create(owner=user, name="Mine", base_currency="USD")
    return user


@pytest.mark.parametrize("who", ["buyer", "investor"])
def test_who_has_orders_or_portfolios_is_not_deleted_and_the_page_says_why(staff, request, who):
    user = request.getfixturevalue(who)
    for page in (
        staff.get(f"{USERS}{user.pk}/delete/"),
        staff.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}),
        staff.post(USERS, {"action": "delete_selected", "_selected_action": [str(user.pk)]}),
        staff.post(USERS, {"action": "delete_selected", "_selected_action": [str(user.pk)], "post": "yes"}),
    ):
        assert page.status_code == 200
        assert KEPT in page.content.decode()
    assert User.objects.filter(pk=user.pk).exists()


def test_who_has_nothing_that_is_kept_is_deleted(staff):
    user = UserFactory.create()
    session_start(user=user)
    page = staff.get(f"{USERS}{user.pk}/delete/")
    assert KEPT not in page.content.decode()
    assert staff.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()


def test_deactivation_shuts_a_user_out_and_keeps_what_is_theirs(staff, buyer, redis_client):
    token = session_start(user=buyer).access_token
    me = bearer(token)
    assert me.get("/v1/auth/me").status_code == 200
    root = User.objects.get(email="root@example.com")
    chosen = [str(buyer.pk), str(root.pk)]
    page = staff.post(USERS, {"action": "deactivate", "_selected_action": chosen}, follow=True)
    text = page.content.decode()
    assert "1 users deactivated" in text and "Nobody deactivates their own account" in text
    buyer.refresh_from_db()
    root.refresh_from_db()
    assert (buyer.is_active, root.is_active) == (False, True)
    assert me.get("/v1/auth/me").status_code == 401
    assert buyer.orders.count() == 1
