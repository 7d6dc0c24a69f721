"""How the push server does at every gate that it promises: memory, fan-out, crowds, stalls, herds, processes.

    python benchmarks/realtime_gates.py [--quick] [--only F1,C1] [--server NAME]

docs/benchmarks-realtime.md says what each gate is and how to read the figures. The project runs as in
production, alone on the first core, with a database of 2,400 stocks and a session per connection; the load
client and the floor are C programs compiled at the start (Python where no compiler is), and run with Redis
and the publisher on the second core. Stock Channels, the floor and, where nginx has it, nchan are measured
in the same run in turns. Everything listens on 127.0.0.1 and ends with the program.

A Markdown table comes out, and as the last line one JSON object: for each gate `measured`, `gate`, `met`,
`valid` (false where the load client, the publisher or others on the server's core spoilt the run) and
`details`. With --quick every count is a tenth or less: that the program works, not how fast the server is.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench_servers import fresh_environment
from realtime_load import gates, market
from realtime_load.bench import Bench
from realtime_load.machine import Cores, Programs, compiler, most_connections
from realtime_load.report import Gate, table
from realtime_load.running import price_rooms
from realtime_load.scale import FULL, QUICK, Scale
from realtime_load.servers import CANDIDATES, default_candidate
from realtime_load.talking import Failed

HERE = Path(__file__).resolve().parent
Groups = Callable[[Bench, set[str]], Iterator[Gate]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the connections, in 90 s")
    parser.add_argument("--only", help=f"some of {','.join(gates.NAMES)}")
    parser.add_argument("--server", choices=sorted(CANDIDATES), help="how the project is served")
    parser.add_argument("--no-compiler", action="store_true", help="use the load client written in Python")
    options = parser.parse_args()
    wanted = set(gates.NAMES if not options.only else options.only.upper().split(","))
    if unknown := wanted - set(gates.NAMES):
        parser.error(f"no gate is called {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, _end)
    try:
        print(json.dumps(_run(options, wanted)))
    except KeyboardInterrupt:
        sys.exit(130)


def _end(number: int, frame: object) -> None:
    """Leave as on Ctrl-C, so that everything started is stopped."""
    raise KeyboardInterrupt


def _run(options: argparse.Namespace, wanted: set[str]) -> dict[str, Any]:
    began = time.monotonic()
    asked = QUICK if options.quick else FULL
    room_for = most_connections()
    scale = asked.within(room_for)
    cores = Cores.of_this_machine()
    with tempfile.TemporaryDirectory(prefix="stockroom-bench-") as folder:
        scratch = Path(folder)
        programs = Programs.build(scratch, compiler=None if options.no_compiler else compiler())
        # What this program starts, but for the servers under test, shares the core of the load.
        os.sched_setaffinity(0, {cores.load})
        with fresh_environment(scratch, **_production()):
            tokens = market.fill(max(scale.most, 2 * scale.workers))
            bench = Bench(
                scratch=scratch,
                scale=scale,
                programs=programs,
                cores=cores,
                candidate=options.server or default_candidate(),
                tokens=tokens,
                until=began + scale.budget_seconds,
            )
            try:
                measured = list(_measured(bench, wanted))
            finally:
                bench.close()
    notes = _notes(bench, asked, room_for)
    print(table(measured))
    print("\n".join(f"- {note}" for note in notes), end="\n\n")
    return _as_json(measured) | {
        "scale": scale.name,
        "server": bench.candidate,
        "seconds": round(time.monotonic() - began),
        "all_met": all(gate.met for gate in measured),
        "notes": notes,
    }


def _production() -> dict[str, str]:
    """The settings of a production boot."""
    paths = [str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")]
    return {
        "ENVIRONMENT": "production",
        "DEBUG": "",
        "ALLOWED_HOSTS": "127.0.0.1",
        "RATE_LIMITS": "on",
        **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER")},
        "DJANGO_SETTINGS_MODULE": "realtime_load.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _measured(bench: Bench, wanted: set[str]) -> Iterator[Gate]:
    for names, measure in gates.GROUPS.items():
        if not wanted & set(names):
            continue
        price_rooms(bench)
        for gate in _group(names, measure, bench, wanted):
            met = "met" if gate.met else "not met"
            print(f"{bench.elapsed():5.0f} s  {gate.name} {gate.load}: {gate.error or met}", file=sys.stderr)
            yield gate


def _group(names: tuple[str, ...], measure: Groups, bench: Bench, wanted: set[str]) -> Iterator[Gate]:
    told: set[str] = set()
    try:
        for gate in measure(bench, wanted):
            told.add(gate.name)
            yield gate
    except Failed as error:
        for name in names:
            if name in wanted - told:
                yield Gate(name, "", error=str(error))


def _as_json(measured: list[Gate]) -> dict[str, Any]:
    """By name; the two halves of M1 are one gate."""
    result: dict[str, Any] = {}
    for gate in measured:
        figures = gate.as_json()
        if gate.name not in result:
            result[gate.name] = figures
            continue
        first = result[gate.name]
        for name in ("measured", "gate"):
            first[name] |= figures.pop(name)
        for name in ("met", "valid"):
            first[name] = first[name] and figures.pop(name)
        first["second"] = figures
    return result


def _notes(bench: Bench, asked: Scale, room_for: int) -> list[str]:
    notes = [
        f"The server is on core {bench.cores.server}, the load on core {bench.cores.load}"
        f" of {os.cpu_count()}; the load client is written in {bench.programs.language}."
    ]
    if bench.programs.language != "C":
        notes.append("Without a C compiler the load and the floor are asyncio programs: they tell less.")
    if bench.scale.name == "quick":
        notes.append("A quick look with a tenth of the connections: the gates are meant for the full run.")
    if bench.cores.server == bench.cores.load:
        notes.append("There is but one core: server and load take time from each other.")
    if asked.most > room_for:
        notes.append(
            f"The limit of open files allows {room_for:,} connections of one process, not {asked.most:,}."
        )
    return notes


if __name__ == "__main__":
    main()
