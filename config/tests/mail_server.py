"""A mail server on 127.0.0.1 that asks for a password and keeps what it is given."""

from __future__ import annotations

import re
import socketserver
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

_LINK = re.compile(r"https?://\S+")


class MailServer:
    """Attributes: ``port``, and the texts of all mails so far, oldest first."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self._came = threading.Condition()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def token(self, path: str, seconds: float = 120) -> str:
        """The secret of the newest link to ``path``, as soon as it was mailed; it is taken out."""
        deadline = time.monotonic() + seconds
        with self._came:
            while True:
                for mail in reversed(self.mails):
                    for link in map(urlsplit, _LINK.findall(mail)):
                        if link.path == path:
                            self.mails.remove(mail)
                            return parse_qs(link.query)["token"][0]
                assert self._came.wait(deadline - time.monotonic()), f"no link to {path} was mailed"

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 mail")
                for line in self.rfile:
                    command = line.decode().strip().upper()
                    if command.startswith("EHLO"):
                        self._say("250-mail")
                        self._say("250 AUTH PLAIN")
                    elif command.startswith("AUTH"):
                        self._say("235 welcome")
                    elif command == "DATA":
                        self._say("354 go on")
                        self._take()
                        self._say("250 kept")
                    elif command == "QUIT":
                        self._say("221 bye")
                        return
                    else:
                        self._say("250 ok")

            def _take(self) -> None:
                lines: list[str] = []
                for line in self.rfile:
                    text = line.decode().rstrip("\r\n")
                    if text == ".":
                        break
                    lines.append(text.removeprefix("."))
                with server._came:
                    server.mails.append("\n".join(lines))
                    server._came.notify_all()

            def _say(self, text: str) -> Any:
                self.wfile.write(f"{text}\r\n".encode())

        return Handler
