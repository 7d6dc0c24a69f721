"""The containers' health checks, run as they are there: as a script against real servers."""

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

PROJECT = Path(__file__).resolve().parents[2]


def probe(*arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-P", "config/probe.py", *arguments],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def web_port() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Host"] == "stockroom.example" and self.path == "/health/ready"
            self.send_response(200 if known else 400)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_web_server_is_healthy_when_the_path_answers_200_to_its_own_name(web_port: int) -> None:
    name = "stockroom.example,other.example"
    assert probe("http", str(web_port), "/health/ready", ALLOWED_HOSTS=name) == (0, "")
    assert probe("http", str(web_port), "/health", ALLOWED_HOSTS=name) == (1, "/health answered 400\n")


def test_a_web_server_that_is_not_there_is_unhealthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert probe("http", str(port), "/") == (1, f"no answer from port {port}: Connection refused\n")


def test_a_consumer_is_healthy_while_one_of_this_host_asks_for_entries(redis_client: redis.Redis) -> None:
    redis_client.xgroup_create("ticks", "live", mkstream=True)
    code, problem = probe("consumer", "live")
    assert (code, problem) == (1, f"no consumer of {socket.gethostname()} in group live\n")
    redis_client.xreadgroup("live", f"{socket.gethostname()}-1", {"ticks": ">"})
    assert probe("consumer", "live") == (0, "")


def test_a_consumer_of_a_group_that_does_not_exist_is_unhealthy(redis_client: redis.Redis) -> None:
    assert probe("consumer", "live") == (1, "redis: ResponseError\n")


def test_an_ingest_is_healthy_while_its_streams_look_up(redis_client: redis.Redis) -> None:
    host = socket.gethostname()
    redis_client.set("ticks:ingest:another:yahoo", 1)
    assert probe("ingest") == (1, f"no stream of {host} looked up lately\n")
    redis_client.set(f"ticks:ingest:{host}:yahoo", 1)
    assert probe("ingest") == (0, "")


def test_a_file_is_healthy_while_it_is_written(tmp_path: Path) -> None:
    schedule = tmp_path / "schedule"
    assert probe("fresh", str(schedule)) == (1, f"{schedule} does not exist\n")
    stored = schedule.with_suffix(".db")
    stored.touch()
    assert probe("fresh", str(schedule)) == (0, "")
    long_ago = time.time() - 3600
    os.utime(stored, (long_ago, long_ago))
    code, problem = probe("fresh", str(schedule))
    assert code == 1
    assert "was last written 36" in problem


def test_an_unknown_probe_is_unhealthy() -> None:
    assert probe("nonsense")[0] == 1
