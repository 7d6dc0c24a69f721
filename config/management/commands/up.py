"""`manage.py up`: the whole of Stockroom under one terminal."""

import os
import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import development
from config.embedded import EmbeddedError, EmbeddedServers, missing_addresses, publish
from config.embedded.processes import end_with_parent
from config.supervisor import Console, Supervisor, SupervisorError

READY_SECONDS = 120.0


class Command(BaseCommand):
    help = (
        "Starts the servers that DATABASE_URL and REDIS_URL leave out, migrates, fills the sandbox market, "
        "and runs web, ingest, consumers, worker and beat until Ctrl-C. PORT, HOST, STATE_DIR and "
        "MARKET_DATA are honoured."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        try:
            host, port = development.listening_address(os.environ)
            with Supervisor(console, str(development.PROJECT)) as supervisor:
                if "MAKELEVEL" in os.environ:
                    # A make that is killed tells nobody; a shell that ends has its own signal for that.
                    end_with_parent(signal.SIGTERM)
                self._run(supervisor, console, host, port)
        except (development.StartError, EmbeddedError, SupervisorError) as error:
            raise CommandError(str(error)) from None
        finally:
            console.close()

    def _run(self, supervisor: Supervisor, console: Console, host: str, port: int) -> None:
        missing = missing_addresses()
        servers = EmbeddedServers(
            settings.STATE_DIR, postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing
        )
        console.plain("Starting Stockroom; Ctrl-C stops it.")
        try:
            publish(servers.start(), missing)
            if self._start(supervisor, host, port):
                console.plain(
                    development.welcome(
                        url=settings.PUBLIC_URL,
                        state_dir=settings.STATE_DIR,
                        market_data=settings.MARKET_DATA,
                        show_password=console.is_terminal,
                    )
                )
                supervisor.run_until(lambda: False, watch=lambda: _revive(servers, console))
            console.plain("Stopping.")
        finally:
            supervisor.stop()
            servers.stop()
        console.plain("Stopped.")

    def _start(self, supervisor: Supervisor, host: str, port: int) -> bool:
        """Prepare the database and start the programs; False when a stop came before the web was ready."""
        environment = development.child_environment(settings.STATE_DIR)
        code = supervisor.run_once(development.preparation(environment))
        if code:
            raise SupervisorError("The preparation failed; its reason stands above.")
        if code is None:
            return False
        programs = development.programs(
            host=host,
            port=port,
            state_dir=settings.STATE_DIR,
            market_data=settings.MARKET_DATA,
            environment=environment,
        )
        # Each keeps a core busy while it starts. The web server shares two cores with the ingest alone, whose
        # first price takes longest and is what a new user waits for.
        first = [program for program in programs if program.name in ("web", "ingest")]
        for program in first:
            supervisor.start(program)
        began = time.monotonic()
        if not supervisor.run_until(lambda: _is_ready(host, port, since=began)):
            return False
        for program in programs:
            if program not in first:
                supervisor.start(program)
        return True


def _is_ready(host: str, port: int, *, since: float) -> bool:
    if time.monotonic() - since > READY_SECONDS:
        raise SupervisorError(
            f"The web server was not ready within {READY_SECONDS:g} s; see its lines above."
        )
    return development.is_ready(host, port, settings.ALLOWED_HOSTS[0].lstrip("*."))


def _revive(servers: EmbeddedServers, console: Console) -> None:
    for name in servers.revive():
        console.line("servers", f"{name} had ended and was started again")
