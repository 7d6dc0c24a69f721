"""An invented market that needs no key and no network, and is the same for everyone on the same day."""

from stocks.providers.sandbox.provider import NAME, Sandbox

__all__ = ["NAME", "Sandbox"]
