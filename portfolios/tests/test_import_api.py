"""Files read into a ledger, through HTTP"""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote as quoted

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import IdempotencyKey
from portfolios.models import AppliedAction, Holding, ImportRun, Portfolio, Transaction
from portfolios.services.rebuilding import portfolio_reconcile
from stocks.models import FxRate
from stocks.tests.factories import ActionFactory

pytestmark = pytest.mark.django_db
HEADER = "type,stock_code,quantity,price,fee,traded_at"
GOLDEN = f"""{HEADER},ratio
BUY,AAPL,10,100,5,2024-01-02T15:00:00Z,
BUY,AAPL,10,120,5,2024-01-03T15:00:00Z,
SPLIT,AAPL,,,,2024-01-04T15:00:00Z,2:1
SELL,AAPL,15,80,5,2024-01-05T15:00:00Z,
"""


def opened(client, **values):
    response = client.post("/v1/portfolios", {"name": "Growth", **values})
    assert response.status_code == 201, response.content
    return f"/v1/portfolios/{response.json()['id']}"


def sent(client, url, text, **options):
    headers = options.pop("headers", {})
    query = "&".join(f"{name}={quoted(str(value))}" for name, value in options.items())
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(
        f"{url}/transactions/import?{query}", data=body, content_type="text/csv", headers=headers
    )


def imported(client, url, text, **options):
    response = sent(client, url, text, **options)
    assert response.status_code == 201, response.content
    return response.json()


def mapped(client, url, text, **mapping):
    return sent(client, url, text, mapping=json.dumps(mapping))


def lines_of(response):
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def is_sound():
    return all(portfolio_reconcile(portfolio_id=one.pk) == [] for one in Portfolio.objects.all())


def test_it_works(as_alice, apple):
    url = opened(as_alice)
    body = imported(as_alice, url, GOLDEN)
    counted = {name: body[name] for name in ("rows", "new", "duplicates", "refused", "skipped")}
    assert counted == {"rows": 4, "new": 4, "duplicates": 0, "refused": 0, "skipped": 0}
    assert body["imported"] is True and body["dry_run"] is False and body["base_currency"] == "USD"
    assert [row["status"] for row in body["report"]] == ["new"] * 4
    assert body["holdings"] == [
        {
            "stock_code": "AAPL",
            "quantity": 25,
            "average_price": 55.25,
            "total_invested": 1381.25,
            "realized": 366.25,
            "income": 0,
            "currency": "USD",
        }
    ]
    (lots,) = as_alice.get(f"{url}/lots?method=fifo").json()["stocks"]
    assert (lots["realized"], lots["cost_basis"]) == (441.25, 1456.25)
    assert [row.sequence for row in Transaction.objects.all()] == [1, 2, 3, 4]
    report = lines_of(as_alice.get(body["report_url"]))
    assert report[0] == ["line", "status", "column", "reason", "transaction_id"]
    assert [line[:2] for line in report[1:]] == [[str(n), "new"] for n in (2, 3, 4, 5)]
    assert {line[4] for line in report[1:]} == {str(row.pk) for row in Transaction.objects.all()}
    assert is_sound()


def test_the_same_file_again_brings_nothing_and_a_longer_one_what_is_new(as_alice, apple):
    url = opened(as_alice)
    twice = f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02\nBUY,AAPL,10.0,100.00,5,2024-01-02\n"
    assert imported(as_alice, url, twice)["new"] == 2
    again = imported(as_alice, url, twice)
    assert (again["new"], again["duplicates"]) == (0, 2)
    assert [row["reason"] for row in again["report"]] == ["is row 1 of the ledger", "is row 2 of the ledger"]
    assert again["report"][0]["transaction_id"] == str(Transaction.objects.get(sequence=1).pk)
    longer = imported(as_alice, url, twice + "BUY,AAPL,10,100,5,2024-01-02\nBUY,AAPL,1,90,,2023-06-01\n")
    assert (longer["new"], longer["duplicates"]) == (2, 2)
    assert Holding.objects.get().quantity == 31
    assert is_sound()


