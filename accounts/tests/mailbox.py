"""What workers would do, done here: the tasks that wait in the real queue, and the links of the mails."""

from __future__ import annotations

import re
from queue import Empty
from urllib.parse import parse_qs, urlsplit

from celery import current_app
from django.core import mail


def work() -> int:
    """Run every task that waits; returns how many those were."""
    count = 0
    with current_app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get_nowait()
            except Empty:
                return count
            message.ack()
            args, kwargs, _ = message.payload
            current_app.tasks[message.headers["task"]](*args, **kwargs)
            count += 1


def mailed_token(path: str) -> str:
    """The secret of the link to ``path`` in the newest mail."""
    link = urlsplit(re.findall(r"http\S+", str(mail.outbox[-1].body))[-1])
    assert link.path == path
    return parse_qs(link.query)["token"][0]
