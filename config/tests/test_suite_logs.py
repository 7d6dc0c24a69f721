"""The search of what the suite writes, pure; and small runs of pytest that give secrets away, or do not."""

from __future__ import annotations

import secrets
from pathlib import Path

from config.suite_logs import noting, search
from config.tests.test_testing import start_pytest, temporary_directory

__all__ = ["temporary_directory"]

HEAD = """
import logging, pathlib, subprocess, sys, tempfile, uuid
from accounts.keys import api_key_generate
from accounts.tickets import ticket_generate
from accounts.tokens import refresh_token_generate
from screening.webhooks.signing import secret_of

def told(secret):
    with (pathlib.Path(__file__).parent / "told.txt").open("a") as file:
        file.write(secret + "\\n")
    return secret
"""
LEAKS = """
def test_a_record():
    logging.getLogger("stocks").debug("given %s", told(refresh_token_generate()))

def test_a_print():
    print("see", told(ticket_generate()))

def test_a_program():
    code = "from accounts.keys import api_key_generate; print(api_key_generate())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told(done.stdout.strip())

def test_a_log_that_is_removed():
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "server.log").write_text(told(secret_of(uuid.uuid4(), 1)))
"""
CLEAN = """
def test_here():
    # The product's own filter cuts it out.
    logging.getLogger("stocks").debug("given %s", api_key_generate())
    refresh_token_generate()
"""


def test_a_run_whose_logs_hold_secrets_fails_and_names_them_but_does_not_show_them(
    temporary_directory: Path,
) -> None:
    run = start_pytest(temporary_directory, HEAD + LEAKS, "--capture=fd")
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, output
    assert "4 passed" in output
    for line in (
        "refresh token in written/tests-records-root.log",
        "ticket in written/tests-output.log",
        "API key in written/tests-output.log",
        "webhook secret in kept/",
    ):
        assert line in output
    assert "DEBUG stocks: given [secret] (" in output
    assert "(::test_a_record)" in output
    assert ": 4 found (" in output
    given = (temporary_directory / "told.txt").read_text().split()
    assert len(given) == 4
    assert [secret for secret in given if secret[-noting.PART :] in output] == []


def test_a_run_that_gives_nothing_away_says_how_much_was_searched(temporary_directory: Path) -> None:
    run = start_pytest(temporary_directory, HEAD + CLEAN, "--capture=fd")
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    (line,) = [line for line in output.splitlines() if " searched for " in line]
    assert ": none found (" in line
    assert "1 API key" in line and "1 refresh token" in line and "password of a server" in line


def noted(directory: Path, *given: str) -> dict[bytes, str]:
    for name in ("secrets", "kept"):
        (directory / name).mkdir()
    notes = noting.Notes(str(directory))
    for one in given:
        notes.note("a secret", one)
    return search.noted(directory / "secrets")


def test_what_is_too_plain_to_be_told_from_other_words_is_not_noted(tmp_path: Path) -> None:
    assert noted(tmp_path, "password", "correct horse 42", "x" * 60, "a long password, of words") == {}


def test_a_secret_is_found_wherever_it_stands_and_once_a_log(tmp_path: Path) -> None:
    secret = secrets.token_urlsafe(32)
    known = noted(tmp_path, secret)
    log = tmp_path / "a.log"
    for before, after in ((b"", b""), (b"?token=", b"&x"), (b"glued", b"together"), (b"x" * 40, b"")):
        # Over the end of a block too, which is a power of two.
        for space in (0, (1 << 20) - 30 - len(before)):
            text = b" " * space + before + secret.encode() + after
            log.write_bytes(text + b"\n" + text)
            report = search.search([("a.log", log)], known)
            assert [(hit.kind, hit.log) for hit in report.hits] == [("a secret", "a.log")], (before, space)
            assert secret[-noting.PART :] not in report.hits[0].line


def test_one_file_of_two_names_is_searched_once_and_other_words_are_nothing(tmp_path: Path) -> None:
    known = noted(tmp_path, secrets.token_urlsafe(32))
    log = tmp_path / "a.log"
    log.write_text(secrets.token_urlsafe(32) * 1000)
    (tmp_path / "b.log").hardlink_to(log)
    report = search.search([("a.log", log), ("b.log", tmp_path / "b.log")], known)
    assert (report.logs, report.size, report.hits) == (1, 43_000, [])
    assert str(report) == "0.0 MB in 1 logs searched for 1 secrets: none found (1 a secret)"
