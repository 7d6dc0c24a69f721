"""`manage.py load_statements`."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from stocks.models import FundamentalSnapshot, Statement
from stocks.tests.loading_cases import counts, list_stocks, load, refused_load, report_rows, version, write

pytestmark = pytest.mark.django_db

KRX = (
    "stock_code,analysis_year,report_code,rcept_dt,per,pbr,roe,debt_ratio,cur_ratio,op_margin,revenue_yoy,"
    "op_income_yoy,net_income,total_equity,total_debt,total_asset,revenue,op_income,market_cap,cf_ops,mrkt_ctg"
)
ROW = (
    "005930,2024,11011,20250311,12.34,,-0.09,5.57,941.92,4.44,9.98,-33.44,"
    "4378917213.0,251146199319.0,13999939722.1,265146139041.0,144440857401.0,6417822420.0,,,KOSPI"
)
PUBLISHED = (
    "Symbol,Name,Sector,Price,Price/Earnings,Dividend Yield,Earnings/Share,52 Week Low,52 Week High,"
    "Market Cap,EBITDA,Price/Sales,Price/Book,SEC Filings"
)


@pytest.fixture(autouse=True)
def _listed():
    list_stocks("005930")
    list_stocks("MMM", "AOS", "ABT", market="US", currency="USD")


def published(path, *rows: str):
    return write(path, *rows, header=PUBLISHED)


def company(code: str, dividend: str = "", low: str = "", high: str = "", price: str = "10") -> str:
    return f"{code},Name,Sector,{price},,{dividend},,{low},{high},,,,,http://x"


class TestStatements:
    def test_it_works(self, tmp_path):
        summary = load("load_statements", write(tmp_path / "x.csv", ROW, header=KRX))
        assert counts(summary) == (1, 0, 0, 0)
        filed = Statement.objects.get()
        assert (filed.stock.code, filed.currency, filed.source) == ("005930", "KRW", "csv")
        assert (filed.period_type, filed.fiscal_year, filed.fiscal_quarter) == ("annual", 2024, None)
        assert (filed.filed_on, filed.period_end) == (date(2025, 3, 11), None)
        assert filed.revenue == Decimal("144440857401")
        assert filed.operating_profit == Decimal("6417822420")
        assert filed.net_profit == Decimal("4378917213")
        assert filed.total_assets == Decimal("265146139041")
        assert filed.total_liabilities == Decimal("13999939722.1")
        assert filed.total_equity == Decimal("251146199319")
        assert filed.operating_cash_flow is None
        assert version() == 1

    def test_published_ratios_are_kept_exactly_and_unknown_ones_are_null(self, tmp_path):
        load("load_statements", write(tmp_path / "x.csv", ROW, header=KRX))
        with connection.cursor() as cursor:
            cursor.execute("SELECT reported::text FROM stocks_statement")
            assert cursor.fetchone()[0] == (
                '{"pbr": null, "per": 12.34, "roe": -0.09, "cur_ratio": 941.92, "op_margin": 4.44, '
                '"debt_ratio": 5.57, "market_cap": null, "revenue_yoy": 9.98, "op_income_yoy": -33.44}'
            )

    def test_a_restatement_is_a_row_of_its_own(self, tmp_path):
        path = write(tmp_path / "x.csv", ROW, ROW.replace("20250311", "20250601"), header=KRX)
        assert counts(load("load_statements", path)) == (2, 0, 0, 0)

    def test_the_second_run_changes_no_row_and_a_correction_one(self, tmp_path):
        path = write(tmp_path / "x.csv", ROW, header=KRX)
        load("load_statements", path)
        assert "skipped" in load("load_statements", path)
        assert counts(load("load_statements", path, "--force")) == (0, 0, 1, 0)
        assert version() == 1
        changed = write(tmp_path / "y.csv", ROW.replace("12.34", "12.35"), header=KRX)
        assert counts(load("load_statements", changed)) == (0, 1, 0, 0)
        assert version() == 2

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("005930,", ",", "the code is blank"),
            ("005930,", "999999,", "unknown code"),
            (",2024,", ",,", "the fiscal year is blank"),
            (",2024,", ",x,", "the fiscal year is not a number"),
            (",2024,", ",2024.5,", "the fiscal year is not a whole number"),
            (",2024,", ",1024,", "the fiscal year is out of range"),
            ("20250311", "", "the filing date is blank"),
            ("20250311", "20250231", "the filing date is not a date"),
            ("20250311", "29990101", "the filing date lies in the future"),
            ("11011", "11013", "the report is not an annual one (11011)"),
            ("4378917213.0", "NaN", "the net_income is not a number"),
            ("4378917213.0", "1e17", "the net_income is too large"),
            ("12.34", "Infinity", "the per is not a number"),
        ],
    )
    def test_a_row_that_is_no_statement_is_refused_with_the_reason(self, tmp_path, old, new, reason):
        good = ROW.replace("20250311", "20250312")
        bad = ROW.replace(old, new, 1)
        report = tmp_path / "refused.csv"
        path = write(tmp_path / "x.csv", good, bad, header=KRX)
        assert counts(load("load_statements", path, "--report", str(report))) == (1, 0, 0, 1)
        assert report_rows(report) == [(3, reason, bad)]

    def test_a_row_without_figures_and_a_repeated_one_are_refused(self, tmp_path):
        path = write(tmp_path / "x.csv", ROW, f"005930,2023,11011,20240311{',' * 17}", ROW, header=KRX)
        assert load("load_statements", path)["reasons"] == {"the row has no figures": 1, "duplicate": 1}

    def test_market_refuses_stocks_of_other_markets(self, tmp_path):
        path = write(tmp_path / "x.csv", ROW, ROW.replace("005930", "MMM"), header=KRX)
        summary = load("load_statements", path, "--market", "KOSPI")
        assert summary["reasons"] == {"the stock is not on KOSPI": 1}

    def test_map_names_the_columns_of_the_file(self, tmp_path):
        path = write(tmp_path / "x.csv", "MMM,2024,2025-02-05,100", header="ticker,year,filed,sales")
        named = ["code=ticker", "fiscal_year=year", "filed_on=filed", "revenue=sales"]
        load("load_statements", path, *(f"--map={mapping}" for mapping in named))
        assert Statement.objects.get().revenue == 100

    def test_quarters_and_every_line_stand_under_our_own_names(self, tmp_path):
        header = (
            "code,fiscal_year,fiscal_quarter,period_end,filed_on,currency,revenue,cost_of_revenue,inventory,"
            "capital_expenditure,interest_bearing_debt,eps,shares_outstanding,basis_on"
        )
        rows = (
            "MMM,2024,1,2024-03-31,2024-04-30,EUR,100,60,12.5,7,9,1.25,1000,2025-01-02",
            "MMM,2024,,2024-12-31,2025-02-05,,400,,,,,,,",
        )
        named = ["code=code", "fiscal_year=fiscal_year", "filed_on=filed_on"]
        path = write(tmp_path / "x.csv", *rows, header=header)
        load("load_statements", path, *(f"--map={mapping}" for mapping in named))
        quarter, year = Statement.objects.order_by("filed_on")
        assert (quarter.period_type, quarter.fiscal_quarter, quarter.currency) == ("quarterly", 1, "EUR")
        assert (quarter.period_end, quarter.basis_on) == (date(2024, 3, 31), date(2025, 1, 2))
        assert (quarter.cost_of_revenue, quarter.inventory) == (60, Decimal("12.5"))
        assert (quarter.capital_expenditure, quarter.total_debt) == (7, 9)
        assert (quarter.eps, quarter.shares_outstanding) == (Decimal("1.25"), 1000)
        assert (year.period_type, year.fiscal_quarter, year.currency) == ("annual", None, "USD")
        assert (year.revenue, year.inventory, year.basis_on) == (400, None, None)

    def test_a_line_without_a_column_stays_as_it_is_stored(self, tmp_path):
        load("load_statements", write(tmp_path / "x.csv", ROW, header=KRX))
        Statement.objects.update(inventory=5)
        changed = write(tmp_path / "y.csv", ROW.replace("144440857401.0", "144440857402"), header=KRX)
        assert counts(load("load_statements", changed)) == (0, 1, 0, 0)
        filed = Statement.objects.get()
        assert (filed.revenue, filed.inventory) == (144440857402, 5)

    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [
            ("fiscal_quarter", "5", "the fiscal quarter is none of 1 to 4"),
            ("currency", "won", "the currency is not three capital letters"),
            ("period_end", "2025-03-12", "it was filed before its period ended"),
            ("shares_outstanding", "0", "the shares outstanding are not above zero"),
            ("eps", "1e12", "the eps is too large"),
        ],
    )
    def test_a_figure_that_cannot_be_true_is_refused(self, tmp_path, column, value, reason):
        good = ROW.replace("20250311", "20250312")
        path = write(tmp_path / "x.csv", f"{good},", f"{ROW},{value}", header=f"{KRX},{column}")
        assert load("load_statements", path)["reasons"] == {reason: 1}


class TestPublishedFundamentals:
    def test_it_works(self, tmp_path):
        row = "MMM,3M,Tools,222.89,24.31,2.3328617,7.92,259.77,175.49,138721055226,9048000000,4.39,11.34,x"
        summary = load("load_statements", published(tmp_path / "f_2018_02.csv", row))
        assert counts(summary) == (1, 0, 0, 0)
        assert (summary["as_of"], summary["dividend_yield_in_file"]) == ("2018-02-28", "percent")
        found = FundamentalSnapshot.objects.get()
        assert (found.stock.code, found.as_of, found.currency) == ("MMM", date(2018, 2, 28), "USD")
        assert (found.price, found.per, found.eps) == (Decimal("222.89"), Decimal("24.31"), Decimal("7.92"))
        assert (found.psr, found.pbr) == (Decimal("4.39"), Decimal("11.34"))
        assert (found.market_cap, found.ebitda) == (138721055226, 9048000000)
        assert found.dividend_yield == Decimal("2.3328617")
        # The file has the two columns' headings swapped.
        assert (found.high_52w, found.low_52w) == (Decimal("259.77"), Decimal("175.49"))

    def test_what_is_expected_is_loaded_where_it_is_published(self, tmp_path):
        header = "Symbol,Price,Forward EPS,Forward DPS,Price/Sales"
        path = write(tmp_path / "f_2018_02.csv", "MMM,10,0.8,0.25,", "AOS,10,-0.5,-1,", header=header)
        assert load("load_statements", path)["reasons"] == {"the Forward DPS is negative": 1}
        found = FundamentalSnapshot.objects.get()
        assert (found.forward_eps, found.forward_dps) == (Decimal("0.8"), Decimal("0.25"))

    def test_yields_of_at_most_one_are_fractions_and_become_percent(self, tmp_path):
        rows = [company("MMM", "0.0175"), company("AOS", "0"), company("ABT", "3.6e-05")]
        summary = load("load_statements", published(tmp_path / "f_2026_08.csv", *rows))
        assert summary["dividend_yield_in_file"] == "fraction"
        found = dict(FundamentalSnapshot.objects.values_list("stock__code", "dividend_yield"))
        assert found == {"MMM": Decimal("1.75"), "AOS": 0, "ABT": Decimal("0.0036")}

    def test_one_yield_above_one_makes_all_of_them_percent(self, tmp_path):
        rows = [company("MMM", "0.5"), company("AOS", "1.2"), company("ABT")]
        summary = load("load_statements", published(tmp_path / "f_2026_08.csv", *rows))
        assert summary["dividend_yield_in_file"] == "percent"
        found = dict(FundamentalSnapshot.objects.values_list("stock__code", "dividend_yield"))
        assert found == {"MMM": Decimal("0.5"), "AOS": Decimal("1.2"), "ABT": None}

    def test_the_unit_of_yields_can_be_given(self, tmp_path):
        path = published(tmp_path / "f_2026_08.csv", company("MMM", "0.5"))
        load("load_statements", path, "--dividend-yield", "percent")
        assert FundamentalSnapshot.objects.get().dividend_yield == Decimal("0.5")

    def test_the_day_comes_from_as_of_before_the_name(self, tmp_path):
        path = published(tmp_path / "f_2018_02.csv", company("MMM"))
        load("load_statements", path, "--as-of", "2018-02-08")
        assert FundamentalSnapshot.objects.get().as_of == date(2018, 2, 8)

    def test_leap_years_are_known(self, tmp_path):
        load("load_statements", published(tmp_path / "f_2024_02.csv", company("MMM")))
        assert FundamentalSnapshot.objects.get().as_of == date(2024, 2, 29)

    @pytest.mark.parametrize("name", ["f.csv", "f_2018_13.csv", "f_2018_021.csv", "f_201802.csv"])
    def test_without_a_day_the_file_is_refused(self, tmp_path, name):
        message = refused_load("load_statements", published(tmp_path / name, company("MMM")))
        assert "--as-of" in message

    def test_an_as_of_that_is_no_date_is_refused(self, tmp_path):
        path = published(tmp_path / "f_2018_02.csv", company("MMM"))
        assert "no date" in refused_load("load_statements", path, "--as-of", "yesterday")

    def test_the_same_file_with_another_day_is_another_load(self, tmp_path):
        path = published(tmp_path / "f.csv", company("MMM"))
        load("load_statements", path, "--as-of", "2018-02-08")
        assert counts(load("load_statements", path, "--as-of", "2018-02-09")) == (1, 0, 0, 0)
        assert "skipped" in load("load_statements", path, "--as-of", "2018-02-08")

    def test_blanks_are_null_and_a_row_of_blanks_is_refused(self, tmp_path):
        path = published(tmp_path / "f_2026_08.csv", company("MMM"), company("AOS", price=""))
        summary = load("load_statements", path)
        assert summary["reasons"] == {"the row has no figures": 1}
        found = FundamentalSnapshot.objects.get()
        assert (found.price, found.per, found.high_52w, found.market_cap) == (10, None, None, None)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (company("ZZZ"), "unknown code"),
            (company("MMM"), "duplicate of line 2"),
            (company("AOS", price="-1"), "the Price is negative"),
            (company("AOS", dividend="x"), "the Dividend Yield is not a number"),
            (company("AOS", low="nan"), "the 52 Week Low is not a number"),
            (company("AOS", price="1e12"), "the Price is too large"),
        ],
    )
    def test_a_row_that_is_no_snapshot_is_refused_with_the_reason(self, tmp_path, row, reason):
        report = tmp_path / "refused.csv"
        path = published(tmp_path / "f_2026_08.csv", company("MMM"), row)
        assert counts(load("load_statements", path, "--report", str(report))) == (1, 0, 0, 1)
        assert report_rows(report) == [(3, reason, row)]

    def test_the_second_run_changes_no_row(self, tmp_path):
        path = published(tmp_path / "f_2026_08.csv", company("MMM", "0.01"), company("AOS"))
        load("load_statements", path)
        assert counts(load("load_statements", path, "--force")) == (0, 0, 2, 0)
        assert version() == 1
