"""What endless commands share: ``accounts.endless`` has it for every app."""

from accounts.endless import stop_event

__all__ = ["stop_event"]
