import subprocess
import sys

import pytest

from stocks.indicators.catalog import (
    ALIASES,
    CATALOG,
    FIELDS,
    INDICATORS,
    RECENT_FIELDS,
    SERIES_NAMES,
    Indicator,
    resolve,
)
from stocks.indicators.catalog.entry import by_id
from stocks.indicators.ratios import RATIO_IDS
from stocks.indicators.scores import SCORE_IDS, SCORE_INPUTS
from stocks.indicators.series import SERIES_IDS
from stocks.tests.catalogue_ids import AGREED


def test_every_entry_has_a_kernel_and_every_kernel_an_entry():
    worked_out = [*SERIES_IDS, *RATIO_IDS, *SCORE_IDS]
    assert len(worked_out) == len(set(worked_out))
    assert set(worked_out) == set(INDICATORS)


def test_the_ids_are_those_of_the_agreed_catalogue():
    assert {group: sum(entry.group == group for entry in CATALOG) for group in AGREED} == {
        group: len(ids) for group, ids in AGREED.items()
    }
    assert {entry.id: entry.group for entry in CATALOG} == {
        id_: group for group, ids in AGREED.items() for id_ in ids
    }
    assert len(CATALOG) == 260


def test_what_is_kept_of_recent_sessions_is_what_follows_bars():
    assert ("close_price", *SERIES_NAMES) == RECENT_FIELDS
    assert set(SERIES_NAMES) == set(SERIES_IDS)


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.id)
def test_an_entry_says_all_that_a_reader_needs(entry: Indicator):
    assert entry.formula and entry.source and entry.inputs and entry.null_rule
    assert entry.version >= 1
    assert entry.min_bars or entry.min_quarters


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("per", "per_ttm"),
        ("per_ttm", "per_ttm"),
        ("dividend_yield", "dividend_yield_ttm"),
        ("change_pct", "change_1d"),
        ("market_cap", "market_cap"),
        ("close_price", "close_price"),
        ("PER", None),
        ("id; --", None),
    ],
)
def test_a_name_resolves_to_its_field_or_to_none(name: str, field: str | None):
    assert resolve(name) == field


def test_the_names_of_the_screen_example_all_exist():
    names = "per pbr roe dividend_yield market_cap close_price change_pct volume quality_score value_score"
    assert all(resolve(name) for name in [*names.split(), "growth_score", "momentum_score"])


def test_fields_and_aliases_never_collide():
    assert len(FIELDS) == len(set(FIELDS))
    assert not set(ALIASES) & set(FIELDS)
    assert set(SCORE_INPUTS) <= set(FIELDS)


def test_the_same_name_twice_is_refused():
    with pytest.raises(ValueError, match="'per_ttm' twice"):
        by_id([CATALOG[0], CATALOG[0]])


def test_the_catalogue_imports_no_numeric_library():
    code = "import sys, stocks.indicators.catalog; print({'numpy', 'talib', 'django'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
