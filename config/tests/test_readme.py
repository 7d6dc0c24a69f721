"""What the README shows is what a reader gets: its request and its transcript are carried out."""

import json
import re
import shlex

import pytest
import requests
from django.conf import settings
from django.utils import timezone
from websockets.sync.client import ClientConnection, connect

from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from config.testing import LiveStack
from realtime.publish import RoomEvent, publish
from stocks.models import LatestIndicators
from stocks.tests.factories import QuoteFactory, StockFactory

README = (settings.BASE_DIR / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_two_commands_exist():
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    for command in ("make run", "make test"):
        assert f"{command}\n" in blocks("bash")
        assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE)


def test_every_linked_file_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (settings.BASE_DIR / target).exists(), target


def test_the_tables_are_made_before_they_are_filled():
    [block] = [block for block in blocks("bash") if "load_stocks" in block]
    commands = re.findall(r"manage.py (\w+)", block)
    assert commands[0] == "migrate"
    assert (
        commands.index("load_stocks") < commands.index("load_prices") < commands.index("compute_indicators")
    )


def test_every_named_setting_is_in_the_example_file():
    example = (settings.BASE_DIR / ".env.example").read_text()
    for name in re.findall(r"`([A-Z_]{4,})`", README):
        assert name in example, name


def test_the_curl_request_answers_as_shown(live_stack: LiveStack):
    for code, per, cap in (("005930", 12.5, 4.2e14), ("000660", 9.0, 1.3e14), ("035420", 30.0, 3e13)):
        LatestIndicators.objects.create(
            stock=StockFactory.create(code=code),
            date=timezone.now().date(),
            computed_at=timezone.now(),
            close_price=71000,
            market_cap=cap,
            per_ttm=per,
            roe=12.5,
            change_1d=-1.25,
        )
    [command] = [block for block in blocks("bash") if block.startswith("curl -s")]
    _, _, url, _, header, _, body = shlex.split(command.replace("\\\n", " "))
    name, value = header.split(": ")
    response = requests.post(
        url.replace("http://localhost:8000", live_stack.url), data=body, headers={name: value}, timeout=10
    )
    assert response.status_code == 200, response.text
    reply = response.json()
    assert [stock["code"] for stock in reply["stocks"]] == ["005930", "000660"]
    assert reply["meta"]["total"] == 2


def test_the_stream_of_events_streams(live_stack: LiveStack):
    StockFactory.create(code="005930")
    token = session_start(user=UserFactory.create()).access_token
    [command] = [block for block in blocks("bash") if block.startswith("curl -N")]
    _, _, url, _, header = shlex.split(command)
    name, value = header.replace("$TOKEN", token).split(": ")
    with requests.get(
        url.replace("http://localhost:8000", live_stack.url), headers={name: value}, stream=True, timeout=10
    ) as response:
        events = (line for line in response.iter_lines(chunk_size=1) if line.startswith(b"event: "))
        assert [next(events), next(events)] == [b"event: hello", b"event: subscribed"]


def test_the_websocket_transcript_is_what_happens(live_stack: LiveStack):
    QuoteFactory.create(stock=StockFactory.create(code="005930"))
    token = session_start(user=UserFactory.create()).access_token
    [transcript] = [block for block in blocks("text") if block.startswith("< ")]
    lines = [(line[0], json.loads(line[2:])) for line in transcript.splitlines()]
    with connect(f"{live_stack.websocket_url}/ws/stocks?token={token}", proxy=None) as socket:
        for direction, shown in lines:
            if direction == ">":
                socket.send(json.dumps(shown))
                continue
            if shown["type"] == "price_update":
                publish([RoomEvent(f"price:{shown['stock_code']}", shown["type"], price_fields(shown))])
            assert_alike(shown, next_frame(socket))


def price_fields(shown: dict) -> dict:
    return {"stock_code": shown["stock_code"], "data": shown["data"]}


def next_frame(socket: ClientConnection) -> dict:
    while (frame := json.loads(socket.recv(timeout=10)))["type"] == "heartbeat":
        continue
    return frame


def assert_alike(shown: dict, received: dict) -> None:
    """Every key of the README's frame is in the received one, with a value of the same kind."""
    for key, value in shown.items():
        assert key in received, (key, received)
        assert type(value) is type(received[key]), key
        if isinstance(value, dict):
            assert_alike(value, received[key])
        elif key == "type":
            assert received[key] == value


@pytest.mark.parametrize("document", sorted((settings.BASE_DIR / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target
