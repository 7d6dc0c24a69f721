"""The staff pages of accounts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.models import ApiKey, RefreshToken, User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer, token
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


@pytest.fixture
def rows(alice, signed_in, alices_key):
    return {
        "user": alice.pk,
        "session": alice.sessions.get().pk,
        "apikey": alices_key.row.pk,
    }


def test_it_works(staff, rows):
    for model in ("user", "session", "refreshtoken", "apikey"):
        response = staff.get(f"/admin/accounts/{model}/")
        assert response.status_code == 200, model
        assert "alice@example.com" in response.content.decode(), model
    for model, pk in rows.items():
        response = staff.get(f"/admin/accounts/{model}/{pk}/change/")
        assert response.status_code == 200, model
        assert "alice@example.com" in response.content.decode(), model


def test_staff_sign_in_with_the_e_mail_address():
    User.objects.create_superuser("root@example.com", PASSWORD)
    client = Client()
    form = {"username": "ROOT@example.com", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 200


@pytest.mark.parametrize("model", ["user", "session", "refreshtoken", "apikey"])
def test_every_list_can_be_searched(staff, rows, model):
    assert "alice@example.com" in staff.get(f"/admin/accounts/{model}/?q=alice").content.decode()
    for nothing in ("q=nobody", "q='--", "q=" + "a" * 2000):
        page = staff.get(f"/admin/accounts/{model}/?{nothing}")
        assert page.status_code == 200
        assert "alice@example.com" not in page.content.decode()
    assert staff.get(f"/admin/accounts/{model}/?q=%00").status_code == 200


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("user", "tier__exact=free"),
        ("user", "is_staff__exact=0"),
        ("session", "revoked_at__isempty=1"),
        ("refreshtoken", "used_at__isempty=1"),
        ("apikey", "revoked_at__isempty=1"),
    ],
)
def test_every_list_can_be_filtered(staff, rows, model, query):
    assert "alice@example.com" in staff.get(f"/admin/accounts/{model}/?{query}").content.decode()


def test_a_list_costs_the_same_for_one_row_and_for_twenty(staff, rows):
    def costs():
        for model in ("user", "session", "refreshtoken", "apikey"):
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(f"/admin/accounts/{model}/").status_code == 200
            yield model, len(queries)

    before = dict(costs())
    for _ in range(19):
        user = UserFactory.create()
        session_start(user=user)
        api_key_issue(user=user, name="x")
    assert dict(costs()) == before


def test_no_page_shows_a_digest(staff, rows, alice):
    digests = [bytes(ApiKey.objects.get().digest), bytes(RefreshToken.objects.get().digest)]
    pages = [staff.get(f"/admin/accounts/{model}/{pk}/change/") for model, pk in rows.items()]
    pages += [staff.get(f"/admin/accounts/{m}/") for m in ("user", "session", "refreshtoken", "apikey")]
    pages += [staff.get(f"/admin/accounts/{model}/{pk}/delete/") for model, pk in rows.items()]
    for page in pages:
        assert page.status_code == 200
        text = page.content.decode()
        for digest in digests:
            assert digest.hex() not in text
            assert escape(repr(digest)) not in text
        assert alice.password not in text


def test_a_user_is_added_with_an_address_in_lower_case(staff):
    form = {
        "email": "Dave@Example.com",
        "name": "Dave",
        "tier": "basic",
        "usable_password": "true",
        "password1": "SecurePass123",
        "password2": "SecurePass123",
    }
    assert staff.get("/admin/accounts/user/add/").status_code == 200
    response = staff.post("/admin/accounts/user/add/", form)
    assert response.status_code == 302, response.content.decode()
    dave = User.objects.get(email="dave@example.com")
    assert dave.tier == "basic"
    assert dave.check_password("SecurePass123")
    assert not dave.is_staff
    again = staff.post("/admin/accounts/user/add/", form | {"email": "DAVE@example.com"})
    assert again.status_code == 200
    assert "already exists" in again.content.decode()


def test_a_tier_can_be_changed_and_a_user_shut_out(staff, alice, signed_in):
    form = {"email": "ALICE@example.com", "name": "Alice", "tier": "pro", "is_active": ""}
    response = staff.post(f"/admin/accounts/user/{alice.pk}/change/", form)
    assert response.status_code == 302, response.content.decode()
    alice.refresh_from_db()
    assert (alice.email, alice.tier, alice.is_active) == ("alice@example.com", "pro", False)
    assert bearer(signed_in.access_token).get("/v1/auth/me").status_code == 401


def test_a_user_can_be_deleted_with_all_that_hangs_on_them(staff, rows, alice):
    page = staff.get(f"/admin/accounts/user/{alice.pk}/delete/")
    assert page.status_code == 200
    response = staff.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not ApiKey.objects.exists()
    assert not RefreshToken.objects.exists()


@pytest.mark.parametrize("model", ["session", "refreshtoken", "apikey"])
def test_what_only_the_service_writes_cannot_be_added_or_changed(staff, rows, model):
    assert staff.get(f"/admin/accounts/{model}/add/").status_code in (403, 404)
    if model in rows:
        path = f"/admin/accounts/{model}/{rows[model]}/change/"
        assert staff.post(path, {"name": "x"}).status_code == 403
        assert 'name="_save"' not in staff.get(path).content.decode()


def test_keys_can_be_revoked(staff, alices_key):
    form = {"action": "revoke", "_selected_action": [str(alices_key.row.pk)]}
    response = staff.post("/admin/accounts/apikey/", form, follow=True)
    assert "1 keys revoked." in response.content.decode()
    assert token(alices_key.text).get("/v1/auth/me").status_code == 401


def test_sessions_can_be_ended(staff, alice, signed_in):
    form = {"action": "end", "_selected_action": [str(alice.sessions.get().pk)]}
    response = staff.post("/admin/accounts/session/", form, follow=True)
    assert "1 sessions ended." in response.content.decode()
    assert bearer(signed_in.access_token).get("/v1/auth/me").status_code == 401


def test_staff_who_may_only_look_can_revoke_nothing(alices_key):
    viewer = UserFactory.create(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client = Client()
    client.force_login(viewer)
    page = client.get("/admin/accounts/apikey/")
    assert page.status_code == 200
    assert "Revoke the selected" not in page.content.decode()
    form = {"action": "revoke", "_selected_action": [str(alices_key.row.pk)]}
    client.post("/admin/accounts/apikey/", form)
    assert token(alices_key.text).get("/v1/auth/me").status_code == 200


def test_an_ordinary_user_does_not_get_in(alice):
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/accounts/user/").status_code == 302


def test_a_markup_name_is_escaped(staff):
    UserFactory.create(name="<script>alert(1)</script>")
    page = staff.get("/admin/accounts/user/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
