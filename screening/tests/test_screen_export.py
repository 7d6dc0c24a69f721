"""POST /v1/screen/export"""

from __future__ import annotations

import csv
import io

import pytest
from rest_framework.test import APIClient

from screening.csv import LINES_A_PIECE, csv_lines
from stocks.tests.doors import refused
from stocks.tests.factories import StockFactory, indicators

pytestmark = pytest.mark.django_db


def export(**body) -> list[list[str]]:
    response = APIClient().post("/v1/screen/export", body)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="screen.csv"'
    return list(csv.reader(io.StringIO(response.getvalue().decode())))


def listed(code: str, name: str = "", **figures) -> None:
    indicators(StockFactory.create(code=code, name=name or f"Company {code}"), **figures)


def test_it_works():
    listed("A", "Alpha, Inc.", close_price=71000.5, per_ttm=9.5, rsi_14=30.0)
    listed("B", "삼성전자", close_price=1e-5, per_ttm=-3.25, rsi_14=40.0)
    listed("C", per_ttm=None)
    header, *rows = export(q="per < 10 and rsi_14 > 0", sort_by="code", order="asc")
    described = ["code", "name", "market", "currency", "trade_date"]
    figures = ["close_price", "per", "pbr", "roe", "dividend_yield", "quality_score", "rsi_14"]
    assert header == [*described, *figures]
    assert rows == [
        ["A", "Alpha, Inc.", "KOSPI", "KRW", "2024-11-08", "71000.5", "9.5", "", "", "", "", "30"],
        ["B", "삼성전자", "KOSPI", "KRW", "2024-11-08", "0.00001", "-3.25", "", "", "", "", "40"],
    ]


def test_every_match_is_in_it_in_the_order_of_the_screen():
    for number in range(230):
        listed(f"S{number:03d}", roe=float(number % 7) if number % 5 else None)
    rows = export(sort_by="roe", order="desc")[1:]
    pages = [
        row["code"]
        for page in (1, 2, 3)
        for row in APIClient()
        .post("/v1/screen", {"sort_by": "roe", "order": "desc", "per_page": 100, "page": page})
        .json()["stocks"]
    ]
    assert [row[0] for row in rows] == pages
    assert len(rows) == 230


@pytest.mark.parametrize(
    "name",
    [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_no_text_is_a_formula(name):
    listed("A", name)
    row = export()[1]
    assert row[1] == f"'{name}"


def test_other_texts_are_as_they_are():
    for name in ("A-B", "x=1", '"quoted"', "two\nlines", "'s"):
        StockFactory.create(name=name)
    assert {row[1] for row in export()[1:]} == {"A-B", "x=1", '"quoted"', "two\nlines", "'s"}


def test_it_is_written_in_pieces_and_never_whole():
    taken = 0

    def rows():
        nonlocal taken
        for number in range(10 * LINES_A_PIECE):
            taken += 1
            yield {"code": f"S{number}"}

    pieces = csv_lines(["code"], rows())
    assert next(pieces) == "code\r\n"
    assert next(pieces).count("\r\n") == LINES_A_PIECE
    assert taken == LINES_A_PIECE


def test_a_wrong_screen_is_refused_as_json_whatever_is_accepted():
    client = APIClient()
    for accept in ("text/csv", "application/json", "*/*"):
        response = client.post("/v1/screen/export", {"q": "per <"}, headers={"Accept": accept})
        assert refused(response, 400, "VALIDATION_ERROR")["column"] == 6
        assert client.post("/v1/screen/export", {}, headers={"Accept": accept}).status_code == 200
    refused(client.post("/v1/screen/export", {"page": 1}), 400, "VALIDATION_ERROR")
    refused(client.get("/v1/screen/export"), 405, "METHOD_NOT_ALLOWED")
