"""What `manage.py up` runs, where it listens, and what it tells the person who started it."""

import errno
import http.client
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.embedded import StateDir, configured_state_dir
from config.supervisor import Program

PROJECT = Path(__file__).resolve().parent.parent
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with what was asked for, not bound
#: Providers of MARKET_DATA that stream no prices.
WITHOUT_STREAM = {"alpha_vantage"}
ADMIN_EMAIL = "admin@stockroom.local"


class StartError(Exception):
    """The stack cannot start; the message is one line for a person."""


def check_before_up() -> None:
    """Refuse what would only fail after the settings were loaded: the port and the state directory."""
    listening_address(os.environ)
    StateDir(configured_state_dir()).create()


def listening_address(environment: Mapping[str, str]) -> tuple[str, int]:
    """HOST and PORT, checked to be free now; `StartError` says what is wrong."""
    host = environment.get("HOST") or "127.0.0.1"
    given = environment.get("PORT") or "8000"
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65_536:
        raise StartError(f"PORT is {given!r}: give a number between 1 and 65535.")
    port = int(given)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise StartError(f"Port {port} of {host} {reason}: choose another with PORT=…") from None
    return host, port


def child_environment(state_dir: Path) -> dict[str, str]:
    """The environment of every child process."""
    quiet_root = "ignore:You're running the worker with superuser privileges"
    given = os.environ.get("PYTHONWARNINGS")
    return {
        **os.environ,
        "STATE_DIR": str(state_dir),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": f"{given},{quiet_root}" if given else quiet_root,
    }


def preparation(environment: Mapping[str, str]) -> Program:
    """What has to be done before anything serves: migrations, the admin, the sandbox market."""
    return Program("prepare", _manage("prepare"), environment)


def programs(
    *, host: str, port: int, state_dir: Path, market_data: Sequence[str], environment: Mapping[str, str]
) -> list[Program]:
    """The programs of a running Stockroom, the web server first.

    A provider that streams has an ingest. Where prices are asked for every few seconds, a second worker keeps
    the long tasks from holding them up.
    """
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "config"]
    asks = bool(set(market_data) - {"sandbox"})
    worker = ["worker", "--concurrency", "2" if asks else "1", "--loglevel", "INFO"]
    beat = ["beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule"]
    streams = bool(set(market_data) - WITHOUT_STREAM)
    ingest = [Program("ingest", _manage("stream_ticks"), environment, stage=2)] if streams else []
    return [
        Program(
            "web",
            web_command(host, port),
            environment,
            stage=1,
            signals=((signal.SIGTERM, 25.0),),
            attempts=5,
        ),
        *ingest,
        Program("live", _manage("consume_ticks", "live"), environment, stage=2),
        Program("store", _manage("consume_ticks", "store"), environment, stage=2),
        Program("alerts", _manage("evaluate_alerts"), environment, stage=2),
        Program("payments", _manage("process_payments"), environment, stage=2),
        Program("portfolios", _manage("revalue_portfolios"), environment, stage=2),
        Program("screens", _manage("evaluate_screens"), environment, stage=2),
        Program(
            "worker",
            [*celery, *worker, "--without-gossip", "--without-mingle", "--without-heartbeat"],
            environment,
            stage=3,
            # The second ends tasks that run on; they are acknowledged late and so come again.
            signals=((signal.SIGTERM, 10.0), (signal.SIGQUIT, 5.0)),
        ),
        Program("beat", [*celery, *beat, str(state_dir / "celerybeat-schedule")], environment, stage=3),
    ]


def web_command(host: str, port: int) -> list[str]:
    """The web server: REST and WebSockets on one port."""
    server = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", host, "--port", str(port)]
    # Both are needed: the first lets handshakes past uvicorn's HTTP parser.
    websockets = ["--http", "realtime.slim.entry:Entry", "--ws", "realtime.slim.protocol:SlimProtocol"]
    # At level INFO uvicorn would log the query string of WebSockets, and with it tokens.
    logs = ["--no-access-log", "--log-level", "warning"]
    # It would believe whoever asks from this machine; TRUSTED_PROXIES says whom to believe.
    proxies = ["--no-proxy-headers"]
    return [*server, *websockets, *logs, *proxies, "--timeout-graceful-shutdown", "20"]


def is_ready(host: str, port: int, host_name: str) -> bool:
    """Whether the web server, asked under this name, and the stores behind it answer."""
    reachable = "127.0.0.1" if host in ANY_ADDRESS else host
    link = http.client.HTTPConnection(reachable, port, timeout=2)
    try:
        link.request("GET", "/health/ready", headers={"Host": host_name})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def welcome(*, url: str, state_dir: Path, market_data: Sequence[str], show_password: bool) -> str:
    """What to open and how to sign in; the password itself only where nobody keeps what is shown."""
    password_file = admin_password_file(state_dir)
    if not password_file.exists():
        password = f"set one with: manage.py changepassword {ADMIN_EMAIL}"
    elif show_password:
        password = f"password {password_file.read_text().strip()}"
    else:
        password = f"password in {password_file}"
    data = "an invented market for trying out" if "sandbox" in market_data else ", ".join(market_data)
    return (
        f"\n  Stockroom is ready at {url}\n"
        f"  API    {url}/v1/docs\n"
        f"  Admin  {url}/admin/  {ADMIN_EMAIL}, {password}\n"
        f"  Data   {data or 'what you load with manage.py load_stocks and load_prices'}\n"
        f"  Files  {state_dir}\n"
    )


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(PROJECT / "manage.py"), *arguments]


def admin_password_file(state_dir: Path) -> Path:
    return state_dir / "admin-password.txt"
