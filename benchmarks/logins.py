"""Whether the time of a refused sign-in tells who has an account.

    python benchmarks/logins.py [--quick]

A server of its own, as it is served, is asked to sign in with a wrong password: in turns for an address that
has an account and for one that has none, each time another, over one connection. Statuses and bodies must be
alike, but for their time and id, or the program ends with an error.

The last line is a JSON object: `median_ms_known`, `median_ms_unknown`, `difference_ms` of the two, and
`pairs`; the limit of the difference is 5 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_servers import HOST, fresh_environment, serving

PAIRS, QUICK_PAIRS, USERS = 500, 20, 50
PASSWORD, WRONG = "correct horse 42", "wrong horse 42"
VARIES = {"timestamp", "request_id"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs only")
    parser.add_argument("--pairs", type=int, help="so many pairs")
    options = parser.parse_args()
    pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
    with tempfile.TemporaryDirectory(prefix="stockroom-bench-") as scratch, fresh_environment(Path(scratch)):
        _users()
        command = ("-m", "uvicorn", "config.asgi:application", "--host", HOST, "--port", "{port}")
        with serving(Path(scratch), sys.executable, *command) as (port, _):
            print(json.dumps(_measure(port, pairs)))


def _users() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.hashers import make_password

    from accounts.models import User

    encoded = make_password(PASSWORD)
    User.objects.bulk_create(
        User(email=f"user{number}@example.com", name="User", password=encoded) for number in range(USERS)
    )


def _measure(port: int, pairs: int) -> dict[str, Any]:
    known: list[float] = []
    unknown: list[float] = []
    replies: list[tuple[int, dict[str, Any]]] = []
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=30)) as link:
        # The first of each kind pays for imports and plans.
        for number in range(-3, pairs):
            asked = (f"user{number % USERS}@example.com", f"nobody{number % USERS}@example.com")
            times = []
            for email in asked if number % 2 else reversed(asked):
                begun = time.perf_counter()
                replies.append(_sign_in(link, email))
                times.append((time.perf_counter() - begun) * 1000)
            if number >= 0:
                of_known, of_unknown = times if number % 2 else reversed(times)
                known.append(of_known)
                unknown.append(of_unknown)
    if any(reply != replies[0] for reply in replies) or replies[0][0] != 401:
        sys.exit("the replies differ, or are no refusals")
    of_known, of_unknown = statistics.median(known), statistics.median(unknown)
    return {
        "median_ms_known": round(of_known, 2),
        "median_ms_unknown": round(of_unknown, 2),
        "difference_ms": round(abs(of_known - of_unknown), 2),
        "pairs": pairs,
    }


def _sign_in(link: http.client.HTTPConnection, email: str) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"email": email, "password": WRONG})
    link.request("POST", "/v1/auth/login", body, {"Content-Type": "application/json"})
    response = link.getresponse()
    told = json.loads(response.read())
    return response.status, {name: value for name, value in told.items() if name not in VARIES}


if __name__ == "__main__":
    main()
