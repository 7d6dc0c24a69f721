from __future__ import annotations

import json
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from stocks.models import DailyBar, Dataset, LatestIndicators, Quote, Stock


def _last_line(text: str) -> dict:
    return json.loads(text.strip().splitlines()[-1])


@pytest.mark.django_db
def test_the_last_line_says_what_was_added(capsys):
    call_command("load_sandbox", stocks_per_market=20)
    printed = capsys.readouterr()
    summary = _last_line(printed.out)
    assert summary["stocks"] == Stock.objects.count()
    assert summary["bars"] == DailyBar.objects.count()
    assert summary["indicators"] == LatestIndicators.objects.count()
    assert summary["quotes"] == Quote.objects.count()
    assert summary["seconds"] >= 0
    assert f"sandbox bars: {summary['stocks']} stocks" in printed.err
    call_command("load_sandbox", stocks_per_market=20)
    assert _last_line(capsys.readouterr().out)["bars"] == 0


@pytest.mark.django_db
def test_a_database_of_real_data_is_refused_in_one_line():
    Dataset.objects.update(origin="real")
    with pytest.raises(CommandError) as refused:
        call_command("load_sandbox", stocks_per_market=20)
    assert "STATE_DIR" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_first_fill_that_is_killed_leaves_an_empty_database_and_the_next_one_fills_it(live_stack):
    with transaction.atomic():
        # The filler has written its stocks and bars when it comes to this table, and waits for it.
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE stocks_corporateaction IN EXCLUSIVE MODE")
        filler = live_stack.manage("load_sandbox", "--stocks-per-market", "20")
        deadline = time.monotonic() + 120
        while not _waits_for_the_table():
            assert filler.poll() is None, live_stack.output(filler)
            assert time.monotonic() < deadline, live_stack.output(filler)
            time.sleep(0.05)
        live_stack.kill(filler)
    assert not Stock.objects.exists()
    assert not DailyBar.objects.exists()
    assert Dataset.objects.get().origin == "empty"

    again = live_stack.manage("load_sandbox", "--stocks-per-market", "20")
    assert again.wait(timeout=240) == 0, live_stack.output(again)
    assert Dataset.objects.get().origin == "sandbox"
    assert Stock.objects.count() == _last_line(live_stack.output(again))["stocks"] > 0


def _waits_for_the_table() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND relation = 'stocks_corporateaction'::regclass)"
        )
        return bool(cursor.fetchone()[0])
