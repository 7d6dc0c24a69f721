"""In every Python process of a run of the tests: notes of secrets, and logs kept from being removed.

Product code knows nothing of it: functions that make or take a secret are wrapped as their modules are
loaded. A process that a test starts does the same, for a `sitecustomize` that calls this lies on its
PYTHONPATH; so nothing here imports the project.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

#: So much of the end of a secret is searched for; a secret of which that much can be read is known.
PART = 16
#: What a secret consists of. Anything else breaks it: the signature of an access token is a word of its own.
WORD = re.compile(rb"[A-Za-z0-9_-]{%d,}" % PART)
#: An end with fewer different letters is no secret: tests give passwords such as "xxxxxxxxxxxxxxxxxxxx".
LETTERS = 8

#: The name of a log, a rotated one too.
LOG = re.compile(r"\.log(\.\d+)?$")
_NAMED_LIKE_A_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PEPPER")
_IN_ADDRESS = re.compile(r"://[^/@\s]*:([^/@\s]+)@")
#: Of the same password, given again and again, one note is enough.
_REMEMBERED = 10_000

#: The secrets of a call: from what it is given, by place and by name, and from what it returned.
Reading: TypeAlias = Callable[[Sequence[Any], dict[str, Any], Any], Iterable[Any]]


def _returned(places: Sequence[Any], names: dict[str, Any], result: Any) -> Iterable[Any]:
    return (result,)


def _given(*wanted: int | str) -> Reading:
    """What is given at these places or by these names; a sequence there is many."""

    def read(places: Sequence[Any], names: dict[str, Any], result: Any) -> Iterable[Any]:
        for one in wanted:
            value = names.get(one) if isinstance(one, str) else places[one] if one < len(places) else None
            yield from value if isinstance(value, list | tuple) else (value,)

    return read


#: Module -> what makes or takes a secret there: its name, what the secret is, and where to find it.
SOURCES: dict[str, list[tuple[str, str, Reading]]] = {
    "accounts.tokens": [
        ("KeyedBackend.encode", "access token", _returned),
        ("refresh_token_generate", "refresh token", _returned),
    ],
    "accounts.keys": [("api_key_generate", "API key", _returned)],
    "accounts.tickets": [("ticket_generate", "ticket", _returned)],
    "django.core.signing": [("dumps", "mailed link", _returned)],
    "django.contrib.sessions.backends.base": [
        ("SessionBase._get_new_session_key", "session cookie", _returned)
    ],
    "django.contrib.auth.hashers": [
        ("make_password", "password", _given(0, "password")),
        ("check_password", "password", _given(0, "password")),
    ],
    "screening.webhooks.signing": [("secret_of", "webhook secret", _returned)],
    "screening.services.saved": [
        ("screen_share", "link of a shared screen", lambda _, names, screen: (screen.share_token,))
    ],
    "accounts.billing.gateways.signatures": [
        ("sign", "secret of a payment gateway", _given(0, "secret")),
        ("check", "secret of a payment gateway", _given("secrets")),
    ],
    "accounts.billing.gateways.stripe": [
        ("StripeGateway.__init__", "key of a payment gateway", _given("secret_key", "webhook_secrets")),
        ("StripeGateway.charge", "means of payment", lambda places, *_: (places[1].token,)),
    ],
    "stocks.providers.http": [("Gateway.__init__", "key of a provider", _given("secrets"))],
    "stocks.providers.mesh.names": [("digest", "key of a provider", _given(0, "key"))],
    "stocks.providers.kis.token": [
        ("SharedKey._keep", "key that KIS issued", lambda places, *_: (places[1].value,))
    ],
    "config.secrets": [("development_secret", "secret of the server", _returned)],
    "config.embedded.state": [
        (
            "StateDir.secrets",
            "password of a server",
            lambda _, names, found: (word for name, word in found.items() if name != "id"),
        )
    ],
}


class Notes:
    """Where this process notes secrets and keeps logs: a directory of the whole run."""

    def __init__(self, directory: str) -> None:
        self._kept = Path(directory, "kept")
        self._secrets = Path(directory, "secrets")
        self._seen: set[tuple[str, bytes]] = set()
        self._count = 0

    def note(self, kind: str, secret: object) -> None:
        """Keep the end of a secret, unless it is too plain to be told from other words."""
        if not isinstance(secret, str):
            return
        words = WORD.findall(secret.encode(errors="replace"))
        if not words or len(set(words[-1][-PART:])) < LETTERS or (kind, words[-1]) in self._seen:
            return
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add((kind, words[-1]))
        file = self._secrets / str(os.getpid())
        # A process may outlive the run. Opened each time, because a server may close all that it has open.
        with suppress(FileNotFoundError), file.open("ab", buffering=0) as notes:
            notes.write(kind.encode() + b"\t" + words[-1][-PART:] + b"\n")

    def note_environment(self) -> None:
        """The secrets that the process was started with, and passwords in addresses."""
        for name, value in os.environ.items():
            if _NAMED_LIKE_A_SECRET.search(name):
                self.note(f"{name} of the environment", value)
            for password in _IN_ADDRESS.findall(value):
                self.note(f"password in {name}", password)

    def keep(self, file: Path, *, about: str = "") -> None:
        """Have what the file holds outlive it, under its own name and what it is ``about``."""
        self._count += 1
        name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"{about}+{file.name}"[-150:])
        with suppress(OSError):
            # What lies on another disk stays until its test removes it, and is searched where it then is.
            (self._kept / f"{os.getpid()}-{self._count}-{name}").hardlink_to(file)

    def keep_logs(self, directory: str | os.PathLike[str], **options: object) -> None:
        """Keep all logs below a directory that is about to be removed."""
        for folder, _, files in os.walk(directory):
            for file in filter(LOG.search, files):
                self.keep(Path(folder, file), about=os.environ.get("PYTEST_CURRENT_TEST", ""))


class _Loader(Loader):
    """Loads a module as it always is loaded, and then wraps what it has."""

    def __init__(self, loader: Loader, notes: Notes) -> None:
        self._loader = loader
        self._notes = notes

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _wrap(module, self._notes)


class _Finder(MetaPathFinder):
    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in SOURCES and name != "shutil":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._notes)
        return spec


def install(directory: str) -> Notes:
    """Note secrets from now on below the directory, and keep logs there that this process removes."""
    notes = Notes(directory)
    sys.meta_path.insert(0, _Finder(notes))
    for name in ("shutil", *SOURCES):
        if name in sys.modules:
            _wrap(sys.modules[name], notes)
    notes.note_environment()
    return notes


def _wrap(module: ModuleType, notes: Notes) -> None:
    if module.__name__ == "shutil":
        _before(module, "rmtree", notes.keep_logs)
        return
    for path, kind, reading in SOURCES[module.__name__]:
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, module)
        setattr(owner, name, _noting(getattr(owner, name), kind, reading, notes))


def _noting(function: Callable[..., Any], kind: str, reading: Reading, notes: Notes) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(*places: Any, **names: Any) -> Any:
        result = function(*places, **names)
        for secret in reading(places, names, result):
            notes.note(kind, secret)
        return result

    return noting


def _before(module: ModuleType, name: str, act: Callable[[Any], None]) -> None:
    function = getattr(module, name)

    @functools.wraps(function)
    def acting(path: Any, *places: Any, **names: Any) -> Any:
        act(path)
        return function(path, *places, **names)

    setattr(module, name, acting)
