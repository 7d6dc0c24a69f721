"""Probes for supervisors and load balancers."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from config.api.errors import reading_only, replace_dead_connections
from realtime.redis import client

logger = logging.getLogger(__name__)


@reading_only
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "ok"})


@reading_only
def ready(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL and Redis answer, else 503 that says which does not."""
    checks = {"postgres": _postgres(), "redis": _redis()}
    healthy = all(checks.values())
    body = {
        "status": "ok" if healthy else "unavailable",
        "checks": {name: "ok" if fine else "no answer" for name, fine in checks.items()},
        "market_data": settings.MARKET_DATA or ["none"],
    }
    return JsonResponse(body, status=200 if healthy else 503)


def _postgres() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("postgres does not answer: %s", type(error).__name__)
        replace_dead_connections()
        return False


def _redis() -> bool:
    try:
        return bool(client().ping())
    except RedisError as error:
        logger.warning("redis does not answer: %s", type(error).__name__)
        return False
