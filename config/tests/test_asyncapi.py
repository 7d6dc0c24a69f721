"""The AsyncAPI file says what the server sends and takes: compared with its tables and with real frames."""

import ast
import inspect
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from django.conf import settings
from websockets.sync.client import ClientConnection, connect

from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from config.testing import LiveStack
from portfolios.models import Portfolio
from portfolios.services.recording import Draft, transaction_record
from portfolios.types import TransactionType
from realtime.protocol import codes, frames, messages
from realtime.publish import RoomEvent, publish
from realtime.tests import cast
from realtime.tests.servers import OwnValkey, OwnWeb
from screening.services.saved import screen_delete
from screening.tests.live_cases import at as tick_at
from screening.tests.live_cases import listed, saved
from stocks import folds, stream
from stocks.providers.protocol import Update
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.types import Level, OrderBook, Tick

DOCUMENT = yaml.safe_load((settings.BASE_DIR / "docs" / "asyncapi.yaml").read_text())
CHANNEL = DOCUMENT["channels"]["stocks"]
MESSAGES = DOCUMENT["components"]["messages"]
NOW = datetime(2026, 3, 2, 1, 30, 15, 123000, tzinfo=UTC)
# What ends a stream of events, which has no close frame; a WebSocket never says it.
ONLY_IN_STREAMS = {"close"}


@cache
def validator(name: str) -> jsonschema.Draft7Validator:
    reference = {"$ref": f"#/components/messages/{name}/payload", "components": DOCUMENT["components"]}
    return jsonschema.Draft7Validator(reference)


def check(message: Any) -> None:
    """Fails where a message of the server is not what the file says."""
    name = "compact" if isinstance(message, list) else message["type"]
    assert name in MESSAGES, name
    validator(name).validate(message)
    for inner in message["messages"] if name == "batch" else held_in(message):
        check(inner)


def held_in(message: Any) -> list[Any]:
    if not isinstance(message, dict):
        return [item for item in message if isinstance(item, dict)]
    standings = (
        [message, *message.get("rooms", {}).values()] if message["type"] == "subscribed" else [message]
    )
    return [standing["snapshot"] for standing in standings if standing.get("snapshot")]


def at(path: str) -> Any:
    value = DOCUMENT
    for part in path.removeprefix("#/").split("/"):
        value = value[part]
    return value


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for inner in value.values() for ref in references(inner)]
    if isinstance(value, list):
        return [ref for inner in value for ref in references(inner)]
    return []


def test_it_is_an_asyncapi_3_document_whose_references_lead_somewhere() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert references(DOCUMENT)
    for reference in references(DOCUMENT):
        assert at(reference) is not None, reference


def test_every_operation_speaks_of_messages_of_its_channel_and_none_is_left_over() -> None:
    spoken = set()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        named = [operation, *([operation["reply"]] if "reply" in operation else [])]
        for each in named:
            assert each["channel"] == {"$ref": "#/channels/stocks"}
            for message in each["messages"]:
                assert message["$ref"].startswith("#/channels/stocks/messages/")
                spoken.add(message["$ref"].rpartition("/")[2])
    assert spoken == set(CHANNEL["messages"]) == set(MESSAGES)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_schema_is_sound_and_every_example_is_valid(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(MESSAGES[name]["payload"])
    assert MESSAGES[name]["examples"]
    for example in MESSAGES[name]["examples"]:
        if name != "compact":
            assert example["payload"]["type"] == name
            validator(name).validate(example["payload"])
    if name == "compact":
        text = MESSAGES[name]["examples"][0]["summary"]
        validator(name).validate(json.loads(text[text.index("[") :]))


def test_every_message_that_the_server_can_write_is_there() -> None:
    written = {
        value.value
        for node in ast.walk(ast.parse(inspect.getsource(messages)))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "type" and isinstance(value, ast.Constant)
    }
    assert {"hello", "subscribed", "error", "gap"} <= written
    assert written - ONLY_IN_STREAMS <= set(MESSAGES)


@pytest.mark.parametrize("kind", frames._FIELDS)
def test_every_frame_that_the_server_takes_is_there_with_all_its_fields(kind: str) -> None:
    schema = MESSAGES[kind]["payload"]
    assert schema["additionalProperties"] is False
    assert frames._FIELDS[kind] <= set(schema["properties"])


def test_every_code_is_listed_as_the_servers_table_has_it() -> None:
    listed = {(row["code"], row["name"]): (row["closes"], row["reconnect"]) for row in CHANNEL["x-codes"]}
    for code in codes.TABLE:
        assert listed[code.number, code.name] == (code.closes, code.reconnect)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"subscribe","rooms":["price:A"],"since":{"price:A":{"epoch":"e","sequence":1}}}',
        '{"type":"subscribe","rooms":["price:A"],"since":null}',
        '{"type":"subscribe","stock_code":"A"}',
        '{"type":"subscribe","rooms":[]}',
        '{"type":"subscribe","rooms":["price:A"],"stock_code":"A"}',
        '{"type":"subscribe","rooms":["price:A"],"since":{"price:A":{"epoch":"e"}}}',
        '{"type":"subscribe","rooms":["price:A"],"since":{"price:A":{"epoch":"e","sequence":-1}}}',
        '{"type":"subscribe","rooms":["price:A"],"more":1}',
        '{"type":"unsubscribe"}',
        '{"type":"unsubscribe","stock_code":""}',
        '{"type":"auth","token":"x"}',
        '{"type":"auth"}',
        '{"type":"ping","timestamp":"2026-03-02T01:30:15Z"}',
        '{"type":"ping","timestamp":1}',
    ],
)
def test_the_file_and_the_server_agree_on_what_a_client_may_send(text: str) -> None:
    frame = json.loads(text)
    try:
        frames.parse_frame(text)
        taken = True
    except frames.BadFrame:
        taken = False
    assert validator(frame["type"]).is_valid(frame) is taken


