"""`manage.py load_corporate_actions` and `manage.py load_fx`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from stocks.models import CorporateAction, Dataset, FxRate
from stocks.tests.factories import bars
from stocks.tests.loading_cases import counts, list_stocks, load, refused_load, report_rows, version, write

pytestmark = pytest.mark.django_db

ACTIONS = "code,kind,ex_date,ratio,amount,currency"
RATES = "date,base,quote,rate"


class TestActions:
    @pytest.fixture(autouse=True)
    def _listed(self):
        (self.stock,) = list_stocks("005930")
        list_stocks("AAPL", market="NASDAQ", currency="USD")

    def _load(self, tmp_path, *rows: str, options: tuple[str, ...] = (), header: str = ACTIONS):
        return load("load_corporate_actions", write(tmp_path / "x.csv", *rows, header=header), *options)

    def test_it_works(self, tmp_path):
        before = version()
        summary = self._load(
            tmp_path,
            "005930,split,2018-05-04,50:1,,",
            "AAPL,SPLIT,20200831,4.0,,",
            "005930,bonus,2010-01-05,1.1,,",
            "AAPL,dividend,2024-11-08,,0.25,",
            "005930,dividend,2024-09-26,,361,KRW",
        )
        assert counts(summary) == (5, 0, 0, 0)
        assert version() == before + 1
        rows = {
            (row.stock.code, row.kind, row.ex_date.isoformat()): (row.ratio, row.amount, row.currency)
            for row in CorporateAction.objects.select_related("stock")
        }
        assert rows == {
            ("005930", "split", "2018-05-04"): (50, None, ""),
            ("AAPL", "split", "2020-08-31"): (4, None, ""),
            ("005930", "bonus", "2010-01-05"): (Decimal("1.1"), None, ""),
            ("AAPL", "dividend", "2024-11-08"): (None, Decimal("0.25"), "USD"),
            ("005930", "dividend", "2024-09-26"): (None, 361, "KRW"),
        }
        assert set(CorporateAction.objects.values_list("source", flat=True)) == {"csv"}

    @pytest.mark.parametrize(
        ("text", "ratio"),
        [("2:1", "2"), ("1:10", "0.1"), ("3 : 2", "1.5"), ("1:3", "0.3333333333"), ("0.5", "0.5")],
    )
    def test_a_ratio_is_new_shares_for_old_ones(self, tmp_path, text, ratio):
        self._load(tmp_path, f"005930,split,2018-05-04,{text},,")
        assert CorporateAction.objects.get().ratio == Decimal(ratio)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("NOSUCH,split,2018-05-04,2,,", "unknown code"),
            (",split,2018-05-04,2,,", "the code is blank"),
            ("005930,merger,2018-05-04,2,,", "the kind is none of split, bonus, dividend"),
            ("005930,rebase,2018-05-04,2,,", "the kind is none of split, bonus, dividend"),
            ("005930,split,,2,,", "the ex-date is blank"),
            ("005930,split,2018-13-04,2,,", "the ex-date is not a date"),
            ("005930,split,2099-05-04,2,,", "the ex-date lies in the future"),
            ("005930,split,2018-05-04,,,", "a split is a ratio"),
            ("005930,split,2018-05-04,1:1,,", "a ratio of 1 changes nothing"),
            ("005930,split,2018-05-04,0:1,,", "the ratio is not a ratio"),
            ("005930,split,2018-05-04,2:,,", "the ratio is not a ratio"),
            ("005930,split,2018-05-04,-2,,", "the ratio is out of range"),
            ("005930,split,2018-05-04,two,,", "the ratio is not a number"),
            ("005930,split,2018-05-04,2,5,", "a split is a ratio"),
            ("005930,dividend,2018-05-04,,,", "a dividend is an amount"),
            ("005930,dividend,2018-05-04,,-1,", "the amount is out of range"),
            ("005930,dividend,2018-05-04,,5,won", "the currency is no currency code"),
        ],
    )
    def test_a_row_that_is_no_action_is_refused_with_the_reason(self, tmp_path, row, reason):
        report = tmp_path / "refused.csv"
        summary = self._load(tmp_path, "AAPL,split,2020-08-31,4,,", row, options=("--report", str(report)))
        assert counts(summary) == (1, 0, 0, 1)
        assert report_rows(report) == [(3, reason, row)]

    def test_a_file_corrects_what_is_stored(self, tmp_path):
        CorporateAction.objects.create(
            stock=self.stock, kind="split", ex_date=date(2018, 5, 4), ratio=5, source="yahoo"
        )
        assert counts(self._load(tmp_path, "005930,split,2018-05-04,50,,")) == (0, 1, 0, 0)
        row = CorporateAction.objects.get()
        assert row.ratio == 50
        assert row.source == "csv"
        again = self._load(tmp_path, "005930,split,2018-05-04,50,,", options=("--force",))
        assert counts(again) == (0, 0, 1, 0)

    def test_a_repeated_row_is_refused(self, tmp_path):
        summary = self._load(tmp_path, "005930,split,2018-05-04,50,,", "005930,split,2018-05-04,2,,")
        assert summary["reasons"] == {"duplicate": 1}

    def test_a_split_that_the_stored_bars_are_adjusted_for_is_refused_unless_it_is_insisted_upon(
        self, tmp_path
    ):
        bars(self.stock, [("2018-05-03", 1000), ("2018-05-04", 1010)])
        rows = ("005930,split,2018-05-04,50:1,,", "AAPL,split,2020-08-31,4,,")
        summary = self._load(tmp_path, *rows)
        assert summary["reasons"] == {"the stored bars are adjusted for it already": 1}
        assert counts(self._load(tmp_path, *rows, options=("--as-given",))) == (1, 0, 1, 0)

    def test_map_names_the_columns_of_the_file(self, tmp_path):
        named = ("code=ticker", "ex_date=day", "amount=cash")
        options = tuple(f"--map={mapping}" for mapping in named)
        self._load(tmp_path, "AAPL,dividend,2024-11-08,0.25", header="ticker,kind,day,cash", options=options)
        assert CorporateAction.objects.get().amount == Decimal("0.25")

    def test_market_refuses_stocks_of_other_markets(self, tmp_path):
        rows = ("005930,split,2018-05-04,50,,", "AAPL,split,2020-08-31,4,,")
        summary = self._load(tmp_path, *rows, options=("--market", "KOSPI"))
        assert summary["reasons"] == {"the stock is not on KOSPI": 1}

    def test_a_database_of_the_sandbox_is_refused(self, tmp_path):
        Dataset.objects.update(origin="sandbox")
        path = write(tmp_path / "x.csv", "AAPL,split,2020-08-31,4,,", header=ACTIONS)
        assert "never mix" in refused_load("load_corporate_actions", path)
        path = write(tmp_path / "y.csv", "2024-11-08,USD,KRW,1395.5", header=RATES)
        assert "never mix" in refused_load("load_fx", path)


class TestRates:
    def _load(self, tmp_path, *rows: str, options: tuple[str, ...] = ()):
        return load("load_fx", write(tmp_path / "x.csv", *rows, header=RATES), *options)

    def test_it_works(self, tmp_path):
        summary = self._load(tmp_path, "2024-11-07,USD,KRW,1399.75", "20241108,USD,KRW,1395.5")
        assert counts(summary) == (2, 0, 0, 0)
        row = FxRate.objects.get(date=date(2024, 11, 8))
        assert (row.base, row.quote, row.rate, row.source) == ("USD", "KRW", Decimal("1395.5"), "csv")
        assert row.as_of == datetime(2024, 11, 8, tzinfo=UTC)

    def test_ten_decimals_are_kept(self, tmp_path):
        self._load(tmp_path, "2024-11-08,KRW,USD,0.00071658903")
        assert FxRate.objects.get().rate == Decimal("0.0007165890")

    def test_a_file_corrects_what_is_stored(self, tmp_path):
        self._load(tmp_path, "2024-11-08,USD,KRW,1395.5")
        assert counts(self._load(tmp_path, "2024-11-08,USD,KRW,1396")) == (0, 1, 0, 0)
        assert FxRate.objects.get().rate == 1396

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (",USD,KRW,1395", "the date is blank"),
            ("2024-11-32,USD,KRW,1395", "the date is not a date"),
            ("2099-11-08,USD,KRW,1395", "the date lies in the future"),
            ("2024-11-08,dollar,KRW,1395", "the base is no currency code"),
            ("2024-11-08,USD,,1395", "the quote is no currency code"),
            ("2024-11-08,USD,USD,1", "the base is the quote"),
            ("2024-11-08,USD,KRW,", "the rate is blank"),
            ("2024-11-08,USD,KRW,0", "the rate is not above zero"),
            ("2024-11-08,USD,KRW,-3", "the rate is not above zero"),
            ("2024-11-08,USD,KRW,0.00000000001", "the rate is not above zero"),
            ("2024-11-08,USD,KRW,NaN", "the rate is not a number"),
            ("2024-11-08,USD,KRW,10000000000", "the rate is too large"),
        ],
    )
    def test_a_row_that_is_no_rate_is_refused_with_the_reason(self, tmp_path, row, reason):
        summary = self._load(tmp_path, "2024-11-08,USD,INR,84.37", row)
        assert summary["reasons"] == {reason: 1}

    def test_a_dry_run_leaves_nothing_behind(self, tmp_path):
        assert counts(self._load(tmp_path, "2024-11-08,USD,KRW,1395", options=("--dry-run",))) == (1, 0, 0, 0)
        assert not FxRate.objects.exists()
