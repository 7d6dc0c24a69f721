"""The account that the servers run under, and where it can keep their data.

PostgreSQL refuses to run as root. Then both servers run as `nobody`: no account is created and no directory
above the state directory changes its mode.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.errors import EmbeddedError
from config.embedded.state import StateDir

# Where the data of root's servers live when their account cannot reach the state directory.
SHARED_HOME = Path("/var/lib/stockroom")
NOBODY = 65534


@dataclass(frozen=True)
class Account:
    """A user and group to switch to, or nothing to switch for a normal user."""

    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """Options for `subprocess` that make the switch."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, access: str, path: Path) -> bool:
        """Whether the account has `access` ("x" execute or traverse, "w" write, …) to the path.

        Asked of the system by the account itself, so that access lists and mounts count as well as modes.
        """
        if self.uid is None:
            return os.access(path, {"x": os.X_OK, "w": os.W_OK, "r": os.R_OK}[access])
        try:
            asked = subprocess.run(
                ["test", f"-{access}", str(path)], check=False, cwd="/", **self.popen_options()
            )
        except PermissionError:
            raise EmbeddedError("Root may not switch to `nobody` here: run as a normal user.") from None
        return asked.returncode == 0

    def take(self, directory: Path) -> None:
        """Make the directory, private to this account."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)


def account_and_home(state: StateDir, identity: str) -> tuple[Account, Path]:
    """The account, and the private directory in which it keeps the servers' data.

    Data that exist decide: they stay where they are and under the account that owns them.
    """
    inside = state.path / "servers"
    if os.geteuid() != 0:
        account = Account()
        account.take(inside)
        return account, inside
    outside = SHARED_HOME / identity
    home = outside if outside.exists() else inside
    account = _owner_of(home) if home.exists() else _nobody()
    if home is inside and not account.can("x", state.path):
        if inside.exists():
            raise EmbeddedError(f"The servers' account cannot reach its data in {inside}: check the modes.")
        SHARED_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        home = outside
    account.take(home)
    if not account.can("w", home):
        raise EmbeddedError(f"The servers' account cannot write to {home}.")
    return account, home


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)


def _owner_of(directory: Path) -> Account:
    found = directory.stat()
    return Account(found.st_uid, found.st_gid) if found.st_uid else _nobody()