@pytest.mark.parametrize("query", ["", "?format=compact"])
def test_real_frames_of_a_running_server_are_as_the_file_says(live_stack: LiveStack, query: str) -> None:
    stock = StockFactory.create(code="005930")
    QuoteFactory.create(stock=stock)
    market = stock.market.code
    seen: set[str] = set()
    with connect(f"{live_stack.websocket_url}/ws/stocks{query}", proxy=None) as socket:
        say(socket, {"type": "auth", "token": session_start(user=UserFactory.create()).access_token})
        expect(socket, "hello", seen)
        say(socket, {"type": "subscribe", "stock_code": "005930"})
        expect(socket, "subscribed", seen)
        rooms = ["price:005930", "orderbook:005930", f"market:{market}", "price:NOPE", "*"]
        say(socket, {"type": "subscribe", "rooms": rooms})
        expect(socket, "error", seen)
        expect(socket, "subscribed", seen)
        publish([RoomEvent("price:005930", "price_update", folds.price_update(tick()))])
        expect(socket, "price_update", seen)
        publish([RoomEvent("orderbook:005930", "orderbook_update", folds.orderbook_update(book()))])
        expect(socket, "orderbook_update", seen)
        fields = folds.price_update(tick())
        publish([RoomEvent(f"market:{market}", "price_update", fields, code) for code in ("A", "B", "C")])
        expect(socket, "batch", seen)
        say(socket, {"type": "subscribe", "rooms": [f"market:{market}"]})
        expect(socket, "subscribed", seen)
        say(socket, {"type": "ping"})
        expect(socket, "pong", seen)
        say(socket, {"type": "unsubscribe", "rooms": [f"market:{market}"]})
        expect(socket, "unsubscribed", seen)
        say(socket, {"type": "unsubscribe", "stock_code": "005930"})
        expect(socket, "unsubscribed", seen)
    assert seen >= {"hello", "subscribed", "error", "pong", "unsubscribed"}


def test_real_frames_of_a_portfolio_are_as_the_file_says(live_stack: LiveStack, redis_client: Any) -> None:
    user, stock = UserFactory.create(), StockFactory.create(code="005930")
    QuoteFactory.create(stock=stock)
    portfolio = Portfolio.objects.create(owner=user, name="Fund")
    bought = Draft(TransactionType.BUY, stock.currency, stock, Decimal(3), Decimal("70000.5"))
    transaction_record(portfolio=portfolio, draft=bought, now=datetime.now(UTC))
    live_stack.manage("revalue_portfolios")
    reasons: set[str] = set()
    with connect(f"{live_stack.websocket_url}/ws/stocks", proxy=None) as socket:
        say(socket, {"type": "auth", "token": session_start(user=user).access_token})
        say(socket, {"type": "subscribe", "rooms": [f"portfolio:{portfolio.pk}"]})
        while reasons < {"snapshot", "state", "prices", "ledger"}:
            message = json.loads(socket.recv(timeout=60))
            check(message)
            if message["type"] == "subscribed":
                reasons.add(message["rooms"][f"portfolio:{portfolio.pk}"]["snapshot"]["data"]["reason"])
            if message["type"] != "portfolio":
                continue
            reasons.add(message["data"]["reason"])
            now = datetime.now(UTC)
            if message["data"]["reason"] == "state":
                stream.append(redis_client, Update((replace(tick(), as_of=now, received_at=now),)))
            elif message["data"]["reason"] == "prices":
                transaction_record(portfolio=portfolio, draft=bought, now=now)


