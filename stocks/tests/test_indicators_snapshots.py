import math
from datetime import date

import pytest

from stocks.indicators.profitability import profitability
from stocks.indicators.snapshots import Snapshot, dividends_of, fundamentals_of, shares_of, snapshot_on
from stocks.indicators.valuation import valuation

# A. O. Smith as published for 2018-02-08: price 60.24, EPS 1.70, P/B 6.35, P/S 3.5754826, yield 1.1479592 %.
AOS = Snapshot(
    as_of=date(2018, 2, 8),
    currency="USD",
    price=60.24,
    eps=1.70,
    per=27.76,
    pbr=6.35,
    psr=3.5754826,
    dividend_yield=1.1479592,
    market_cap=10783419933.0,
)


def figures(snapshot: Snapshot, close: float) -> dict[str, float]:
    known = fundamentals_of(snapshot)
    return valuation(known, close=close, market_cap=math.nan, currency="USD") | profitability(known)


def test_published_ratios_follow_the_price_of_the_bar():
    at_publication, later = figures(AOS, close=60.24), figures(AOS, close=120.48)
    assert at_publication["per_ttm"] == pytest.approx(60.24 / 1.70)
    assert at_publication["pbr"] == pytest.approx(6.35)
    assert at_publication["psr"] == pytest.approx(3.5754826)
    for ratio in ("per_ttm", "pbr", "psr"):
        assert later[ratio] == pytest.approx(at_publication[ratio] * 2)
    assert later["earnings_yield"] == pytest.approx(1.70 / 120.48 * 100)


def test_quotients_of_published_ratios_need_no_price_of_today():
    computed = figures(AOS, close=1.0)
    assert computed["roe"] == pytest.approx(1.70 / (60.24 / 6.35) * 100)
    assert computed["net_margin"] == pytest.approx(1.70 / (60.24 / 3.5754826) * 100)
    assert math.isnan(computed["operating_margin"]) and math.isnan(computed["roa"])


def test_published_earnings_per_share_come_before_the_published_per():
    assert fundamentals_of(AOS).net_profit == 1.70
    without = Snapshot(AOS.as_of, "USD", price=60.0, per=20.0)
    assert fundamentals_of(without).net_profit == pytest.approx(3.0)
    assert fundamentals_of(Snapshot(AOS.as_of, "USD", price=60.0, per=0.0)).net_profit is None


def test_a_published_loss_has_no_per():
    computed = figures(Snapshot(AOS.as_of, "USD", price=10.0, eps=-2.0), close=10.0)
    assert math.isnan(computed["per_ttm"]) and computed["earnings_yield"] == -20.0


def test_a_split_since_then_is_taken_into_account():
    halved = Snapshot(AOS.as_of, "USD", price=60.0, eps=3.0, dividend_yield=2.0, market_cap=600.0, basis=2.0)
    assert fundamentals_of(halved).net_profit == 1.5
    assert dividends_of(halved) == pytest.approx(0.6)
    assert shares_of(halved) == pytest.approx(20.0)


def test_dividends_and_shares_behind_the_published_figures():
    assert dividends_of(AOS) == pytest.approx(0.69153, abs=1e-5)
    assert dividends_of(Snapshot(AOS.as_of, "USD", price=10.0, dividend_yield=0.0)) == 0.0
    assert dividends_of(Snapshot(AOS.as_of, "USD", price=10.0)) is None
    assert shares_of(AOS) == pytest.approx(10783419933 / 60.24)
    assert shares_of(Snapshot(AOS.as_of, "USD", price=10.0)) is None


@pytest.mark.parametrize(
    ("on", "lead_days", "found"),
    [
        (date(2018, 2, 8), 0, True),
        (date(2018, 2, 7), 0, False),
        (date(2018, 2, 7), 1, True),
        (date(2019, 3, 15), 0, True),  # 400 days later
        (date(2019, 3, 16), 0, False),
        (date(2026, 7, 24), 0, False),
    ],
)
def test_a_snapshot_speaks_only_for_prices_near_it(on: date, lead_days: int, found: bool):
    assert (snapshot_on([AOS], on=on, lead_days=lead_days) is AOS) == found


def test_the_newest_snapshot_that_fits_is_taken():
    older = Snapshot(date(2018, 1, 2), "USD")
    assert snapshot_on([older, AOS], on=date(2018, 3, 1)) is AOS
    assert snapshot_on([older, AOS], on=date(2018, 2, 1)) is older
