from __future__ import annotations

import logging

import pytest

from realtime.logs import DropQueries


def passed(name: str, text: str, *args: object) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.INFO, "", 0, text, args, None)
    assert DropQueries().filter(record)
    return record


@pytest.mark.parametrize("query", ["?token=eyJhbGci", "?a=1&token=secret", "?%74oken=secret", "?"])
def test_a_websocket_handshake_is_logged_without_its_query(query: str) -> None:
    record = passed("uvicorn.error", '%s - "WebSocket %s" [accepted]', ("127.0.0.1", 5), f"/ws/stocks{query}")
    assert record.getMessage() == "('127.0.0.1', 5) - \"WebSocket /ws/stocks\" [accepted]"


def test_a_plain_request_of_the_same_path_is_logged_without_its_query() -> None:
    record = passed(
        "uvicorn.access", '%s - "%s %s HTTP/%s" %d', "a:1", "GET", "/ws/stocks?token=secret", "1.1", 404
    )
    assert record.getMessage() == 'a:1 - "GET /ws/stocks HTTP/1.1" 404'
    assert isinstance(record.args, tuple)
    assert len(record.args) == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [("uvicorn.error", "< %s"), ("uvicorn.error", "< %s: %s"), ("uvicorn.asgi", "%s [%d] %s")],
)
def test_what_a_client_sends_is_not_quoted_at_debug_level(name: str, text: str) -> None:
    record = logging.LogRecord(name, logging.DEBUG, "", 0, text, ("secret",), None)
    assert not DropQueries().filter(record)


def test_what_the_server_sends_may_be_read_at_debug_level_without_the_cause_of_a_refusal() -> None:
    record = logging.LogRecord(
        *("uvicorn.error", logging.DEBUG, "", 0, "> %s", ("TEXT",)), (ValueError, ValueError("secret"), None)
    )
    assert DropQueries().filter(record)
    assert (record.getMessage(), record.exc_info) == ("> TEXT", None)


def test_other_lines_pass_unchanged() -> None:
    assert passed("uvicorn.error", "Started %s?", "server").getMessage() == "Started server?"