def test_real_events_of_a_live_screen_are_as_the_file_says(live_stack: LiveStack, redis_client: Any) -> None:
    listed("A", per_ttm=10.0)
    listed("B", 120)
    screen = saved("close_price > 110 or per < 5")
    stream.ensure_group(redis_client, "screens")
    live_stack.manage("evaluate_screens")
    events: set[str] = set()
    with connect(f"{live_stack.websocket_url}/ws/stocks", proxy=None) as socket:
        say(socket, {"type": "auth", "token": session_start(user=screen.user).access_token})
        expect(socket, "hello", set())
        say(socket, {"type": "subscribe", "rooms": [f"screen:{screen.pk}"]})
        expect(socket, "subscribed", set())
        for wanted, price in (
            ("members", None),
            ("enter", 115),
            ("update", 116),
            ("leave", 100),
            ("gone", None),
        ):
            if price is not None:
                stream.append(redis_client, Update(ticks=(tick_at(price, "A"),)))
            if wanted == "gone":
                screen_delete(user=screen.user, screen_id=screen.pk)
            while wanted not in events:
                message = json.loads(socket.recv(timeout=60))
                check(message)
                several = message["messages"] if message["type"] == "batch" else [message]
                events |= {one["data"]["event"] for one in several if one["type"] == "screen"}
    assert events == {"members", "enter", "update", "leave", "gone"}


def test_a_real_renewal_alert_and_gap_are_as_the_file_says(
    redis_client: Any, settings: Any, tmp_path: Any
) -> None:
    settings.REALTIME_ROOMS = cast.ROOMS
    valkey = OwnValkey(tmp_path)
    valkey.start()
    settings.REDIS_URL = valkey.url
    web = OwnWeb(valkey.url, tmp_path / "web.log")
    try:
        with connect(web.url, proxy=None) as socket:
            say(socket, {"type": "auth", "token": "free:30:ann"})
            expect(socket, "token_expiring", set())
            say(socket, {"type": "auth", "token": "free::ann"})
            expect(socket, "authenticated", set())
            say(socket, {"type": "subscribe", "rooms": ["alert:me"]})
            expect(socket, "subscribed", set())
            publish([RoomEvent("alert:me", "alert", {"data": {}})])
            expect(socket, "alert", set())
            valkey.kill()
            valkey.start()
            publish([RoomEvent("alert:me", "alert", {"data": {}})])
            expect(socket, "gap", set())
    finally:
        web.stop()
        valkey.close()


def say(socket: ClientConnection, frame: Any) -> None:
    validator(frame["type"]).validate(frame)
    socket.send(json.dumps(frame))


def expect(socket: ClientConnection, kind: str, seen: set[str]) -> None:
    """Check all that comes until this type has, alone or in a batch with what came at the same moment.

    The compact format has events and batches as arrays.
    """
    while True:
        message = json.loads(socket.recv(timeout=20))
        check(message)
        if isinstance(message, list):
            seen.add("compact")
            return
        seen.add(message["type"])
        if kind in (message["type"], *(inner["type"] for inner in message.get("messages", ()))):
            return


def tick() -> Tick:
    return Tick(
        code="005930",
        price=Decimal("75000.50"),
        as_of=NOW,
        received_at=NOW,
        source="sandbox",
        seq=1,
        volume=12_500_000,
        previous_close=Decimal(74000),
    )


def book() -> OrderBook:
    levels = tuple(Level(price=Decimal(75000 + step), volume=10) for step in range(3))
    return OrderBook(
        code="005930", as_of=NOW, received_at=NOW, source="sandbox", seq=1, asks=levels, bids=levels
    )
