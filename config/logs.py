"""Where log lines go, and what keeps secrets out of every one of them."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

_SECRETS = re.compile(
    r"""
    (?P<key>sk_[A-Za-z0-9_-]{8,})                                  # our API keys
    | (?P<ticket>tk_[A-Za-z0-9_-]{8,})                             # our tickets
    | (?P<gateway>(?<![A-Za-z0-9_])(?:rk_|whsec_|pm_|tok_)[A-Za-z0-9_+/=-]{8,})  # of payment gateways
    | (?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)  # JSON web tokens
    | (?P<shared>(?<=/shared/)[A-Za-z0-9_-]{20,})                  # of screens, which it is enough to know
    | (?P<query>(?<=[?&])(?:(?:access_|refresh_)?token|ticket|apikey|api_key|key|password)=[^&\s"']+)
    | (?P<field>["'](?:(?:access_|refresh_)?token|ticket|api_?key|(?:current_|new_)?password|secret)["']
        \s*:\s*(?:"[^"]+|'[^']+))                               # of an object, as in a body
    | (?P<header>(?i:authorization|x-api-key)["']?\s*[:=]\s*["']?(?:(?:bearer|token)\s+)?[^\s"',}]+)
    | (?P<url>(?<=://)[^\s/@:]*:[^\s/@]+(?=@))                      # user:password in a URL
    """,
    re.VERBOSE | re.IGNORECASE,
)


# Each secret has one of these beside or in it; without any of them there is nothing to look for.
_MARKS = (
    "sk_",
    "tk_",
    "rk_",
    "whsec_",
    "pm_",
    "tok_",
    "eyj",
    "=",
    "authorization",
    "x-api-key",
    "/shared/",
    "token",
    "ticket",
    "api_key",
    "apikey",
    "password",
    "secret",
    "://",
)


def redact(text: str) -> str:
    """``text`` with keys, tokens and passwords replaced by ``[secret]``."""
    folded = text.casefold()
    if not any(mark in folded for mark in _MARKS):
        return text
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


class RefusalsInOneLine(logging.Filter):
    """Cuts the traceback off requests that Django refused: any caller could fill the log with them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return True


def logging_settings(request_log: Path, *, level: str) -> dict[str, Any]:
    """Django's LOGGING: all on stderr from ``level`` on, but requests into a rotating file of their own."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "redact": {"()": "config.logs.RedactSecrets"},
            "refusals": {"()": "config.logs.RefusalsInOneLine"},
            "queries": {"()": "realtime.logs.DropQueries"},
        },
        "formatters": {
            "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "request": {
                "class": "config.request_file.LineFormatter",
                "format": "[{asctime}] [{levelname}] [API_REQUEST] {message}",
                "datefmt": "%d/%b/%Y %H:%M:%S",
                "style": "{",
            },
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "plain",
                "filters": ["refusals", "redact"],
            },
            "requests": {
                "class": "config.request_file.RequestFile",
                "filename": str(request_log),
                "max_bytes": 10 * 1024 * 1024,
                "backups": 5,
                "formatter": "request",
                "filters": ["redact"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "stockroom.requests": {"handlers": ["requests"], "level": "INFO", "propagate": False},
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
            # Polls come every ten seconds; what a run did stands in its JobRun.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # uvicorn logs with handlers of its own, and a token may stand in the address of a WebSocket.
            "uvicorn.error": {"filters": ["queries"]},
            "uvicorn.access": {"filters": ["queries"]},
            "uvicorn.asgi": {"filters": ["queries"]},
        },
    }
