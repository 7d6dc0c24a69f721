"""The search of many logs for many ends of secrets at once, in time that grows with the logs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.suite_logs.noting import PART, WORD

_BLOCK = 1 << 20
#: Words that were looked at once are not again; logs say much the same all the time.
_REMEMBERED = 200_000
#: Begins the line that says which test wrote what follows.
TEST = b"=== test "
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret that stands in a log: what it is, where, and the line without any word that could be one."""

    kind: str
    log: str
    line: str


@dataclass(slots=True)
class Report:
    """What was searched for, where, and what was found."""

    secrets: Counter[str]
    logs: int = 0
    size: int = 0
    hits: list[Hit] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.secrets.most_common())
        return (
            f"{self.size / 1e6:,.1f} MB in {self.logs:,} logs searched for {self.secrets.total():,} secrets: "
            f"{len(self.hits) or 'none'} found ({kinds or 'none was issued'})"
        )


def noted(directory: Path) -> dict[bytes, str]:
    """The ends of all secrets that processes noted below the directory, with what each is."""
    found: dict[bytes, str] = {}
    for file in sorted(directory.iterdir()):
        for line in file.read_bytes().splitlines():
            kind, _, end = line.partition(b"\t")
            if len(end) == PART:
                found.setdefault(end, kind.decode(errors="replace"))
    return found


def search(logs: Iterable[tuple[str, Path]], secrets: Mapping[bytes, str]) -> Report:
    """Look into every log, once where one has several names."""
    report = Report(Counter(secrets.values()))
    seen: set[bytes] = set()
    files: set[tuple[int, int]] = set()
    for name, path in logs:
        about = path.stat()
        if (about.st_dev, about.st_ino) in files:
            continue
        files.add((about.st_dev, about.st_ino))
        report.logs += 1
        report.size += about.st_size
        for end in sorted(_ends_in(path, secrets, seen)):
            report.hits.append(Hit(secrets[end], name, _line(path, end)))
    return report


def _ends_in(path: Path, secrets: Mapping[bytes, str], seen: set[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    carried = b""
    with path.open("rb") as log:
        while block := log.read(_BLOCK):
            text = carried + block
            words = set(WORD.findall(text)) - seen
            for word in words:
                here = {word[at : at + PART] for at in range(len(word) - PART + 1)} & secrets.keys()
                if here:
                    found |= here
                elif len(seen) < _REMEMBERED:
                    seen.add(word)
            # An end that is broken between two blocks is whole in this and the next.
            carried = text[1 - PART :]
    return found


def _line(path: Path, end: bytes) -> str:
    """The first line with the end, every long word masked, and the test that it is of where the log says."""
    test = b""
    with path.open("rb") as log:
        for line in log:
            if line.startswith(TEST):
                test = b" (" + line.removeprefix(TEST).strip() + b")"
            elif end in line:
                masked = WORD.sub(lambda word: b"[secret]" if end in word[0] else b"[...]", line.strip())
                return (masked[:_LONGEST] + test).decode(errors="replace")
    return ""
