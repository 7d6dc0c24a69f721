"""The database of the benchmark: stocks that have rooms, and users with sessions whose tokens are real."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

from realtime_load.machine import PROJECT

STOCKS = 2_400
#: Connections of one user: half of what the tier pro may open, so that all may come back before the server
#: has noticed that they were cut.
PER_USER = 10


def fill(connections: int) -> list[str]:
    """Make the tables, the stocks and one session per connection; returns their access tokens."""
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, cwd=PROJECT, timeout=180)
    import django

    django.setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stocks_stock (code, name, market_id, sector, segment, kind, industry, isin,"
            " currency, is_active, source, updated_at)"
            " SELECT code, 'Company ' || code, (ARRAY['KOSPI', 'KOSDAQ'])[1 + n %% 2],"
            " 'Sector ' || n %% 12, '', 'equity', '', '', 'KRW', true, 'bench', now()"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (code, n)",
            [codes()],
        )
    tokens = _tokens(connections)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    return tokens


def codes() -> list[str]:
    return [f"{number:06d}" for number in range(STOCKS)]


def rooms() -> list[str]:
    """The price rooms of all stocks."""
    return [f"price:{code}" for code in codes()]


def _tokens(count: int) -> list[str]:
    from django.utils import timezone

    from accounts.models import Session, Tier, User
    from accounts.tokens import access_token_issue

    now = timezone.now()
    users = User.objects.bulk_create(
        User(
            email=f"bench{number}@example.com",
            name="Bench",
            tier=Tier.PRO,
            password="!",
            email_confirmed_at=now,
        )
        for number in range(-(-count // PER_USER))
    )
    sessions = Session.objects.bulk_create(
        (
            Session(user=users[number // PER_USER], expires_at=now + timedelta(days=1))
            for number in range(count)
        ),
        batch_size=2_000,
    )
    return [
        access_token_issue(user_id=one.user_id, session_id=one.pk, tier=Tier.PRO.value) for one in sessions
    ]
