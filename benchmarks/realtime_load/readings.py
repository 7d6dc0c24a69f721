"""What a process has used, read from the kernel."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE = 20, 2, 3
_NLM_REQUEST_DUMP = 0x301
_INET_DIAG_SKMEMINFO = 7
_ALL_STATES = 0xFFF
#: Where the ports stand in an answer behind its netlink head, and where its attributes begin.
_PORTS_AT, _ATTRIBUTES_AT = 4, 72


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and its descendants so far, user and system, all threads."""
    return sum(_cpu_seconds_of(one) for one in tree(pid))


def _cpu_seconds_of(pid: int) -> float:
    try:
        # The process's own clock of nanoseconds; /proc counts hundredths.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            return float(times.user + times.system)
    return 0.0


def memory_kb(pid: int) -> float:
    """Resident memory of a process tree in KB, shared pages counted once (Pss)."""
    return sum(_memory_kb_of(one) for one in tree(pid))


def _memory_kb_of(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    except OSError:
        with suppress(psutil.NoSuchProcess):
            return float(psutil.Process(pid).memory_info().rss) / 1024
    return 0.0


def resident_kb(pids: Sequence[int]) -> float:
    """Resident memory of processes in KB, shared pages counted in each: quick enough to ask under load.

    To look for the processes, or to add up the pages of one as `memory_kb` does, holds a machine of two cores
    up for tens of milliseconds.
    """
    pages = 0
    for one in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def busy_seconds(core: int) -> float:
    """Seconds that a core of this machine has worked so far, for whomever."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *counted = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, interrupts, soft, steal = map(int, counted[:8])
            return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Buffers(NamedTuple):
    """What the kernel holds for the TCP sockets of a port, in KB: at the server, and at the other ends."""

    server: float
    clients: float

    @property
    def both(self) -> float:
        return self.server + self.clients


def buffers(port: int) -> Buffers | None:
    """The buffers of all connections of a port on this machine; None where the kernel does not tell."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as link:
            link.settimeout(2)
            held = [one for family in (socket.AF_INET, socket.AF_INET6) for one in _held(link, family, port)]
    except OSError:
        return None
    return Buffers(
        sum(size for at_server, size in held if at_server) / 1024,
        sum(size for at_server, size in held if not at_server) / 1024,
    )


def _held(link: socket.socket, family: int, port: int) -> Iterator[tuple[bool, int]]:
    """Of each socket of the port, whether it is the server's, and the bytes that are allocated for it."""
    wanted = struct.pack(
        "=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_SKMEMINFO - 1), 0, _ALL_STATES
    )
    request = wanted + bytes(48)
    link.send(
        struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_REQUEST_DUMP, 1, 0) + request
    )
    while True:
        answer = link.recv(1 << 20)
        at = 0
        while at + 16 <= len(answer):
            length, kind = struct.unpack_from("=IH", answer, at)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR or length < 16:
                raise OSError("the kernel refuses to tell its sockets")
            one = answer[at + 16 : at + length]
            source, other = struct.unpack_from("!HH", one, _PORTS_AT)
            if port in (source, other):
                yield source == port, _allocated(one)
            at += (length + 3) & ~3


def _allocated(answer: bytes) -> int:
    at = _ATTRIBUTES_AT
    while at + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == _INET_DIAG_SKMEMINFO:
            # For reading, its bound, for writing, its bound, ahead, queued for writing, options, backlog.
            received, _, sent, _, _, queued, _, backlog = struct.unpack_from("=8I", answer, at + 4)
            return int(received + max(sent, queued) + backlog)
        at += max(4, (length + 3) & ~3)
    return 0
