"""The file of the request log."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from config.request_file import LOOK_EVERY, LineFormatter, RequestFile

ROOT = Path(__file__).resolve().parents[2]


def write(handler: RequestFile, *lines: str) -> None:
    for line in lines:
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, line, None, None))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.log"


def test_it_works(file: Path):
    handler = RequestFile(str(file), max_bytes=1000, backups=2)
    assert not file.exists()
    write(handler, "one", "zwei ü", "\ud800")
    assert file.read_text() == "one\nzwei ü\n\\ud800\n"
    handler.close()


def test_it_rotates_and_keeps_the_newest(file: Path):
    handler = RequestFile(str(file), max_bytes=LOOK_EVERY, backups=2)
    lines = [f"{number:06d} {'x' * 993}" for number in range(400)]
    write(handler, *lines)
    handler.close()
    kept = [Path(f"{file}.2"), Path(f"{file}.1"), file]
    assert not Path(f"{file}.3").exists()
    found = [line for one in kept for line in one.read_text().splitlines()]
    assert found == lines[-len(found) :]
    assert all(one.stat().st_size <= 2 * LOOK_EVERY + 1000 for one in kept)


def test_a_file_that_an_older_run_left_large_is_rotated(file: Path):
    file.write_text("old\n" * 1000)
    handler = RequestFile(str(file), max_bytes=1000, backups=2)
    write(handler, "new")
    write(handler, "newer")
    handler.close()
    assert Path(f"{file}.1").read_text().endswith("old\nnew\n")
    assert file.read_text() == "newer\n"


def test_a_file_that_was_taken_away_is_begun_anew(file: Path):
    handler = RequestFile(str(file), max_bytes=10**9, backups=2)
    write(handler, "one")
    file.rename(f"{file}.gone")
    line = "x" * 1000
    write(handler, *[line] * 100)
    handler.close()
    assert file.exists()
    both = Path(f"{file}.gone").read_text() + file.read_text()
    assert both.count(line) == 100


def test_several_processes_lose_no_line_and_tear_none(file: Path):
    code = (
        "import sys, logging; from config.request_file import RequestFile\n"
        f"handler = RequestFile({str(file)!r}, max_bytes=200_000, backups=50)\n"
        "for number in range(3000):\n"
        "    line = f'{sys.argv[1]} {number} ' + 'x' * 200\n"
        "    handler.handle(logging.LogRecord('x', 20, '', 0, line, None, None))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(number)], cwd=ROOT) for number in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    files = [one for one in file.parent.glob("requests.log*") if one.suffix != ".lock"]
    assert len(files) > 5
    found = [line for one in files for line in one.read_text().splitlines()]
    expected = [f"{writer} {number} {'x' * 200}" for writer in range(4) for number in range(3000)]
    assert sorted(found) == sorted(expected)


def test_a_disk_that_is_full_fails_no_request(capsys: pytest.CaptureFixture[str]):
    handler = RequestFile("/dev/full", max_bytes=10**9, backups=1)
    write(handler, "one")
    assert "No space left" in capsys.readouterr().err


def test_the_time_of_a_line_is_that_of_its_second():
    formatter = LineFormatter("{asctime} {message}", datefmt="%d/%b/%Y %H:%M:%S", style="{")
    for moment in (1_764_280_000.9, 1_764_280_001.0, 1_764_280_000.1):
        record = logging.LogRecord("x", logging.INFO, "", 0, "m", None, None)
        record.created = moment
        expected = time.strftime("%d/%b/%Y %H:%M:%S", time.localtime(int(moment)))
        assert formatter.format(record) == f"{expected} m"


def test_what_is_logged_together_is_written_in_one_step_between_the_lines_of_others(file: Path):
    handler = RequestFile(str(file), max_bytes=10**9, backups=2)
    began = threading.Event()

    def other() -> None:
        began.set()
        write(handler, "other")

    with handler.together():
        write(handler, "one")
        thread = threading.Thread(target=other)
        thread.start()
        assert began.wait(10)
        write(handler, "two")
        assert not file.exists()
    thread.join(10)
    assert file.read_text() == "one\ntwo\nother\n"
    write(handler, "three")
    assert file.read_text().endswith("other\nthree\n")
    handler.close()


def test_lines_are_written_when_what_logs_them_together_fails(file: Path):
    handler = RequestFile(str(file), max_bytes=10**9, backups=2)
    with pytest.raises(ZeroDivisionError), handler.together():
        write(handler, "one")
        raise ZeroDivisionError
    assert file.read_text() == "one\n"
    handler.close()
