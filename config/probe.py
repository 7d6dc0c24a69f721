"""Health checks of the containers, as a script without Django: `python -P config/probe.py KIND …`.

`-P` keeps the modules beside it, some of which have names of the standard library, out of the way.

    http PORT PATH     the path answers 200
    consumer GROUP     a consumer of this host in the group asked for entries lately: of the stream
                       "ticks", or "orders" for payments
    ingest             a provider's stream of this host looked up lately
    fresh FILE         the file, whatever suffix its database library gives it, was written lately

Exit code 0 when healthy; otherwise 1 with a line on stderr.
"""

import http.client
import os
import socket
import sys
import time
from pathlib import Path

TICKS = "ticks"
# Groups of other streams.
STREAMS = {"payments": "orders"}
INGEST = "ticks:ingest:"
CONSUMER_IDLE_SECONDS = 60.0
# Beat wakes up and writes its schedule every five minutes or more often.
FRESH_SECONDS = 600.0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["http", port, path]:
            problem = _http(int(port), path)
        case ["consumer", group]:
            problem = _consumer(group)
        case ["ingest"]:
            problem = _ingest()
        case ["fresh", file]:
            problem = _fresh(Path(file))
        case _:
            problem = f"unknown probe {arguments}"
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


def _http(port: int, path: str) -> str:
    # The application answers only to the names it serves.
    name = (os.environ.get("ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".")
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", path, headers={"Host": name})
        status = link.getresponse().status
    except OSError as error:
        return f"no answer from port {port}: {error.strerror or type(error).__name__}"
    finally:
        link.close()
    return "" if status == http.HTTPStatus.OK else f"{path} answered {status}"


def _consumer(group: str) -> str:
    import redis

    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5) as client:
            consumers = client.xinfo_consumers(STREAMS.get(group, TICKS), group)
    except redis.RedisError as error:
        return f"redis: {type(error).__name__}"
    host = socket.gethostname()
    idle = [
        consumer["idle"] / 1000 for consumer in consumers if host in consumer["name"].decode(errors="replace")
    ]
    if not idle:
        return f"no consumer of {host} in group {group}"
    return "" if min(idle) < CONSUMER_IDLE_SECONDS else f"group {group} asked nothing for {min(idle):.0f} s"


def _ingest() -> str:
    import redis

    host = socket.gethostname()
    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5) as client:
            found = next(client.scan_iter(match=f"{INGEST}{host}:*", count=1000), None)
    except redis.RedisError as error:
        return f"redis: {type(error).__name__}"
    return "" if found else f"no stream of {host} looked up lately"


def _fresh(file: Path) -> str:
    written = [one.stat().st_mtime for one in file.parent.glob(f"{file.name}*")]
    if not written:
        return f"{file} does not exist"
    age = time.time() - max(written)
    return "" if age < FRESH_SECONDS else f"{file} was last written {age:.0f} s ago"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
