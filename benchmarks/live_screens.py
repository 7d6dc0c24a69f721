"""How fast live screens are: 1,000 of them over the whole market, under 2,000 ticks a second.

    python benchmarks/live_screens.py [--quick]

The market is loaded by the project's own commands into a database of its own, on DATABASE_URL or on embedded
servers that end with the program; where `../shared/data` is absent it is the sandbox market. The screens are
saved ones, of one to four real conditions each: bounds among the stored values, most of them of figures that
a price moves, with any of, none of, arithmetic, ranks and markets among them. `manage.py evaluate_screens`
runs as it is served. This program is in the room of every screen and appends ticks to the stream, in entries
of 20, at a steady rate whether anybody keeps up or not: each is a step of up to 0.2 % from the price before.

The time of an event is from the making of the tick to its arrival here, with a stock that enters or leaves.
Screens that ask for ranks of prices are left out of it: there the ticks of others move a stock as well.

The last line is a JSON object: `p50_ms`, `p99_ms` and `max_ms` of these times, `events` how many there were,
`differences` how many (screen, stock) pairs differ between what the events made of the members, what is
stored, and each screen run alone over the last prices; `ticks_per_second` that were appended, `late_ms` how
late the load itself was at most, `cpu_percent` of one core that the evaluator took, `updates` of figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psutil
import redis
from bench_servers import PROJECT, fresh_environment
from screen import DATA, deciles_of_figures, load_market

SCREENS, SEED = 1_000, 5
PER_ENTRY, PER_SECOND = 20, 2_000
WARM_SECONDS, SECONDS = 5.0, 60.0
QUICK_SECONDS = 8.0
READY_SECONDS = 120.0
STEPS = (-0.002, -0.001, -0.0005, 0.0005, 0.001, 0.002)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:g} s of ticks only")
    parser.add_argument("--seconds", type=float, help="so many seconds of ticks")
    parser.add_argument("--screens", type=int, default=SCREENS, help="how many live screens")
    parser.add_argument("--codes", type=int, help="bars of only so many codes")
    parser.add_argument("--warm", type=float, default=WARM_SECONDS, help="seconds of ticks before these")
    parser.add_argument("--rate", type=int, default=PER_SECOND, help="ticks a second")
    parser.add_argument("--seed", type=int, default=SEED, help="which screens and ticks are drawn")
    options = parser.parse_args()
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    measured = measure(
        quick=options.quick,
        seconds=seconds,
        screens=options.screens,
        rate=options.rate,
        seed=options.seed,
        codes=options.codes,
        warm=options.warm,
    )
    print(json.dumps(measured))


def measure(
    *,
    quick: bool,
    seconds: float | None = None,
    screens: int = SCREENS,
    rate: int = PER_SECOND,
    seed: int = SEED,
    codes: int | None = None,
    warm: float = WARM_SECONDS,
) -> dict[str, Any]:
    """Load, run, compare; the figures that are described above."""
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(Path(scratch), MARKET_DATA="none" if DATA.is_dir() else "sandbox"),
    ):
        market = load_market(Path(scratch), codes)
        import django

        django.setup()
        chance = random.Random(seed)
        ids = _save(screens, chance)
        measured = seconds or (QUICK_SECONDS if quick else SECONDS)
        found = _run(ids, chance, measured, rate, warm, Path(scratch))
        return found | {"screens": screens, "market": market, "seed": seed}


def _save(count: int, chance: random.Random) -> list[UUID]:
    """Save so many screens, each tried once; their ids."""
    from accounts.models import User
    from screening.models import SavedScreen
    from screening.saved.serializers import stored_screen

    values = deciles_of_figures()
    user = User.objects.create_user("bench@example.com", "correct horse 42")
    saved = [
        SavedScreen(user=user, name=f"Screen {number}", asked=_asked(values, chance))
        for number in range(count)
    ]
    for one in saved:
        stored_screen(one)
    SavedScreen.objects.bulk_create(saved)
    return [one.pk for one in saved]


def _asked(values: dict[str, list[float]], chance: random.Random) -> dict[str, Any]:
    from screening.live.normal import MOVED

    moved = sorted(MOVED & values.keys())
    still = sorted(values.keys() - MOVED)
    parts = [_condition(chance.choice(moved), values, chance)]
    parts += [
        _condition(chance.choice(moved if chance.random() < 0.3 else still), values, chance)
        for _ in range(chance.randint(0, 3))
    ]
    if chance.random() < 0.1:
        parts.append(f"percentile({chance.choice(moved)}, market) > {chance.randint(5, 95)}")
    join = " or " if chance.random() < 0.15 else " and "
    q = join.join(parts)
    if chance.random() < 0.1:
        q = f"not ({q})"
    market = chance.choice(["ALL", "ALL", "KOSPI", "KOSDAQ"])
    return {"q": q, "market": market, "sort_by": chance.choice(["market_cap", "code", "change_1d"])}


def _condition(name: str, values: dict[str, list[float]], chance: random.Random) -> str:
    low, high = sorted(chance.sample(values[name], 2))
    # Between two deciles, so that no two screens have the same bound.
    bound = low + (high - low) * chance.random()
    kind = chance.random()
    if kind < 0.25:
        return f"{name} between {low:.6f} and {bound:.6f}"
    if kind < 0.3:
        return f"{name} * 2 > close_price / {chance.randint(10, 2000)}"
    return f"{name} {chance.choice(['<', '>', '<=', '>='])} {bound:.6f}"


# --- the load -----------------------------------------------------------------------------------------------


class Load(threading.Thread):
    """Ticks at a steady rate until it is stopped, and the last price of each stock."""

    def __init__(
        self,
        client: redis.Redis,
        closes: dict[str, float],
        volumes: dict[str, int],
        rate: int,
        chance: random.Random,
    ) -> None:
        super().__init__(name="load")
        self.last: dict[str, Any] = {}
        self.ticks = 0
        self.late = 0.0
        self._client = client
        self._codes = list(closes)
        self._price = dict(closes)
        self._volumes = volumes
        self._closes = closes
        self._rate = rate
        self._chance = chance
        self._ends = threading.Event()
        self.seconds = 0.0

    def run(self) -> None:
        from stocks import stream
        from stocks.providers.protocol import Update

        started = due = time.monotonic()
        while not self._ends.is_set():
            stream.append(self._client, Update(ticks=tuple(self._tick() for _ in range(PER_ENTRY))))
            due += PER_ENTRY / self._rate
            left = due - time.monotonic()
            self.late = max(self.late, -left)
            if left > 0:
                self._ends.wait(left)
        self.seconds = time.monotonic() - started

    def stop(self) -> None:
        self._ends.set()
        if self.ident is not None:
            self.join(timeout=60)

    def _tick(self) -> Any:
        from stocks.types import Tick

        code = self._chance.choice(self._codes)
        close = self._closes[code]
        price = self._price[code] * (1 + self._chance.choice(STEPS))
        # No price is so far from its close that it is not believed.
        price = self._price[code] = min(max(price, close * 0.75), close * 1.3)
        self.ticks += 1
        self._volumes[code] += self._chance.randrange(1, 100)
        now = datetime.now(UTC)
        tick = self.last[code] = Tick(
            code=code,
            price=Decimal(f"{price:.4f}"),
            as_of=now,
            received_at=now,
            source="bench",
            seq=self.ticks,
            volume=self._volumes[code],
            previous_close=Decimal(f"{close:.4f}"),
        )
        return tick


@dataclass(eq=False)
class Heard(threading.Thread):
    """Everybody who is in the rooms: what came, when, and who is in each screen by that."""

    client: redis.Redis
    ids: Sequence[UUID]
    members: dict[str, set[str]] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    begun: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    unmeasured: set[str] = field(default_factory=set)
    ends: bool = False
    measuring: bool = False

    def __post_init__(self) -> None:
        super().__init__(name="heard", daemon=True)
        from realtime import keys

        database = int(self.client.get_connection_kwargs().get("db") or 0)
        self._link = self.client.pubsub(ignore_subscribe_messages=True)
        self._link.subscribe(*(keys.channel(database, f"screen:{one}") for one in self.ids))

    def run(self) -> None:
        while not self.ends:
            message = self._link.get_message(timeout=0.2)
            if message is not None:
                self._take(time.time(), message["data"])

    def _take(self, now: float, payload: bytes) -> None:
        message = json.loads(payload.partition(b"\0")[2])
        data, screen = message["data"], message["room"].partition(":")[2]
        event = data["event"]
        self.counts[event] += 1
        if event == "members":
            self.begun.add(screen)
        if event not in ("enter", "leave"):
            return
        code, members = data["stock_code"], self.members[screen]
        if (code in members) == (event == "enter"):
            self.wrong.append(f"{screen} {event} {code}")
        (members.add if event == "enter" else members.discard)(code)
        if self.measuring and screen not in self.unmeasured:
            self.lags.append(now - datetime.fromisoformat(data["as_of"]).timestamp())


# --- the run ------------------------------------------------------------------------------------------------


def _run(
    ids: Sequence[UUID], chance: random.Random, seconds: float, rate: int, warm: float, scratch: Path
) -> dict[str, Any]:
    from realtime.redis import worker_client
    from screening.live.reading import Definitions

    known = Definitions().read(frozenset(ids))
    assert len(known) == len(ids)
    before = _alone(known, {})
    heard = Heard(redis.Redis.from_url(os.environ["REDIS_URL"]), ids)
    heard.members = {str(screen_id): set(codes) for screen_id, codes in before.items()}
    # Their stocks move without a tick of their own.
    heard.unmeasured = {str(screen_id) for screen_id, one in known.items() if one.has_ranks}
    log = scratch / "evaluator.log"
    with log.open("wb") as output:
        evaluator = subprocess.Popen(
            [sys.executable, PROJECT / "manage.py", "evaluate_screens"],
            cwd=PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    heard.start()
    load = Load(worker_client(), _closes(), _volumes(), rate, chance)
    try:
        _wait(lambda: len(heard.begun) == len(ids), log, "the screens did not begin")
        load.start()
        time.sleep(warm)
        process = psutil.Process(evaluator.pid)
        cpu, began = sum(process.cpu_times()[:2]), time.monotonic()
        heard.measuring = True
        time.sleep(seconds)
        heard.measuring = False
        cpu = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - began)
        load.stop()
        _wait(_is_idle, log, "the evaluator does not catch up")
        # Ranks are worked out once a second.
        time.sleep(3)
        rss = process.memory_info().rss
    finally:
        load.stop()
        evaluator.terminate()
        evaluator.wait(30)
        heard.ends = True
        heard.join()
    return _result(known, load, heard) | {"cpu_percent": round(100 * cpu), "rss_mb": round(rss / 1e6)}


def _result(known: dict[UUID, Any], load: Load, heard: Heard) -> dict[str, Any]:
    alone, stored = _alone(known, load.last), _stored()
    differences = len(heard.wrong)
    for screen_id, codes in alone.items():
        differences += len(codes ^ stored.get(screen_id, set()))
        differences += len(codes ^ heard.members[str(screen_id)])
    for line in heard.wrong[:5]:
        print(f"told twice or out of order: {line}", file=sys.stderr)
    lags = np.array(heard.lags) * 1000
    assert len(lags), "nothing entered or left"
    return {
        "p50_ms": round(float(np.percentile(lags, 50)), 1),
        "p99_ms": round(float(np.percentile(lags, 99)), 1),
        "max_ms": round(float(lags.max()), 1),
        "events": heard.counts["enter"] + heard.counts["leave"],
        "measured": len(lags),
        "differences": differences,
        "updates": heard.counts["update"],
        "ticks_per_second": round(load.ticks / load.seconds),
        "late_ms": round(load.late * 1000),
        "members": sum(map(len, alone.values())),
        "stocks": len(_closes()),
    }


def _alone(known: dict[UUID, Any], last: dict[str, Any]) -> dict[UUID, set[str]]:
    """Who is in each screen, each asked by itself over the columns with these ticks."""
    from screening.live.market import Market
    from screening.snapshot.evaluate import evaluate
    from screening.snapshot.read import read
    from stocks.batch import gather
    from stocks.providers.protocol import Update
    from stocks.selectors.listing import ALL_MARKETS
    from stocks.wire import decode, encode

    market = Market(read())
    if last:
        ticks = gather([decode(encode(Update(ticks=tuple(last.values()))))])
        market.take(ticks, datetime.now(UTC), stale=True)
        market.lay_over_all()
    view = market.view
    found = {}
    for screen_id, one in known.items():
        flags = evaluate(one.screen.tree, view) & ~view.snapshot.lagging
        if one.screen.market != ALL_MARKETS:
            flags = flags & view.snapshot.in_market(one.screen.market)
        found[screen_id] = {view.snapshot.text("code", at) for at in np.flatnonzero(flags).tolist()}
    return found


def _stored() -> dict[UUID, set[str]]:
    from screening.models import ScreenMember

    found: dict[UUID, set[str]] = {}
    for screen_id, code in ScreenMember.objects.order_by().values_list("live__screen_id", "stock__code"):
        found.setdefault(screen_id, set()).add(code)
    return found


def _closes() -> dict[str, float]:
    """The last close of every listed stock that has one."""
    from stocks.models import LatestIndicators

    rows = LatestIndicators.objects.filter(stock__is_active=True, close_price__gt=0).order_by("stock__code")
    return {
        code: close for code, close in rows.values_list("stock__code", "close_price") if close is not None
    }


def _volumes() -> dict[str, int]:
    """The shares of the last session of each of them: today so many are traded already."""
    from stocks.models import LatestIndicators

    rows = LatestIndicators.objects.filter(stock__is_active=True, close_price__gt=0).order_by()
    return {code: int(volume or 0) for code, volume in rows.values_list("stock__code", "volume")}


def _is_idle() -> bool:
    from stocks import stream

    lag = stream.lags().get("screens")
    return lag is not None and lag.pending == 0 and lag.behind == 0


def _wait(holds: Any, log: Path, why: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{why}:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