def test_a_row_that_was_recorded_by_hand_is_a_duplicate_and_so_is_one_that_was_reversed(as_alice, apple):
    url = opened(as_alice)
    row = {"type": "BUY", "stock_code": "AAPL", "quantity": 10, "price": 100, "fee": 5}
    made = as_alice.post(f"{url}/transactions", {**row, "traded_at": "2024-01-02T15:00:00Z"}).json()
    text = f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02T15:00:00Z\n"
    assert imported(as_alice, url, text)["duplicates"] == 1
    reversal = f"{url}/transactions/{made['transaction']['id']}/reversal"
    assert as_alice.post(reversal).status_code == 201
    assert imported(as_alice, url, text)["duplicates"] == 1
    assert Transaction.objects.count() == 2 and is_sound()


def test_an_external_id_alone_says_which_row_it_is(as_alice, apple, refused):
    url = opened(as_alice)
    header = f"{HEADER},external_id"
    rows = [f"BUY,AAPL,10,100,5,2024-01-02,{name}" for name in ("a", "b", "a")]
    body = imported(as_alice, url, "\n".join([header, *rows]))
    assert (body["new"], body["duplicates"]) == (2, 1)
    assert body["report"][0] == {
        "line": 4,
        "status": "duplicate",
        "column": "external_id",
        "reason": "is that of line 2",
        "transaction_id": None,
    }
    assert imported(as_alice, url, "\n".join([header, *rows]))["duplicates"] == 3
    other = f"{header}\nBUY,AAPL,11,100,5,2024-01-02,a"
    details = refused(sent(as_alice, url, other), 422, "IMPORT_REFUSED")["details"]
    assert details["report"][0]["reason"] == "is that of row 1 of the ledger, which is another transaction"
    assert Transaction.objects.count() == 2


def test_one_bad_row_keeps_the_whole_file_out_and_every_bad_row_is_named(as_alice, apple, refused):
    url = opened(as_alice)
    text = (
        f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02\nBUY,NOPE,10,100,5,2024-01-02\nBUY,AAPL,-1,100,5,2024-01-02\n"
        "BUY,AAPL,1,,5,2024-01-02\nBUY,AAPL,1,1,,2124-01-02\nSHORT,AAPL,1,1,,2024-01-02\nDEPOSIT,,,,,2024-01-02\n"
        "BUY,AAPL,1\n"
    )
    details = refused(sent(as_alice, url, text), 422, "IMPORT_REFUSED")["details"]
    assert (details["rows"], details["new"], details["refused"]) == (8, 1, 7)
    assert [(row["line"], row["column"], row["reason"]) for row in details["report"][:7]] == [
        (3, "stock_code", "No stock has the code 'NOPE'"),
        (4, "quantity", "must not be negative"),
        (5, "price", "is needed for BUY"),
        (6, "traded_at", "must not be in the future"),
        (7, "type", "'SHORT' is no known type"),
        (8, "amount", "is needed for DEPOSIT"),
        (9, None, "has 3 cells, where the header has 6"),
    ]
    assert not Transaction.objects.exists() and not Holding.objects.exists()
    report = lines_of(as_alice.get(details["report_url"]))
    assert [line[1] for line in report[1:]] == ["new", *["refused"] * 7]
    assert report[1][4] == ""


def test_a_sale_of_more_than_there_is_keeps_the_file_out_with_its_line(as_alice, apple, samsung, refused):
    url = opened(as_alice)
    text = (
        f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02\nSELL,AAPL,11,100,5,2024-01-03\n"
        "SELL,005930,1,100,,2024-01-03\nBUY,005930,5,100,,2024-01-04\n"
    )
    details = refused(sent(as_alice, url, text), 422, "IMPORT_REFUSED")["details"]
    assert [(row["line"], row["reason"]) for row in details["report"][:2]] == [
        (3, "Only 10 of AAPL would be held where 11 leave"),
        (4, "Only 0 of 005930 would be held where 1 leave"),
    ]
    assert not Transaction.objects.exists()
    assert Portfolio.objects.get().last_sequence == 0


