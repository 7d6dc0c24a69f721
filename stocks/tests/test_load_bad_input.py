"""Files that cannot be loaded at all: one clear line, and nothing half-loaded."""

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from stocks.loading import source
from stocks.models import DailyBar, Dataset, LoadedFile, Stock
from stocks.tests.loading_cases import list_stocks, load, refused_load, write

pytestmark = pytest.mark.django_db

HEADERS = {
    "load_stocks": "code,name,market",
    "load_prices": "code,date,open,high,low,close,volume",
    "load_statements": "stock_code,analysis_year,rcept_dt,revenue",
}
ROWS = {
    "load_stocks": "{code},Name,KOSPI",
    "load_prices": "{code},2025-06-09,1,1,1,1,1",
    "load_statements": "{code},2024,20250101,1",
}
COMMANDS = sorted(HEADERS)


def many_rows(command: str, number: int) -> bytes:
    rows = (ROWS[command].format(code=f"{index:06d}") for index in range(number))
    return "".join(f"{line}\n" for line in (HEADERS[command], *rows)).encode()


def stored() -> tuple[int, int, str]:
    return DailyBar.objects.count(), LoadedFile.objects.count(), Dataset.objects.get().origin


def random_bytes(number: int) -> bytes:
    return random.Random(1).randbytes(number)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b,c\n1,2,3\n", "lacks the column"),
        (b"code;name;date;open;high;low;close;volume\n", "lacks the column"),
        (b"\n\n\n", "lacks the column"),
        (b"<!DOCTYPE html>\n<html>\n", "lacks the column"),
        ("code,name\n1,a\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00\x00", "NUL byte"),
        (random_bytes(5000), "no UTF-8 text|NUL byte"),
        (gzip.compress(random_bytes(5000), mtime=0), "no UTF-8 text|NUL byte"),
        (b"x" * (2 * 1024 * 1024), "line 1 is longer than"),
    ],
    ids=lambda value: value[:16].hex() if isinstance(value, bytes) else None,
)
def test_a_file_of_the_wrong_kind_is_refused(command, content, complaint, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    message = refused_load(command, path)
    assert any(part in message for part in complaint.split("|")), message
    assert "x.csv" in message
    assert stored() == (0, 0, "empty")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_header_without_rows_is_refused(command, tmp_path):
    path = write(tmp_path / "x.csv", "", header=HEADERS[command])
    assert "has a header and no rows" in refused_load(command, path)
    assert stored() == (0, 0, "empty")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_is_no_file_is_refused(command, tmp_path):
    assert "is a directory" in refused_load(command, tmp_path)
    assert "does not exist" in refused_load(command, tmp_path / "absent.csv")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused_load(command, tmp_path / "pipe")
    (tmp_path / "x.csv").touch()
    assert "cannot be read: Not a directory" in refused_load(command, tmp_path / "x.csv" / "y.csv")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("harm", ["cut", "damaged", "latin-1", "nul", "long line"])
def test_harm_far_into_a_file_undoes_what_came_before_it(command, harm, tmp_path, monkeypatch):
    # Small pieces, so that rows are written long before the harm is met.
    monkeypatch.setattr(source, "READ_BYTES", 4096)
    monkeypatch.setattr(source, "PIECE_BYTES", 16_384)
    list_stocks(*(f"{index:06d}" for index in range(500)))
    before = Stock.objects.count()
    text = many_rows(command, 4000)
    packed = gzip.compress(text, 1)
    content, complaint = {
        "cut": (packed[:-20], "cut off"),
        "damaged": (packed[: len(packed) // 2] + bytes(200) + packed[len(packed) // 2 + 200 :], "damaged"),
        "latin-1": (text + "ü,1,1,1\n".encode("latin-1"), "line 4002 holds the byte 0xfc"),
        "nul": (text + b"\0\n", "line 4002 holds a NUL byte"),
        "long line": (text + b"1" * (2 * 1024 * 1024), "line 4002 is longer than"),
    }[harm]
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    message = refused_load(command, path, "--report", str(tmp_path / "refused.csv"))
    assert complaint in message or harm == "damaged"
    assert stored() == (0, 0, "empty")
    assert Stock.objects.count() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_a_report_that_cannot_be_written_is_said_before_anything_is_loaded(tmp_path):
    list_stocks("000000")
    path = write(tmp_path / "x.csv", "000000,2025-06-09,1,1,1,1,1")
    for report in (tmp_path / "absent" / "refused.csv", path, tmp_path):
        assert "report cannot be written" in refused_load("load_prices", path, "--report", str(report))
    assert stored() == (0, 0, "empty")
    assert path.read_text().startswith("code,")


def test_an_error_of_the_database_is_one_line(tmp_path):
    list_stocks("000000")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE stocks_dailybar ADD CONSTRAINT no_ones CHECK (volume <> 1)")
    path = write(tmp_path / "x.csv", "000000,2025-06-09,1,1,1,1,1")
    message = refused_load("load_prices", path)
    assert message.startswith("The database refused the load: ")
    assert "no_ones" in message
    assert stored() == (0, 0, "empty")


def test_the_commands_of_the_shell_end_with_1_and_one_line_on_stderr(tmp_path):
    done = _manage("load_prices", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith("VmHWM")
    assert done.stderr.splitlines() == [f"CommandError: {tmp_path} is a directory, not a file."]


def test_memory_stays_bounded_whatever_the_file_holds(tmp_path):
    """A line of 100 MB, a bomb of 200 MB of zeros, and a million rows that are all refused."""
    long = tmp_path / "long.csv"
    with long.open("wb") as file:
        file.write(b"code,date,open,high,low,close,volume\n")
        for _ in range(100):
            file.write(b"1" * 1024 * 1024)
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", 1) as file:
        file.write(b"code,date,open,high,low,close,volume\n")
        for _ in range(200):
            file.write(b"0" * 1024 * 1024)
    short = tmp_path / "short.csv.gz"
    with gzip.open(short, "wb", 1) as file:
        file.write(b"code,date,open,high,low,close,volume\n")
        for _ in range(100):
            file.write(b"x\n" * 10_000)
    idle = _peak(_manage("load_prices", str(tmp_path)))
    for path in (long, bomb, short):
        done = _manage("load_prices", str(path))
        assert done.returncode == 1, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert _peak(done) < idle + 120 * 1024


# A child's peak as its parent sees it counts the parent's own memory, so the process looks at itself.
_MANAGE = """
import atexit, pathlib, runpy, sys
sys.argv[0] = "manage.py"
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(next(line for line in status.read_text().splitlines() if "VmHWM" in line)))
runpy.run_path("manage.py", run_name="__main__")
"""


def _manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    return subprocess.run(
        [sys.executable, "-c", _MANAGE, *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
    )


def _peak(done: subprocess.CompletedProcess[str]) -> int:
    """The most memory that it took, in KiB."""
    return int(done.stdout.splitlines()[-1].removeprefix("VmHWM:").split()[0])


def test_a_file_that_ends_without_a_newline_and_has_windows_line_ends_is_fine(tmp_path: Path):
    list_stocks("000000")
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfcode,date,open,high,low,close,volume\r\n000000,2025-06-09,1,1,1,1,1")
    assert load("load_prices", path)["inserted"] == 1
