"""What docs/screening.md shows can be asked"""

from __future__ import annotations

import json
import re

from django.conf import settings
from rest_framework.test import APIClient

from screening.conditions import in_text
from screening.grammar.limits import MAX_DEPTH, MAX_NODES, MAX_VALUES
from screening.grammar.tokens import MAX_TEXT
from screening.services.saved import MAX_SCREENS

PAGE = (settings.BASE_DIR / "docs" / "screening.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_text_is_a_screen():
    [texts] = blocks("text")
    assert len([in_text(line) for line in texts.splitlines()]) == 7


def test_every_body_is_a_screen(db):
    bodies = [json.loads(block) for block in blocks("json")]
    screens = [body for body in bodies if "where" in body or "q" in body]
    assert len(screens) == 2
    for body in screens:
        reply = APIClient().post("/v1/screen/validate", body).json()
        assert reply["valid"], reply
        assert APIClient().post("/v1/screen", body).status_code == 200


def test_the_limits_are_those_that_hold():
    for limit in (
        f"{MAX_DEPTH} levels and {MAX_NODES} conditions",
        f"{MAX_VALUES} texts",
        f"{MAX_TEXT:,} characters",
        f"up to {MAX_SCREENS}",
    ):
        assert limit in PAGE
