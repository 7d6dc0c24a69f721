"""The part of the pytest plugin that keeps what the suite writes, and searches it at the end of the run.

Kept are every log record of the tests' own processes as the product's handlers would write it, at DEBUG;
what tests and programs that they start wrote to stdout and stderr, read from a pipe, put into a file or left
to pytest; and every file named like a log, of the servers too, also where its directory is removed.
"""

from __future__ import annotations

import fcntl
import functools
import inspect
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TextIO, cast

import pytest

from config.suite_logs import noting, search

_SITECUSTOMIZE = """
import importlib.util, os

spec = importlib.util.spec_from_file_location("stockroom_noting", {noting!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.install(os.path.dirname(__file__))
"""
#: They say a lot for tests alone, and nothing of ours: the last one, what a test sends as a client. Where the
#: product is a client it runs in processes of its own.
_OF_TESTS = ("factory", "faker", "hypothesis", "django.db.backends", "websockets.client")
_VARIABLE = "SUITE_LOGS"


class SuiteLogs:
    """What is kept of one run of the tests, in a directory that all its processes know."""

    def __init__(self, directory: Path, notes: noting.Notes) -> None:
        self.directory = directory
        self.notes = notes
        self.own = os.environ.get("PYTEST_XDIST_WORKER", "tests")
        self._written = (directory / "written" / f"{self.own}-output.log").open("ab")
        self._records: list[tuple[logging.Logger, _Written]] = []

    def write(self, text: str | bytes | None) -> None:
        """Keep what a test or a program that it started wrote."""
        if text:
            self._written.write(text.encode(errors="replace") if isinstance(text, str) else text)
            self._written.write(b"\n")

    def keep_records(self) -> None:
        """Keep every log record of this process from now on, at DEBUG."""
        for logger in (logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict))):
            if any(isinstance(one, _Written) for one in logger.handlers):
                continue
            products = [one for one in logger.handlers if not type(one).__module__.startswith("_pytest")]
            if logger is logging.root or (products and not logger.propagate):
                self._keep_records_of(logger, products)
        for name in _OF_TESTS:
            logging.getLogger(name).setLevel(logging.INFO)

    def _keep_records_of(self, logger: logging.Logger, products: list[logging.Handler]) -> None:
        file = self.directory / "written" / f"{self.own}-records-{logger.name}.log"
        written = _Written(file, products[0] if products else None)
        # The product's handlers write what they always do.
        for handler in products:
            handler.setLevel(max(handler.level, logger.level))
        logger.addHandler(written)
        logger.setLevel(logging.DEBUG)
        self._records.append((logger, written))

    def name(self, test: str) -> None:
        """Say in the logs which test writes from here on."""
        # A test may have set logging up anew.
        if not any(isinstance(one, _Written) for one in logging.root.handlers):
            self.keep_records()
        line = search.TEST + test.encode(errors="replace")
        self.write(line)
        for _, written in self._records:
            written.stream.write(f"{line.decode()}\n")

    def close(self) -> None:
        for logger, written in self._records:
            logger.removeHandler(written)
            written.stream.close()
        self._written.close()

    def report(self, temporary: Path | None) -> search.Report:
        """Look for all that was noted in all that is kept, and in the logs that tests have left."""
        logs = [*_files(self.directory / "written"), *_files(self.directory / "kept")]
        if temporary is not None:
            logs += [file for file in _files(temporary) if noting.LOG.search(file.name)]
        named = ((str(file.relative_to(file.parents[1])), file) for file in logs)
        return search.search(named, search.noted(self.directory / "secrets"))


class _Written(logging.StreamHandler[TextIO]):
    """Writes as another handler does: with its filters, and so without what they take out.

    Its file stays open where logging is set up anew, which closes all handlers.
    """

    def __init__(self, file: Path, other: logging.Handler | None) -> None:
        super().__init__(file.open("a"))
        self.setLevel(logging.DEBUG)
        self.setFormatter(logging.Formatter("{asctime} {levelname} {name}: {message}", style="{"))
        for one in other.filters if other else ():
            self.addFilter(one)


