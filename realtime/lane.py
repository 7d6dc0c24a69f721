"""The short way to Redis for a process that publishes much.

What lua/publish.lua looks up for every event, where its rooms stand and which versions they have reached, is
known to such a process, as long as nobody else tells rooms of their kinds anything. So it writes events out
itself, with their sequences, and has Redis carry out plain commands in one transaction, at a fraction of the
cost. Whoever publishes leaves a word of its own under the guard of each kind of room, and the transaction
watches these guards: where somebody else has published meanwhile, nothing of it happens, and the script is
asked instead. That is what begins epochs and guards as well.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from datetime import timedelta
from itertools import chain, count
from operator import attrgetter
from typing import Any, Final, TypeVar

import redis

from realtime import keys
from realtime.commands import Command, Sendable, hash_sets
from realtime.direct import DirectConnection
from realtime.events import Named, SharedEvent, Told, ending_now, inside, log_life, told_in, type_json
from realtime.lane_logs import Logs, LogTable, keep
from realtime.lane_rows import Table
from realtime.log_rows import LogRows
from realtime.protocol.bundles import Latest
from realtime.redis import worker_client
from realtime.rooms import LATEST
from realtime.roster import Rows

# Long enough for the longest closure of an exchange.
MEMBERS_LIFE: Final = timedelta(days=14)
# A room that is told something every second is not given its fortnight anew every second.
RENEW_SECONDS: Final = 3600.0
#: For so long the script is asked after somebody else came in between.
REST_SECONDS: Final = 1.0
#: Who was told something long ago is forgotten with all others.
MOST_KNOWN: Final = 100_000

_Table = TypeVar("_Table", Table, LogTable)
_NEVER: Final = float("-inf")
_SERIES: Final = attrgetter("series")
_ATTEMPTS: Final = 2
# More than this is sent for itself: to join it with the rest would copy it once more.
_MUCH: Final = 65_536


class Draft:
    """Events whose rooms are found: what they say is settled, but for their sequences.

    Raises InvalidRoom, RoomUnknown and ValueError for an event that cannot be written.
    """

    def __init__(self, events: Sequence[SharedEvent]) -> None:
        self.events = events
        self.told = [told_in(tuple(event.rooms)) for event in events]


class Sent:
    """Events on their way: whether they came to pass, None while nobody knows, or what went wrong."""

    def __init__(self, replies: int) -> None:
        self.replies = replies
        self.outcome: bool | redis.RedisError | None = None


class Lane:
    """One connection, what is known over it, and at most one transaction under way. For one thread."""

    def __init__(self, client: redis.Redis) -> None:
        self._database = int(client.get_connection_kwargs().get("db") or 0)
        # Bundles of logs have names that no other lane gives.
        stem = secrets.token_hex(8)
        self._bundles = (f"{stem}-{number}" for number in count(1))
        self._connection = DirectConnection(client)
        # The guards by prefix, and what each says while nobody else has published.
        self._guards: dict[str, bytes | None] = {}
        self._watching = False
        self._epoch = b""
        self._positions: dict[str, int] = {}
        self._versions: dict[str, str] = {}
        # Of logs, where their newest events stand.
        self._places: dict[str, bytes] = {}
        self._renewed: dict[str, float] = {}
        # Whoever is told, of whom the positions are known and the versions as well.
        self._known: set[Told] = set()
        # What is known of the rooms of a roster stands there alone. So many positions were compared with so
        # many lines of it.
        self._table: Table | LogTable | None = None
        self._compared = (0, 0)
        # Rises whenever what was known is forgotten.
        self._generation = 0
        self._sent: Sent | None = None
        self._rests_until = _NEVER

    def send(self, draft: Draft | Rows | LogRows) -> Sent | None:
        """Send a transaction that publishes the events; None where that is up to the script."""
        try:
            for _ in range(_ATTEMPTS):
                if time.monotonic() < self._rests_until:
                    break
                commands = self._commands_of(draft)
                if commands is None:
                    break
                generation = self._generation
                self.settle()
                if generation == self._generation and self._watching:
                    return self._send(commands)
                self._forget()
        except redis.RedisError:
            self._leave()
        self.rest(0.0)
        return None

    def settle(self) -> None:
        """Wait for the transaction that is under way, if one is, and note how it ended."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        try:
            *_, results, _, guards = self._connection.replies(sent.replies)
        except redis.RedisError:
            # It may have come to pass or not; the versions that the script compares tell.
            sent.outcome = False
            self._leave()
            return
        if results is None:
            sent.outcome = False
            self.rest(REST_SECONDS)
            return
        sent.outcome = next((one for one in results if isinstance(one, redis.RedisError)), True)
        if sent.outcome is not True:
            self._leave()
        elif results[0] != self._epoch:
            # The hash of positions is gone: the script begins a new epoch.
            self.rest(0.0)
        elif list(guards) != list(self._guards.values()):
            self._forget()
            self._guards = dict(zip(self._guards, guards, strict=True))
            self._watching = None not in guards

    def abandon(self, sent: Sent) -> None:
        """Wait for it no longer; it may come to pass or not."""
        if self._sent is sent:
            self._sent = None
            self._leave()

    def rest(self, seconds: float) -> None:
        """Leave events to the script, for so long and until the guards have been watched anew."""
        self._watching = False
        self._forget()
        self._rests_until = max(self._rests_until, time.monotonic() + seconds)

    def _is_ready(self, draft: Draft) -> bool:
        """Whether all is known that the draft needs, and watched."""
        told_names = (name for told in draft.told for name in told.names)
        if self._table is not None and self._table.roster.holds_any(told_names):
            self._forget()
        if self._watching and self._known.issuperset(draft.told) and not any(map(_SERIES, draft.events)):
            return True
        prefixes = {room.prefix for told in draft.told for room in told.rooms}
        names = dict.fromkeys(name for told in draft.told for name in told.names)
        if not self._learns(prefixes, names, dict.fromkeys(event.reaches for event in draft.events)):
            return False
        self._known.update(draft.told)
        return True

    def _learns(self, prefixes: Set[str], names: Iterable[str], reaches: Iterable[str]) -> bool:
        """Whether it could be learned where rooms stand, and what they have reached."""
        # What was sent last decides whether anything is known at all.
        self.settle()
        if max(len(self._known), len(self._positions)) > MOST_KNOWN:
            self._forget()
        if not self._watches(prefixes):
            return False
        unknown = [name for name in names if name not in self._positions]
        unreached = [name for name in reaches if name not in self._versions]
        if unknown or unreached:
            self._read(unknown, unreached)
        return True

    def _commands_of(self, draft: Draft | Rows | LogRows) -> list[Sendable] | None:
        if isinstance(draft, Rows):
            return self._row_commands(draft)
        if isinstance(draft, LogRows):
            return self._log_commands(draft)
        return self._commands(draft)

    def _row_commands(self, rows: Rows) -> list[Sendable] | None:
        """What makes rows come to pass, after which what is known has gone on; None where too little is."""
        table = self._table_for(rows, Table)
        if table is None:
            return None
        ending = ending_now()
        hashes, many, bundle = table.tell(rows, self._epoch, ending)
        commands: list[Sendable] = [
            *hashes,
            *hash_sets({keys.POSITIONS: [*chain.from_iterable(many.items())]}),
            *self._renewals(many),
        ]
        if bundle is not None:
            commands.append(self._publish(bundle))
        return commands

    def _table_for(self, rows: Any, kind: type[_Table]) -> _Table | None:
        """What is known of the roster's rooms, all that the rows need; None where nothing can be known."""
        roster = rows.roster
        table = self._table_of(roster, kind)
        is_alone = self._compared == (len(self._positions), len(roster.rooms))
        if self._watching and is_alone and table is not None and table.knows(rows):
            return table
        self.settle()
        if not self._watches(roster.prefixes):
            return None
        if not is_alone:
            if roster.holds_any(self._positions):
                self._forget()
            self._compared = (len(self._positions), len(roster.rooms))
        table = self._table_of(roster, kind)
        if table is None:
            self._table = table = kind(roster)
        table.learn(rows, self._fields)
        return table

    def _table_of(self, roster: Any, kind: type[_Table]) -> _Table | None:
        table = self._table
        return table if isinstance(table, kind) and table.roster is roster else None

    def _watches(self, prefixes: Set[str]) -> bool:
        """Whether the guards of these are watched; what was known may be forgotten for it."""
        if not self._watching or not prefixes <= self._guards.keys():
            self._watch(prefixes)
        return self._watching

    def _watch(self, prefixes: Iterable[str]) -> None:
        self._forget()
        self._guards = dict.fromkeys([*self._guards, *sorted(prefixes)])
        guards = [keys.guard(prefix) for prefix in self._guards]
        *_, words, (epoch, run), server = self._ask(
            Command(("UNWATCH",)),
            Command(("WATCH", *guards)),
            Command(("MGET", *guards)),
            Command(("HMGET", keys.POSITIONS, "epoch", "run")),
            Command(("INFO", "server")),
        )
        self._guards = dict(zip(self._guards, words, strict=True))
        # An epoch is valid for one run of the server only.
        is_valid = bool(epoch and run) and b"run_id:%b" % run in server
        self._watching = is_valid and None not in words
        self._epoch = epoch if is_valid else b""

    def _read(self, names: Sequence[str], reaches: Sequence[str]) -> None:
        """Learn where rooms stand; what others tell them from here on ends the transaction."""
        logs = [name for name in names if log_life(name.partition(":")[0])]
        wanted = [(keys.POSITIONS, names), (keys.LOGS, logs), (keys.VERSIONS, reaches)]
        replies = iter(self._ask(*(Command(("HMGET", key, *fields)) for key, fields in wanted if fields)))
        if names:
            self._positions.update(
                (name, int(value or 0)) for name, value in zip(names, next(replies), strict=True)
            )
        if logs:
            self._places.update((name, value or b"") for name, value in zip(logs, next(replies), strict=True))
        if reaches:
            self._versions.update(
                (name, (value or b"").decode()) for name, value in zip(reaches, next(replies), strict=True)
            )

    def _fields(self, key: str, names: Sequence[str]) -> list[bytes | None]:
        (values,) = self._ask(Command(("HMGET", key, *names)))
        return list(values)

    def _commands(self, draft: Draft) -> list[Sendable] | None:
        """What makes the events come to pass, after which what is known has gone on; None as above."""
        if not self._is_ready(draft):
            return None
        ending = ending_now()
        positions, versions, places, epoch = self._positions, self._versions, self._places, self._epoch
        changed: list[str] = []
        newest: list[str | bytes] = []
        members: defaultdict[str, list[str | bytes]] = defaultdict(list)
        logs: defaultdict[str, Logs] = defaultdict(lambda: Logs(next(self._bundles)))
        bundle = Latest()
        sequences = bundle.sequences
        for event, told in zip(draft.events, draft.told, strict=True):
            event_type, fields, _, version, series = event
            if version:
                reaches = event.reaches if series else told.names[0]
                if version <= versions[reaches]:
                    continue
                versions[reaches] = version
                changed += (reaches, version)
            kind, fields = type_json(event_type), inside(fields)
            home = ""
            names: list[str] = []
            room_keys: list[str] = []
            for room, key, is_log in zip(told.rooms, told.keys, told.are_logs, strict=True):
                name = room.name
                at = positions[name] = positions[name] + 1
                if is_log:
                    text = _written(at, epoch, places[name], kind, room, fields, ending)
                    places[name] = logs[room.prefix].add(name, text)
                    continue
                names.append(name)
                room_keys.append(key)
                sequences.append(at)
                if key and home:
                    members[name] += (key, f"{at}{home}")
                    continue
                text = _written(at, epoch, key.encode(), kind, room, fields, ending)
                if key:
                    members[name] += (key, text)
                else:
                    newest += (name, text)
                    home = f" {at} {name}"
            if names:
                bundle.add(kind, fields, names, room_keys)
        told_logs = {name for log in logs.values() for name in log.names}
        moved = {*bundle.names, *told_logs}
        commands = hash_sets(
            {
                keys.POSITIONS: [word for name in moved for word in (name, positions[name])],
                keys.VERSIONS: changed,
                keys.NEWEST: newest,
                keys.LOGS: [word for name in told_logs for word in (name, places[name])],
            }
        )
        commands += hash_sets({keys.members(name): pairs for name, pairs in members.items()})
        commands += self._renewals(members)
        if bundle.names:
            commands.append(self._publish(bundle.packed(epoch, ending)))
        commands += [log.command(prefix, self._database) for prefix, log in logs.items()]
        return commands

    def _publish(self, bundle: bytes) -> Command:
        """What tells a bundle of `latest` rooms."""
        return Command(("PUBLISH", keys.bundles(self._database, LATEST)), bundle)

    def _renewals(self, rooms: Iterable[str]) -> list[Command]:
        """What lets rooms of many, which are told something, live on."""
        now, find, life = time.monotonic(), self._renewed.get, int(MEMBERS_LIFE.total_seconds())
        due = [name for name in rooms if find(name, _NEVER) < now - RENEW_SECONDS]
        self._renewed.update(dict.fromkeys(due, now))
        return [Command(("EXPIRE", keys.members(name), life)) for name in due]

    def _log_commands(self, rows: LogRows) -> list[Sendable] | None:
        """What makes rows of logs come to pass, after which what is known has gone on; None as above."""
        table = self._table_for(rows, LogTable)
        if table is None:
            return None
        name = next(self._bundles)
        hashes, bundle = table.tell(rows, name, self._epoch, ending_now())
        if bundle is None:
            return []
        return [*hashes, keep(name, rows.roster.prefix, self._database, bundle)]

    def _send(self, commands: Sequence[Sendable]) -> Sent:
        words = {prefix: secrets.token_hex(8).encode() for prefix in self._guards}
        guards = [keys.guard(prefix) for prefix in words]
        whole = [
            Command(("MULTI",)),
            Command(("HGET", keys.POSITIONS, "epoch")),
            *(Command(("SET", guard, word)) for guard, word in zip(guards, words.values(), strict=True)),
            *commands,
            Command(("EXEC",)),
            Command(("WATCH", *guards)),
            Command(("MGET", *guards)),
        ]
        self._guards = dict(words)
        sent = Sent(len(whole))
        self._write(whole)
        self._sent = sent
        return sent

    def _ask(self, *commands: Command) -> list[Any]:
        self._write(commands)
        return self._connection.replies(len(commands))

    def _write(self, commands: Iterable[Sendable]) -> None:
        pieces: list[bytes] = []
        small: list[bytes] = []
        for piece in chain.from_iterable(command.packed() for command in commands):
            if len(piece) < _MUCH:
                small.append(piece)
                continue
            pieces += (b"".join(small), piece)
            small = []
        self._connection.send(*pieces, b"".join(small))

    def _forget(self) -> None:
        self._positions.clear()
        self._versions.clear()
        self._places.clear()
        self._renewed.clear()
        self._known.clear()
        self._table = None
        self._compared = (0, 0)
        self._generation += 1

    def _leave(self) -> None:
        """Give the connection up: nobody knows what is still to come over it."""
        self.rest(0.0)
        if self._sent is not None:
            self._sent.outcome, self._sent = False, None
        self._connection.close()


def _written(
    at: int, epoch: bytes, key: bytes, kind: bytes, room: Named, fields: bytes, ending: bytes
) -> bytes:
    """An event as Redis keeps it, see protocol/envelope.py."""
    return b'%d %b %b\0{"type":%b,"room":%b%b,"sequence":%d%b' % (
        *(at, epoch, key, kind, room.written, fields, at, ending),
    )


class _Lanes(threading.local):
    lane: Lane | None = None
    client: redis.Redis | None = None
    process = 0


_lanes = _Lanes()


def lane() -> Lane:
    """That of this thread, to the Redis that REDIS_URL names."""
    client = worker_client()
    if _lanes.lane is None or _lanes.client is not client or _lanes.process != os.getpid():
        _lanes.lane, _lanes.client, _lanes.process = Lane(client), client, os.getpid()
    return _lanes.lane
