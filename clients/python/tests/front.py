"""One address for a web process that is killed and started anew, as a proxy is in production."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Front:
    """Passes bytes on to ``target``, a port. Frozen, it passes nothing back, and no end."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"ws://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept)
        self._pumps: list[threading.Thread] = []

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.thaw()
        with self._lock:
            for each in self._open:
                _shut(each)
        for pump in self._pumps:
            pump.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, target, held in ((client, server, False), (server, client, True)):
                pump = threading.Thread(target=self._pump, args=(source, target, held))
                pump.start()
                self._pumps.append(pump)

    def _pump(self, source: socket.socket, target: socket.socket, held: bool) -> None:
        try:
            while part := source.recv(65_536):
                if held:
                    self._flowing.wait()
                target.sendall(part)
        except OSError:
            pass  # one of the two has left
        _shut(source)
        _shut(target)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
