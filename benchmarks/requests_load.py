"""A load of requests over connections that stay open: the client of `benchmarks/quote.py` and `screen.py`.

    python benchmarks/requests_load.py < plan.json

The plan names `port`, `path` (with `{}` for a symbol), `symbols`, `token`, `clients` and `seconds`; or, in
place of symbols, `bodies` to post there and what each reply has to hold, `expected`. Each client sends its
next request when the reply to the last one is here. Plain sockets and requests written beforehand keep it
cheap. One JSON object comes out: `requests`, `seconds`, `p50_ms`, `p99_ms`, `other` (replies that were not
200 or did not hold what they should), `cpu_s`.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
import time

HOST = "127.0.0.1"
SILENCE_SECONDS = 10.0


class Client:
    """One connection and the request it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply = b""
        self.whole = 0
        self.expected = b""
        self.sent_at = 0.0

    def send(self, request: tuple[bytes, bytes]) -> None:
        self.expected = request[1]
        self.sent_at = time.perf_counter()
        self.socket.sendall(request[0])

    def receive(self) -> bool:
        """Take what is there; True when the reply is complete."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection")
        self.reply += piece
        if not self.whole:
            head = self.reply.find(b"\r\n\r\n")
            if head < 0:
                return False
            lowered = self.reply[:head].lower()
            at = lowered.index(b"content-length:") + 15
            end = lowered.find(b"\r", at)
            self.whole = head + 4 + int(lowered[at : end if end > 0 else head])
        return len(self.reply) >= self.whole

    def is_right(self) -> bool:
        return self.reply.startswith(b"HTTP/1.1 200") and self.expected in self.reply

    def clear(self) -> None:
        self.reply, self.whole = b"", 0


def main() -> None:
    plan = json.load(sys.stdin)
    chance = random.Random(plan.get("seed", 1))
    requests = [_request(plan, symbol) for symbol in plan.get("symbols", ())]
    requests += [_post(plan, body) for body in plan.get("bodies", ())]
    clients = {(client := Client(plan["port"])).socket.fileno(): client for _ in range(plan["clients"])}
    poll = select.epoll()
    for number in clients:
        poll.register(number, select.EPOLLIN)
    times: list[float] = []
    other = 0
    cpu = time.process_time()
    began = time.perf_counter()
    until = began + plan["seconds"]
    for client in clients.values():
        client.send(chance.choice(requests))
    waiting = len(clients)
    while waiting:
        ready = poll.poll(SILENCE_SECONDS)
        if not ready:
            sys.exit("the server does not answer")
        for number, _ in ready:
            client = clients[number]
            if not client.receive():
                continue
            now = time.perf_counter()
            times.append(now - client.sent_at)
            other += not client.is_right()
            client.clear()
            if now < until:
                client.send(chance.choice(requests))
            else:
                waiting -= 1
    seconds = time.perf_counter() - began
    times.sort()
    result = {
        "requests": len(times),
        "seconds": round(seconds, 3),
        "p50_ms": round(times[len(times) // 2] * 1000, 3),
        "p99_ms": round(times[min(len(times) - 1, len(times) * 99 // 100)] * 1000, 3),
        "other": other,
        "cpu_s": round(time.process_time() - cpu, 3),
    }
    print(json.dumps(result))


def _request(plan: dict[str, str], symbol: str) -> tuple[bytes, bytes]:
    """A request, and what its reply has to hold."""
    lines = (
        f"GET {plan['path'].format(symbol)} HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {plan['token']}",
        "Accept: */*",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), f'{{"symbol":"{symbol}"'.encode()


def _post(plan: dict[str, str], body: str) -> tuple[bytes, bytes]:
    """A request with a body, and what its reply has to hold."""
    lines = (
        f"POST {plan['path']} HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {plan['token']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body.encode())}",
        "Accept: */*",
    )
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode(), plan["expected"].encode()


if __name__ == "__main__":
    main()
