"""``manage.py runrealtime``: WebSockets and event streams alone, in several processes on one port."""

from __future__ import annotations

import argparse
import os
import resource
import socket
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from realtime.limits import configured
from realtime.serving.listening import listen, listen_at
from realtime.serving.server import serve
from realtime.serving.workers import Workers


class Command(BaseCommand):
    help = "Serves realtime alone, one process per worker, until SIGTERM: then clients are told to come back."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--workers",
            type=_positive,
            default=os.cpu_count() or 1,
            help="processes; one per core",
        )
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--uds", type=Path, help="a Unix socket in place of host and port")
        parser.add_argument(
            "--forwarded-allow-ips",
            help="proxies whose X-Forwarded-For is believed: addresses and networks with commas, or *",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["uds"]
        try:
            if path is not None:
                listeners, address = listen_at(path, options["workers"]), str(path)
            else:
                listeners = listen(
                    *(options["host"], options["port"], options["workers"]),
                    send_bytes=configured().send_buffer_bytes,
                )
                address = "{}:{}".format(options["host"], listeners[0].getsockname()[1])
        except OSError as error:
            where = path or "{host}:{port}".format(**options)
            raise CommandError(f"{where} cannot be listened on: {error.strerror}") from None
        _allow_many_connections()
        application = import_string(settings.REALTIME_ASGI_APPLICATION)
        self.stdout.write(f"realtime listens on {address} with {len(listeners)} workers")
        Workers(listeners, partial(_serve, application, options["forwarded_allow_ips"])).run()
        if path is not None:
            path.unlink(missing_ok=True)


def _serve(
    application: Any, forwarded_allow_ips: str | None, listener: socket.socket, pulse: int, lifeline: int
) -> None:
    serve(application, listener, forwarded_allow_ips=forwarded_allow_ips, pulse=pulse, lifeline=lifeline)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _allow_many_connections() -> None:
    """As many open files as this process may have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