def test_a_back_dated_sale_that_a_later_row_cannot_bear_is_refused(as_alice, apple, refused):
    url = opened(as_alice)
    imported(as_alice, url, f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02\nSELL,AAPL,8,100,5,2024-03-01\n")
    text = f"{HEADER}\nSELL,AAPL,1,100,,2024-01-15\nSELL,AAPL,2,100,5,2024-02-01\nBUY,AAPL,9,1,,2024-04-01\n"
    details = refused(sent(as_alice, url, text), 422, "IMPORT_REFUSED")["details"]
    assert details["report"][0]["line"] == 3
    assert details["report"][0]["reason"] == (
        "Row 2 of the ledger would take what this row leaves too few of: "
        "Only 7 of AAPL would be held where 8 leave"
    )
    assert (
        imported(as_alice, url, f"{HEADER}\nSELL,AAPL,2,100,5,2024-02-01\n")["holdings"][0]["quantity"] == 0
    )
    assert is_sound()


def test_a_dry_run_says_what_would_happen_and_writes_nothing(as_alice, apple):
    url = opened(as_alice, records_cash=True)
    text = (
        GOLDEN.replace(",ratio", ",ratio,amount,currency")
        .replace("Z,\n", "Z,,,\n")
        .replace("2:1\n", "2:1,,\n")
    )
    text += "DEPOSIT,,,,,2024-01-01,,5000,USD\n"
    response = sent(as_alice, url, text, dry_run="true")
    assert response.status_code == 200, response.content
    dry = response.json()
    assert not Transaction.objects.exists() and not Holding.objects.exists()
    assert dry["imported"] is False and dry["new"] == 5
    assert dry["cash"] == [{"currency": "USD", "amount": 5000 - 1005 - 1205 + 1195}]
    assert all(row["transaction_id"] is None for row in dry["report"])
    real = imported(as_alice, url, text)
    assert (real["holdings"], real["cash"]) == (dry["holdings"], dry["cash"])
    again = sent(as_alice, url, text, dry_run="true").json()
    assert (again["new"], again["duplicates"]) == (0, 5)
    wrong = sent(as_alice, url, text + "BUY,NOPE,1,1,,2024-01-02,,,\n", dry_run="true")
    assert wrong.status_code == 200 and wrong.json()["refused"] == 1
    assert wrong.json()["holdings"] is None and wrong.json()["cash"] is None
    runs = as_alice.get(f"{url}/transactions/imports").json()["imports"]
    assert [(run["dry_run"], run["imported"]) for run in runs] == [
        (True, False),
        (True, False),
        (False, True),
        (True, False),
    ]
    assert is_sound()


def test_a_form_with_a_file_does_the_same(as_alice, apple):
    url = opened(as_alice)
    file = SimpleUploadedFile("trades.csv", GOLDEN.encode(), content_type="text/csv")
    response = as_alice.post(
        f"{url}/transactions/import", {"file": file, "dry_run": "false"}, format="multipart"
    )
    assert response.status_code == 201, response.content
    assert response.json()["new"] == 4


def test_a_form_takes_one_file_and_no_unknown_field(as_alice, apple, refused):
    url = f"{opened(as_alice)}/transactions/import"
    file = SimpleUploadedFile("trades.csv", GOLDEN.encode())
    refused(as_alice.post(url, {"document": file}, format="multipart"), 400, "VALIDATION_ERROR")
    refused(as_alice.post(url, {"dry_run": "true"}, format="multipart"), 400, "VALIDATION_ERROR")
    file.seek(0)
    body = refused(as_alice.post(url, {"file": file, "x": "1"}, format="multipart"), 400, "VALIDATION_ERROR")
    assert list(body["details"]) == ["x"]
    refused(as_alice.post(url, {"file": "text"}, format="json"), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert not ImportRun.objects.exists()


def test_a_brokers_layout_is_read_by_a_mapping(as_alice, apple, samsung):
    url = opened(as_alice, records_cash=True)
    text = (
        "Account 12345;;;;;;\n"
        "Trade Date;Time;Action;Symbol;Qty;Price;Net\n"
        "05.01.2024;16:30;Trade;AAPL;-5;1.110,50;0\n"
        "02.01.2024;09:31;Trade;AAPL;10;1.000,25;0\n"
        "02.01.2024;09:30;Cash in;;0;;20.000,00\n"
        "01.01.2024;00:00;Journal;;;;\n"
    )
    response = mapped(
        as_alice,
        url,
        text,
        columns={
            "type": "Action",
            "traded_at": ["Trade Date", "Time"],
            "stock_code": "Symbol",
            "quantity": "Qty",
            "price": "Price",
            "amount": "Net",
        },
        types={"trade": "TRADE", "cash in": "CASH", "Journal": "SKIP"},
        constants={"currency": "USD"},
        date_format="DD.MM.YYYY HH:mm",
        time_zone="America/New_York",
        decimal=",",
        thousands=".",
        delimiter="semicolon",
        header_line=2,
        order="newest_first",
    )
    assert response.status_code == 201, response.content
    assert (response.json()["new"], response.json()["skipped"]) == (3, 1)
    rows = Transaction.objects.order_by("sequence")
    assert [(row.type, row.quantity, row.price, row.amount) for row in rows] == [
        ("DEPOSIT", None, None, Decimal(20000)),
        ("BUY", Decimal(10), Decimal("1000.25"), None),
        ("SELL", Decimal(5), Decimal("1110.5"), None),
    ]
    assert rows[1].traded_at == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)
    assert response.json()["cash"] == [{"currency": "USD", "amount": 20000 - 10002.5 + 5552.5}]
    assert is_sound()


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"columns": {"type": "a"}}, "columns"),
        ({"columns": {"kind": "a"}}, "columns"),
        ({"columns": {"type": "a", "traded_at": []}}, "columns"),
        ({"columns": {"type": "a", "traded_at": "b"}, "date_format": "DD.MM"}, "date_format"),
        ({"columns": {"type": "a", "traded_at": "b"}, "date_format": "YYYY-MM-DD(.*)"}, "date_format"),
        ({"columns": {"type": "a", "traded_at": "b"}, "time_zone": "../etc/passwd"}, "time_zone"),
        ({"columns": {"type": "a", "traded_at": "b"}, "types": {"x": "SHORT"}}, "types"),
        ({"columns": {"type": "a", "traded_at": "b"}, "decimal": ".", "thousands": "."}, "thousands"),
        ({"columns": {"type": "a", "traded_at": "b"}, "constants": {"type": "BUY"}}, "constants"),
        ({"columns": {"type": "a", "traded_at": "b"}, "python": "1"}, "python"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_by_name(as_alice, refused, mapping, field):
    response = mapped(as_alice, opened(as_alice), "a,b\n", **mapping)
    details = refused(response, 400, "VALIDATION_ERROR")["details"]
    assert field in json.dumps(details)


@pytest.mark.parametrize("text", ["[", "[1]", '"x"', '{"a": 1, "a": 2}', "[" * 10000])
def test_a_mapping_is_a_json_object(as_alice, refused, text):
    refused(sent(as_alice, opened(as_alice), HEADER, mapping=text), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        (b"\n\n", None, None, "has no header"),
        (b"type,stock_code\n", 1, None, "has no column for traded_at"),
        (b"type,traded_at,type\n", 1, 3, "is a second column 'type'"),
        (b"type,traded_at\nBUY,\x00\n", 2, 2, "holds a NUL character"),
        (b'type,traded_at\nBUY,"2024', 2, 2, "has a quote that is never closed"),
        (b'type,traded_at\nBUY,"2024"x\n', 2, 2, "goes on after its closing quote"),
        (b'type,traded_at\nBUY,20"24\n', 2, 2, "has a quote inside, and none around it"),
        (b"type,traded_at\nBUY,\xff\n", 2, 2, "is not utf-8"),
        (b"type,traded_at\nBUY," + b"x" * 10_000_000 + b"\n", 2, 2, "is longer than 65,536 bytes"),
        (b"type,traded_at\nBUY," + b"x" * 5000 + b"\n", 2, 2, "holds more than 4,096 characters"),
        (b"type,traded_at\n" + b"," * 300 + b"\n", 2, 301, "has more than 200 cells"),
        (
            b'type,traded_at\nBUY,"' + b"x\n" * 5000,
            *(2, 2, "holds more than 4,096 characters, or its quote is never closed"),
        ),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(as_alice, refused, text, line, column, reason):
    url = opened(as_alice)
    body = refused(sent(as_alice, url, text), 400, "FILE_UNREADABLE")
    assert body["details"] == {"line": line, "column": column, "reason": reason}
    assert not ImportRun.objects.exists()


def test_an_unknown_column_is_named_with_those_that_are_known(as_alice, refused):
    body = refused(sent(as_alice, opened(as_alice), "type,traded_at,Broker\n"), 400, "FILE_UNREADABLE")
    assert body["details"]["column"] == 3 and "'Broker'" in body["message"] and "fx_rate" in body["message"]


def test_cells_that_would_be_formulas_are_texts_like_others(as_alice, apple):
    url = opened(as_alice)
    note = "=HYPERLINK(\"x\") 'a'\nand more"
    text = io.StringIO()
    csv.writer(text).writerows(
        [[*HEADER.split(","), "note"], ["BUY", "AAPL", "1", "2", "", "2024-01-02", note]]
    )
    imported(as_alice, url, text.getvalue())
    assert Transaction.objects.get().note == note
    exported = lines_of(as_alice.get(f"{url}/transactions/export"))
    assert exported[1][exported[0].index("note")] == note


def test_the_same_key_and_file_have_one_effect_and_another_file_is_refused(as_alice, apple, refused):
    url = opened(as_alice)
    key = {"Idempotency-Key": "first"}
    one = sent(as_alice, url, GOLDEN, headers=key)
    two = sent(as_alice, url, GOLDEN, headers=key)
    assert one.status_code == two.status_code == 201 and one.content == two.content
    assert two.headers["Idempotent-Replayed"] == "true"
    refused(sent(as_alice, url, GOLDEN + "\n", headers=key), 422, "IDEMPOTENCY_KEY_REUSED")
    refused(sent(as_alice, url, GOLDEN, headers=key, dry_run="true"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert Transaction.objects.count() == 4 and ImportRun.objects.count() == 1


def test_a_refusal_is_kept_as_a_reply_and_a_file_that_cannot_be_read_frees_the_key(as_alice, apple):
    url = opened(as_alice)
    key = {"Idempotency-Key": "k"}
    assert sent(as_alice, url, "type,traded_at\n\0", headers=key).status_code == 400
    assert not IdempotencyKey.objects.exists()
    wrong = f"{HEADER}\nSELL,AAPL,1,1,,2024-01-02\n"
    one = sent(as_alice, url, wrong, headers=key)
    two = sent(as_alice, url, wrong, headers=key)
    assert one.status_code == two.status_code == 422 and one.content == two.content
    assert ImportRun.objects.count() == 1


def test_files_over_the_limit_are_refused(as_alice, refused, monkeypatch):
    url = opened(as_alice)
    large = b"type,traded_at\n" + b"x,y\n" * (8 * 1024 * 1024 + 1)
    body = refused(sent(as_alice, url, large), 413, "PAYLOAD_TOO_LARGE")
    assert body["message"] == "The file is larger than 32 MB."


def test_a_file_may_be_larger_than_other_bodies(as_alice, apple):
    url = opened(as_alice)
    note = "x" * 500
    rows = [f"BUY,AAPL,1,{number},,2024-01-02,{note}" for number in range(1, 2501)]
    text = "\n".join([f"{HEADER},note", *rows])
    assert len(text) > 1024 * 1024
    assert imported(as_alice, url, text)["new"] == 2500


def test_only_the_last_twenty_reports_are_kept(as_alice, apple):
    url = opened(as_alice)
    first = sent(as_alice, url, GOLDEN, dry_run="true").json()
    for _ in range(20):
        sent(as_alice, url, GOLDEN, dry_run="true")
    assert len(as_alice.get(f"{url}/transactions/imports").json()["imports"]) == 20
    assert as_alice.get(first["report_url"]).status_code == 404


def test_a_split_and_a_dividend_of_the_file_stand_for_the_stored_ones(as_alice, apple):
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 1, 10), ratio=Decimal(2))
    ActionFactory.create(
        stock=apple, kind="dividend", ex_date=date(2024, 2, 9), amount=Decimal("0.24"), currency="USD"
    )
    url = opened(as_alice)
    text = (
        "type,stock_code,quantity,price,amount,ratio,traded_at\n"
        "BUY,AAPL,10,100,,,2024-01-02\nSPLIT,AAPL,,,,2:1,2024-01-10\nDIVIDEND,AAPL,,,4.80,,2024-02-15\n"
    )
    body = imported(as_alice, url, text)
    assert body["holdings"][0]["quantity"] == 20 and body["holdings"][0]["income"] == 4.8
    assert Transaction.objects.count() == 3
    assert set(AppliedAction.objects.values_list("transaction__sequence", flat=True)) == {2, 3}
    assert is_sound()


def test_what_was_applied_already_is_not_taken_again_from_a_file(as_alice, apple):
    ActionFactory.create(stock=apple, kind="split", ex_date=date(2024, 1, 10), ratio=Decimal(2))
    for day in (date(2024, 2, 9), date(2024, 3, 8)):
        ActionFactory.create(
            stock=apple, kind="dividend", ex_date=day, amount=Decimal("0.24"), currency="USD"
        )
    url = opened(as_alice)
    body = imported(as_alice, url, f"{HEADER}\nBUY,AAPL,10,100,5,2024-01-02\n")
    assert body["holdings"][0]["quantity"] == 20 and body["holdings"][0]["income"] == 9.6
    text = (
        "type,stock_code,quantity,price,amount,ratio,traded_at\n"
        "BUY,AAPL,1,100,,,2024-04-02\nSPLIT,AAPL,,,,2:1,2024-01-10\n"
        "DIVIDEND,AAPL,,,4.80,,2024-02-15\nDIVIDEND,AAPL,,,4.81,,2024-03-15\nDIVIDEND,AAPL,,,4.80,,2024-03-16\n"
    )
    body = imported(as_alice, url, text)
    # The third payment is one too many for the two that were applied.
    assert (body["new"], body["duplicates"]) == (2, 3)
    assert body["report"][1]["reason"] == "the dividend of 2024-02-09 has been applied to the portfolio"
    assert body["holdings"][0]["income"] == 14.4 and body["holdings"][0]["quantity"] == 21
    assert is_sound()


def test_rates_of_the_day_are_written_with_the_rows(as_alice, apple):
    url = opened(as_alice, base_currency="KRW")
    for day, rate in ((date(2024, 1, 2), 1300), (date(2024, 1, 5), 1310)):
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        FxRate.objects.create(
            base="USD", quote="KRW", date=day, rate=rate, as_of=moment, received_at=moment, source="t"
        )
    days = ("2024-01-01", "2024-01-02", "2024-01-04", "2024-01-08", "2024-01-20")
    imported(as_alice, url, "\n".join([HEADER, *(f"BUY,AAPL,1,100,,{day}" for day in days)]))
    rates = [row.fx_rate for row in Transaction.objects.order_by("sequence")]
    assert rates == [None, 1300, 1300, 1310, None]
    assert is_sound()


def test_cash_without_a_currency_is_in_the_base_currency_which_must_be_there(as_alice, refused):
    text = "type,amount,traded_at\nINTEREST,5,2024-01-02\n"
    url = opened(as_alice)
    details = refused(sent(as_alice, url, text), 422, "IMPORT_REFUSED")["details"]
    assert details["report"][0]["column"] == "currency"
    assert imported(as_alice, opened(as_alice, base_currency="EUR"), text)["new"] == 1
    assert Transaction.objects.get().currency == "EUR"


def test_a_portfolio_without_cash_takes_no_deposits_from_a_file(as_alice, refused):
    url = opened(as_alice, base_currency="EUR")
    details = refused(
        sent(as_alice, url, "type,amount,traded_at\nDEPOSIT,5,2024-01-02\n"), 422, "IMPORT_REFUSED"
    )["details"]
    assert details["report"][0]["reason"] == "the portfolio records no cash"


def test_nobody_imports_into_exports_or_sees_the_imports_of_another(as_alice, as_charlie, apple, refused):
    url = opened(as_alice)
    run = imported(as_alice, url, GOLDEN)
    refused(sent(as_charlie, url, GOLDEN), 404, "PORTFOLIO_NOT_FOUND")
    for path in (f"{url}/transactions/export", f"{url}/transactions/imports", run["report_url"]):
        refused(as_charlie.get(path), 404, "PORTFOLIO_NOT_FOUND")
    other = run["report_url"].replace(run["id"], str(uuid.uuid4()))
    refused(as_alice.get(other), 404, "IMPORT_NOT_FOUND")
