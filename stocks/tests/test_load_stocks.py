"""`manage.py load_stocks`."""

from datetime import date

import pytest

from stocks.models import Stock
from stocks.tests.loading_cases import counts, load, refused_load, report_rows, version, write

pytestmark = pytest.mark.django_db

KRX = "code,isin,name,market,sector,industry,listing_date,shares_outstanding,market_cap,close"
CONSTITUENTS = "Symbol,Security,GICS Sector,GICS Sub-Industry,Headquarters Location,Date added,CIK,Founded"
PUBLISHED = "Symbol,Name,Sector,Price,Price/Earnings,Dividend Yield,Market Cap"
SAMSUNG = "005930,KR7005930003,삼성전자,KOSPI,,통신 및 방송 장비 제조업,1975-06-11,5919637922,1,1"


def test_it_works(tmp_path):
    summary = load("load_stocks", write(tmp_path / "x.csv", SAMSUNG, header=KRX))
    assert counts(summary) == (1, 0, 0, 0)
    stock = Stock.objects.get()
    assert (stock.code, stock.name, stock.isin) == ("005930", "삼성전자", "KR7005930003")
    assert (stock.market_id, stock.segment, stock.currency, stock.kind) == ("KOSPI", "", "KRW", "equity")
    assert (stock.sector, stock.industry) == ("", "통신 및 방송 장비 제조업")
    assert (stock.listed_on, stock.shares_outstanding) == (date(1975, 6, 11), 5919637922)
    assert (stock.is_active, stock.source) == (True, "csv")
    assert version() == 1


def test_kosdaq_global_is_a_segment_of_kosdaq(tmp_path):
    rows = ["1,,a,KOSDAQ GLOBAL,,,,,,", "2,,b,KOSDAQ,,,,,,", "3,,c,KONEX,,,,,,"]
    load("load_stocks", write(tmp_path / "x.csv", *rows, header=KRX))
    assert list(Stock.objects.values_list("code", "market_id", "segment")) == [
        ("1", "KOSDAQ", "GLOBAL"),
        ("2", "KOSDAQ", ""),
        ("3", "KONEX", ""),
    ]


def test_constituents_go_to_the_market_that_names_no_venue(tmp_path):
    row = 'MMM,"3M, Inc.",Industrials,Industrial Conglomerates,"Saint Paul, Minnesota",1957-03-04,66740,1902'
    load("load_stocks", write(tmp_path / "x.csv", row, header=CONSTITUENTS))
    stock = Stock.objects.get()
    assert (stock.code, stock.name, stock.market_id, stock.currency) == ("MMM", "3M, Inc.", "US", "USD")
    assert (stock.sector, stock.industry) == ("Industrials", "Industrial Conglomerates")
    # The day it entered the index is not the day it was listed.
    assert stock.listed_on is None


def test_market_says_where_rows_without_a_market_belong(tmp_path):
    load("load_stocks", write(tmp_path / "x.csv", "A,Agilent,,,,,,", header=CONSTITUENTS), "--market", "NYSE")
    assert Stock.objects.get().market_id == "NYSE"
    assert refused_load("load_stocks", tmp_path / "x.csv", "--market", "MARS").startswith("--market MARS")


def test_market_fills_blank_cells_of_the_market_column(tmp_path):
    path = write(tmp_path / "x.csv", "1,,a,,,,,,,", "2,,b,KONEX,,,,,,", header=KRX)
    assert counts(load("load_stocks", path, "--market", "KOSDAQ")) == (2, 0, 0, 0)
    assert list(Stock.objects.values_list("code", "market_id")) == [("1", "KOSDAQ"), ("2", "KONEX")]


def test_published_fundamentals_add_what_is_missing_and_overwrite_nothing(tmp_path):
    load(
        "load_stocks",
        write(tmp_path / "x.csv", "MMM,3M,,Conglomerates,,,,", "T,AT&T,Comm,,,,,", header=CONSTITUENTS),
    )
    rows = ["MMM,3M Company,Industrials,1,,,", "T,AT&T Inc.,Other,1,,,", "AET,Aetna,Health Care,1,,,"]
    summary = load("load_stocks", write(tmp_path / "y.csv", *rows, header=PUBLISHED))
    assert counts(summary) == (1, 1, 1, 0)
    assert list(Stock.objects.order_by("code").values_list("code", "name", "sector", "industry")) == [
        ("AET", "Aetna", "Health Care", ""),
        ("MMM", "3M", "Industrials", "Conglomerates"),
        ("T", "AT&T", "Comm", ""),
    ]


