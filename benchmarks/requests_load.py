"""A load of requests over connections that stay open: the client of the benchmarks of what is asked by HTTP.

    python benchmarks/requests_load.py < plan.json

The plan names `port`, `path` (with `{}` for a symbol), `symbols`, `token`, `clients` and `seconds`; or, in
place of symbols, `bodies` to post there and what each reply has to hold, `expected`; or `requests`, each a
method, a path, a token and a body or null, `status` for what is answered (200) and `own`, whether each client
has those of its number alone. Each client sends its next request when the reply to the last one is here; with
`per_second` it sends so many a second, at random moments, and what is measured begins when a request was due.
Plain sockets and requests written beforehand keep it cheap. One JSON object comes out: `requests`, `seconds`,
`p50_ms`, `p99_ms`, `other` (replies of another status, or without what they should hold), `cpu_s`.
"""

from __future__ import annotations

import heapq
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

    def __init__(self, port: int, requests: list[tuple[bytes, bytes]], status: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply = b""
        self.whole = 0
        self.expected = b""
        self.due_at = 0.0
        self._requests = requests
        self._begins = f"HTTP/1.1 {status}".encode()

    def send(self, chance: random.Random) -> None:
        request, self.expected = chance.choice(self._requests)
        self.socket.sendall(request)

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
        return self.reply.startswith(self._begins) and self.expected in self.reply

    def clear(self) -> None:
        self.reply, self.whole = b"", 0


def main() -> None:
    plan = json.load(sys.stdin)
    chance = random.Random(plan.get("seed", 1))
    requests = [_request(plan, symbol) for symbol in plan.get("symbols", ())]
    requests += [_post(plan, body) for body in plan.get("bodies", ())]
    requests += [_any(plan, *one) for one in plan.get("requests", ())]
    count, rate = plan["clients"], plan.get("per_second")
    clients: dict[int, Client] = {}
    for number in range(count):
        own = requests[number::count] if plan.get("own") else requests
        client = Client(plan["port"], own, plan.get("status", 200))
        clients[client.socket.fileno()] = client
    poll = select.epoll()
    for number in clients:
        poll.register(number, select.EPOLLIN)
    times: list[float] = []
    other = 0
    cpu = time.process_time()
    began = time.perf_counter()
    until = began + plan["seconds"]
    # Clients that wait for nothing, by when their next request is due.
    idle: list[tuple[float, int]] = []
    for number in clients:
        heapq.heappush(idle, (began + (chance.expovariate(rate) if rate else 0.0), number))
    asked = 0
    while True:
        now = time.perf_counter()
        while idle and idle[0][0] <= now:
            due, number = heapq.heappop(idle)
            if due < until:
                clients[number].due_at = due
                clients[number].send(chance)
                asked += 1
        if not idle and not asked:
            break
        ready = poll.poll(min(SILENCE_SECONDS, max(0.0, idle[0][0] - now)) if idle else SILENCE_SECONDS)
        if not ready and not idle:
            sys.exit("the server does not answer")
        for number, _ in ready:
            client = clients[number]
            if not client.receive():
                continue
            now = time.perf_counter()
            times.append(now - client.due_at)
            other += not client.is_right()
            client.clear()
            asked -= 1
            heapq.heappush(idle, (client.due_at + chance.expovariate(rate) if rate else now, number))
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


def _any(plan: dict[str, str], method: str, path: str, token: str, body: str | None) -> tuple[bytes, bytes]:
    """A request as it is given, and what its reply has to hold."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}", "Accept: */*"]
    content = (body or "").encode()
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content, plan["expected"].encode()


if __name__ == "__main__":
    main()
