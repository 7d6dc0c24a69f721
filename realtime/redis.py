"""Clients of the one Redis that REDIS_URL names."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

# A request gives up quickly, so that a hanging Redis costs a page a fraction of a second.
REQUEST_SECONDS = 0.2
# Consumers and commands block on streams and send large batches.
WORKER_SECONDS = 10.0
CONNECT_SECONDS = 2.0


def address() -> str:
    """REDIS_URL; raises ImproperlyConfigured where it is not set."""
    url = settings.REDIS_URL
    if not isinstance(url, str) or not url:
        raise ImproperlyConfigured("REDIS_URL is not set")
    return url


def client() -> redis.Redis:
    """The client of the request path: 200 ms per step, one retry. Shared by all threads."""
    return _client(address(), REQUEST_SECONDS, REQUEST_SECONDS)


def worker_client() -> redis.Redis:
    """The client of commands, consumers and tasks: 10 s per step, one retry. Shared by all threads.

    A blocking read must ask for less than these 10 seconds.
    """
    return _client(address(), WORKER_SECONDS, CONNECT_SECONDS)


@lru_cache(maxsize=8)
def _client(url: str, seconds: float, connect_seconds: float) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=connect_seconds, retry=Retry(NoBackoff(), 1)
    )


@cache
def script(*parts: str) -> str:
    """The Lua of a script, of files that stand one behind the other."""
    directory = Path(__file__).parent / "lua"
    return "".join((directory / f"{part}.lua").read_text() for part in parts)


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how to reach the server over a plain connection."""

    host: str
    port: int
    path: str | None
    username: str | None
    password: str | None
    database: int
    tls: ssl.SSLContext | None

    @classmethod
    def from_url(cls, url: str) -> Target:
        """Read a `redis://`, `rediss://` or `unix://` address; raises ValueError."""
        return cls._from(parse_url(url), has_tls=url.startswith("rediss://"))

    @classmethod
    def of(cls, client: redis.Redis) -> Target:
        """What a client is for."""
        has_tls = issubclass(client.connection_pool.connection_class, redis.SSLConnection)
        return cls._from(client.get_connection_kwargs(), has_tls=has_tls)

    @classmethod
    def _from(cls, options: Mapping[str, Any], *, has_tls: bool) -> Target:
        return cls(
            host=options.get("host", "localhost"),
            port=options.get("port", 6379),
            path=options.get("path"),
            username=options.get("username"),
            password=options.get("password"),
            database=int(options.get("db") or 0),
            tls=_tls(options) if has_tls else None,
        )


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    if str(options.get("ssl_check_hostname", "true")).lower() in ("false", "0", "no"):
        context.check_hostname = False
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
