"""An unsafe production boot is refused, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0123456789-first-secret-of-the-test-abcdefghijklmnopqrstuvwxyz",
    "JWT_SIGNING_KEY": "0123456789-second-secret-of-the-test-abcdefghijklmnopqrstuvwxyz",
    "API_KEY_PEPPER": "0123456789-third-secret-of-the-test-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "stockroom.example",
    "DATABASE_URL": "postgres://app:pw@db/stockroom",
    "REDIS_URL": "redis://redis:6379/0",
}


def boot(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "STATE_DIR": str(tmp_path), **SAFE, **changes}
    return subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_works(tmp_path: Path):
    result = boot(tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"JWT_SIGNING_KEY": ""}, "JWT_SIGNING_KEY is not set"),
        ({"API_KEY_PEPPER": "short"}, "API_KEY_PEPPER is shorter"),
        ({"SECRET_KEY": "development-only-" + "x" * 50}, "SECRET_KEY is a development secret"),
        ({"JWT_SIGNING_KEY": SAFE["SECRET_KEY"]}, "two secrets are the same"),
        ({"DEBUG": "1"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": "*"}, "wildcard"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"RATE_LIMITS": "off"}, "RATE_LIMITS is off"),
        ({"MARKET_DATA": "sandbox"}, "sandbox"),
        ({"PAYMENT_GATEWAYS": "sandbox"}, "PAYMENT_GATEWAYS names the sandbox"),
        ({"PAYMENT_CLAIM_SECONDS": "3"}, "PAYMENT_CLAIM_SECONDS is less than 30"),
    ],
)
def test_an_unsafe_setting_stops_the_boot_and_is_named(tmp_path: Path, changes: dict[str, str], reason: str):
    result = boot(tmp_path, **changes)
    assert result.returncode != 0
    assert "refusing to start in production" in result.stderr
    assert reason in result.stderr


def test_spaces_beside_the_commas_of_a_list_are_no_part_of_its_words(tmp_path: Path):
    result = boot(tmp_path, ALLOWED_HOSTS="stockroom.example, * ", MARKET_DATA="none, sandbox")
    assert "wildcard" in result.stderr
    assert "MARKET_DATA is the sandbox" in result.stderr


def test_the_refusal_shows_no_secret(tmp_path: Path):
    result = boot(tmp_path, DEBUG="1")
    assert SAFE["SECRET_KEY"] not in result.stderr


def test_the_deployment_checks_find_nothing(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={"PATH": os.environ["PATH"], "STATE_DIR": str(tmp_path), **SAFE},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


def test_development_secrets_are_made_once_and_carry_the_marker(tmp_path: Path):
    command = [
        sys.executable,
        "-c",
        "from config.secrets import development_secret; from pathlib import Path; import hashlib, sys;"
        "made = development_secret(Path(sys.argv[1]), 'SECRET_KEY');"
        "print(hashlib.sha256(made.encode()).hexdigest(), made.startswith('development-only-'))",
        str(tmp_path),
    ]
    starters = [
        subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    told = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(told) == 1
    assert told.pop().endswith(" True\n")
    assert (tmp_path / "secrets" / "secret_key").stat().st_mode & 0o077 == 0


def test_the_sandbox_gateway_starts_where_it_is_asked_for(tmp_path: Path):
    asked = {"PAYMENT_GATEWAYS": "sandbox", "PAYMENT_SANDBOX_IN_PRODUCTION": "true"}
    result = boot(tmp_path, **asked)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PAYMENT_GATEWAYS": "paypal"}, "known: sandbox, stripe"),
        ({"PAYMENT_GATEWAYS": "stripe"}, "needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET"),
        ({"PAYMENT_GATEWAYS": "stripe", "STRIPE_SECRET_KEY": "sk_live_1"}, "needs STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_a_gateway_without_its_keys_stops_the_boot(tmp_path: Path, changes: dict[str, str], reason: str):
    result = boot(tmp_path, **changes)
    assert result.returncode != 0
    assert reason in result.stderr
    assert "sk_live_1" not in result.stderr
