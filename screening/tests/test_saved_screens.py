"""GET, POST, PATCH and DELETE /v1/screens"""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.factories import UserFactory
from screening.models import SavedScreen
from screening.services import saved
from stocks.tests.doors import member, refused
from stocks.tests.factories import StockFactory, indicators
from stocks.tests.shapes import assert_described

pytestmark = pytest.mark.django_db
CHEAP = {
    "name": "Cheap",
    "description": "Below fifteen",
    "market": "KOSPI",
    "filters": {"per": {"min": 0, "max": 15.5}},
    "where": {"not": {"field": "sector", "op": "eq", "value": "Financials"}},
    "q": "roe > 10",
    "sort_by": "per",
    "order": "asc",
}


def client_of(user: User) -> APIClient:
    return bearer(session_start(user=user).access_token)


@pytest.fixture
def alice(db: None) -> APIClient:
    return client_of(UserFactory.create(name="Alice"))


@pytest.fixture
def charlie(db: None) -> APIClient:
    return client_of(UserFactory.create(name="Charlie"))


def kept(client: APIClient, **body) -> dict:
    response = client.post("/v1/screens", body)
    assert response.status_code == 201, response.content
    return response.json()


def listed(code: str, **figures) -> None:
    indicators(StockFactory.create(code=code, sector="Technology"), **figures)


def test_it_works(alice):
    body = kept(alice, **CHEAP)
    assert body == {
        **CHEAP,
        "id": body["id"],
        "share_url": None,
        "created_at": body["created_at"],
        "changed_at": body["created_at"],
    }
    listed("A", per_ttm=12.0, roe=12.0)
    listed("B", per_ttm=16.0, roe=12.0)
    listed("C", per_ttm=1.0, roe=12.0)
    reply = alice.get(f"/v1/screens/{body['id']}/results")
    assert [row["code"] for row in reply.json()["stocks"]] == ["C", "A"]
    assert reply["Cache-Control"] == "private, no-store"
    assert alice.get(f"/v1/screens/{body['id']}").json() == body
    assert alice.get("/v1/screens").json()["screens"] == [body]


def test_results_are_those_of_the_same_screen_run_at_once(alice):
    for number in range(9):
        listed(f"S{number}", per_ttm=float(number), roe=11.0)
    body = kept(alice, **CHEAP)
    run = {name: value for name, value in CHEAP.items() if name not in ("name", "description")}
    at_once = APIClient().post("/v1/screen", {**run, "page": 2, "per_page": 4}).json()
    later = alice.get(f"/v1/screens/{body['id']}/results", {"page": 2, "per_page": 4}).json()
    assert later["stocks"] == at_once["stocks"]
    assert len(later["stocks"]) == 4
    assert later["meta"]["total"] == 9


def test_what_is_left_out_is_shown_as_it_counts(alice):
    body = kept(alice, name="All")
    assert body["market"] == "ALL"
    assert (body["filters"], body["where"], body["q"]) == ({}, None, None)
    assert (body["sort_by"], body["order"]) == ("market_cap", "desc")


def test_only_what_is_given_is_changed_and_null_takes_out(alice):
    body = kept(alice, **CHEAP)
    path = f"/v1/screens/{body['id']}"
    changed = alice.patch(path, {"q": "roe > 20", "filters": None}).json()
    assert changed == {**body, "q": "roe > 20", "filters": {}, "changed_at": changed["changed_at"]}
    assert changed["changed_at"] > body["changed_at"]
    changed = alice.patch(path, {"name": "Dear", "description": "", "q": None, "sort_by": None}).json()
    assert (changed["name"], changed["description"], changed["q"]) == ("Dear", "", None)
    assert (changed["sort_by"], changed["where"]) == ("market_cap", CHEAP["where"])
    assert alice.get(path).json() == changed


