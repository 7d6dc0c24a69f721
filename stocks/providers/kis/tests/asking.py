"""A process that asks for the token in many threads at once: ``python -m …asking URL THREADS``.

It says ``ready``, begins with the next line of its input, and prints what each thread was given.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import django


def main(url: str, threads: int) -> None:
    django.setup()
    from stocks.providers.kis.client import Client
    from stocks.providers.kis.tests.standin import APP_KEY, APP_SECRET
    from stocks.providers.mesh.shared import shared_tools

    client = Client(shared_tools(), app_key=APP_KEY, app_secret=APP_SECRET, url=url)
    barrier = threading.Barrier(threads)

    def ask(_: int) -> str:
        barrier.wait(timeout=30)
        return client.token()

    with ThreadPoolExecutor(threads) as pool:
        print("ready", flush=True)
        sys.stdin.readline()
        # What is printed is searched for secrets.
        told = [hashlib.sha256(token.encode()).hexdigest() for token in pool.map(ask, range(threads))]
        print("\n".join(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
