"""No secret reaches a log, and no caller can forge a line."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import UserFactory
from config.api.middleware import printable
from config.logs import RedactSecrets, RefusalsInOneLine, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
KEY = "sk_abcdefabcdef_" + "A" * 43 + "_0f0f0f0f"


@pytest.mark.parametrize(
    "line",
    [
        f"WebSocket /ws/stocks?token={JWT}",
        f"Authorization: Bearer {JWT}",
        f"the ticket tk_{KEY} of a stream",
        f"{{'X-API-Key': '{KEY}'}}",
        f"Authorization: Token {KEY}",
        f"GET https://host/query?function=F&apikey={KEY}&x=1",
        f"postgres://app:{KEY}@db/stockroom",
        f"password={KEY} in ?password={KEY}",
        *(f"GET /v1/screens/shared/{KEY}/results", f"POST /x?a=1&refresh_token={KEY}"),
        *(f"signed by whsec_{KEY}, asked with rk_{KEY}", f"paid by pm_{KEY} or tok_{KEY}"),
    ],
)
def test_a_secret_is_cut_out(line: str):
    clean = redact(line)
    assert JWT not in clean
    assert KEY not in clean
    assert "[secret]" in clean


@pytest.mark.parametrize(
    "line",
    [
        # As a library writes a frame down, whose middle it leaves out.
        """> TEXT '{"type": "auth", "token": "eyJhbGci...%s"}' [458 bytes]""",
        """{"email": "a@example.com", "current_password" : "x", "new_password":"%s'"}""",
        """{'refresh_token': '%s', 'expires_in': 60}""",
    ],
)
def test_a_secret_that_has_no_form_of_its_own_is_known_by_its_name(line: str):
    clean = redact(line % "c2lnbmF0dXJl")
    assert "c2lnbmF0dXJl" not in clean
    assert "[secret]" in clean


def test_a_plain_line_stays_as_it_is():
    line = "GET /v1/stocks/005930 alice@example.com 200 1.2ms"
    assert redact(line) == line


def test_a_secret_in_arguments_and_in_an_exception_is_cut_out():
    try:
        raise ValueError(f"bad url ?token={JWT}")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "key %s", (KEY,), (type(error), error, None))
    RedactSecrets().filter(record)
    text = logging.Formatter().format(record)
    assert KEY not in text
    assert JWT not in text


def test_a_refused_request_is_one_line():
    try:
        raise DisallowedHost("evil.example")
    except DisallowedHost as error:
        record = logging.LogRecord(
            "django.security.DisallowedHost", logging.ERROR, "", 1, "refused", (), (type(error), error, None)
        )
    RefusalsInOneLine().filter(record)
    RedactSecrets().filter(record)
    assert logging.Formatter().format(record) == "refused"
    assert "refusals" in settings.LOGGING["handlers"]["console"]["filters"]


def test_a_celery_process_cuts_secrets_out_too():
    # The order of a worker: the applications are loaded, then Celery sets its logging up.
    code = (
        "import logging; from config.celery import app;"
        "app.loader.init_worker(); app.log.setup(loglevel='INFO');"
        f"logging.getLogger('stocks').warning('told %s', '{KEY}')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120)
    assert "told [secret]" in done.stderr, done.stderr
    assert KEY not in done.stdout + done.stderr


def test_control_characters_cannot_forge_a_line():
    assert printable("/a\r\n[INFO] fake \x1b[31m") == "/a\\r\\n[INFO]\\x20fake\\x20\\x1b[31m"


@pytest.fixture
def request_lines():
    """The lines that the request log gets during the test, in the file's own format."""

    class Lines(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.lines: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.lines.append(self.format(record))

    handler = Lines()
    logging_settings: dict[str, Any] = settings.LOGGING
    form = logging_settings["formatters"]["request"]
    handler.setFormatter(logging.Formatter(form["format"], form["datefmt"], form["style"]))
    logger = logging.getLogger("stockroom.requests")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


@pytest.mark.django_db
def test_each_request_leaves_the_line_of_the_first_service(client: Client, request_lines: list[str]):
    client.get(f"/v1/stocks?token={JWT}", headers={"X-Request-ID": "request-0001"})
    line = request_lines[-1]
    assert " [INFO] [API_REQUEST] GET /v1/stocks AnonymousUser 400 " in line
    assert line.startswith("[")
    assert line.endswith("request-0001")
    assert JWT not in line


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), [("/v1/auth/me", 401), ("/nowhere", 404)])
def test_refused_requests_are_logged_too(client: Client, request_lines: list[str], path: str, status: int):
    client.get(path)
    assert f"GET {path} AnonymousUser {status} " in request_lines[-1]


@pytest.mark.django_db
def test_a_page_that_asks_nobody_who_they_are_reads_no_database_for_its_line(
    client: Client, request_lines: list[str], django_assert_num_queries: DjangoAssertNumQueries
):
    client.force_login(UserFactory.create())
    with django_assert_num_queries(0):
        client.get("/health/live")
    assert "GET /health/live AnonymousUser 200 " in request_lines[-1]


@pytest.mark.django_db
def test_staff_in_the_admin_are_named(client: Client, request_lines: list[str]):
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    client.force_login(staff)
    client.get("/admin/")
    assert f"GET /admin/ {staff.email} 200 " in request_lines[-1]


def test_the_file_is_named_and_rotates():
    logging_settings: dict[str, Any] = settings.LOGGING
    handler = logging_settings["handlers"]["requests"]
    assert Path(handler["filename"]).name == "apicalls.log"
    assert (handler["max_bytes"], handler["backups"]) == (10 * 1024 * 1024, 5)