def test_a_deleted_screen_is_gone(alice):
    path = f"/v1/screens/{kept(alice, name='A')['id']}"
    assert alice.delete(path).status_code == 204
    refused(alice.get(path), 404, "SCREEN_NOT_FOUND")
    refused(alice.delete(path), 404, "SCREEN_NOT_FOUND")


def test_to_others_a_screen_does_not_exist(alice, charlie):
    path = f"/v1/screens/{kept(alice, **CHEAP)['id']}"
    for response in (
        charlie.get(path),
        charlie.patch(path, {"name": "Mine"}),
        charlie.delete(path),
        charlie.get(f"{path}/results"),
        charlie.post(f"{path}/share"),
        charlie.delete(f"{path}/share"),
        alice.get(f"/v1/screens/{uuid.uuid4()}"),
    ):
        refused(response, 404, "SCREEN_NOT_FOUND")
    assert charlie.get("/v1/screens").json()["screens"] == []
    assert alice.get(path).json()["name"] == "Cheap"
    refused(APIClient().get(path), 401, "UNAUTHORIZED")
    refused(APIClient().post("/v1/screens", CHEAP), 401, "UNAUTHORIZED")
    refused(APIClient().get("/v1/screens"), 401, "UNAUTHORIZED")


def test_an_api_key_keeps_screens_too():
    client = member()
    assert client.get(f"/v1/screens/{kept(client, name='A')['id']}").status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"description": 1.5}, "description"),
        ({"description": "a" * 1001}, "description"),
        ({"q": "per <"}, "q"),
        ({"where": {"field": "user__password", "op": "eq", "value": 1}}, "where"),
        ({"filters": {"nope": {"min": 1}}}, "filters"),
        ({"sort_by": "-per"}, "sort_by"),
        ({"market": "LSE"}, "market"),
        ({"user": str(uuid.uuid4())}, "user"),
        ({"share_token": "x"}, "share_token"),
        ({"page": 1}, "page"),
    ],
)
def test_a_wrong_part_is_refused_by_name(alice, change, field):
    assert field in refused(alice.post("/v1/screens", {**CHEAP, **change}), 400, "VALIDATION_ERROR")
    path = f"/v1/screens/{kept(alice, **CHEAP)['id']}"
    assert field in refused(alice.patch(path, change), 400, "VALIDATION_ERROR")
    assert alice.get(path).json()["name"] == "Cheap"


def test_a_wrong_text_is_refused_with_its_column(alice):
    details = refused(alice.post("/v1/screens", {"name": "A", "q": "per < 5 and"}), 400, "VALIDATION_ERROR")
    assert (details["column"], details["length"]) == (12, 1)


def test_a_name_is_free_for_another_user_only(alice, charlie):
    first = kept(alice, name="A")
    kept(charlie, name="A")
    refused(alice.post("/v1/screens", {"name": "A"}), 409, "SCREEN_EXISTS")
    second = kept(alice, name="B")
    refused(alice.patch(f"/v1/screens/{second['id']}", {"name": "A"}), 409, "SCREEN_EXISTS")
    assert alice.patch(f"/v1/screens/{first['id']}", {"name": "A"}).status_code == 200


def test_a_user_has_two_hundred_screens_at_most(alice):
    kept(alice, name="A")
    owner = SavedScreen.objects.get().user
    SavedScreen.objects.bulk_create(SavedScreen(user=owner, name=f"S{number}") for number in range(199))
    details = refused(alice.post("/v1/screens", {"name": "B"}), 409, "SCREEN_LIMIT_REACHED")
    assert details == {"limit": 200}


