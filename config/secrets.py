"""Secrets of a development machine: made once, kept in the state directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

# Production refuses a secret that carries it, so that a copied state directory cannot go live.
DEVELOPMENT_MARKER = "development-only-"


def development_secret(state_dir: Path, name: str) -> str:
    """The secret called ``name``, made on first use in a file that only its owner can read."""
    folder = state_dir / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name.lower()
    fresh = folder / f".{name.lower()}.{os.getpid()}.{secrets.token_hex(4)}"
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(DEVELOPMENT_MARKER + secrets.token_urlsafe(48))
        try:
            os.link(fresh, path)  # of several first starters one wins, and all read the same secret
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()
