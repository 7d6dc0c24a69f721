"""The page about providers says what they really have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stocks.providers.protocol import PROTOCOLS, Capability
from stocks.providers.registry import BUILDERS
from stocks.tests.provider_cases import CASES, Case

PAGE = Path(__file__).parents[3] / "docs" / "providers.md"
LISTED = [case for case in CASES if case.name in BUILDERS]


def _table() -> dict[str, set[str]]:
    """The capabilities of each provider in the table of the page."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    header, _, *rows = lines[: 2 + len(Capability)]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (header, *rows)]
    (_, *names), *capabilities = cells
    return {
        name: {row[0] for row in capabilities if row[column] == "yes"}
        for column, name in enumerate(names, start=1)
    }


def test_the_table_has_every_provider_and_every_capability():
    assert set(_table()) == set(BUILDERS)
    page = PAGE.read_text()
    assert all(re.search(rf"^\| {capability} \|", page, re.MULTILINE) for capability in Capability)


@pytest.mark.usefixtures("redis_client")
@pytest.mark.parametrize("case", LISTED, ids=lambda case: case.name)
def test_the_table_has_what_a_provider_has(case: Case):
    with case.open() as opened:
        has = {one.value for one in Capability if isinstance(opened.provider, PROTOCOLS[one])}
    assert _table()[case.name] == has


def test_the_files_that_the_page_names_are_there():
    named = re.findall(r"`((?:stocks|config)/[\w/.]+)`", PAGE.read_text())
    assert named
    root = PAGE.parents[1]
    assert [path for path in named if not (root / path).exists()] == []