def test_the_list_costs_the_same_for_one_and_for_twenty(alice, django_assert_num_queries):
    kept(alice, name="A")
    alice.get("/v1/screens")
    with CaptureQueriesContext(connection) as captured:
        alice.get("/v1/screens")
    for_one = len(captured)
    for number in range(19):
        kept(alice, name=f"S{number:02d}")
    with django_assert_num_queries(for_one):
        body = alice.get("/v1/screens").json()
    assert [screen["name"] for screen in body["screens"]] == [
        "A",
        *(f"S{number:02d}" for number in range(19)),
    ]
    page = alice.get("/v1/screens", {"page": 2, "per_page": 15}).json()
    assert (len(page["screens"]), page["meta"]["total"], page["meta"]["pages"]) == (5, 20, 2)


@pytest.mark.parametrize("bound", [1e300, -1e300, 1e-300, 0.1, 10**20, 123456789012345678, 5, 1.5])
def test_numbers_come_back_as_they_were_asked(alice, bound):
    where = {"field": "roe", "op": "lt", "value": bound}
    body = kept(alice, name="A", filters={"per": {"max": bound}}, where=where)
    path = f"/v1/screens/{body['id']}"
    for shown in (body, alice.get(path).json(), alice.patch(path, {"name": "B"}).json()):
        assert float(shown["filters"]["per"]["max"]) == float(bound)
        assert float(shown["where"]["value"]) == float(bound)
    assert alice.get(f"{path}/results").status_code == 200


def test_whoever_has_the_link_reads_and_runs_the_screen(alice):
    body = kept(alice, **CHEAP)
    listed("A", per_ttm=12.0, roe=12.0)
    path = f"/v1/screens/{body['id']}"
    url = alice.post(f"{path}/share").json()["share_url"]
    assert alice.post(f"{path}/share").json()["share_url"] == url
    assert alice.get(path).json()["share_url"] == url
    shared = url[url.index("/v1/") :]
    nobody = APIClient()
    assert nobody.get(shared).json() == {"id": body["id"], **CHEAP}
    assert [row["code"] for row in nobody.get(f"{shared}/results").json()["stocks"]] == ["A"]
    refused(nobody.patch(shared, {"name": "B"}), 405, "METHOD_NOT_ALLOWED")
    assert alice.delete(f"{path}/share").status_code == 204
    refused(nobody.get(shared), 404, "SCREEN_NOT_FOUND")
    refused(nobody.get(f"{shared}/results"), 404, "SCREEN_NOT_FOUND")
    assert alice.get(path).json()["share_url"] is None
    assert alice.post(f"{path}/share").json()["share_url"] != url
    refused(nobody.get("/v1/screens/shared/x%00y"), 404, "SCREEN_NOT_FOUND")


def test_what_an_account_that_was_closed_shared_is_gone(alice):
    body = kept(alice, name="A")
    url = alice.post(f"/v1/screens/{body['id']}/share").json()["share_url"]
    User.objects.filter(pk=SavedScreen.objects.get().user_id).update(is_active=False)
    refused(APIClient().get(url[url.index("/v1/") :]), 404, "SCREEN_NOT_FOUND")


def test_the_replies_are_described(alice):
    body = kept(alice, **CHEAP)
    path = f"/v1/screens/{body['id']}"
    assert_described("screens_list", alice.get("/v1/screens"))
    assert_described("screens_get", alice.get(path))
    assert_described("screens_change", alice.patch(path, {"name": "B"}))
    assert_described("screens_results", alice.get(f"{path}/results"))
    share = alice.post(f"{path}/share")
    assert_described("screens_share", share)
    shared = share.json()["share_url"].partition("/v1/")[2]
    assert_described("screens_shared", APIClient().get(f"/v1/{shared}"))
    assert_described("screens_shared_results", APIClient().get(f"/v1/{shared}/results"))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_screens_with_one_name_one_is_kept():
    user = UserFactory.create()
    token = session_start(user=user).access_token
    ready = threading.Barrier(4)
    statuses: list[int] = []

    def save() -> None:
        ready.wait(30)
        statuses.append(bearer(token).post("/v1/screens", {"name": "A"}).status_code)
        connections.close_all()

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [201, 409, 409, 409]
    assert saved.screens_of(user).count() == 1
