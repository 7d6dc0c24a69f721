"""GET /v1/screen/fields and GET /v1/indicators"""

from __future__ import annotations

import pytest

from screening.fields import NAMES
from stocks.indicators.catalog import CATALOG
from stocks.tests.doors import ask, refused

# The core set, by the names the API promises.
CORE = {
    *("per", "pbr", "roe", "dividend_yield", "market_cap", "close_price", "change_pct", "volume"),
    *("change_1d", "change_1w", "change_1m", "change_3m", "change_6m", "change_1y", "high_52w", "low_52w"),
    *("sma_20", "sma_60", "sma_120", "sma_200", "ema_12", "ema_26", "rsi_14", "macd", "macd_signal"),
    *("bb_upper", "bb_lower", "atr_14", "hv_20"),
    *("quality_score", "value_score", "growth_score", "momentum_score"),
}


def test_fields_can_be_asked_for():
    response = ask("/v1/screen/fields")
    assert response.status_code == 200
    assert response["Cache-Control"] == "public, max-age=300"
    fields = {field["name"]: field for field in response.json()["fields"]}
    assert fields["per_ttm"] == {
        "name": "per_ttm",
        "label": "PER (12 months)",
        "unit": "ratio",
        "group": "valuation",
        "aliases": ["per"],
    }
    assert fields["market_cap"]["unit"] == "money"


def test_the_core_set_can_be_screened():
    assert set(NAMES) >= CORE


def test_every_name_is_served_once():
    fields = ask("/v1/screen/fields").json()["fields"]
    names = [name for field in fields for name in (field["name"], *field["aliases"])]
    assert sorted(names) == sorted(NAMES)
    labels = [field["label"] for field in fields]
    assert len(set(labels)) == len(labels)
    assert all(label and label == label.strip() for label in labels)


def test_the_catalogue_tells_how_each_figure_comes_about():
    response = ask("/v1/indicators")
    assert response.status_code == 200
    entries = response.json()["indicators"]
    assert [entry["id"] for entry in entries] == [entry.id for entry in CATALOG]
    assert all(
        entry.keys()
        == {
            *("id", "group", "unit", "formula", "source", "inputs", "min_bars", "min_quarters"),
            *("null_rule", "version", "aliases"),
        }
        for entry in entries
    )
    change = next(entry for entry in entries if entry["id"] == "change_1y")
    assert (change["min_bars"], change["unit"], change["inputs"]) == (253, "percent", ["close"])


@pytest.mark.parametrize("path", ["/v1/screen/fields", "/v1/indicators"])
def test_they_are_only_read(client, path):
    refused(client.post(path, {}, content_type="application/json"), 405, "METHOD_NOT_ALLOWED")
