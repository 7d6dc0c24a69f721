"""Where everything runs: cores, file descriptors, the two C programs, and processes that never outlive us."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.embedded import processes

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Files that a process has open beside its connections.
SPARE_FILES = 200


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server, that of the load, and one for a second server; alike where there is but one."""

    server: int
    load: int
    second: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1 % len(usable)], usable[2 if len(usable) > 2 else 0])


def most_connections() -> int:
    """How many connections a process may hold, after its limit of files was raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return (1 << 20 if hard == resource.RLIM_INFINITY else hard) - SPARE_FILES


@dataclass(frozen=True, slots=True)
class Programs:
    """How the load client and the floor are started; ``language`` is C, or Python where no C compiler is."""

    client: Sequence[str]
    floor: Sequence[str]
    language: str

    @classmethod
    def build(cls, scratch: Path, *, compiler: str | None) -> Programs:
        if compiler is None:
            python = [sys.executable, "-m"]
            return cls([*python, "realtime_load.client"], [*python, "realtime_load.floor"], "Python")
        for name in ("client", "floor"):
            command = [compiler, "-O2", "-o", str(scratch / name), str(HERE / f"{name}.c")]
            subprocess.run(command, check=True, timeout=60)
        return cls([str(scratch / "client")], [str(scratch / "floor")], "C")


def compiler() -> str | None:
    """A C compiler of this machine."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def start(
    command: Sequence[str],
    *,
    core: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    talks: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program on one core; it ends with this process. ``talks``: its stdin and stdout are pipes."""
    dies = processes.dies_with_parent(signal.SIGKILL)

    def prepare() -> None:
        dies()
        os.sched_setaffinity(0, {core})

    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else output,
            stderr=output,
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            preexec_fn=prepare,
        )


def stop(process: subprocess.Popen[bytes], seconds: float = 5.0) -> None:
    """End it and its children, by force where they take longer."""
    from realtime_load.readings import tree

    descendants = tree(process.pid)[1:] if process.poll() is None else []
    processes.stop(process, [(signal.SIGTERM, seconds)])
    for pid in descendants:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def tail(log: Path) -> str:
    """The end of what a program wrote."""
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""
