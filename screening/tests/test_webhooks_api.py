"""GET and POST /v1/webhooks, and one webhook"""

from __future__ import annotations

import uuid

import pytest

from accounts.services.keys import api_key_issue
from accounts.tests.clients import token
from screening.models import WebhookEndpoint
from screening.webhooks.signing import secret_of

pytestmark = pytest.mark.django_db
URL = "https://1.1.1.1/hook"


def test_it_works(as_alice):
    response = as_alice.post("/v1/webhooks", {"url": URL})
    assert response.status_code == 201, response.content
    assert "no-store" in response["Cache-Control"]
    body = response.json()
    webhook, secret = body["webhook"], body["secret"]
    assert webhook["url"] == "https://1.1.1.1:443/hook"
    assert (webhook["active"], webhook["failures"]) == (True, 0)
    assert secret == secret_of(uuid.UUID(webhook["id"]), 1)
    assert as_alice.get("/v1/webhooks").json() == {"webhooks": [webhook]}
    assert as_alice.get(f"/v1/webhooks/{webhook['id']}").json() == webhook


def test_a_secret_is_stored_nowhere_and_can_be_changed(as_alice):
    body = as_alice.post("/v1/webhooks", {"url": URL}).json()
    row = WebhookEndpoint.objects.values().get()
    assert body["secret"] not in str(row)
    again = as_alice.post(f"/v1/webhooks/{body['webhook']['id']}/secret")
    assert again.status_code == 201
    assert again.json()["secret"] != body["secret"]


@pytest.mark.parametrize(
    "url",
    [
        *("http://1.1.1.1/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/"),
        *("https://[::1]/", "https://10.1.2.3/", "https://2130706433/", "nonsense", "", 5, None),
        # 500 characters, and 504 with the port that is kept.
        "https://1.1.1.1/" + "x" * 484,
    ],
)
def test_an_address_that_is_not_public_is_refused(as_alice, refused, url):
    assert "url" in refused(as_alice.post("/v1/webhooks", {"url": url}), 400, "VALIDATION_ERROR")["details"]


def test_a_tier_bounds_how_many_there_are_and_each_is_there_once(as_alice, alice, refused):
    assert as_alice.post("/v1/webhooks", {"url": URL}).status_code == 201
    refused(as_alice.post("/v1/webhooks", {"url": f"{URL}/2"}), 403, "WEBHOOK_LIMIT_REACHED")
    type(alice).objects.update(tier="pro")
    refused(as_alice.post("/v1/webhooks", {"url": URL}), 409, "WEBHOOK_EXISTS")


def test_it_is_switched_off_and_on(as_alice):
    one = as_alice.post("/v1/webhooks", {"url": URL}).json()["webhook"]["id"]
    assert as_alice.patch(f"/v1/webhooks/{one}", {"active": False}).json()["active"] is False
    WebhookEndpoint.objects.update(failures=20, disabled_because="too many")
    body = as_alice.patch(f"/v1/webhooks/{one}", {"active": True}).json()
    assert (body["active"], body["failures"], body["disabled_because"]) == (True, 0, "")
    assert as_alice.delete(f"/v1/webhooks/{one}").status_code == 204
    assert as_alice.get("/v1/webhooks").json() == {"webhooks": []}


def test_another_users_webhook_is_not_there(as_alice, as_charlie, client, refused):
    mine = as_alice.post("/v1/webhooks", {"url": URL}).json()["webhook"]["id"]
    for known in (mine, uuid.uuid4()):
        path = f"/v1/webhooks/{known}"
        for response in (
            as_charlie.get(path),
            as_charlie.patch(path, {"active": False}),
            as_charlie.delete(path),
            as_charlie.post(f"{path}/secret"),
        ):
            refused(response, 404, "WEBHOOK_NOT_FOUND")
        refused(client.get(path), 401, "UNAUTHORIZED")


def test_an_api_key_may_not_send_alerts_elsewhere(alice, refused):
    with_key = token(api_key_issue(user=alice, name="k").text)
    refused(with_key.post("/v1/webhooks", {"url": URL}), 403, "FORBIDDEN")
