"""The gates, each as the table of docs/benchmarks-realtime.md says."""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from realtime_load import market, readings
from realtime_load.bench import SEED, Bench
from realtime_load.database import Queries
from realtime_load.load import Load, Plan
from realtime_load.report import Check, Gate
from realtime_load.running import Run, Stream, put
from realtime_load.servers import STOCK, Kind, Served, floor_kind, nchan_kind
from realtime_load.talking import Failed

ROOMS_EACH = 20
WINDOW_SECONDS = 0.05
# What is due within so long is published at once, as a consumer of ticks does.
BATCH_MS = 5.0
STALLED, READING, STALL_ROOMS, STALL_RATE = 10, 10, 200, 4_000.0
# Handshakes of a herd under way at once; the kernel's queue of a listening socket holds few more.
HERD = 2_000
HERD_SECONDS = 60.0
# A backlog grows where the last third of a load takes longer than the first one by more than this.
GROWTH, GROWTH_MS = 1.25, 50.0
# What memory may gain while the same prices change over and over: allocators keep some of what they got.
FLAT, FLAT_KB = 1.05, 4_096

Gates = Iterator[Gate]


def _random_rooms(count: int, each: int) -> list[list[str]]:
    chance, rooms = random.Random(SEED), market.rooms()
    return [chance.sample(rooms, each) for _ in range(count)]


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def _rounded(values: Sequence[float], digits: int = 0) -> list[float]:
    return [round(value, digits) for value in values]


# --- Memory ---


def idle_memory(bench: Bench) -> Gates:
    """M1, one room each."""
    count = bench.scale.idle
    gate = Gate("M1", f"{count:,} idle signed-in WebSockets, 1 room")
    rooms = list(islice(([room] for room in cycle(market.rooms())), count))
    with _failing(gate), bench.served() as server:
        with bench.load(server, Plan.of_sockets(bench.tokens, rooms)) as load:
            used = _memory_of(bench, server, load, gate)
            gate.checks.append(Check("rss_kb_each", used, "<=", 5))
    yield gate


def event_streams(bench: Bench) -> Gates:
    """M2."""
    count = bench.scale.event_streams
    gate = Gate("M2", f"{count:,} idle event streams (SSE)")
    room = market.rooms()[0]
    with _failing(gate), bench.served() as server:
        plan = Plan.of_event_streams(bench.tokens[:count], [[room]] * count)
        with bench.load(server, Plan.of_event_streams(bench.tokens[:20], [[room]] * 20)) as warm:
            bench.opened(warm)
        with bench.load(server, plan) as load:
            used = _memory_of(bench, server, load, gate)
            gate.checks.append(Check("rss_kb_each", used, "<=", 12))
            # They are alive: each is told what its room is told.
            run = put(bench, [(server, load)], Stream([room], 2.0, 1.0), warm_seconds=0)
            gate.details["delivered"] = run.delivered[0]
            if run.behind:
                gate.invalid.append(f"{run.behind} streams did not get the newest value")
    yield gate


def _memory_of(bench: Bench, server: Served, load: Load, gate: Gate) -> float:
    """KB that the server takes for each connection of the load, once they rest."""
    before = server.memory_kb()
    answer = bench.opened(load)
    time.sleep(bench.scale.settle_seconds)
    after, kernel = server.memory_kb(), readings.buffers(server.port)
    gate.details |= {
        "rss_before_kb": round(before),
        "rss_after_kb": round(after),
        "kernel_buffers_kb_each": kernel and round(kernel.server / load.count, 2),
        "opened_per_s": round(answer["opened"] / max(answer["seconds"], 1e-9)),
    }
    return round((after - before) / load.count, 2)


# --- Fan-out ---


@dataclass(slots=True)
class _Rival:
    """A server of F1 with its connections, what it is offered, and what came of each repeat."""

    name: str
    server: Served
    load: Load
    stream: Stream
    runs: list[Run]


