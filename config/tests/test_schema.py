"""The OpenAPI document and its page."""

import json

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(client: Client) -> dict:
    response = client.get("/v1/schema", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return json.loads(response.content)


def test_the_document_is_openapi_3_1(schema: dict):
    assert schema["openapi"].startswith("3.1")
    for component in schema["components"]["schemas"].values():
        Draft202012Validator.check_schema(component)


def test_every_operation_describes_the_error_envelope(schema: dict):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            reply = operation["responses"]["400"]["content"]["application/json"]["schema"]
            assert reply == {"$ref": "#/components/schemas/Error"}, (method, path)


def test_bodies_that_are_read_strictly_say_so(schema: dict):
    components = schema["components"]["schemas"]
    for operations in schema["paths"].values():
        for operation in operations.values():
            if operation["operationId"] == "payments_webhook":
                # What a gateway says in it is the gateway's; its signature is what is read strictly.
                continue
            for body in operation.get("requestBody", {}).get("content", {}).values():
                name = body["schema"]["$ref"].rpartition("/")[2]
                assert components[name]["additionalProperties"] is False, name


def test_what_a_change_needs_is_said_of_it(schema: dict):
    for operations in schema["paths"].values():
        if "patch" in operations:
            body = operations["patch"]["requestBody"]["content"]["application/json"]["schema"]
            name = body["$ref"].rpartition("/")[2]
            assert not name.startswith("Patched"), name
    assert schema["components"]["schemas"]["NotificationMarkRequest"]["required"] == ["read"]


def test_every_change_describes_the_refusals_of_bodies_and_of_used_keys(schema: dict):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method == "get":
                continue
            told = operation["responses"].keys()
            assert {"408", "409", "413", "415"} <= told, (method, path)
            if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ())):
                assert "422" in told, (method, path)


def test_a_parameter_that_may_be_left_out_may_be_empty(schema: dict):
    def of(path: str) -> dict:
        return {one["name"]: one.get("allowEmptyValue") for one in schema["paths"][path]["get"]["parameters"]}

    assert of("/v1/stocks") == dict.fromkeys(("market", "sector", "page", "per_page"), True)
    assert of("/v1/market/quote") == {"symbol": None}
    assert of("/v1/events")["rooms"] is None


def test_a_screen_names_the_fields_it_takes(schema: dict):
    bodies = [schema["components"]["schemas"][f"{name}Request"] for name in ("RunScreen", "SaveScreen")]
    for filters in (body["properties"]["filters"] for body in bodies):
        assert {"per", "change_1d"} <= set(filters["propertyNames"]["enum"])


def test_the_stream_of_events_and_its_tickets_are_described(schema: dict):
    stream = schema["paths"]["/v1/events"]["get"]
    event = stream["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert event["properties"].keys() == {"event", "data", "id"}
    assert {"401", "403", "404", "422", "429", "503"} <= stream["responses"].keys()
    named = {name for requirement in stream["security"] for name in requirement}
    assert named <= schema["components"]["securitySchemes"].keys()
    reply = schema["paths"]["/v1/auth/ticket"]["post"]["responses"]["201"]["content"]["application/json"]
    ticket = schema["components"]["schemas"][reply["schema"]["$ref"].rpartition("/")[2]]
    assert ticket["properties"].keys() == {"ticket", "expires_at", "expires_in"}


def test_operation_ids_are_unique(schema: dict):
    ids = [o["operationId"] for operations in schema["paths"].values() for o in operations.values()]
    assert len(ids) == len(set(ids))


def test_the_page_needs_nothing_from_outside(client: Client):
    page = client.get("/v1/docs").content.decode()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert finders.find(f"drf_spectacular_sidecar/swagger-ui-dist/{asset}")
