"""Work on the next item while the caller is busy with this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterable[Item], depth: int = 1) -> Generator[Item, None, None]:
    """Iterate over ``items`` in a thread that is at most ``depth`` finished items ahead.

    An error of the iteration is raised here. Closing the generator ends the thread after its current item.
    """
    ready: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            for item in items:
                if not _put(ready, item, stopped):
                    return
        except BaseException as error:
            failure.append(error)
        _put(ready, _END, stopped)

    thread = threading.Thread(target=work, name="loading-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            yield item  # type: ignore[misc]  # the queue holds items of the iteration and the end mark
            del item
        if failure:
            raise failure[0]
    finally:
        stopped.set()
        thread.join()


def _put(ready: queue.Queue[object], item: object, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False
