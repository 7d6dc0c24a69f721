"""How fast ticks pass the stream: from XADD to the message in their room, and a backlog into both groups.

    python benchmarks/ingest.py [--quick]

2,700 stocks stand in a database of its own, on DATABASE_URL or on embedded servers that end with the program;
a REDIS_URL must name an empty database. `manage.py consume_ticks live` and `store` read what this program
appends.

First both are stopped, a backlog is appended, and both drain it at once. In the same run the same entries
are read by bare XREADGROUP and XACK, and as many ticks go by a bare COPY into an unlogged table. Then come
entries of 100 ticks, one every 100/rate seconds whatever the consumers do, while another process follows
every price room as web processes do. Each tick carries the time of its XADD as its running volume, in µs
and of the same clock, so every message says how long it took. A tick that a newer one of its stock replaced
in the same batch has no message of its own; the newest tick of every stock must have arrived in its room and
in its quote, and the sequences of the rooms have no gap, or the program ends with an error.

The last line is a JSON object. `producer_fell_behind_…` is true where the entries of a rate were sent late,
so that it was not that rate; `cores_used_…` are processor seconds a second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg
import redis
from bench_servers import fresh_environment
from bench_subscriber import Subscriber, packed

PROJECT = Path(__file__).resolve().parent.parent
TICKS, KINDS = 100, 2_000
RATES = {"2k": 2_000, "20k": 20_000}
SEED = 3
WARM_SECONDS, WAIT_SECONDS = 3.0, 300.0
# Sent later than this at the 99th percentile, entries did not come at the rate that was asked for.
LATE_MS = 50.0
MICROS = 1_000_000
# Where the rows of an entry begin, and how many numbers a row has: see stocks/wire.py.
HEAD, WIDTH = 9, 9
STOP = b"bench:stop"

#: The group and the process of each.
Consumers = list[tuple[str, subprocess.Popen[bytes]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 s at each rate, 300,000 ticks to drain")
    parser.add_argument("--seconds", type=float, help="so long at each rate")
    parser.add_argument("--warm", type=float, default=WARM_SECONDS, help="seconds at each rate before these")
    parser.add_argument("--backlog", type=int, help="so many ticks to drain")
    parser.add_argument("--stocks", type=int, default=2_700, help="so many stocks")
    parser.add_argument("--kinds", type=int, default=KINDS, help="so many different entries, again and again")
    parser.add_argument("--live", type=int, default=1, help="so many processes of the group live")
    options = parser.parse_args()
    seconds = options.seconds or (8.0 if options.quick else 30.0)
    backlog = options.backlog or (300_000 if options.quick else 2_000_000)
    with tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch, fresh_environment(Path(scratch)):
        codes = _fill(options.stocks)
        report = _measure(
            Path(scratch), Entries(codes, options.kinds), seconds, options.warm, backlog, options.live
        )
    print(_table(report))
    print(json.dumps(report))


def _redis() -> redis.Redis:
    return redis.Redis.from_url(os.environ["REDIS_URL"])


def _database() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def _fill(count: int) -> list[str]:
    """Make the tables and so many stocks on two markets and in twelve sectors; returns their codes."""
    migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "-v0"]
    subprocess.run(migrate, check=True, cwd=PROJECT)
    import django

    django.setup()
    codes = [f"{number:06d}" for number in range(count)]
    with _database() as connection:
        connection.execute(
            "INSERT INTO stocks_stock (code, name, market_id, sector, segment, kind, industry, isin,"
            " currency, is_active, source, updated_at)"
            " SELECT code, 'Company ' || code, (ARRAY['KOSPI', 'KOSDAQ'])[1 + n %% 2],"
            " 'Sector ' || n %% 12, '', 'equity', '', '', 'KRW', true, 'sandbox', now()"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (code, n)",
            [codes],
        )
        connection.execute("VACUUM ANALYZE stocks_stock")
    return codes


class Entries:
    """Entries of 100 ticks of different stocks, written before the clock runs.

    Each gets its time, its numbers and its volumes as it is taken: the volume is the microseconds since
    ``origin``.
    """

    def __init__(self, codes: Sequence[str], kinds: int = KINDS) -> None:
        from stocks.providers.protocol import Update
        from stocks.tests.tick_cases import tick
        from stocks.wire import encode

        chance = random.Random(SEED)
        self.codes = codes
        self.size = min(TICKS, len(codes))
        # Before the oldest tick of any backlog, so that no volume is below 0.
        self.origin = _now() - 3600 * MICROS
        self._volumes = dict.fromkeys(codes, 0)
        self._taken = 0
        # Of the entries that were taken, which and when.
        self._told: list[tuple[int, int]] = []
        self._members = [chance.sample(codes, self.size) for _ in range(kinds)]
        self._entries = [
            encode(
                Update(
                    tuple(
                        tick(code, str(chance.randint(1_000, 200_000)), source="sandbox") for code in members
                    )
                )
            )
            for members in self._members
        ]

    def take(self, micros: int) -> bytes:
        """One more entry, of that moment in microseconds since 1970."""
        kind = self._taken % len(self._entries)
        payload = bytearray(self._entries[kind])
        rows = np.frombuffer(payload, "<i8", self.size * WIDTH, HEAD).reshape(-1, WIDTH)
        rows[:, 1:3] = micros
        rows[:, 3] = self._taken * TICKS + np.arange(self.size)
        rows[:, 4] = micros - self.origin
        self._told.append((kind, micros - self.origin))
        self._taken += 1
        return bytes(payload)

    def volumes(self) -> dict[str, int]:
        """The newest volume of each stock, 0 where it has had none."""
        for kind, volume in self._told:
            self._volumes.update(dict.fromkeys(self._members[kind], volume))
        self._told = []
        return dict(self._volumes)


def _now() -> int:
    return time.time_ns() // 1000


def _measure(
    scratch: Path, entries: Entries, seconds: float, warm: float, backlog: int, live: int
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "seconds": seconds,
        "batch": entries.size,
        "stocks": len(entries.codes),
        "live_processes": live,
    }
    with _consumers(scratch, [*["live"] * live, "store"]) as consumers, _redis() as client:
        report |= _drain(client, consumers, entries, backlog)
        for name, rate in RATES.items():
            report |= {
                f"{key}_{name}": value
                for key, value in _at_rate(client, consumers, entries, rate, seconds, warm).items()
            }
    report |= _copy(entries, backlog)
    report["ratio_to_bare_stream"] = round(report["drain_per_s"] / report["bare_stream_per_s"], 3)
    report["ratio_to_copy"] = round(report["drain_per_s"] / report["copy_per_s"], 3)
    return report | {"seed": SEED, "cores": os.cpu_count()}


@contextlib.contextmanager
def _consumers(scratch: Path, groups: Sequence[str]) -> Iterator[Consumers]:
    """The commands of these groups, once all have joined them."""
    processes: Consumers = []
    try:
        for number, group in enumerate(groups):
            with (scratch / f"consumer-{number}.log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, str(PROJECT / "manage.py"), "consume_ticks", group],
                    cwd=PROJECT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            processes.append((group, process))
        with _redis() as client:
            for number, (group, process) in enumerate(processes):
                log_file = scratch / f"consumer-{number}.log"
                _wait(lambda group=group: _joined(client, group) == groups.count(group), process, log_file)
        yield processes
    finally:
        for _, process in processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for _, process in processes:
            process.wait(20)


def _joined(client: redis.Redis, group: str) -> int:
    """How many consumers a group has."""
    from stocks.stream import STREAM

    try:
        return len(client.xinfo_consumers(STREAM, group))
    except redis.ResponseError:
        return 0


def _wait(reached: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"a consumer did not do its work:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)


def _at_rate(
    client: redis.Redis,
    consumers: Consumers,
    entries: Entries,
    rate: int,
    seconds: float,
    warm: float,
) -> dict[str, Any]:
    """Latencies and processor time at so many ticks a second; ends the program where a tick was lost."""
    from stocks import stream

    _send(client, entries, rate, warm)
    _settled(client)
    stream.trim(client)
    here, there = multiprocessing.Pipe()
    listener = multiprocessing.get_context("fork").Process(
        target=_listen, args=(there, _number(client), entries.codes), daemon=True
    )
    listener.start()
    assert here.recv() == "subscribed"
    earlier = entries.volumes()
    before, begun = _processor_seconds(client, consumers), time.perf_counter()
    late, offered = _send(client, entries, rate, seconds)
    took = time.perf_counter() - begun
    after = _processor_seconds(client, consumers)
    _settled(client)
    client.publish(STOP, b"")
    heard: dict[str, Any] = here.recv()
    listener.join(10)
    delays = np.sort(heard["at"] - entries.origin - heard["volumes"]) / 1000
    assert heard["gaps"] == 0, f"{heard['gaps']} gaps in the sequences of rooms"
    newest = heard["newest"]
    volumes = entries.volumes()
    expected = {code: volume for code, volume in volumes.items() if volume != earlier[code]}
    assert newest == expected, "a room did not end with its newest price"
    assert _stored() == _told(volumes), "quotes differ"
    return {
        "p50_ms": _percentile(delays, 50),
        "p99_ms": _percentile(delays, 99),
        "max_ms": round(float(delays[-1]), 2),
        "offered": offered,
        "offered_per_s": round(offered / took),
        "delivered": len(delays),
        "stocks_heard": len(newest),
        "producer_late_p99_ms": _percentile(late, 99),
        "producer_fell_behind": bool(_percentile(late, 99) > LATE_MS),
        "cores_used": {name: round((after[name] - before[name]) / took, 3) for name in after},
    }


def _send(
    client: redis.Redis, entries: Entries, rate: int, seconds: float
) -> tuple[npt.NDArray[np.float64], int]:
    """Append entries on schedule; how late each was, in milliseconds, and how many ticks they held."""
    count = max(1, int(rate * seconds / entries.size))
    late = np.empty(count)
    # What a client does besides for each command would be work of the machine that is measured.
    link = client.connection_pool.get_connection()
    started = time.perf_counter()
    for number in range(count):
        due = started + number * entries.size / rate
        while (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        late[number] = -left * 1000
        link.send_packed_command([packed(b"XADD", b"ticks", b"*", b"batch", entries.take(_now()))])
        link.read_response()
    client.connection_pool.release(link)
    return np.sort(late), count * entries.size


class Room(NamedTuple):
    """A room as a web process follows it."""

    code: str
    written: bytes


def _listen(report: Connection, database: int, codes: Sequence[str]) -> None:
    """Follow the rooms of prices as a web process does until STOP, and say what they were told.

    What arrives is kept with its time and taken apart in the end: the issue is when it was published.
    """
    from realtime import keys

    rooms = {f"price:{code}".encode(): Room(code, f'"price:{code}"'.encode()) for code in codes}
    by_channel = {keys.channel(database, name.decode()).encode(): room for name, room in rooms.items()}
    bundles = keys.bundles(database, "latest").encode()
    with Subscriber() as subscriber:
        subscriber.subscribe([bundles, *by_channel, STOP])
        report.send("subscribed")
        parts = subscriber.until(STOP)
        report.send(_heard(subscriber.messages(parts), bundles, rooms, by_channel))


def _heard(
    messages: Iterable[tuple[int, bytes, bytes]],
    bundles: bytes,
    rooms: Mapping[bytes, Room],
    by_channel: Mapping[bytes, Room],
) -> dict[str, Any]:
    """What rooms were told and when, of what arrived; ``gaps`` are sequences that did not follow."""
    from realtime.protocol.bundles import latest_messages
    from realtime.protocol.envelope import Envelope, unpack

    at: list[int] = []
    volumes: list[int] = []
    newest: dict[str, int] = {}
    sequences: dict[str, int] = {}
    gaps = 0

    def hear(room: Room, envelope: Envelope, now: int) -> None:
        nonlocal gaps
        message, sequence = envelope.message, envelope.position.sequence
        begin = message.index(b'"volume":') + 9
        volume = int(message[begin : message.index(b",", begin)])
        gaps += sequences.get(room.code, sequence - 1) != sequence - 1
        sequences[room.code] = sequence
        newest[room.code] = volume
        at.append(now)
        volumes.append(volume)

    for now, channel, payload in messages:
        if channel == bundles:
            for room, envelope in latest_messages(payload, rooms):
                hear(room, envelope, now)
        elif channel != STOP:
            hear(by_channel[channel], unpack(payload), now)
    return {"at": np.array(at), "volumes": np.array(volumes), "newest": newest, "gaps": gaps}


def _drain(client: redis.Redis, consumers: Consumers, entries: Entries, backlog: int) -> dict[str, Any]:
    """Stop both consumers, append a backlog as of 20,000 ticks a second, and let them go."""
    from stocks import stream
    from stocks.consumer import BATCH

    count = max(1, backlog // entries.size)
    first = _now() - count * entries.size * MICROS // RATES["20k"]
    # Imports, plans and the directory of stocks are paid for before anything is counted.
    for number in range(200):
        client.xadd(stream.STREAM, {stream.FIELD: entries.take(first - (200 - number) * 10_000)})
    _settled(client)
    stream.trim(client)
    client.xgroup_create(stream.STREAM, "bare", id="$")
    for _, process in consumers:
        process.send_signal(signal.SIGSTOP)
    appended = 0.0
    for start in range(0, count, 100):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, min(start + 100, count)):
            at = first + number * entries.size * MICROS // RATES["20k"]
            pipeline.xadd(stream.STREAM, {stream.FIELD: entries.take(at)})
        begun = time.perf_counter()
        pipeline.execute()
        appended += time.perf_counter() - begun
    begun = time.perf_counter()
    before = _processor_seconds(client, consumers)
    for _, process in consumers:
        process.send_signal(signal.SIGCONT)
    done: dict[str, float] = {}
    while len(done) < len(stream.GROUPS):
        for group, lag in stream.lags(client).items():
            if not lag.behind and not lag.pending:
                done.setdefault(group, time.perf_counter() - begun)
        assert time.perf_counter() - begun < WAIT_SECONDS, "the backlog was not drained"
        time.sleep(0.01)
    after = _processor_seconds(client, consumers)
    assert _stored() == _told(entries.volumes()), "quotes differ"

    started = time.perf_counter()
    read = 0
    while reply := _read_bare(client, BATCH):
        ids = [entry_id for entry_id, _ in reply]
        read += len(ids)
        client.xack(stream.STREAM, "bare", *ids)
    bare = time.perf_counter() - started
    assert read == count
    client.xgroup_destroy(stream.STREAM, "bare")
    stream.trim(client)
    seconds = max(done.values())
    ticks = count * entries.size
    return {
        "backlog": ticks,
        "drain_per_s": round(ticks / seconds),
        **{f"drain_seconds_{group}": round(value, 3) for group, value in done.items()},
        "drain_cpu_seconds": {name: round(after[name] - before[name], 3) for name in after},
        "bare_xadd_per_s": round(ticks / appended),
        "bare_stream_per_s": round(ticks / bare),
    }


def _read_bare(client: redis.Redis, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
    reply: Any = client.xreadgroup("bare", "bench", {"ticks": ">"}, count=count)
    return [entry for _, entries in reply or () for entry in entries]


def _copy(entries: Entries, backlog: int) -> dict[str, Any]:
    """As many ticks of the same form by a bare COPY into an unlogged table."""
    from stocks.wire import decode

    lines = [
        f"{tick.code}\t{tick.price}\t{tick.as_of}\t{tick.received_at}\t{tick.source}\t{tick.seq}\t"
        f"{tick.volume}\t{tick.open}\t{tick.high}\t{tick.low}\t{tick.previous_close}\n"
        for _ in range(min(1_000, max(1, backlog // entries.size)))
        for tick in decode(entries.take(_now())).update().ticks
    ]
    block = "".join(lines).encode()
    blocks = max(1, round(backlog / len(lines)))
    with _database() as connection:
        connection.execute(
            "CREATE UNLOGGED TABLE bench_ticks (code text, price numeric(20, 8), as_of timestamptz,"
            " received_at timestamptz, source text, seq bigint, volume bigint, open numeric(20, 8),"
            " high numeric(20, 8), low numeric(20, 8), previous_close numeric(20, 8))"
        )
        started = time.perf_counter()
        with connection.cursor().copy("COPY bench_ticks FROM STDIN") as copy:
            for _ in range(blocks):
                copy.write(block)
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bench_ticks")
    return {"copy_per_s": round(blocks * len(lines) / seconds)}


def _settled(client: redis.Redis) -> None:
    """Wait until both groups have handled everything."""
    from stocks.stream import lags

    deadline = time.monotonic() + WAIT_SECONDS
    while any(lag.behind or lag.pending for lag in lags(client).values()):
        assert time.monotonic() < deadline, "the groups did not catch up"
        time.sleep(0.02)
    assert all(lag.dead == lag.lost == 0 for lag in lags(client).values())


def _told(volumes: Mapping[str, int]) -> dict[str, int]:
    """Those that were told at all."""
    return {code: volume for code, volume in volumes.items() if volume}


def _stored() -> dict[str, int]:
    with _database() as connection:
        rows = connection.execute(
            "SELECT code, volume FROM stocks_quote JOIN stocks_stock ON stocks_stock.id = stock_id"
        )
        return dict(rows.fetchall())


def _number(client: redis.Redis) -> int:
    return int(client.get_connection_kwargs().get("db") or 0)


def _processor_seconds(client: redis.Redis, consumers: Consumers) -> dict[str, float]:
    """What each part has used so far: the consumers, Redis, this program, and PostgreSQL for the store."""
    used = client.info("cpu")
    with _database() as connection:
        backends = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    own = os.times()
    return {
        **{
            name: sum(_of_process(process.pid) for group, process in consumers if group == name)
            for name in ("live", "store")
        },
        "redis": float(used["used_cpu_sys"]) + float(used["used_cpu_user"]),
        "postgres": sum(_of_process(pid) for (pid,) in backends),
        "producer": own.user + own.system,
    }


def _of_process(pid: int) -> float:
    """Processor seconds of a process of this machine; 0 where it is on another one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _percentile(ordered: npt.NDArray[np.float64], percent: int) -> float:
    """The nearest-rank percentile of sorted values."""
    return round(float(ordered[max(0, -(-len(ordered) * percent // 100) - 1)]), 2)


def _table(report: dict[str, Any]) -> str:
    lines = [
        "| ticks/s | offered | messages | p50 ms | p99 ms | max ms | producer late, p99 ms"
        " | cores: live, store, redis, postgres |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in RATES:
        cores = report[f"cores_used_{name}"]
        cells = [
            *(f"{report[f'{key}_{name}']:,}" for key in ("offered_per_s", "offered", "delivered")),
            *(str(report[f"{key}_{name}"]) for key in ("p50_ms", "p99_ms", "max_ms")),
            str(report[f"producer_late_p99_ms_{name}"]),
            ", ".join(str(cores[part]) for part in ("live", "store", "redis", "postgres")),
        ]
        if report[f"producer_fell_behind_{name}"]:
            cells[-2] += ", it fell behind"
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| backlog | both groups, ticks/s | bare XREADGROUP + XACK | ratio | bare COPY | ratio |",
        "|---|---|---|---|---|---|",
        f"| {report['backlog']:,} | {report['drain_per_s']:,} | {report['bare_stream_per_s']:,}"
        f" | {report['ratio_to_bare_stream']} | {report['copy_per_s']:,} | {report['ratio_to_copy']} |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
