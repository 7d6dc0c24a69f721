"""The places where a test lets a process of stocks die: ``accounts.failpoints`` has them for every app."""

from accounts.failpoints import POINTS, reach

__all__ = ["POINTS", "reach"]
