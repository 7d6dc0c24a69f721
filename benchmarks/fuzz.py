"""Whether the API keeps to its OpenAPI document, whatever it is asked: Schemathesis over all of it.

    python benchmarks/fuzz.py [--quick] [--only REGEX] [--examples N] [--seconds N] [--phases NAMES]

A database of its own gets a small sandbox market (on DATABASE_URL, or on embedded servers that end with
the program), and one server answers there. Schemathesis asks it in all of its phases (examples, coverage,
fuzzing, stateful) three times: as nobody, as a user, and as a member of staff. What it sees as a failure is
one: an internal error, a status, a type or a body that the document does not have, a door that needs no
credentials where it should, data that the document forbids and the server takes, or the other way about.
`benchmarks/fuzzing/schemathesis.toml` says of which operations it may refuse what the document allows, and
why.

It is installed into .venv/fuzzing (`benchmarks/fuzzing/requirements.txt`). Its reports, with how to repeat
each failure, stay in --reports. The last line is a JSON object: `cases`, `failures`, `errors` and
`server_errors` of all runs together, `seconds`, and `runs` by who asked, each with what became of every
phase. The exit code is 1 where anything failed, or where a run had to be stopped.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from bench_servers import HOST, PROJECT, fresh_environment, serving

STOCKS = 30
EXAMPLES, SECONDS = 50, 3600
QUICK_EXAMPLES, QUICK_SECONDS = 3, 900
PHASES = "examples,coverage,fuzzing,stateful"
HOME = PROJECT / "benchmarks" / "fuzzing"
VENV = PROJECT / ".venv" / "fuzzing"
WHO = ("anonymous", "user", "staff")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EXAMPLES} examples an operation")
    parser.add_argument("--examples", type=int, help="so many examples of each operation in a phase")
    parser.add_argument("--seconds", type=int, help="so long a run may take")
    parser.add_argument("--phases", default=PHASES, help="names with commas between them")
    parser.add_argument("--only", default="", help="operations whose path matches this regular expression")
    parser.add_argument("--who", default=",".join(WHO), help="who asks, with commas between them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reports", type=Path, default=PROJECT / ".venv" / "fuzz-reports")
    options = parser.parse_args()
    options.examples = options.examples or (QUICK_EXAMPLES if options.quick else EXAMPLES)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    options.reports.mkdir(parents=True, exist_ok=True)
    program = _schemathesis()
    with (
        tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch,
        fresh_environment(
            Path(scratch),
            MARKET_DATA="sandbox",
            JWT_SIGNING_KEY=secrets.token_urlsafe(48),
            API_KEY_PEPPER=secrets.token_urlsafe(48),
            EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        ),
    ):
        result = _run(Path(scratch), program, options)
    print(json.dumps(result))
    sys.exit(1 if result["failures"] or result["errors"] or not result["complete"] else 0)


def _schemathesis() -> Path:
    """The program; installed where it is missing or another."""
    wanted, installed = HOME / "requirements.txt", VENV / "requirements.installed"
    if not installed.is_file() or installed.read_text() != wanted.read_text():
        print(f"installing {wanted.relative_to(PROJECT)}", file=sys.stderr)
        venv.create(VENV, with_pip=False, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(VENV / "bin" / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--requirement", str(wanted)], check=True, timeout=600)
        installed.write_text(wanted.read_text())
    return VENV / "bin" / "schemathesis"


def _run(scratch: Path, program: Path, options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    _manage("migrate", "-v0")
    _manage("seed_products")
    _manage("load_sandbox", "--stocks-per-market", str(STOCKS))
    import django

    django.setup()
    people = {"anonymous": ("", ""), **{name: _person(name) for name in WHO[1:]}}
    uvicorn = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", HOST]
    realtime = ["--http", "realtime.slim.entry:Entry", "--ws", "realtime.slim.protocol:SlimProtocol"]
    quiet = ["--no-access-log", "--log-level", "error"]
    runs: dict[str, dict[str, Any]] = {}
    with serving(scratch, *uvicorn, "--port", "{port}", *realtime, *quiet) as (port, _):
        for who in options.who.split(","):
            runs[who] = _asked(scratch, program, options, port, who, *people[who])
    return {
        **{key: sum(one[key] for one in runs.values()) for key in ("cases", "failures", "errors")},
        "server_errors": sum(one["server_errors"] for one in runs.values()),
        "complete": all(one["complete"] for one in runs.values()),
        "seconds": round(time.monotonic() - began),
        "runs": runs,
    }


def _manage(*arguments: str) -> None:
    """Run a command of the project; what it says is of no use here."""
    command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
    subprocess.run(command, check=True, timeout=900, stdout=subprocess.DEVNULL)


def _person(name: str) -> tuple[str, str]:
    """E-mail address and password of a new user with a portfolio that holds something."""
    from accounts.models import User

    email, password = f"{name}@example.com", secrets.token_urlsafe(16)
    make = User.objects.create_superuser if name == "staff" else User.objects.create_user
    make(email, password, name=name.title(), tier="pro")
    return email, password


def _portfolio(port: int, email: str, password: str) -> str:
    """The id of a portfolio of the user that holds a stock; a made-up one for nobody."""
    if not email:
        return "00000000-0000-4000-8000-000000000000"
    token = _post(port, "auth/login", "", {"email": email, "password": password})["access_token"]
    portfolio = str(_post(port, "portfolios", token, {"name": "Asked about"})["id"])
    bought = {"type": "BUY", "stock_code": "AAPL", "quantity": 10, "price": 100, "fee": 1}
    day = {"traded_at": "2026-01-05T15:00:00Z"}
    _post(port, f"portfolios/{portfolio}/transactions", token, {**bought, **day})
    return portfolio


def _post(port: int, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    link = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        link.request("POST", f"/v1/{path}", json.dumps(body), headers)
        response = link.getresponse()
        reply = response.read()
        if response.status not in (200, 201):
            sys.exit(f"POST {path} was answered {response.status}: {reply[:500]!r}")
        return dict(json.loads(reply))
    finally:
        link.close()


def _asked(
    scratch: Path,
    program: Path,
    options: argparse.Namespace,
    port: int,
    who: str,
    email: str,
    password: str,
) -> dict[str, Any]:
    """What became of one run of Schemathesis."""
    address = f"http://{HOST}:{port}"
    home = scratch / who
    home.mkdir()
    config = (HOME / "schemathesis.toml").read_text()
    (home / "schemathesis.toml").write_text(config.replace("{portfolio}", _portfolio(port, email, password)))
    (home / "hooks.py").write_text((HOME / "hooks.py").read_text())
    schema = home / "schema.json"
    _manage("spectacular", "--format", "openapi-json", "--file", str(schema))
    report = options.reports / f"{who}.json"
    report.unlink(missing_ok=True)
    command = [str(program), "--config-file", "schemathesis.toml", "run", str(schema), "--url", address]
    command += ["--phases", options.phases, "--max-examples", str(options.examples), "--no-color"]
    command += ["--seed", str(options.seed), "--generation-database", "none"]
    command += ["--report-json-path", str(report)]
    if options.only:
        command += ["--include-path-regex", options.only]
    secret = {"FUZZ_URL": address, "FUZZ_EMAIL": email, "FUZZ_PASSWORD": password}
    text = options.reports / f"{who}.txt"
    with text.open("wb") as output:
        subprocess.run(
            command,
            cwd=home,
            env={**os.environ, **secret},
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=options.seconds,
            check=False,
        )
    if not report.is_file() or not report.stat().st_size:
        sys.exit(f"Schemathesis did not run:\n{text.read_text(errors='replace')[-2000:]}")
    told = json.loads(report.read_text())
    counts = told["test_cases"]
    if counts["unique_failures"] or told["errors"]:
        print(f"{who}: see {text}", file=sys.stderr)
    return {
        "cases": counts["generated"],
        "failures": counts["unique_failures"],
        "errors": len(told["errors"]),
        "server_errors": sum(
            failure["count"] for failure in told["failures"] if failure["type"] == "ServerError"
        ),
        "complete": told["complete"],
        "phases": {name: phase["status"] for name, phase in told["phases"].items()},
    }


if __name__ == "__main__":
    main()