def test_a_file_changes_only_what_it_has_columns_for(tmp_path):
    load("load_stocks", write(tmp_path / "x.csv", SAMSUNG, header=KRX))
    stock = Stock.objects.get()
    path = write(tmp_path / "y.csv", "005930,Samsung", header="code,name")
    assert counts(load("load_stocks", path)) == (0, 1, 0, 0)
    changed = Stock.objects.get()
    assert changed.name == "Samsung"
    assert changed.id == stock.id
    assert (changed.market_id, changed.isin, changed.industry) == ("KOSPI", stock.isin, stock.industry)


def test_the_second_run_changes_no_row(tmp_path):
    path = write(tmp_path / "x.csv", SAMSUNG, "000660,,SK hynix,KOSPI,,,,,,", header=KRX)
    load("load_stocks", path)
    before = list(Stock.objects.values())
    assert "skipped" in load("load_stocks", path)
    again = load("load_stocks", path, "--force")
    assert counts(again) == (0, 0, 2, 0)
    assert list(Stock.objects.values()) == before
    assert version() == 1


def test_a_stock_that_is_listed_again_is_active_again(tmp_path):
    path = write(tmp_path / "x.csv", SAMSUNG, header=KRX)
    load("load_stocks", path)
    Stock.objects.update(is_active=False)
    assert counts(load("load_stocks", path, "--force")) == (0, 1, 0, 0)
    assert Stock.objects.get().is_active


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,a,KOSPI,,,,,,", "the code is blank"),
        ("00 5930,,a,KOSPI,,,,,,", "the code has a character or length that no code has"),
        (f"{'x' * 33},,a,KOSPI,,,,,,", "the code has a character or length that no code has"),
        ("price:*,,a,KOSPI,,,,,,", "the code has a character or length that no code has"),
        ("1,,,KOSPI,,,,,,", "the name is blank"),
        (f"1,,{'x' * 201},KOSPI,,,,,,", "the name is longer than 200 characters"),
        ("1,,a\x07b,KOSPI,,,,,,", "the name holds a control character"),
        ("1,,a,,,,,,,", "the market is blank"),
        ("1,,a,MARS,,,,,,", "unknown market 'MARS'"),
        ("1,KR70059300,a,KOSPI,,,,,,", "the ISIN is no ISIN"),
        ("1,,a,KOSPI,,,1975-13-01,,,", "the listing date is not a date"),
        ("1,,a,KOSPI,,,2999-01-01,,,", "the listing date lies in the future"),
        ("1,,a,KOSPI,,,,0,,", "the number of shares is not above zero"),
        ("1,,a,KOSPI,,,,1.5,,", "the number of shares is not a whole number"),
        ("1,,a,KOSPI,,,,many,,", "the number of shares is not a number"),
        ("1,,a,KOSPI,,,,9999999999999999999,,", "the number of shares is too large"),
        (f"1,,a,KOSPI,{'x' * 101},,,,,", "the sector is longer than 100 characters"),
        ("005930,,again,KOSPI,,,,,,", "duplicate of line 2"),
    ],
)
def test_a_row_that_is_no_stock_is_refused_with_the_reason(tmp_path, row, reason):
    report = tmp_path / "refused.csv"
    summary = load(
        "load_stocks", write(tmp_path / "x.csv", SAMSUNG, row, header=KRX), "--report", str(report)
    )
    assert counts(summary) == (1, 0, 0, 1)
    assert report_rows(report) == [(3, reason, row)]


def test_reasons_are_counted_without_the_values_of_rows(tmp_path):
    rows = [SAMSUNG, "1,,a,MARS,,,,,,", "2,,b,VENUS,,,,,,"]
    assert load("load_stocks", write(tmp_path / "x.csv", *rows, header=KRX))["reasons"] == {
        "unknown market": 2
    }


def test_names_are_stored_in_unicode_form_nfc(tmp_path):
    load("load_stocks", write(tmp_path / "x.csv", "1,삼성", header="code,name"))
    assert Stock.objects.get().name == "삼성"
