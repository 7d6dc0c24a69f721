"""What the tests of the embedded servers share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg

from config.embedded import EmbeddedServers

PROJECT = Path(__file__).resolve().parents[2]


def servers(state_dir: Path, *, postgres: bool = True, valkey: bool = True) -> EmbeddedServers:
    return EmbeddedServers(state_dir, postgres=postgres, valkey=valkey, durable=False)


def recorded_processes(state_dir: Path) -> list[psutil.Process]:
    recorded = json.loads((state_dir / "processes.json").read_text())
    return [psutil.Process(int(one["pid"])) for one in recorded.values()]


def answer(database_url: str | None, query: str) -> object:
    assert database_url
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


class Owner:
    """Another process that owns the servers of a state directory until it is told to end."""

    def __init__(self, state_dir: Path, body: str = "") -> None:
        source = (
            "import sys\nfrom pathlib import Path\nfrom config.embedded import *\n"
            + (
                body
                or "servers = EmbeddedServers(Path(sys.argv[1]), durable=False)\nwith servers as services:\n"
            )
            + "    print('ready', flush=True)\n    sys.stdin.read()\n"
        )
        without_addresses = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=without_addresses | {"PYTHONPATH": str(PROJECT), "STATE_DIR": str(state_dir)},
            text=True,
        )

    def await_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def __enter__(self) -> "Owner":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