class _Heard:
    """The end of a pipe that is read from, with all that is read also written down."""

    def __init__(self, pipe: IO[Any], logs: SuiteLogs) -> None:
        self._pipe = pipe
        self._logs = logs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, self._pipe.read(0))

    def __next__(self) -> Any:
        if line := self.readline():
            return line
        raise StopIteration

    def __enter__(self) -> _Heard:
        return self

    def __exit__(self, *error: object) -> None:
        self._pipe.close()

    def read(self, *size: int) -> Any:
        return self._heard(self._pipe.read(*size))

    def read1(self, *size: int) -> Any:
        return self._heard(self._pipe.read1(*size))  # type: ignore[attr-defined]  # of a pipe of bytes

    def readline(self, *size: int) -> Any:
        return self._heard(self._pipe.readline(*size))

    def readlines(self) -> Any:
        return list(self)

    def _heard(self, text: Any) -> Any:
        self._logs.write(text)
        return text


_logs: SuiteLogs | None = None
_report: search.Report | None = None


def begin(prefix: str) -> None:
    """Start to note and to keep, in this process and in those that it will start.

    The directory for it has a name with this prefix and the lock of a live run, so that what a killed run
    leaves is removed like its servers' data.
    """
    global _logs
    directory = Path(os.environ[_VARIABLE] if _is_worker() else tempfile.mkdtemp(prefix=prefix))
    if _is_worker():
        # Its `sitecustomize` has begun already; two would note everything twice.
        notes = noting.Notes(str(directory))
    else:
        _furnish(directory)
        notes = noting.install(str(directory))
        _hold(directory)
    _logs = SuiteLogs(directory, notes)


def finish(session: pytest.Session) -> None:
    """Search, once all processes of the run have ended; what is found fails the run."""
    global _logs, _report
    if _logs is None:
        return
    _logs.close()
    if not _is_worker():
        _report = _logs.report(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
        if _report.hits and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        # Not the wrapped one, which would keep the logs that it removes.
        inspect.unwrap(shutil.rmtree)(_logs.directory)
    _logs = None


def pytest_sessionstart(session: pytest.Session) -> None:
    if _logs is None:
        return
    _logs.keep_records()
    # Where others run the tests, what they write into their pipes is what pytest-xdist says to itself.
    if not session.config.pluginmanager.has_plugin("dsession"):
        _listen_to_programs(_logs)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if _logs is not None:
        _logs.name(item.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # The last report of a test has what it wrote in all its phases; a worker's comes to the controller too.
    if _logs is not None and report.when == "teardown" and not hasattr(report, "node"):
        _logs.write(report.capstdout)
        _logs.write(report.capstderr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _report is None:
        return
    if _report.hits:
        terminalreporter.section("secrets in logs", red=True)
    for hit in _report.hits:
        terminalreporter.write_line(f"{hit.kind} in {hit.log}: {hit.line}", red=True)
    terminalreporter.write_line(str(_report))


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def _furnish(directory: Path) -> None:
    for name in ("secrets", "written", "kept"):
        (directory / name).mkdir()
    (directory / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(noting=noting.__file__))
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{directory}{os.pathsep}{others}" if others else str(directory)
    os.environ[_VARIABLE] = str(directory)


def _hold(directory: Path) -> None:
    """Hold the directory's lock until this process ends."""
    fcntl.flock(os.open(directory / "up.lock", os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)


def _listen_to_programs(logs: SuiteLogs) -> None:
    """Keep what programs write that are started from here, into pipes and into files."""
    start, communicate = subprocess.Popen.__init__, subprocess.Popen.communicate

    @functools.wraps(start)
    def starting(self: subprocess.Popen[Any], *places: Any, **names: Any) -> None:
        start(self, *places, **names)
        if self.stdout is not None:
            self.stdout = cast(IO[Any], _Heard(self.stdout, logs))
        if self.stderr is not None:
            self.stderr = cast(IO[Any], _Heard(self.stderr, logs))
        for target in (names.get("stdout"), names.get("stderr")):
            if isinstance(file := getattr(target, "name", None), str):
                logs.notes.keep(Path(file), about=os.environ.get("PYTEST_CURRENT_TEST", ""))

    @functools.wraps(communicate)
    def communicating(self: subprocess.Popen[Any], *places: Any, **names: Any) -> Any:
        told = communicate(self, *places, **names)
        for text in told:
            logs.write(text)
        return told

    patch = pytest.MonkeyPatch()
    patch.setattr(subprocess.Popen, "__init__", starting)
    patch.setattr(subprocess.Popen, "communicate", communicating)


def _files(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder, name) for name in sorted(names))
