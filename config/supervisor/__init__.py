"""Runs several programs under one terminal: prefixed logs, restarts, an ordered stop and no orphan."""

from config.supervisor.console import Console
from config.supervisor.program import Program
from config.supervisor.supervisor import Supervisor, SupervisorError

__all__ = ["Console", "Program", "Supervisor", "SupervisorError"]