def one_room(bench: Bench) -> Gates:
    """F1: the project, the floor and stock Channels in turns."""
    scale = bench.scale
    offered = scale.one_room * scale.one_room_rate
    gate = Gate("F1", f"one room, {scale.one_room:,} connections, {offered / 1000:g}k deliveries/s offered")
    nchan = nchan_kind(bench.scratch)
    with _failing(gate), contextlib.ExitStack() as stack:
        rivals = [stack.enter_context(rival) for rival in _rivals(bench)]
        if isinstance(nchan, Kind):
            try:
                rivals.append(stack.enter_context(_nchan(bench, nchan)))
            except Failed as error:
                nchan = str(error)
        for number in range(scale.repeats):
            bench.left()
            # Each in each place of the order, for what one leaves warm or full for the next.
            turn = number % len(rivals)
            for rival in rivals[turn:] + rivals[:turn]:
                rival.runs.append(put(bench, [(rival.server, rival.load)], rival.stream))
        measured = {rival.name: [run.per_cpu_second for run in rival.runs] for rival in rivals}
        ours, p99 = measured["candidate"], [run.report["p99_ms"] for run in rivals[0].runs]

        def ratio(name: str) -> float | None:
            if name not in measured:
                return None
            pairs = zip(ours, measured[name], strict=True)
            return round(_median([mine / theirs for mine, theirs in pairs]), 3)

        gate.checks = [
            Check("del_per_cpu_s", round(_median(ours)), ">=", 80_000),
            Check("ratio_to_floor", ratio("floor"), ">=", 0.65),
            Check("ratio_to_nchan", ratio("nchan"), ">=", 0.9, "" if isinstance(nchan, Kind) else nchan),
            Check("ratio_to_channels", ratio("channels_pubsub_uvicorn"), ">=", 25),
            Check("p99_ms", round(_median(p99), 1), "<=", 40),
        ]
        if "channels_core_daphne" in measured:
            gate.checks.append(Check("ratio_to_channels_daphne", ratio("channels_core_daphne"), ">=", 25))
        gate.details = {
            "floor": f"epoll broadcast in {bench.programs.language}",
            "spread_del_per_cpu_s": {name: _rounded(values) for name, values in measured.items()},
            "runs": {rival.name: [run.details for run in rival.runs] for rival in rivals},
        }
        for rival in rivals[:2]:
            _keep_invalid(gate, rival.runs, rival.name)
    yield gate


def _rivals(bench: Bench) -> Iterator[contextlib.AbstractContextManager[_Rival]]:
    scale, rooms = bench.scale, market.rooms()
    full = Stream([rooms[0]], scale.one_room_rate, scale.seconds)
    count = scale.one_room
    sockets = Plan.of_sockets(bench.tokens[:count], [[rooms[0]]] * count)
    yield _rival(bench, "candidate", None, sockets, full)
    # A channel of its own: what is published to it costs the others nothing.
    floor = floor_kind(list(bench.programs.floor), rooms[1])
    plan = Plan.of_broadcast("/", rooms[1], count)
    yield _rival(bench, "floor", floor, plan, Stream([rooms[1]], scale.one_room_rate, scale.seconds))
    for name, kind in STOCK.items():
        if name == "channels_core_daphne" and scale.repeats == 1:
            continue  # left out of a quick look
        plan = Plan.of_broadcast("/ws/" + rooms[2].replace(":", "."), rooms[2], count)
        layer = kind.environment["STOCK_LAYER"]
        slow = Stream([rooms[2]], scale.stock_rate, max(3.0, scale.seconds), how=layer)
        yield _rival(bench, name, kind, plan, slow)


def _nchan(bench: Bench, kind: Kind) -> contextlib.AbstractContextManager[_Rival]:
    room = market.rooms()[3]
    plan = Plan.of_broadcast(f"/subscribe?room={room}", room, bench.scale.one_room)
    stream = Stream([room], bench.scale.one_room_rate, bench.scale.seconds, how="nchan")
    return _rival(bench, "nchan", kind, plan, stream)


@contextlib.contextmanager
def _rival(bench: Bench, name: str, kind: Kind | None, plan: Plan, stream: Stream) -> Iterator[_Rival]:
    with bench.served(kind, name=name) as server, bench.load(server, plan) as load:
        bench.opened(load)
        yield _Rival(name, server, load, replace(stream, port=server.port), [])


def window(bench: Bench, wanted: set[str]) -> Gates:
    """F2 and F3 on one server that serves each client at most once in 50 ms."""
    with bench.served(limits={"window_seconds": WINDOW_SECONDS}) as server:
        if "F2" in wanted:
            yield from _shared_symbols(bench, server)
        if "F3" in wanted:
            yield from _one_symbol(bench, server)


