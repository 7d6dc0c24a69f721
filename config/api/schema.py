"""What the OpenAPI document says of every operation."""

from __future__ import annotations

from typing import Any

from accounts.views.once import KEY_HEADER
from realtime.routing import EVENTS_PATH

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
    "408": "The body did not arrive in time",
    "409": "Conflict",
    "413": "Body too large",
    "415": "Unsupported media type",
    "422": "Understood, but it cannot be done",
    "429": "Too many requests",
    "503": "A store does not answer; retry",
}

#: Of a stream each event is described, not the text that carries them.
STREAMED: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "examples": ["price_update"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "What Last-Event-ID says to go on after it."},
    },
}
EVENTS: dict[str, Any] = {
    "operationId": "events",
    "tags": ["realtime"],
    "summary": "A stream of events: prices, order books, alerts, as they happen",
    "description": (
        "Server-Sent Events of the rooms that the WebSocket has as well. The stream begins with `hello` and"
        " `subscribed`; the type of a message is the name of its event, its JSON the data. Without `rooms` it"
        " carries what the user has. A browser signs in with the cookie of a page of this site, or with a"
        " ticket from `POST /v1/auth/ticket`."
    ),
    "parameters": [
        {
            "in": "query",
            "name": "rooms",
            "schema": {"type": "string", "examples": ["price:AAPL,market:KOSPI"]},
            "description": "Rooms, with commas between them; one that is refused refuses the request.",
        },
        {
            "in": "query",
            "name": "last_event_id",
            "schema": {"type": "string"},
            "description": "The last `id` that was seen, for a client that cannot send the header.",
        },
        {
            "in": "header",
            "name": "Last-Event-ID",
            "schema": {"type": "string"},
            "description": "The last `id` that was seen: rooms of which every event counts go on from there.",
        },
    ],
    "security": [{name: []} for name in ("accessToken", "apiKey", "apiKeyToken", "ticket", "sessionCookie")],
    "responses": {
        "200": {
            "description": "The stream",
            "content": {"text/event-stream": {"schema": STREAMED}},
        }
    },
}
STREAM_SECURITY: dict[str, Any] = {
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
    "sessionCookie": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}


def describe_empty_parameters(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Post-processing hook: say of every parameter that may be left out that it may be empty as well."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and not parameter.get("required"):
                    parameter["allowEmptyValue"] = True
    return result


def describe_stream(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Post-processing hook: add the stream of events, which is no view of DRF's."""
    schemes = result.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes.update(STREAM_SECURITY)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses = {**EVENTS["responses"], "422": {"description": "No room name", "content": error}}
    result["paths"][EVENTS_PATH] = {"get": {**EVENTS, "responses": responses}}
    return result


def describe_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Post-processing hook: add the error envelope to every operation that does not describe its own.

    Every request that changes something can come with a body that is read, and can contradict what is stored;
    one with an Idempotency-Key can name one that another request had.
    """
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    reply = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            codes = ["400", "401", "403", "404", "405", "406", "429", "503"]
            if method != "get":
                codes += ["408", "409", "413", "415"]
            if any(parameter["name"] == KEY_HEADER for parameter in operation.get("parameters", ())):
                codes.append("422")
            for code in codes:
                operation["responses"].setdefault(code, {"description": DESCRIPTIONS[code], "content": reply})
    return result
