"""The state directory: who owns it now, its passwords, and the addresses of its running servers."""

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.embedded.errors import EmbeddedError, StateDirBusyError

CONNECT_SECONDS = 0.5
# `running` takes the lock for an instant to see whether it is free, so one refusal proves nothing.
LOCK_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Services:
    """Addresses, passwords included; None for a server that this state directory does not run."""

    database_url: str | None
    redis_url: str | None


class StateDir:
    """Paths and files of one state directory; secrets are readable by their owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        self.lock_file = self.path / "up.lock"
        self.services_file = self.path / "services.json"
        self.secrets_file = self.path / "secrets" / "servers.json"
        self.processes_file = self.path / "processes.json"
        self.logs = self.path / "logs"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the directory where it is missing; a path that cannot serve is an `EmbeddedError`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The servers' own account passes through; what is private inside has modes of its own.
            if os.geteuid() == 0 and self._is_ours():
                self.path.chmod(self.path.stat().st_mode | 0o011)
            for folder in (self.logs, self.secrets_file.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise EmbeddedError(f"STATE_DIR {self.path} is not a directory.") from None
        except OSError as error:
            raise EmbeddedError(f"STATE_DIR {self.path} cannot be used: {error.strerror}.") from None

    def _is_ours(self) -> bool:
        """Whether the directory was made for this use, and is no home directory that was named by mistake."""
        return self.secrets_file.parent.exists() or not any(self.path.iterdir())

    def acquire(self) -> None:
        """Become the one owner, or raise `StateDirBusyError` naming the process that is."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(f"STATE_DIR {self.path} cannot be used: {error.strerror}.") from None
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise StateDirBusyError(f"Process {owner} already runs the servers of {self.path}.")
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    @property
    def holds_lock(self) -> bool:
        return self._lock is not None

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_owned(self) -> bool:
        """Whether some live process holds the directory."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not _try_lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def secrets(self) -> dict[str, str]:
        """The generated identity and passwords, made at first use."""
        try:
            stored = read_json(self.secrets_file)
        except FileNotFoundError:
            stored = {
                "id": secrets.token_hex(8),
                "superuser": secrets.token_urlsafe(32),
                "postgres": secrets.token_urlsafe(32),
                "valkey": secrets.token_urlsafe(32),
            }
            write_private_json(self.secrets_file, stored)
        return {name: str(value) for name, value in stored.items()}


def running(state_dir: Path) -> Services | None:
    """The servers that a live process runs from this directory and that accept connections, or None."""
    state = StateDir(state_dir)
    try:
        stored = read_json(state.services_file)
        if not state.is_owned():
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise EmbeddedError(f"STATE_DIR {state.path} belongs to another user.") from None
    services = Services(database_url=stored.get("database_url"), redis_url=stored.get("redis_url"))
    addresses = [url for url in (services.database_url, services.redis_url) if url]
    return services if addresses and all(map(_accepts, addresses)) else None


def read_json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_bytes())
    except ValueError:
        raise EmbeddedError(f"{path} is damaged: it is not JSON.") from None
    if not isinstance(stored, dict):
        raise EmbeddedError(f"{path} is damaged: it is not a JSON object.")
    return stored


def write_private_json(path: Path, value: Mapping[str, object]) -> None:
    """Replace the file in one step; only its owner may read it at any moment."""
    write_private(path, json.dumps(value, indent=1).encode())


def write_private(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _accepts(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), CONNECT_SECONDS):
            return True
    except OSError:
        return False
