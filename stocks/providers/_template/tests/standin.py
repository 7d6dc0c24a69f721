"""A server that stands in for the service: it speaks its format and says no as it does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stocks.tests.standin import Answer, Request, json_answer

NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)
KEY = "key-of-the-stand-in"
_PAYLOADS = Path(__file__).parent / "payloads"


def refusal(code: str, status: int = 200) -> Answer:
    """The service says no with HTTP 200 as well, and likes to repeat the key."""
    message = f"see https://template.invalid/?key={KEY}"
    return json_answer({"error": {"code": code, "message": message}}, status)


def answer(request: Request) -> Answer:
    if request.headers.get("x-api-key") != KEY:
        return refusal("bad_key")
    if request.path == "/v1/prices":
        wanted = request.query["symbols"].split(",")
        rows = _payload("prices")["prices"]
        return json_answer({"prices": [row for row in rows if row["symbol"] in wanted]})
    days = _payload("days").get(request.query["symbol"])
    if request.path != "/v1/days" or days is None:
        return refusal("unknown_symbol", 404)
    first, last = request.query["from"], request.query["to"]
    within = [day for day in days if first <= day["date"] <= last]
    return json_answer({"symbol": request.query["symbol"], "days": within})


def _payload(name: str) -> Any:
    return json.loads((_PAYLOADS / f"{name}.json").read_text())