def _shared_symbols(bench: Bench, server: Served) -> Gates:
    count, rooms = bench.scale.shared, market.rooms()[100 : 100 + ROOMS_EACH]
    rate = 100.0
    gate = Gate("F2", f"{ROOMS_EACH} shared symbols, {count:,} connections, {rate:g} ticks/s, window 50 ms")
    with _failing(gate), bench.load(server, Plan.of_sockets(bench.tokens[:count], [rooms] * count)) as load:
        bench.opened(load)
        run = put(bench, [(server, load)], Stream(rooms, rate, bench.scale.shared_seconds))
        asked = rate * count
        gate.checks = [
            Check("tick_deliveries_per_s", run.details["delivered_per_s"], ">=", 0.99 * asked),
            Check("lost", run.sent["sent"] * count - run.delivered[0], "==", 0),
            Check("p99_ms", round(run.report["p99_ms"], 1), "<=", 150),
        ]
        gate.details, gate.invalid = run.details, run.invalid
    yield gate


def _one_symbol(bench: Bench, server: Served) -> Gates:
    count, room, rate = bench.scale.one_symbol, market.rooms()[200], 100.0
    gate = Gate("F3", f"one symbol at {rate:g} changes/s, {count} connections, window 50 ms")
    with _failing(gate), bench.load(server, Plan.of_sockets(bench.tokens[:count], [[room]] * count)) as load:
        bench.opened(load)
        run = put(bench, [(server, load)], Stream([room], rate, bench.scale.one_symbol_seconds))
        seconds = run.sent["seconds"]
        frames = run.delivered[0] / count / seconds
        gate.checks = [
            Check("frames_per_s_least", round(frames, 2), ">=", 19),
            Check("frames_per_s_most", round(frames, 2), "<=", 21),
            Check("without_the_newest", run.behind, "==", 0),
        ]
        each = [round(run.report[name] / seconds, 2) for name in ("frames_least", "frames_most")]
        gate.details, gate.invalid = run.details | {"frames_per_s_of_each": each}, run.invalid
    yield gate


# --- A crowd: memory, changes, and its return ---


def crowd(bench: Bench, wanted: set[str]) -> Gates:
    """M1 with 20 rooms, C1, C2, R1 and R2 on the same connections."""
    count = bench.scale.crowd
    rooms = _random_rooms(count, ROOMS_EACH)
    memory = Gate("M1", f"{count:,} idle signed-in WebSockets, {ROOMS_EACH} rooms")
    with contextlib.ExitStack() as stack:
        with _failing(memory):
            server = stack.enter_context(bench.served())
            load = stack.enter_context(bench.load(server, Plan.of_sockets(bench.tokens[:count], rooms)))
            used = _memory_of(bench, server, load, memory)
            memory.checks.append(Check("rss_kb_each_20_rooms", used, "<=", 8))
        if "M1" in wanted or memory.error:
            yield memory
        gates: dict[str, Callable[[Bench, Served, Load], Gate]] = {
            "C1": _ticks,
            "C2": _storm,
            "R1": _herd,
            "R2": _return,
        }
        for name, measure in gates.items():
            if name not in wanted:
                continue
            if memory.error:
                yield Gate(name, f"{count:,} connections", error="the connections could not be opened")
            else:
                yield measure(bench, server, load)


def _ticks(bench: Bench, server: Served, load: Load) -> Gate:
    gate = Gate("C1", f"{load.count:,} × {ROOMS_EACH} of {market.STOCKS:,} rooms, 500 ticks/s")
    with _failing(gate):
        stream = Stream(market.rooms(), 500.0, bench.scale.crowd_seconds, batch_ms=BATCH_MS, random=True)
        run = put(bench, [(server, load)], stream, warm_seconds=2.0)
        gate.checks = [Check("p99_ms", round(run.report["p99_ms"], 1), "<=", 20)]
        gate.details, gate.invalid = run.details, run.invalid
    return gate


