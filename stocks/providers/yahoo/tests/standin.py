"""A stand-in for Yahoo: its cookie, its crumb, its replies and its refusals, and its stream.

The payloads are of the shapes that Yahoo sends; their prices are widened 32-bit floats as Yahoo's are.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from yfinance.pricing_pb2 import PricingData

from stocks.tests.standin import Answer, Request, json_answer

NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)
COOKIE, CRUMB = "d=AQABBstandin&S=AQAAAg", "nd4hh33CC/P"
_PAYLOADS = Path(__file__).parent / "payloads"
_CHART, _SUMMARY = "/v8/finance/chart/", "/v10/finance/quoteSummary/"
_SERIES = "/ws/fundamentals-timeseries/v1/finance/timeseries/"


def payload(name: str) -> Any:
    return json.loads((_PAYLOADS / f"{name}.json").read_text())


def refusal(part: str, code: str, description: str, status: int) -> Answer:
    return json_answer({part: {"result": None, "error": {"code": code, "description": description}}}, status)


NO_CHART = refusal("chart", "Not Found", "No data found, symbol may be delisted", 404)
NO_COMPANY = refusal("quoteSummary", "Not Found", "Quote not found for symbol: X", 404)
BAD_CRUMB = refusal(
    "finance",
    "Unauthorized",
    "Invalid Crumb. For Developers - https://bit.ly/yahoo-finance-api-feedback",
    401,
)
BAD_COOKIE = refusal("finance", "Unauthorized", "Invalid Cookie", 401)


class Upstream:
    """Answers as Yahoo does. ``crumb`` may be changed, as Yahoo does when it forgets one."""

    def __init__(self) -> None:
        self.crumb = CRUMB

    def __call__(self, request: Request) -> Answer:
        path = request.path.replace("%5E", "^").replace("%3D", "=")
        if path == "/":
            return Answer(b"", 404, {"Set-Cookie": f"A3={COOKIE}; Path=/; HttpOnly"})
        has_cookie = f"A3={COOKIE}" in request.headers.get("cookie", "")
        if path == "/v1/test/getcrumb":
            return (
                Answer(self.crumb.encode(), headers={"Content-Type": "text/plain"})
                if has_cookie
                else BAD_COOKIE
            )
        if path == "/v1/finance/search":
            return _search(request)
        if path.startswith(_CHART):
            return _chart(path.removeprefix(_CHART), request)
        if path.startswith(_SERIES):
            return _series(path.removeprefix(_SERIES), request)
        if not has_cookie or request.query.get("crumb") != self.crumb:
            return BAD_CRUMB
        if path == "/v7/finance/quote":
            return _quotes(request)
        if path.startswith(_SUMMARY):
            return _file(f"summary_{path.removeprefix(_SUMMARY)}", NO_COMPANY)
        return refusal("finance", "Not Found", "HTTP 404 Not Found", 404)


def _file(name: str, absent: Answer) -> Answer:
    return json_answer(payload(name)) if (_PAYLOADS / f"{name}.json").exists() else absent


def _chart(symbol: str, request: Request) -> Answer:
    symbol = {"USDKRW=X": "KRW=X"}.get(symbol, symbol)
    if not (_PAYLOADS / f"chart_{symbol}.json").exists():
        return NO_CHART
    reply = payload(f"chart_{symbol}")
    (row,) = reply["chart"]["result"]
    first, last = int(request.query["period1"]), int(request.query["period2"])
    kept = [at for at, stamp in enumerate(row["timestamp"]) if first <= stamp < last]
    if not kept:
        return refusal("chart", "Bad Request", f"Data doesn't exist for startDate = {first}", 400)
    row["timestamp"] = [row["timestamp"][at] for at in kept]
    (columns,) = row["indicators"]["quote"]
    row["indicators"] = {"quote": [{name: [column[at] for at in kept] for name, column in columns.items()}]}
    events = row.pop("events", {})
    for kind in events:
        events[kind] = {at: event for at, event in events[kind].items() if first <= int(at) < last}
    if any(events.values()):
        row["events"] = events
    return json_answer(reply)


def _series(symbol: str, request: Request) -> Answer:
    types = request.query["type"].split(",")
    if (_PAYLOADS / f"series_{symbol}.json").exists():
        rows = payload(f"series_{symbol}")["timeseries"]["result"]
        rows = [row for row in rows if row["meta"]["type"][0] in types]
    else:
        rows = [{"meta": {"symbol": [symbol], "type": [one]}} for one in types]
    return json_answer({"timeseries": {"result": rows, "error": None}})


def _quotes(request: Request) -> Answer:
    wanted = request.query["symbols"].split(",")
    rows = [row for row in payload("quote")["quoteResponse"]["result"] if row["symbol"] in wanted]
    return json_answer({"quoteResponse": {"result": rows, "error": None}})


def _search(request: Request) -> Answer:
    reply = payload("search")
    reply["quotes"] = reply["quotes"][: int(request.query["quotesCount"])]
    reply["news"] = reply["news"][: int(request.query["newsCount"])]
    return json_answer(reply)


def frame(symbol: str, price: float, when: datetime, **fields: Any) -> str:
    """A frame of the stream."""
    figures = {"currency": "USD", "exchange": "NMS", "quote_type": 8, "market_hours": 1, "price_hint": 2}
    data = PricingData(id=symbol, price=price, time=int(when.timestamp() * 1000), **{**figures, **fields})
    return json.dumps({"type": "pricing", "message": base64.b64encode(data.SerializeToString()).decode()})


class Streamer:
    """The other end of the stream: what was said to it, and prices of what is subscribed.

    Each connection runs ``script``, which may send, close or abort; the default sends prices until the end.
    """

    def __init__(self, script: Callable[[Streamer, ServerConnection, int], None] | None = None) -> None:
        self.said: list[tuple[int, dict[str, list[str]]]] = []
        self.connections = 0
        self.ended = threading.Event()
        self._script = script or Streamer.prices
        self._lock = threading.Lock()

    def __call__(self, connection: ServerConnection) -> None:
        with self._lock:
            self.connections += 1
            number = self.connections
        try:
            self._script(self, connection, number)
        except ConnectionClosed:
            return

    def hear(self, connection: ServerConnection, number: int, seconds: float) -> dict[str, list[str]] | None:
        """The next thing said within some time, noted in ``said``."""
        try:
            text = connection.recv(timeout=seconds)
        except TimeoutError:
            return None
        message: dict[str, list[str]] = json.loads(text)
        self.said.append((number, message))
        return message

    def prices(self, connection: ServerConnection, number: int) -> None:
        """Prices of everything that is subscribed, a hundred a second."""
        following: set[str] = set()
        step = 0
        while not self.ended.is_set():
            if message := self.hear(connection, number, 0.01):
                following |= set(message.get("subscribe", ()))
                following -= set(message.get("unsubscribe", ()))
            for symbol in sorted(following):
                step += 1
                currency = {"KS": "KRW", "NS": "INR"}.get(symbol.rpartition(".")[2], "USD")
                connection.send(frame(symbol, 273.47 + step / 100, NOW, currency=currency))


@contextmanager
def ending(streamer: Streamer) -> Iterator[None]:
    """Ends the script of a streamer with the test that uses it; its server waits for that."""
    try:
        yield
    finally:
        streamer.ended.set()
