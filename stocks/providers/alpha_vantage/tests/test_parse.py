"""What Alpha Vantage says, as our types: pure, from recorded answers."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from stocks.providers.alpha_vantage.parse import company, money, news, prices, statements
from stocks.providers.alpha_vantage.parse.answers import answer
from stocks.providers.alpha_vantage.tests.standin import BURST, DAY, DEMO, FULL, INVALID, KEY, NOTE, payload
from stocks.providers.errors import AuthFailed, Malformed, NotFound, Premium, RateLimited
from stocks.sessions import Schedule, schedule
from stocks.tests.standin import json_answer
from stocks.types import ActionKind, StockKey

NOW = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
AAPL = StockKey("AAPL", "NASDAQ", "USD")


@pytest.fixture(scope="module")
def sessions() -> Schedule:
    return schedule("XNYS")


def quote() -> dict:
    return payload("GLOBAL_QUOTE.AAPL")


def tick(answered, sessions, now=NOW, code="AAPL"):
    return prices.tick(answered, code, now=now, sessions=sessions, source="alpha_vantage")


def heard(sentence, status=200):
    return answer(status, json_answer(sentence).body, lambda text: text.replace(KEY, "[secret]"))


def test_it_works(sessions):
    found = tick(payload("GLOBAL_QUOTE.AAPL"), sessions)
    assert (found.code, found.price, found.previous_close) == ("AAPL", Decimal("277.625"), Decimal("283.25"))
    assert (found.open, found.high, found.low) == (Decimal("277.625"), Decimal("278.125"), Decimal("276.125"))
    assert found.volume == 41_222_155
    assert found.seq == int(NOW.timestamp() * 1_000_000)


def test_a_quote_is_as_of_the_close_of_its_session(sessions):
    assert tick(quote(), sessions).as_of == datetime(2025, 11, 14, 21, 0, tzinfo=UTC)


def test_a_quote_of_a_day_that_ends_early_is_as_of_that_early_close(sessions):
    now = datetime(2024, 11, 29, 23, 0, tzinfo=UTC)
    found = tick(payload_on("2024-11-29"), sessions, now=now)
    assert found.as_of == datetime(2024, 11, 29, 18, 0, tzinfo=UTC)


def payload_on(day: str) -> dict:
    found = payload("GLOBAL_QUOTE.AAPL")
    found["Global Quote"]["07. latest trading day"] = day
    return found


def test_a_quote_of_a_session_that_still_goes_on_is_as_of_now(sessions):
    now = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
    assert tick(quote(), sessions, now=now).as_of == now


@pytest.mark.parametrize(
    "now", [datetime(2025, 11, 14, 1, tzinfo=UTC), datetime(2025, 11, 13, 22, tzinfo=UTC)]
)
def test_a_session_to_come_is_refused_by_the_date_in_new_york(sessions, now):
    with pytest.raises(Malformed, match="still to come"):
        tick(quote(), sessions, now=now)


@pytest.mark.parametrize("answered", [{}, {"Global Quote": {}}])
def test_an_empty_quote_is_of_an_unknown_symbol(sessions, answered):
    assert tick(answered, sessions) is None


@pytest.mark.parametrize("bad", ["0.0000", "-1.0000", "NaN", "Infinity", "None", "", "1e400", "12,5"])
def test_a_price_that_cannot_be_one_is_refused(sessions, bad):
    answered = quote()
    answered["Global Quote"]["05. price"] = bad
    with pytest.raises(Malformed, match="price"):
        tick(answered, sessions)


def test_a_quote_of_another_symbol_is_refused(sessions):
    with pytest.raises(Malformed, match="another symbol"):
        tick(payload("GLOBAL_QUOTE.BRK-B"), sessions)


def test_a_class_of_share_is_known_by_either_spelling(sessions):
    answered = payload("GLOBAL_QUOTE.BRK-B")
    assert tick(answered, sessions, code="BRK.B").code == "BRK.B"
    answered["Global Quote"]["01. symbol"] = "BRK.B"
    assert tick(answered, sessions, code="BRK.B").code == "BRK.B"


def test_bars_are_those_of_the_days_asked_for_as_traded(sessions):
    answered = payload("TIME_SERIES_DAILY.AAPL")
    found = prices.bars(answered, "AAPL", date(2025, 11, 13), date(2025, 12, 31), now=NOW, sessions=sessions)
    assert [bar.date for bar in found] == [date(2025, 11, 13), date(2025, 11, 14)]
    assert found[-1].close == Decimal("277.6250")
    whole = prices.bars(answered, "AAPL", date(2000, 1, 1), date(2025, 12, 31), now=NOW, sessions=sessions)
    assert len(whole) == 100


@pytest.mark.parametrize(
    "changed",
    [
        {"2. high": "270.0000"},
        {"3. low": "280.0000"},
        {"4. close": "0.0000"},
        {"1. open": "NaN"},
        {"5. volume": "-1"},
        {"5. volume": "None"},
    ],
)
def test_a_bar_that_contradicts_itself_is_refused(sessions, changed):
    answered = payload("TIME_SERIES_DAILY.AAPL")
    answered["Time Series (Daily)"]["2025-11-14"].update(changed)
    with pytest.raises(Malformed):
        prices.bars(answered, "AAPL", date(2025, 11, 1), date(2025, 11, 14), now=NOW, sessions=sessions)


def test_a_bar_of_a_day_to_come_is_refused(sessions):
    answered = payload("TIME_SERIES_DAILY.AAPL")
    rows = answered["Time Series (Daily)"]
    rows["2025-11-17"] = rows["2025-11-14"]
    with pytest.raises(Malformed, match="still to come"):
        prices.bars(answered, "AAPL", date(2025, 11, 1), date(2025, 11, 14), now=NOW, sessions=sessions)


def test_splits_are_new_shares_per_old_share():
    found = prices.splits(payload("SPLITS.AAPL"), "AAPL", date(2015, 1, 1), date(2025, 1, 1))
    assert [(one.kind, one.ex_date, one.ratio) for one in found] == [
        (ActionKind.SPLIT, date(2020, 8, 31), Decimal(4))
    ]


@pytest.mark.parametrize(
    ("factor", "ratio"),
    [
        ("7.0000", "7"),
        ("1.5000", "1.5"),
        ("0.1000", "0.1"),
        ("0.1250", "0.125"),
        ("0.0050", "0.005"),
        ("0.0333", "0.0333333333"),  # one for thirty
        ("0.0067", "0.0066666667"),  # one for 150
        ("0.0029", "0.0028571429"),  # one for 350
        ("0.6667", "0.6666666667"),  # two for three
        ("1.3333", "1.3333333333"),  # four for three
        ("0.0005", "0.0005"),
        ("0.000347", "0.0003472222"),  # one for 2,880
        ("0.12345678901", "0.123456789"),  # not rounded, but for our column
        ("20", "20"),
    ],
)
def test_a_factor_of_four_decimals_is_read_as_the_ratio_that_it_stands_for(factor, ratio):
    assert prices.split_ratio(Decimal(factor)) == Decimal(ratio)


@pytest.mark.parametrize("factor", ["0.00009999", "0.0000000000003", "10001"])
def test_a_factor_by_which_no_company_splits_is_refused(factor):
    with pytest.raises(Malformed, match="out of range"):
        prices.split_ratio(Decimal(factor))


def test_dividends_of_one_day_are_added_and_one_that_comes_twice_counts_once():
    row = {"ex_dividend_date": "2025-11-10", "record_date": "2025-11-10", "payment_date": "2025-11-13"}
    rows = [{**row, "amount": amount} for amount in ("0.26", "0.26", "1.00", "0.00")]
    rows.append({**row, "ex_dividend_date": "None", "amount": "5.00"})

    def paid():
        answered = {"symbol": "AAPL", "data": rows}
        return prices.dividends(answered, "AAPL", date(2025, 1, 1), date(2025, 12, 31), "USD")

    (found,) = paid()
    assert (found.kind, found.amount, found.currency) == (ActionKind.DIVIDEND, Decimal("1.26"), "USD")
    rows[0]["amount"] = "-0.26"
    with pytest.raises(Malformed, match="negative"):
        paid()


def reports(symbol="AAPL"):
    return [payload(f"{name}.{symbol}") for name in ("INCOME_STATEMENT", "BALANCE_SHEET", "CASH_FLOW")]


def filed(answers, start=date(2023, 1, 1), end=date(2026, 12, 31), code="AAPL"):
    return statements.statements(answers, code, start, end)


def test_the_three_reports_of_a_period_are_one_statement():
    found = {(one.period_type, one.period_end): one for one in filed(reports())}
    one = found["quarterly", date(2025, 6, 30)]
    assert (one.fiscal_year, one.fiscal_quarter, one.currency) == (2025, 3, "USD")
    assert one.revenue == Decimal("102000000000")
    assert one.net_profit == Decimal("24480000000")  # of the income statement, which the cash flow repeats
    assert one.total_equity == Decimal("80000000000")
    assert one.operating_cash_flow == Decimal("28560000000")
    assert (one.cost_of_revenue, one.sga_expense) == (Decimal("56100000000"), Decimal("7140000000"))
    assert one.pretax_profit == one.net_profit + one.income_tax
    assert one.interest_expense == Decimal("1000000000")  # as interestAndDebtExpense
    assert one.depreciation_amortization == Decimal("2861250000")  # of the cash flow, which has all of it
    assert (one.receivables, one.inventory) == (Decimal("66243000000"), Decimal("7286000000"))
    assert (one.capital_expenditure, one.dividends_paid) == (Decimal("3060000000"), Decimal("3856000000"))
    assert one.share_repurchases == Decimal("23737000000")
    assert one.goodwill is one.intangible_assets is one.share_issuance is None
    assert one.preferred_equity is one.minority_interest is None
    assert one.shares_outstanding == 14_776_353_000
    assert one.eps is None
    assert found["annual", date(2025, 9, 30)].fiscal_quarter is None


def test_debts_are_added_up_without_what_their_total_counts_twice():
    answers = reports()
    answers[1]["annualReports"][1]["shortLongTermDebtTotal"] = "213000000000"
    one = next(one for one in filed(answers) if (one.period_type, one.fiscal_year) == ("annual", 2024))
    assert one.total_debt == Decimal("106667000000")  # shortTermDebt and longTermDebt
    assert one.long_term_debt == Decimal("85750000000")
    answers[1]["annualReports"][1]["shortTermDebt"] = "None"
    one = next(one for one in filed(answers) if (one.period_type, one.fiscal_year) == ("annual", 2024))
    assert one.total_debt is None


def test_investments_are_what_is_liquid_besides_the_cash_where_they_are_not_told():
    found = {(one.period_type, one.period_end): one.short_term_investments for one in filed(reports())}
    assert found["quarterly", date(2025, 9, 30)] == Decimal("35228000000")
    assert found["quarterly", date(2025, 6, 30)] == Decimal("35171000000")  # 65171 less 30000


def test_what_was_paid_is_above_zero_in_whichever_sign_it_is_told():
    answers = reports()
    answers[2]["annualReports"][1].update(capitalExpenditures="-9447000000", dividendPayout="-15234000000")
    one = next(one for one in filed(answers) if (one.period_type, one.fiscal_year) == ("annual", 2024))
    assert (one.capital_expenditure, one.dividends_paid) == (Decimal("9447000000"), Decimal("15234000000"))


def test_a_statement_is_filed_no_earlier_than_the_law_has_it_at_the_latest():
    found = {(one.period_type, one.period_end): one.filed_on for one in filed(reports())}
    assert found["quarterly", date(2025, 6, 30)] == date(2025, 8, 19)  # 50 days
    assert found["annual", date(2024, 9, 30)] == date(2025, 1, 13)  # 105 days
    # The last quarter is only known from the annual report.
    assert found["quarterly", date(2024, 9, 30)] == date(2025, 1, 13)


def test_a_company_that_reports_in_another_currency_files_as_a_foreign_one():
    answers = reports()
    for one in answers:
        for report in one["annualReports"] + one["quarterlyReports"]:
            report["reportedCurrency"] = "TWD"
    found = filed(answers)
    assert {one.currency for one in found} == {"TWD"}
    assert {one.filed_on - one.period_end for one in found} == {timedelta(days=138)}


def test_a_statement_is_listed_by_the_day_of_its_filing():
    found = filed(reports(), date(2025, 8, 19), date(2025, 8, 19))
    assert [one.period_end for one in found] == [date(2025, 6, 30)]


def test_unknown_figures_are_none_and_never_0():
    answers = reports()
    answers[0]["quarterlyReports"][1].update(grossProfit="None", operatingIncome="-", totalRevenue=None)
    one = next(one for one in filed(answers) if one.period_end == date(2025, 6, 30))
    assert one.gross_profit is one.operating_profit is one.revenue is None


def test_reports_in_two_currencies_are_no_statement():
    answers = reports()
    answers[1]["quarterlyReports"][1]["reportedCurrency"] = "EUR"
    assert date(2025, 6, 30) not in {one.period_end for one in filed(answers)}


def test_a_figure_that_is_no_number_is_refused():
    answers = reports()
    answers[0]["annualReports"][0]["totalRevenue"] = "NaN"
    with pytest.raises(Malformed, match="totalRevenue"):
        filed(answers)


def test_a_report_of_another_symbol_is_refused():
    answers = [reports()[0], reports("BRK-B")[1], {}]
    with pytest.raises(Malformed, match="another symbol"):
        filed(answers)


@pytest.mark.parametrize(
    ("period", "ends", "place"),
    [
        ("2025-09-30", ["2024-09-30", "2025-09-30"], (2025, 4)),
        ("2025-12-31", ["2024-09-30", "2025-09-30"], (2026, 1)),
        ("2024-12-28", ["2024-09-28", "2025-09-27"], (2025, 1)),  # years of 52 weeks
        ("2024-11-02", ["2024-02-03", "2025-02-01"], (2025, 3)),
        ("2022-01-02", ["2022-01-02"], (2021, 4)),  # a year of 53 weeks that ends in January
        ("2020-03-31", ["2024-12-31"], (2020, 1)),
        ("2025-03-31", ["2024-06-30"], (2025, 3)),
        ("2025-02-28", ["2024-12-31"], None),  # the fiscal year was moved
        ("2025-03-31", [], None),
    ],
)
def test_a_quarter_is_numbered_from_the_end_of_its_fiscal_year(period, ends, place):
    ends = [date.fromisoformat(one) for one in ends]
    assert statements.fiscal_quarter(date.fromisoformat(period), ends) == place


def test_a_company_is_described_with_its_listing():
    found = company.company(payload("OVERVIEW.AAPL"), AAPL, now=NOW, source="alpha_vantage")
    listing = found.listing
    assert (listing.code, listing.name, listing.market) == ("AAPL", "Apple Inc", "NASDAQ")
    assert (listing.sector, listing.industry) == ("Technology", "Consumer Electronics")
    assert (listing.currency, listing.kind, listing.shares_outstanding) == ("USD", "equity", 14_776_353_000)
    assert (found.market_cap, found.country) == (Decimal(4025000000000), "US")


def test_an_exchange_that_is_none_of_our_markets_is_a_venue_not_stated():
    answered = {**payload("OVERVIEW.AAPL"), "Exchange": "NYSE ARCA", "SharesOutstanding": "None"}
    found = company.company(answered, StockKey("AAPL"), now=NOW, source="alpha_vantage")
    assert found.listing.market == "US"
    assert found.listing.shares_outstanding is None


def test_a_company_of_another_symbol_or_currency_is_refused():
    answered = payload("OVERVIEW.AAPL")
    for change in ({"Symbol": "AAPU"}, {"Currency": "BRL"}, {"Currency": "None"}, {"Name": ""}):
        with pytest.raises(Malformed):
            company.company({**answered, **change}, AAPL, now=NOW, source="alpha_vantage")
    with pytest.raises(NotFound):
        company.company({}, AAPL, now=NOW, source="alpha_vantage")


def test_a_search_finds_what_is_listed_in_the_united_states():
    found = company.found(payload("SYMBOL_SEARCH.apple"))
    assert [(one.code, one.kind, one.market) for one in found] == [
        ("AAPL", "equity", "US"),
        ("APLE", "equity", "US"),
        ("AAPU", "etf", "US"),
    ]
    assert company.found({"bestMatches": []}) == []


def test_news_are_about_stocks_and_not_about_coins():
    found = news.articles(
        payload("NEWS_SENTIMENT.AAPL"), "AAPL", NOW - timedelta(days=30), now=NOW, source="alpha_vantage"
    )
    assert [one.url[-1] for one in found] == ["a", "b"]  # the third is older
    assert found[0].codes == ("AAPL", "BRK.B")
    assert found[0].published_at == datetime(2025, 11, 14, 15, 30, tzinfo=UTC)


def test_news_that_do_not_name_the_stock_or_have_no_address_are_left_out():
    answered = payload("NEWS_SENTIMENT.AAPL")
    answered["feed"][0]["ticker_sentiment"] = []
    answered["feed"][1]["url"] = "javascript:alert(1)"
    since = NOW - timedelta(days=30)
    assert news.articles(answered, "AAPL", since, now=NOW, source="alpha_vantage") == []
    assert len(news.articles(answered, None, since, now=NOW, source="alpha_vantage")) == 1
    answered["feed"][0]["time_published"] = "yesterday"
    with pytest.raises(Malformed, match="no time"):
        news.articles(answered, None, since, now=NOW, source="alpha_vantage")


def test_a_rate_is_of_the_pair_asked_for_and_not_of_the_future():
    answered = payload("CURRENCY_EXCHANGE_RATE.USD.KRW")
    found = money.rate(answered, "USD", "KRW", now=NOW)
    assert found == (Decimal("1457.35"), datetime(2025, 11, 14, 21, 43, 2, tzinfo=UTC))
    with pytest.raises(Malformed, match="another pair"):
        money.rate(answered, "KRW", "USD", now=NOW)
    with pytest.raises(Malformed, match="future"):
        money.rate(answered, "USD", "KRW", now=NOW - timedelta(hours=1))
    for name, value in (("5. Exchange Rate", "0.0"), ("7. Time Zone", "EST"), ("6. Last Refreshed", "now")):
        changed = copy.deepcopy(answered)
        changed["Realtime Currency Exchange Rate"][name] = value
        with pytest.raises(Malformed):
            money.rate(changed, "USD", "KRW", now=NOW)
    assert money.rate({}, "USD", "KRW", now=NOW) is None


def test_daily_rates_are_as_of_the_end_of_their_day():
    found = money.daily_rates(
        payload("FX_DAILY.USD.KRW"),
        "USD",
        "KRW",
        date(2025, 11, 13),
        date(2025, 11, 30),
        now=NOW,
        source="alpha_vantage",
    )
    assert [(one.rate, one.as_of) for one in found] == [
        (Decimal("1468.1"), datetime(2025, 11, 13, 23, 59, 59, tzinfo=UTC)),
        (Decimal("1457.35"), NOW),
    ]


def test_the_burst_is_told_from_the_quota_of_the_day():
    with pytest.raises(RateLimited, match="a call a second") as refused:
        heard(BURST)
    assert refused.value.retry_after == 1.0
    with pytest.raises(RateLimited, match="of the day") as refused:
        heard(DAY)
    assert refused.value.retry_after is None
    with pytest.raises(RateLimited, match="of a minute"):
        heard(NOTE)


@pytest.mark.parametrize(
    ("sentence", "error"), [(FULL, Premium), (DEMO, AuthFailed), (INVALID, NotFound), (DAY, RateLimited)]
)
@pytest.mark.parametrize("status", [200, 403, 500])
def test_the_body_is_heard_before_the_status(sentence, error, status):
    with pytest.raises(error):
        heard(sentence, status)


def test_a_sentence_that_is_shown_has_no_key_and_no_address():
    with pytest.raises(Exception, match="Something about") as refused:
        heard({"Information": f"Something about {KEY}, see https://example.com/?apikey={KEY} or not." * 9})
    assert KEY not in str(refused.value)
    assert "http" not in str(refused.value)
    assert len(str(refused.value)) < 200
