"""Keeps secrets out of every log line."""

from __future__ import annotations

import logging
import re

_SECRETS = re.compile(
    r"""
    (?P<key>sk_[A-Za-z0-9_-]{8,})                                  # our API keys
    | (?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)  # JSON web tokens
    | (?P<query>(?<=[?&])(?:token|ticket|apikey|api_key|key|password)=[^&\s"']+)
    | (?P<header>(?i:authorization|x-api-key)["']?\s*[:=]\s*["']?(?:(?:bearer|token)\s+)?[^\s"',}]+)
    | (?P<url>(?<=://)[^\s/@:]*:[^\s/@]+(?=@))                      # user:password in a URL
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact(text: str) -> str:
    """``text`` with keys, tokens and passwords replaced by ``[secret]``."""
    return _SECRETS.sub("[secret]", text)


class RedactSecrets(logging.Filter):
    """Rewrites a record before any handler formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
