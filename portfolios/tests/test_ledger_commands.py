"""manage.py reconcile and rebuild_holdings, and the staff's view of a ledger"""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD
from portfolios.models import Holding, Transaction
from portfolios.tests.test_ledger import record

pytestmark = pytest.mark.django_db


def run(name: str, *arguments: str) -> tuple[list[str], dict[str, Any], str]:
    """The lines before the summary, the summary, and the error it ended with."""
    output, error = StringIO(), ""
    try:
        call_command(name, *arguments, stdout=output)
    except CommandError as failure:
        error = str(failure)
    *lines, last = output.getvalue().splitlines()
    return lines, json.loads(last), error


@pytest.fixture
def bought(portfolio, apple):
    record(portfolio, "BUY", apple, 0, quantity=10, price=100)
    record(portfolio, "SELL", apple, 1, quantity=4, price=110)


def test_what_agrees_is_left_alone(portfolio, bought):
    lines, summary, error = run("reconcile")
    assert (lines, error) == ([], "")
    assert (summary["portfolios"], summary["breaks"]) == (1, 0)
    _, summary, error = run("rebuild_holdings")
    assert (summary["transactions"], summary["changed"], error) == (2, 0, "")


def test_a_tampered_holding_is_named_and_then_mended(portfolio, bought):
    Holding.objects.update(quantity=Decimal(7))
    lines, summary, error = run("reconcile", "--portfolio", str(portfolio.pk))
    assert len(lines) == summary["breaks"] == 1 and "quantity" in lines[0]
    assert "rebuild_holdings" in error
    assert Holding.objects.get().quantity == 7
    _, summary, error = run("rebuild_holdings")
    assert (summary["changed"], error) == (1, "")
    assert Holding.objects.get().quantity == 6
    assert run("reconcile")[2] == ""


def test_an_unknown_portfolio_is_said_to_be_none(db):
    with pytest.raises(CommandError, match="no portfolio"):
        call_command("reconcile", "--portfolio", str(uuid.uuid4()))


def test_staff_see_the_ledger_and_cannot_change_it(portfolio, bought):
    staff = Client()
    staff.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    row = Transaction.objects.first()
    assert row is not None
    for model in ("portfolio", "transaction", "holding", "cashbalance", "appliedaction"):
        assert staff.get(f"/admin/portfolios/{model}/").status_code == 200
        assert staff.get(f"/admin/portfolios/{model}/add/").status_code == 403
    page = f"/admin/portfolios/transaction/{row.pk}"
    assert staff.get(f"{page}/change/").status_code == 200
    assert staff.post(f"{page}/change/", {"quantity": 1}).status_code == 403
    assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert Transaction.objects.count() == 2
