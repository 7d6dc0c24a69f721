"""The transport of a stream, with a server that has room, or has not."""

from __future__ import annotations

import asyncio

import pytest

from realtime.client import Gone
from realtime.event_stream import EventStream
from realtime.frame import Batch, Event, Frame
from realtime.live import LogEvent, LogRoom
from realtime.protocol.codes import SLOW_CLIENT, UNAUTHORIZED
from realtime.protocol.position import Position
from realtime.tests.harness import eventually
from realtime.tests.test_asgi import Owner, Server

START = "http.response.start"


def message(text: str) -> Frame:
    return Frame(b'{"type":"' + text.encode() + b'"}', 1)


def bodies(server: Server) -> list[bytes]:
    return [sent["body"] for sent in server.sent if sent["type"] == "http.response.body"]


def test_nothing_is_sent_until_the_stream_is_opened() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server)
        assert not owner.transport.send(message("hello"))
        assert not owner.transport.send(message("subscribed_to"))
        assert server.sent == []
        owner.transport.open([(b"content-type", b"text/event-stream")])
        assert [sent["type"] for sent in server.sent] == [START, "http.response.body"]
        assert bodies(server)[0] == (
            b'retry: 3000\n\nevent: hello\ndata: {"type":"hello"}\n\n'
            b'event: subscribed_to\ndata: {"type":"subscribed_to"}\n\n'
        )
        assert owner.resumed == 1
        assert owner.transport.send(message("alert"))
        assert bodies(server)[1] == b'event: alert\ndata: {"type":"alert"}\n\n'

    asyncio.run(scenario())


def test_what_is_closed_before_it_is_opened_is_refused_and_nothing_is_sent() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server)
        owner.transport.close(UNAUTHORIZED, "no")
        owner.transport.close(SLOW_CLIENT, "later")
        assert owner.transport.refused == (UNAUTHORIZED, "no")
        assert server.sent == []

    asyncio.run(scenario())


def test_the_last_event_says_why_and_ends_the_reply() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server)
        owner.transport.open([])
        owner.transport.close(UNAUTHORIZED, "over")
        assert server.sent[-1]["more_body"] is False
        assert bodies(server)[-1].startswith(b'event: close\ndata: {"type":"close","code":4401,')

    asyncio.run(scenario())


def test_a_stream_that_is_not_read_is_closed_as_slow_and_then_dropped() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server, send_seconds=0.05, farewell_seconds=0.05)
        owner.transport.open([])
        server.room.clear()
        assert not owner.transport.send(message("alert"))
        await eventually(lambda: server.aborted)
        assert owner.slow == [SLOW_CLIENT]
        await eventually(lambda: len(asyncio.all_tasks()) == 1)

    asyncio.run(scenario())


def test_a_full_socket_at_the_start_is_waited_for() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server)
        server.room.clear()
        owner.transport.open([])
        assert not owner.transport.send(message("alert"))
        assert (server.sent, owner.resumed) == ([], 0)
        server.room.set()
        await eventually(lambda: owner.resumed)
        assert [body.split(b"\n")[0] for body in bodies(server)] == [b"retry: 3000", b"event: alert"]

    asyncio.run(scenario())


def test_a_client_that_has_gone_before_the_start_is_said_to_be_gone() -> None:
    async def scenario() -> None:
        server = Server()
        server.gone = True
        with pytest.raises(Gone):
            Owner(EventStream, server).transport.open([])

    asyncio.run(scenario())


def test_a_block_is_written_once_for_all_streams_and_an_id_for_each() -> None:
    async def scenario() -> None:
        room = LogRoom("alert:me")
        first, second = (
            Event(b'{"type":"a"}', 1, Position("e", 4)),
            Event(b'{"type":"b"}', 2, Position("e", 5)),
        )
        batch = Batch([first, second])
        log = LogEvent(b'{"type":"alert"}', 3, Position("e", 7), room)
        servers = [Server(), Server()]
        for server in servers:
            owner = Owner(EventStream, server)
            owner.client.rooms[room.name] = room
            owner.transport.open([])
            owner.transport.send(batch)
            owner.transport.send(log)
            owner.transport.send(Batch([first, log]))
        assert bodies(servers[0])[1] is bodies(servers[1])[1]
        assert bodies(servers[0])[1:] == [
            b'event: a\ndata: {"type":"a"}\n\nevent: b\ndata: {"type":"b"}\n\n',
            b'id: e;alert:me=7\nevent: alert\ndata: {"type":"alert"}\n\n',
            b'event: a\ndata: {"type":"a"}\n\nid: e;alert:me=7\nevent: alert\ndata: {"type":"alert"}\n\n',
        ]

    asyncio.run(scenario())


def test_a_heartbeat_is_a_comment() -> None:
    async def scenario() -> None:
        server = Server()
        owner = Owner(EventStream, server)
        owner.transport.open([])
        owner.transport.send(Frame(b'{"type":"heartbeat","timestamp":"x"}', 1))
        assert bodies(server)[1] == b": keep-alive\n\n"

    asyncio.run(scenario())
