"""One terminal or log for many programs."""

import os
import queue
import threading

# Enough for a burst; beyond it lines are dropped, because no program may wait for a reader that went away.
QUEUED_LINES = 10_000
CLOSE_SECONDS = 2.0
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)


class Console:
    """Writes whole lines, each prefixed with the program's name, from a thread of its own."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self.is_terminal = os.isatty(descriptor)
        self._coloured = self.is_terminal and not os.environ.get("NO_COLOR")
        self._width = 8
        self._colour_of: dict[str, int] = {}
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUED_LINES)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="console", daemon=True)
        self._writer.start()

    def align(self, width: int) -> None:
        """Make room for names of this many characters."""
        self._width = max(self._width, width)

    def line(self, name: str, text: str) -> None:
        """Write one line of a program; never blocks."""
        prefix = f"{name:<{self._width}} | "
        if self._coloured:
            colour = self._colour_of.setdefault(name, COLOURS[len(self._colour_of) % len(COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._put(prefix + text)

    def plain(self, text: str) -> None:
        """Write text of our own, without a prefix."""
        self._put(text)

    def close(self) -> None:
        """Write what waits, as far as the reader takes it within two seconds."""
        try:
            self._lines.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._writer.join(CLOSE_SECONDS)

    def _put(self, text: str) -> None:
        try:
            if self._dropped:
                self._lines.put_nowait(f"... {self._dropped} lines were dropped\n".encode())
                self._dropped = 0
            self._lines.put_nowait(f"{text}\n".encode(errors="replace"))
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                continue
