"""The connection of the slim protocol without a socket: what it writes, when it stops, and what it costs."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from collections.abc import Callable

import pytest

from realtime.client import Gone
from realtime.frame import Batch, Frame
from realtime.protocol.codes import FRAME_TOO_BIG, RESTARTING, SLOW_CLIENT, UNAUTHORIZED, UNRESPONSIVE
from realtime.slim import frames
from realtime.slim.clock import NEVER, Clock
from realtime.slim.connection import Connection
from realtime.slim.deflate import inflate
from realtime.slim.frames import build, build_close
from realtime.tests.harness import eventually
from realtime.tests.raw import BINARY, CLOSE, CONTINUATION, PING, TEXT, close, frame
from realtime.tests.slim_harness import Taker, connected, house, lose

SEED = random.randrange(2**32)


def running(scenario: Callable[[], None]) -> None:
    async def run() -> None:
        scenario()

    asyncio.run(run())


def test_a_frame_is_built_once_and_written_whole() -> None:
    def scenario() -> None:
        home = house()
        sent = Frame("가".encode(), 1)
        pipes = []
        for _ in range(2):
            connection, pipe, _ = connected(home)
            assert connection.send(sent)
            pipes.append(pipe)
        assert [pipe.take() for pipe in pipes] == [b"\x81\x03" + "가".encode()] * 2
        assert sent.wire is not None

    running(scenario)


def test_shared_frames_go_compressed_to_those_who_take_them_and_small_ones_plain() -> None:
    def scenario() -> None:
        home = house()
        packed, packed_pipe, _ = connected(home, deflate=True)
        plain, plain_pipe, _ = connected(home)
        small = Frame(b'{"type":"pong"}', 1)
        batch = Batch([Frame(b'{"price":%d,"name":"abcdefgh"}' % number, number) for number in range(40)])
        reply = Frame(b"x" * 300, 1)
        for one in (small, batch, reply):
            for connection in (packed, plain):
                connection.send(one)
        assert plain_pipe.take() == b"".join(build(TEXT, one.body) for one in (small, batch, reply))
        assert batch.deflated is not None
        assert packed_pipe.take() == build(TEXT, small.body) + batch.deflated + build(TEXT, reply.body)
        assert batch.deflated[0] == 0xC1
        assert len(batch.deflated) < len(batch.body) / 3
        assert inflate(batch.deflated[4:], 1_000_000) == batch.body

    running(scenario)


def test_what_compression_makes_longer_goes_plain() -> None:
    def scenario() -> None:
        connection, pipe, _ = connected(house(), deflate=True)
        noise = Frame(random.Random(1).randbytes(2_000), 1)
        connection.send(noise)
        assert pipe.take() == build(TEXT, noise.body)

    running(scenario)


def test_nothing_is_written_after_the_connection_is_lost() -> None:
    def scenario() -> None:
        home = house()
        connection, pipe, taker = connected(home)
        lose(connection, pipe)
        with pytest.raises(Gone):
            connection.send(Frame(b"{}", 1))
        with pytest.raises(Gone):
            connection.write(b"")
        connection.close(UNAUTHORIZED, "late")
        connection.retire()
        connection.read_on()
        connection.data_received(frame(PING))
        assert (taker.left, connection.due) == ([1006], NEVER)
        assert home.connections == set()

    running(scenario)


def test_nothing_is_written_after_a_close_frame_of_either_side() -> None:
    def scenario() -> None:
        for ends in ("ours", "theirs", "fault"):
            connection, pipe, taker = connected(house())
            if ends == "ours":
                connection.close(UNAUTHORIZED, "over")
                assert pipe.take() == build_close(4401, "over")
            elif ends == "theirs":
                connection.data_received(close(1001, b"bye"))
                assert pipe.take() == build_close(1001)
                assert taker.left == [1001]
            else:
                connection.data_received(frame(TEXT, b"x" * 20_000))
                assert taker.ended == [FRAME_TOO_BIG]
                assert int.from_bytes(pipe.take()[2:4], "big") == 1009
            with pytest.raises(Gone):
                connection.send(Frame(b"{}", 1))
            connection.close(UNAUTHORIZED, "again")
            connection.data_received(frame(PING) + frame(TEXT, b"{}") + frame(TEXT, b"{}", mask=None))
            assert pipe.take() == b""
            assert taker.messages == []
            lose(connection, pipe)
            assert len(taker.left) == 1

    running(scenario)


def test_the_answer_to_our_close_frame_ends_the_connection() -> None:
    def scenario() -> None:
        connection, pipe, taker = connected(house())
        connection.close(UNAUTHORIZED, "over")
        assert not pipe.is_closing()
        connection.data_received(frame(TEXT, b"in between") + close(4401))
        assert pipe.is_closing()
        assert (taker.messages, taker.left) == ([], [4401])

    running(scenario)


def test_a_full_socket_says_so_and_says_when_it_is_empty() -> None:
    def scenario() -> None:
        connection, pipe, taker = connected(house())
        pipe.full = True
        assert not connection.send(Frame(b"1", 1))
        assert not connection.send(Frame(b"2", 1))
        assert taker.resumes == 0
        pipe.drain()
        assert taker.resumes == 1
        assert connection.send(Frame(b"3", 1))

    running(scenario)


def test_a_real_socket_gets_every_byte_once_and_in_order_whatever_it_takes_at_a_time() -> None:
    sizes = random.Random(SEED).choices([1, 100, 3_000, 70_000], weights=[5, 5, 3, 1], k=400)

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        loop, home, taker = asyncio.get_running_loop(), house(send_buffer_bytes=4096), Taker()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection = taker.connection = Connection(
            house=home, transport=transport, receiver=taker, deflate=False
        )
        transport.set_protocol(connection)
        expected, full, got = bytearray(), 0, bytearray()
        for number, size in enumerate(sizes):
            sent = Frame(str(number % 10).encode() * size, number)
            full += not connection.send(sent)
            expected += build(TEXT, sent.body)
            if number % 7 == 0:
                while len(got) < len(expected):
                    got += await loop.sock_recv(theirs, 50_000)
        while len(got) < len(expected):
            got += await loop.sock_recv(theirs, 50_000)
        assert got == expected, f"seed {SEED}"
        assert full
        assert taker.resumes
        theirs.close()
        await eventually(lambda: taker.left == [1006])
        with pytest.raises(Gone):
            connection.send(Frame(b"x", 1))

    asyncio.run(scenario())


def test_a_client_that_does_not_read_is_owed_only_the_newest_pong() -> None:
    def scenario() -> None:
        connection, pipe, _ = connected(house())
        pipe.full = True
        connection.send(Frame(b"1", 1))
        pipe.take()
        connection.data_received(b"".join(frame(PING, bytes([number])) for number in range(100)))
        assert pipe.take() == b""
        pipe.drain()
        assert pipe.take() == build(frames.PONG, bytes([99]))

    running(scenario)


def test_a_receiver_that_has_enough_stops_the_reading_until_it_goes_on() -> None:
    def scenario() -> None:
        connection, pipe, taker = connected(house(), room=2)
        connection.data_received(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(BINARY, b"3") + frame(PING))
        assert (taker.messages, pipe.reading) == (["1", "2"], False)
        connection.data_received(frame(TEXT, b"4"))
        assert taker.messages == ["1", "2"]
        taker.room = 1
        connection.read_on()
        assert (taker.messages, pipe.reading) == (["1", "2", b"3"], False)
        taker.room = 100
        connection.read_on()
        assert (taker.messages, pipe.reading) == (["1", "2", b"3", "4"], True)
        assert pipe.take() == build(frames.PONG, b"")

    running(scenario)


def test_a_receiver_that_has_enough_does_not_keep_the_answer_to_a_close_frame_out() -> None:
    async def scenario() -> None:
        connection, pipe, taker = connected(house(), room=1)
        connection.data_received(frame(TEXT, b"1") + frame(TEXT, b"2") + close(1000))
        assert not pipe.reading
        connection.close(UNAUTHORIZED, "over")
        await eventually(pipe.is_closing)
        assert (taker.messages, taker.left) == (["1"], [1000])

    asyncio.run(scenario())


def test_a_socket_that_stays_full_ends_with_4008_and_then_at_once() -> None:
    async def scenario() -> None:
        connection, pipe, taker = connected(house(send_seconds=0.3, farewell_seconds=0.3))
        pipe.full = True
        connection.send(Frame(b"1", 1))
        await eventually(lambda: pipe.aborted)
        assert taker.ended == [SLOW_CLIENT]
        lose(connection, pipe)

    asyncio.run(scenario())


def test_a_client_that_is_held_back_by_us_is_not_called_silent_or_slow() -> None:
    async def scenario() -> None:
        home = house(ping_seconds=0.25, silence_seconds=0.75, message_seconds=0.5)
        held, held_pipe, held_taker = connected(home, room=1)
        witness, witness_pipe, witness_taker = connected(home)
        held.data_received(frame(TEXT, b"1") + frame(TEXT, b"half")[:-2])
        await eventually(lambda: witness_taker.ended)
        await asyncio.sleep(0.6)
        assert held_taker.ended == []
        assert witness_taker.ended == [UNRESPONSIVE]
        for connection, pipe in ((held, held_pipe), (witness, witness_pipe)):
            lose(connection, pipe)

    asyncio.run(scenario())


def test_a_server_that_stops_tells_its_clients_in_shares() -> None:
    async def scenario() -> None:
        home = house(farewell_seconds=60)
        clients = [connected(home) for _ in range(200)]
        for connection, _, _ in clients:
            connection.shutdown()
        await asyncio.sleep(0)
        told = sum(bool(taker.ended) for _, _, taker in clients)
        assert 0 < told < 200
        await eventually(lambda: all(taker.ended == [RESTARTING] for _, _, taker in clients))
        for connection, pipe, _ in clients:
            lose(connection, pipe)

    asyncio.run(scenario())


def test_an_idle_connection_is_one_small_object() -> None:
    def scenario() -> None:
        home = house()
        connection, pipe, _ = connected(home)
        connection.data_received(frame(TEXT, b"{}", final=False))
        connection.data_received(frame(PING) + frame(CONTINUATION, b""))
        assert not hasattr(connection, "__dict__")
        assert sys.getsizeof(connection) < 200
        # Nothing of a message stays.
        assert connection._parser is None
        assert connection._unfinished_since is None
        lose(connection, pipe)
        assert home.clock._buckets == {}

    running(scenario)


def test_a_close_reason_that_is_too_long_is_cut_between_characters() -> None:
    built = build_close(4000, "가" * 60)
    assert built[0] == 0x80 | CLOSE
    assert built[1] <= 125
    assert built[4:].decode() == "가" * 41


class Waiting:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.due = NEVER
        self.calls: list[int] = []

    def on_due(self, now: int) -> None:
        self.calls.append(now)
        if len(self.calls) < 3:
            self.clock.wake(self, 1)


def test_the_clock_keeps_the_earlier_of_two_ticks_and_stops_when_nobody_waits() -> None:
    async def scenario() -> None:
        clock = Clock(asyncio.get_running_loop())
        soon, forgotten = Waiting(clock), Waiting(clock)
        clock.wake(soon, 400)
        clock.wake(soon, 1)
        clock.wake(soon, 400)
        clock.wake(forgotten, 1)
        clock.forget(forgotten)
        clock.forget(forgotten)
        await eventually(lambda: len(soon.calls) == 3)
        # A loop that is held up goes on with the tick that it is by then.
        first, second, third = soon.calls
        assert first < second < third < first + 100
        assert forgotten.calls == []
        await eventually(lambda: clock._timer is None)

    asyncio.run(scenario())


def test_the_clock_goes_on_from_the_time_when_it_was_idle() -> None:
    async def scenario() -> None:
        clock = Clock(asyncio.get_running_loop())
        await asyncio.sleep(0.6)
        before = clock.now
        late = Waiting(clock)
        clock.wake(late, 2)
        assert late.due - 2 > before
        await eventually(lambda: late.calls)
        assert late.calls[0] - before >= 3

    asyncio.run(scenario())
