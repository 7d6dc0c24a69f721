"""GET /v1/screen/fields and GET /v1/indicators"""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

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
        "operators": ["lt", "lte", "gt", "gte", "eq", "ne", "between", "is_null", "not_null"],
    }
    assert fields["market_cap"]["unit"] == "money"
    assert fields["sma_60"]["operators"][-2:] == ["crosses_above", "crosses_below"]


def test_what_else_a_screen_may_ask_is_told():
    body = ask("/v1/screen/fields").json()
    assert [text["name"] for text in body["texts"]] == [
        *("code", "name", "market", "sector", "kind", "currency"),
    ]
    assert body["texts"][0]["operators"] == ["eq", "ne", "in", "not_in", "is_null", "not_null"]
    assert body["arithmetic"] == ["+", "-", "*", "/"]
    assert body["functions"] == [
        *("percentile(field, all)", "percentile(field, market)", "percentile(field, sector)"),
        "sector_relative(field)",
    ]
    assert (body["limits"]["depth"], body["limits"]["nodes"], body["limits"]["within"]) == (8, 50, 5)


def test_what_a_field_is_said_to_allow_is_what_it_allows():
    body = ask("/v1/screen/fields").json()
    every_op = {op for field in [*body["fields"], *body["texts"]] for op in field["operators"]}
    for field in [*body["fields"][::7], *body["texts"]]:
        text = "unit" not in field
        for op in every_op:
            value = {"between": [1, 2], "in": ["A"], "not_in": ["A"]}.get(op, "A" if text else 1)
            leaf = {"field": field["name"], "op": op}
            leaf |= {} if op.endswith("null") else {"value": value}
            reply = APIClient().post("/v1/screen/validate", {"where": leaf}).json()
            assert reply["valid"] == (op in field["operators"]), (leaf, reply)


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