def _storm(bench: Bench, server: Served, load: Load) -> Gate:
    gate = Gate("C2", f"{load.count:,} × {ROOMS_EACH} of {market.STOCKS:,} rooms, 2,000 ticks/s")
    with _failing(gate):
        stream = Stream(market.rooms(), 2_000.0, bench.scale.storm_seconds, batch_ms=BATCH_MS, random=True)
        memory: list[float] = []
        run = put(
            bench,
            [(server, load)],
            stream,
            warm_seconds=3.0,
            meanwhile=lambda: memory.append(server.resident_kb()),
        )
        seconds = [middle for middle, _, _ in run.report["seconds"]][: int(stream.seconds)]
        third = max(1, len(seconds) // 3)
        first, last = _median(seconds[:third]), _median(seconds[-third:])
        third = max(1, len(memory) // 3)
        early, late = max(memory[:third]), max(memory[-third:])
        gate.checks = [
            Check("p99_ms", round(run.report["p99_ms"], 1), "<=", 400),
            Check("backlog_growth_ms", round(max(0.0, last - first * GROWTH), 1), "<=", GROWTH_MS),
            Check("rss_growth_kb", round(max(0.0, late - early * FLAT)), "<=", FLAT_KB),
        ]
        gate.details = run.details | {
            "p50_ms_by_second": _rounded(seconds, 1),
            "rss_kb": _rounded([memory[0], max(memory), memory[-1]]),
        }
        gate.invalid = run.invalid
    return gate


def _herd(bench: Bench, server: Served, load: Load) -> Gate:
    gate = Gate("R1", f"{load.count:,} reconnect at once, token and {ROOMS_EACH} rooms each")
    in_flight = min(load.count, HERD)
    with _failing(gate), contextlib.closing(Queries()) as queries:
        per_cpu_second, per_second, failures, firsts = [], [], 0, []
        made, logged = 0, 0
        for number in range(bench.scale.herds):
            if number and bench.until - time.monotonic() < HERD_SECONDS / 2:
                gate.notes.append(f"the time allowed for {number} of {bench.scale.herds} herds")
                break
            before = server.cpu_seconds()
            answer = load.again(in_flight=in_flight, seconds=min(HERD_SECONDS, bench.left()))
            used = server.cpu_seconds() - before
            failures += answer["failed"] + answer["errors"]
            firsts += [answer["first_error"]] if answer["failed"] + answer["errors"] else []
            per_cpu_second.append(answer["ready"] / used)
            per_second.append(answer["ready"] / max(answer["seconds"], 1e-9))
            if not number:
                made, logged = queries.made()
        gate.checks = [
            Check("per_cpu_s", round(_median(per_cpu_second)), ">=", 2_500),
            Check("failures", failures, "==", 0),
            Check("database_queries", made, "==", 0),
        ]
        gate.details = {
            "spread_per_cpu_s": _rounded(per_cpu_second),
            "spread_per_s": _rounded(per_second),
            "handshakes_at_once": in_flight,
            "logged": logged,
            "first_errors": firsts,
        }
    return gate


def _return(bench: Bench, server: Served, load: Load) -> Gate:
    gate = Gate(
        "R2", f"the server is killed; {load.count:,} come back to the next one, {ROOMS_EACH} rooms each"
    )
    with _failing(gate), contextlib.closing(Queries()) as queries:
        killed = time.monotonic()
        server.kill_and_start_again()
        started = time.monotonic() - killed
        before = server.cpu_seconds()
        answer = load.again(in_flight=min(load.count, HERD), seconds=min(HERD_SECONDS, bench.left()))
        used = server.cpu_seconds() - before
        made, logged = queries.made()
        gate.checks = [
            Check("seconds_until_all_are_back", round(answer["seconds"], 2), "<=", 10),
            Check("failures", answer["failed"] + answer["errors"], "==", 0),
        ]
        gate.details = {
            "seconds_until_it_listens": round(started, 2),
            "per_cpu_s": round(answer["ready"] / max(used, 1e-9)),
            # A new process reads what is listed once, whoever comes.
            "database_queries": made,
            "logged": logged,
            "first_error": answer["first_error"],
        }
    return gate


# --- Clients that do not read, and several processes ---


def stalled(bench: Bench) -> Gates:
    """S1."""
    seconds, count = bench.scale.stall_seconds, STALLED + READING
    gate = Gate("S1", f"{STALLED} of {count} never read, {STALL_RATE:,g} messages/s for {seconds:g} s")
    rooms = market.rooms()[:STALL_ROOMS]
    plan = Plan.of_sockets(bench.tokens[:count], [rooms] * count)
    stream = Stream(rooms, STALL_RATE, seconds, batch_ms=BATCH_MS)
    with _failing(gate), bench.served() as server:
        # With everyone reading first: what the load itself takes is not laid on those who stall.
        with bench.load(server, plan) as load:
            bench.opened(load)
            calm = put(bench, [(server, load)], replace(stream, seconds=min(3.0, seconds)))
        with bench.load(server, plan) as load:
            bench.opened(load)
            load.stall(STALLED)
            before = server.resident_kb()
            memory: list[float] = []
            kernel: list[readings.Buffers] = []

            def look() -> None:
                memory.append(server.resident_kb())
                if held := readings.buffers(server.port):
                    kernel.append(held)

            run = put(bench, [(server, load)], stream, warm_seconds=0, meanwhile=look, every=0.25)
            look()
        at_server = max((held.server for held in kernel), default=None)
        gate.checks = [
            Check("rss_kb_each", round((max(memory) - before) / STALLED, 1), "<=", 64),
            Check(
                "kernel_mb_each",
                None if at_server is None else round(at_server / 1000 / STALLED, 3),
                "<=",
                0.4,
                "the kernel does not tell the memory of its sockets" if at_server is None else "",
            ),
            Check("p99_ms_of_others", round(run.report["p99_ms"], 2), "<=", 5),
        ]
        gate.details = run.details | {
            "p99_ms_with_all_reading": calm.report["p99_ms"],
            # The other end is of this machine here, and not of the server's.
            "kernel_mb_each_with_the_other_end": round(max(held.both for held in kernel) / 1000 / STALLED, 3)
            if kernel
            else None,
            "kernel_mb_each_in_the_end": round(kernel[-1].server / 1000 / STALLED, 3) if kernel else None,
            "rss_kb": _rounded([before, max(memory), memory[-1]]),
            "closed": run.report["closed"],
            "close_codes": run.report["codes"],
        }
        # Those that stall may be cut; the others may not.
        gate.invalid = [reason for reason in run.invalid if "were closed" not in reason]
        if run.report["open"] - run.report["stalled"] < READING:
            gate.invalid.append("a client that reads was closed")
    yield gate


def several_processes(bench: Bench) -> Gates:
    """W1: what two processes deliver per processor second of each, against one alone."""
    scale = bench.scale
    room, count = market.rooms()[300], scale.workers
    gate = Gate("W1", f"2 processes, one Redis; one room, {count:,} connections each")
    stream = Stream([room], scale.worker_rate, scale.seconds)
    plans = [Plan.of_sockets(bench.tokens[at : at + count], [[room]] * count) for at in (0, count)]
    with _failing(gate), contextlib.ExitStack() as stack:
        pairs = []
        for plan, core in zip(plans, (bench.cores.server, bench.cores.second), strict=True):
            server = stack.enter_context(bench.served(core=core))
            load = stack.enter_context(bench.load(server, plan))
            bench.opened(load)
            pairs.append((server, load))
        one: list[Run] = []
        two: list[Run] = []
        for _ in range(scale.repeats):
            bench.left()
            one.append(put(bench, [pairs[0]], stream))
            two.append(put(bench, pairs, stream))
        ratios = [both.per_cpu_second / alone.per_cpu_second for both, alone in zip(two, one, strict=True)]
        gate.checks = [Check("ratio_to_one", round(_median(ratios), 3), ">=", 1.8)]
        gate.details = {
            "ratios": _rounded(ratios, 3),
            "one": [run.details for run in one],
            "two": [run.details for run in two],
            "cores": [bench.cores.server, bench.cores.second],
        }
        _keep_invalid(gate, two, "two")
    yield gate


def _keep_invalid(gate: Gate, runs: Sequence[Run], name: str) -> None:
    """A gate of repeats is invalid where most of them are."""
    spoilt = [run for run in runs if run.invalid]
    if 2 * len(spoilt) > len(runs):
        gate.invalid.append(f"{name}: {'; '.join(spoilt[0].invalid)}")


@contextlib.contextmanager
def _failing(gate: Gate) -> Iterator[None]:
    """What fails is said in the gate, and the others are measured all the same."""
    try:
        yield
    except Failed as error:
        gate.error = str(error)


#: The gates in the order in which they are measured; those of a group share a server.
GROUPS: dict[tuple[str, ...], Callable[[Bench, set[str]], Gates]] = {
    ("F1",): lambda bench, wanted: one_room(bench),
    ("F2", "F3"): window,
    ("S1",): lambda bench, wanted: stalled(bench),
    ("W1",): lambda bench, wanted: several_processes(bench),
    ("M1",): lambda bench, wanted: idle_memory(bench),
    ("M1", "C1", "C2", "R1", "R2"): crowd,
    ("M2",): lambda bench, wanted: event_streams(bench),
}
NAMES = ("M1", "M2", "F1", "F2", "F3", "C1", "C2", "S1", "R1", "R2", "W1")
