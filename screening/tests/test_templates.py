"""GET /v1/screen/templates"""

from __future__ import annotations

import pytest
from django.db import connection
from rest_framework.test import APIClient

from screening.ready_made import TEMPLATES
from stocks.providers.sandbox import Sandbox
from stocks.sandbox_fill import fill_sandbox
from stocks.tests.doors import ask
from stocks.tests.shapes import assert_described
from stocks.tests.test_sandbox_fill import NOW


def test_they_can_be_asked_for():
    response = ask("/v1/screen/templates")
    assert response["Cache-Control"] == "public, max-age=300"
    assert_described("screen_templates", response)
    templates = response.json()["templates"]
    assert len(templates) >= 12
    assert len({template["id"] for template in templates}) == len(templates)
    assert len({template["name"] for template in templates}) == len(templates)
    assert all(template["description"].endswith(".") for template in templates)


def test_each_is_a_screen():
    for template in ask("/v1/screen/templates").json()["templates"]:
        reply = APIClient().post("/v1/screen/validate", template["screen"]).json()
        assert reply["valid"], (template, reply)


@pytest.mark.django_db
def test_each_finds_stocks_of_the_sandbox():
    fill_sandbox(sandbox=Sandbox(stocks_per_market=120), now=NOW)
    with connection.cursor() as cursor:
        # Or the end of this transaction would do it, within the second that its screens may take.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    totals = {}
    for template in ask("/v1/screen/templates").json()["templates"]:
        meta = APIClient().post("/v1/screen", template["screen"]).json()["meta"]
        totals[template["id"]] = meta["total"]
    assert len(totals) == len(TEMPLATES)
    assert all(totals.values()), totals
