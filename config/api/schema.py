"""What the OpenAPI document says of every operation."""

from __future__ import annotations

from typing import Any

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "message", "details", "timestamp", "path", "request_id"],
    "properties": {
        "error": {"type": "string", "examples": ["VALIDATION_ERROR"]},
        "message": {"type": "string"},
        "details": {"type": "object", "additionalProperties": True},
        "timestamp": {"type": "string", "format": "date-time"},
        "path": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
DESCRIPTIONS = {
    "400": "Invalid request",
    "401": "Missing or invalid credentials",
    "403": "Not allowed with these credentials",
    "404": "No such resource",
    "405": "Method not allowed",
    "406": "No such representation",
    "413": "Body too large",
    "415": "Unsupported media type",
    "429": "Too many requests",
    "503": "A store does not answer; retry",
}


def describe_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Post-processing hook: add the error envelope to every operation that does not describe its own."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    reply = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            codes = ["400", "401", "403", "404", "405", "406", "429", "503"]
            if "requestBody" in operation:
                codes += ["409", "413", "415"]
            for code in codes:
                operation["responses"].setdefault(
                    code, {"description": DESCRIPTIONS.get(code, "Conflict"), "content": reply}
                )
    return result
