"""Servers for the length of one command, shared with other commands that run meanwhile."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.errors import EmbeddedError, StateDirBusyError
from config.embedded.servers import EmbeddedServers
from config.embedded.state import Services, StateDir, running

PROJECT = Path(__file__).resolve().parent.parent.parent
ADDRESSES = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis"}
PATIENCE_SECONDS = 90.0


def configured_state_dir() -> Path:
    """STATE_DIR of the environment, `.state` in the project by default."""
    return Path(os.environ.get("STATE_DIR") or PROJECT / ".state").resolve()


def missing_addresses() -> list[str]:
    """Which of DATABASE_URL and REDIS_URL the environment leaves to the embedded servers."""
    if os.environ.get("ENVIRONMENT") == "production":
        return []
    return [name for name in ADDRESSES if not os.environ.get(name)]


def publish(services: Services, missing: list[str]) -> None:
    """Put the missing addresses into the environment, for the settings and for child processes."""
    for name, url in (("DATABASE_URL", services.database_url), ("REDIS_URL", services.redis_url)):
        if name in missing:
            if not url:
                raise EmbeddedError(f"The running servers have no {ADDRESSES[name]}: set {name}.")
            os.environ[name] = url


@contextmanager
def servers_for_command() -> Iterator[None]:
    """Have every missing server run while the block runs.

    Servers that run already are used; else this process starts them, and stops them when it and every
    command that came to use them have ended.
    """
    missing = missing_addresses()
    if not missing:
        yield
        return
    state = StateDir(configured_state_dir())
    state.create()
    own = EmbeddedServers(state.path, postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing)
    try:
        services = running(state.path) or own.start()
    except StateDirBusyError:
        services = _await_other_starter(state)
    use = os.open(state.path / "use.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        publish(services, missing)
        fcntl.flock(use, fcntl.LOCK_SH)
        yield
    finally:
        if own.state.holds_lock:
            _await_other_users(use)
            own.stop()
        os.close(use)


def _await_other_starter(state: StateDir) -> Services:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (services := running(state.path)):
        if time.monotonic() > deadline or not state.is_owned():
            raise EmbeddedError(f"The servers of {state.path} did not start: see its logs.")
        time.sleep(0.1)
    return services


def _await_other_users(use: int) -> None:
    try:
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another command that uses these servers.", file=sys.stderr)
        fcntl.flock(use, fcntl.LOCK_EX)
