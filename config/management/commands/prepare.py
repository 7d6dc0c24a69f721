"""`manage.py prepare`: what has to be done before a Stockroom serves."""

import io
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.development import ADMIN_EMAIL, admin_password_file
from config.embedded.state import write_private
from stocks.errors import SandboxAndRealData
from stocks.providers.registry import providers


class Command(BaseCommand):
    help = "Applies migrations, makes the administrator of a development machine, fills the sandbox market."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self._migrate()
        try:
            providers()
        except (ImproperlyConfigured, SandboxAndRealData) as error:
            raise CommandError(str(error)) from None
        if not settings.PRODUCTION:
            _ensure_administrator()
            call_command("seed_products", if_empty=True, stdout=io.StringIO())
        if "sandbox" in settings.MARKET_DATA:
            # Its progress is on stderr; the summary on stdout is for programs.
            call_command("load_sandbox", stdout=io.StringIO())

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"Applying {len(plan)} migrations.")
            call_command("migrate", interactive=False, verbosity=0)


def _ensure_administrator() -> None:
    """Make the first superuser with a password that only a file in STATE_DIR tells.

    A file that no longer tells the truth is removed.
    """
    users = get_user_model()._default_manager
    file = admin_password_file(settings.STATE_DIR)
    if not users.filter(is_superuser=True).exists():
        password = secrets.token_urlsafe(15)
        write_private(file, f"{password}\n".encode())
        users.create_superuser(ADMIN_EMAIL, password)
    elif file.exists():
        administrator = users.filter(email=ADMIN_EMAIL).first()
        if administrator is None or not administrator.check_password(file.read_text().strip()):
            file.unlink()
