"""The names of everything that the mesh keeps in Redis."""

from __future__ import annotations

import hashlib


def quota(provider: str, key: str, seconds: float) -> str:
    """The log of calls of one key within one window. Of the key itself only a digest is in the name."""
    return f"mesh:quota:{provider}:{digest(key)}:{seconds:g}"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16] if key else "-"


def breaker(provider: str, capability: str) -> str:
    return f"mesh:breaker:{provider}:{capability}"


def health(provider: str, minute: int) -> str:
    return f"mesh:health:{provider}:{minute}"


def store(name: str) -> str:
    return f"mesh:store:{name}"


def lock(name: str) -> str:
    return f"mesh:lock:{name}"


def flight(name: str) -> str:
    """Held by whoever makes a call that others wait for."""
    return f"mesh:flight:{name}"


def landing(name: str) -> str:
    """How the last flight of this name ended."""
    return f"mesh:landing:{name}"
