"""The pages are served with a policy that keeps foreign scripts and frames out."""

import posixpath
import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/v1/docs"])
def test_a_page_needs_no_inline_script_and_nothing_from_outside(client: Client, path: str):
    response = client.get(path)
    page = response.content.decode()
    assert response.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert not re.search(r"\son\w+=|\sstyle=", page)
    for asset in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
        assert finders.find(asset), asset


def test_every_module_that_the_dashboard_imports_is_served():
    folder = settings.BASE_DIR / "config" / "static" / "dashboard"
    imported = [
        name for file in folder.glob("*.js") for name in re.findall(r'from "([^"]+)"', file.read_text())
    ]
    assert "../clients/stockroom.js" in imported
    for name in imported:
        assert finders.find(posixpath.normpath(f"dashboard/{name}")), name


def test_pages_carry_the_security_headers(client: Client):
    response = client.get("/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_page_says_when_the_market_is_invented(client: Client, settings):
    settings.MARKET_DATA = ["sandbox"]
    assert b"invented" in client.get("/").content
    settings.MARKET_DATA = []
    assert b"invented" not in client.get("/").content
