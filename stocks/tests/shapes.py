"""Holding replies to what the OpenAPI document says of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types


@cache
def document() -> dict[str, Any]:
    described: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    for schema in described["components"]["schemas"].values():
        # What the document does not describe would otherwise pass unseen.
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return described


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """What in ``value`` is not as a schema of the document says."""
    whole = {**schema, "components": document()["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def assert_described(operation_id: str, response: Any) -> None:
    """Fail where a 200 reply has a field, a type or a null that its operation does not describe."""
    assert response.status_code == 200, response.content
    (operation,) = (
        operation
        for methods in document()["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == operation_id
    )
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert problems(schema, response.json()) == []
