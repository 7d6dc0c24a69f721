"""`manage.py load_prices`."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from stocks.loading import table
from stocks.models import DailyBar, Dataset, LoadedFile, Quote, Stock
from stocks.tests.loading_cases import (
    bars,
    counts,
    list_stocks,
    load,
    refused_load,
    report_rows,
    version,
    write,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def samsung():
    return list_stocks("005930")[0]


def row(day: int, close: str, code: str = "005930", month: int = 6) -> str:
    return f"{code},2025-{month:02d}-{day:02d},{close},{close},{close},{close},10"


def test_it_works(samsung, tmp_path):
    summary = load("load_prices", write(tmp_path / "x.csv", "005930,2025-06-09,100,110,90,105,1000"))
    assert counts(summary) == (1, 0, 0, 0)
    assert bars("005930") == [("2025-06-09", "100", "110", "90", "105", "1000")]
    assert DailyBar.objects.get().source == "csv"
    assert Dataset.objects.get().origin == "real"
    assert version() == 1
    assert not Quote.objects.exists()


def test_gzip_is_recognised_by_its_content(samsung, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(gzip.compress(write(tmp_path / "y.csv", row(9, "100")).read_bytes()))
    assert counts(load("load_prices", path)) == (1, 0, 0, 0)


def test_the_summary_is_also_what_call_command_returns(samsung, tmp_path, capsys):
    returned = call_command("load_prices", write(tmp_path / "x.csv", row(9, "100")))
    assert json.loads(returned)["inserted"] == 1
    assert capsys.readouterr().out.splitlines()[-1] == returned


@pytest.mark.parametrize("price", ["0.12345678", "999999999999.12345678", "0.1", "101778.546875", "6560.0"])
def test_decimals_are_stored_exactly_as_the_file_writes_them(samsung, tmp_path, price):
    load("load_prices", write(tmp_path / "x.csv", f"005930,2025-06-09,{price},{price},{price},{price},1"))
    bar = DailyBar.objects.get()
    assert {bar.open, bar.high, bar.low, bar.close} == {Decimal(price)}


def test_a_suspended_day_keeps_its_close_and_has_no_range(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", "005930,2025-06-09,0,0,0,105,0"))
    assert bars("005930") == [("2025-06-09", "", "", "", "105", "0")]


def test_refused_rows_are_reported_with_line_reason_and_text_and_the_rest_is_loaded(samsung, tmp_path):
    report = tmp_path / "refused.csv"
    path = write(
        tmp_path / "x.csv",
        row(9, "100"),
        "005930,2025-06-10,100,90,80,95,5",
        "005930,2025-06-11,100,110",
        "",
        "999999,2025-06-11,1,1,1,1,1",
        '"005930,2025-06-12,1,1,1,1,1',
        row(13, "103"),
        row(9, "104"),
        "=cmd|' /C calc'!A0,x,,,,,",
        f"{'7' * 700},2025-06-11,1,1,1,1,1",
    )
    summary = load("load_prices", path, "--report", str(report))
    assert counts(summary) == (2, 0, 0, 7)
    assert summary["rows_in"] == 9
    assert summary["report"] == str(report)
    rows = report_rows(report)
    assert [(line, reason) for line, reason, _ in rows] == [
        (3, "the high is below the open"),
        (4, "4 fields where the header has 7"),
        (6, "unknown code"),
        (7, "not readable as CSV: unexpected end of data"),
        (9, "duplicate of line 2"),
        (10, "the date is not a date"),
        (11, "unknown code"),
    ]
    assert rows[0][2] == "005930,2025-06-10,100,90,80,95,5"
    assert rows[5][2] == "'=cmd|' /C calc'!A0,x,,,,,"
    assert rows[6][2] == "7" * 500 + "…"
    assert summary["reasons"] == {
        "unknown code": 2,
        "the high is below the open": 1,
        "wrong number of fields": 1,
        "not readable as CSV": 1,
        "duplicate": 1,
        "the date is not a date": 1,
    }
    assert [day for day, *_ in bars("005930")] == ["2025-06-09", "2025-06-13"]


def test_refused_rows_are_reported_also_where_nobody_asked(samsung, tmp_path, settings):
    settings.STATE_DIR = tmp_path / "state"
    assert load("load_prices", write(tmp_path / "x.csv", row(9, "100")))["report"] is None
    summary = load("load_prices", write(tmp_path / "y.csv", row(10, "100"), row(10, "100", code="999999")))
    report = Path(summary["report"])
    assert report.parent == tmp_path / "state" / "reports"
    assert [(line, reason) for line, reason, _ in report_rows(report)] == [(3, "unknown code")]
    assert list(report.parent.iterdir()) == [report]


def test_a_duplicate_is_found_across_batches_and_the_first_row_wins(samsung, tmp_path, monkeypatch):
    list_stocks("000660")
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    path = write(
        tmp_path / "x.csv",
        *(row(9, "1"), row(10, "2"), row(9, "3", "000660"), row(11, "4"), row(9, "5"), row(9, "6")),
    )
    report = tmp_path / "refused.csv"
    assert counts(load("load_prices", path, "--report", str(report))) == (4, 0, 0, 2)
    assert [entry[:2] for entry in report_rows(report)] == [
        (6, "duplicate of line 2"),
        (7, "duplicate of line 2"),
    ]
    assert bars("005930")[0][4] == "1"


def test_a_refused_row_does_not_make_a_later_one_a_duplicate(samsung, tmp_path):
    path = write(tmp_path / "x.csv", "005930,2025-06-09,1,1,1,,1", row(9, "2"))
    assert counts(load("load_prices", path)) == (1, 0, 0, 1)


def test_the_same_file_again_is_skipped_and_changes_nothing(samsung, tmp_path):
    path = write(tmp_path / "x.csv", row(9, "100"), row(10, "x"), row(11, "101"))
    first = load("load_prices", path)
    stamp = DailyBar.objects.filter(date="2025-06-09").extra(select={"xmin": "xmin::text"}).values("xmin")[0]
    again = load("load_prices", path)
    assert "already loaded at" in again["skipped"]
    assert "--force" in again["skipped"]
    assert counts(again) == (0, 0, 2, 1)
    assert (again["rows_in"], again["reasons"]) == (first["rows_in"], first["reasons"])
    assert version() == 1
    assert (
        DailyBar.objects.filter(date="2025-06-09").extra(select={"xmin": "xmin::text"}).values("xmin")[0]
        == stamp
    )


def test_a_copy_of_the_file_under_another_name_is_the_same_file(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", row(9, "100")))
    assert "skipped" in load("load_prices", write(tmp_path / "y.csv", row(9, "100")))


def test_force_loads_the_same_file_again_and_finds_every_row_unchanged(samsung, tmp_path):
    path = write(tmp_path / "x.csv", *(row(day, "100.10") for day in range(1, 31)))
    load("load_prices", path)
    again = load("load_prices", path, "--force")
    assert "skipped" not in again
    assert counts(again) == (0, 0, 30, 0)
    assert version() == 1
    assert LoadedFile.objects.count() == 1


def test_other_options_make_it_another_load(samsung, tmp_path):
    path = write(tmp_path / "x.csv", row(9, "100"))
    load("load_prices", path)
    summary = load("load_prices", path, "--source", "krx")
    assert "skipped" not in summary
    assert counts(summary) == (0, 0, 1, 0)
    # The values are the same, so the row keeps the source that brought it.
    assert DailyBar.objects.get().source == "csv"


def test_a_file_whose_codes_were_unknown_is_read_again_once_stocks_are_added(samsung, tmp_path):
    path = write(tmp_path / "x.csv", row(9, "100"), row(9, "50", "000660"))
    assert counts(load("load_prices", path)) == (1, 0, 0, 1)
    assert "skipped" in load("load_prices", path)
    list_stocks("000660")
    assert counts(load("load_prices", path)) == (1, 0, 1, 0)


def test_a_changed_file_inserts_updates_and_leaves_alone(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", row(9, "100"), row(10, "101"), row(11, "102")))
    summary = load(
        "load_prices",
        write(
            tmp_path / "y.csv", row(8, "99"), row(9, "100"), row(10, "101.5"), row(11, "102"), row(12, "103")
        ),
        *["--source", "krx"],
    )
    assert counts(summary) == (2, 1, 2, 0)
    assert [(day, close) for day, *_, close, _ in bars("005930")] == [
        ("2025-06-08", "99"),
        ("2025-06-09", "100"),
        ("2025-06-10", "101.5"),
        ("2025-06-11", "102"),
        ("2025-06-12", "103"),
    ]
    assert list(DailyBar.objects.order_by("date").values_list("source", flat=True)) == [
        *["krx", "csv", "krx", "csv", "krx"]
    ]
    assert version() == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("100,110,90,105,7", "100,110,90,105,8"),
        ("100,110,90,105,7", "100,110,91,105,7"),
        ("100,110,90,105,7", "0,0,0,105,7"),
        ("0,0,0,105,7", "105,105,105,105,7"),
    ],
)
def test_a_change_of_any_value_is_an_update(samsung, tmp_path, old, new):
    load("load_prices", write(tmp_path / "x.csv", f"005930,2025-06-09,{old}"))
    assert counts(load("load_prices", write(tmp_path / "y.csv", f"005930,2025-06-09,{new}"))) == (0, 1, 0, 0)
    assert counts(load("load_prices", write(tmp_path / "z.csv", f"005930,2025-06-09,{new}", ""))) == (
        0,
        0,
        1,
        0,
    )


def test_a_dry_run_says_what_would_happen_and_changes_nothing(samsung, tmp_path):
    path = write(tmp_path / "x.csv", row(9, "100"), row(10, "x"))
    report = tmp_path / "refused.csv"
    summary = load("load_prices", path, "--dry-run", "--report", str(report))
    assert summary["dry_run"] is True
    assert counts(summary) == (1, 0, 0, 1)
    assert len(report_rows(report)) == 1
    assert not DailyBar.objects.exists()
    assert not LoadedFile.objects.exists()
    assert Dataset.objects.get().origin == "empty"
    assert version() == 0
    assert counts(load("load_prices", path)) == (1, 0, 0, 1)


def test_map_names_the_columns_of_the_file(samsung, tmp_path):
    path = write(
        tmp_path / "x.csv",
        "x,2025-06-09,005930,100,110,90,999,105,1000",
        header="Note,Day,Ticker,Open,High,Low,Close,Adj Close,Volume",
    )
    load("load_prices", path, "--map", "code=Ticker", "--map", "date=day", "--map", "close=Adj Close")
    assert bars("005930") == [("2025-06-09", "100", "110", "90", "105", "1000")]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--map", "close"], "not written ours=theirs|it is written ours=theirs"),
        (["--map", "close=open", "--map", "close=high"], "already mapped to open"),
        (["--map", "adj=open"], "no such column"),
        (["--market", "MARS"], "no such market; there are KONEX"),
        (["--source", "a b"], "a source is 1 to 16"),
        (["--create-missing"], "needs --market"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_line(samsung, tmp_path, options, complaint):
    message = refused_load("load_prices", write(tmp_path / "x.csv", row(9, "100")), *options)
    assert any(part in message for part in complaint.split("|"))


def test_create_missing_adds_the_codes_to_the_market_as_they_come(samsung, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    path = write(
        tmp_path / "x.csv",
        *(row(9, "1", "AAA"), row(9, "2"), row(10, "3", "AAA"), row(9, "4", "BBB"), row(9, "5", "B B")),
        row(10, "6", "AAA"),
    )
    summary = load("load_prices", path, "--create-missing", "--market", "US")
    assert counts(summary) == (4, 0, 0, 2)
    assert summary["reasons"] == {"unknown code": 1, "duplicate": 1}
    assert summary["stocks_added"] == 2
    added = Stock.objects.get(code="AAA")
    assert (added.name, added.market_id, added.currency) == ("AAA", "US", "USD")
    assert [close for *_, close, _ in bars("AAA")] == ["1", "3"]


def test_nothing_loaded_is_a_failure_and_leaves_nothing(tmp_path, capsys):
    list_stocks("005930")
    path = write(tmp_path / "x.csv", row(9, "x"), row(10, "100", "000660"))
    message = refused_load("load_prices", path)
    assert message == (
        "Nothing was loaded: all 2 rows of x.csv were refused: "
        "the close is not a number (1), unknown code (1)."
    )
    assert not LoadedFile.objects.exists()
    assert Dataset.objects.get().origin == "empty"


def test_a_database_that_holds_the_sandbox_is_refused_with_the_way_out(samsung, tmp_path):
    Dataset.objects.update(origin="sandbox")
    message = refused_load("load_prices", write(tmp_path / "x.csv", row(9, "100")))
    assert "sandbox" in message
    assert "STATE_DIR" in message
    assert not DailyBar.objects.exists()


def test_a_date_in_the_future_is_not_remembered_as_refused_for_good(samsung, tmp_path, time_machine):
    path = write(tmp_path / "x.csv", "005930,2026-03-02,1,1,1,1,1", "005930,2026-03-05,1,1,1,1,1")
    time_machine.move_to(datetime(2026, 3, 2, tzinfo=UTC))
    assert counts(load("load_prices", path)) == (1, 0, 0, 1)
    time_machine.move_to(datetime(2026, 3, 4, tzinfo=UTC))
    assert counts(load("load_prices", path)) == (1, 0, 1, 0)


def test_a_load_leaves_the_session_as_it_found_it(samsung, tmp_path):
    names = ["lock_timeout", "statement_timeout", "enable_hashjoin", "enable_seqscan"]

    def settings() -> list[str]:
        with connection.cursor() as cursor:
            return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in names]

    before = settings()
    load("load_prices", write(tmp_path / "x.csv", row(9, "100")))
    assert settings() == before


def test_a_new_year_gets_its_partition(samsung, tmp_path):
    path = write(tmp_path / "x.csv", "005930,1987-03-02,1,1,1,1,1", "005930,2001-03-02,1,1,1,1,1")
    assert counts(load("load_prices", path)) == (2, 0, 0, 0)


def test_rows_of_both_paths_add_up_when_new_and_stored_days_mix(samsung, tmp_path):
    load("load_prices", write(tmp_path / "x.csv", *(row(day, "100") for day in (2, 10, 20))))
    summary = load("load_prices", write(tmp_path / "y.csv", *(row(day, "100") for day in range(1, 31))))
    assert counts(summary) == (27, 0, 3, 0)
    assert DailyBar.objects.count() == 30
    assert DailyBar.objects.filter(date__gt=date(2025, 6, 20)).count() == 10
