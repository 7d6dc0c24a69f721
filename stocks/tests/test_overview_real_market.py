"""The overview of the whole KRX market and of the S&P 500, beside the same figures worked out by pandas"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # pandas brings no types; only tests need it
import pytest
from django.core.management import call_command
from django.db import transaction

from stocks.models import CorporateAction, Stock
from stocks.tests.doors import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
BARS = ("krx_daily_2023_2025.csv.gz", "krx_daily_2025_2026.csv.gz")


@pytest.fixture(scope="module", autouse=True)
def krx(django_db_setup: None, django_db_blocker: Any, market_data_dir: Path) -> Iterator[None]:
    """Loaded once, and taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_stocks", str(market_data_dir / "krx_listing_2026_03.csv"))
        for name in BARS:
            call_command("load_prices", str(market_data_dir / name))
        call_command("compute_indicators")
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def bars(market_data_dir: Path) -> pd.DataFrame:
    """All bars of the later file, whose adjustment is the newest."""
    return pd.read_csv(market_data_dir / BARS[1], dtype={"code": str})


#: In the file the bars of KOSPI end later, and half of those of KOSDAQ are of the last session alone.
@pytest.mark.parametrize(
    ("market", "session", "before"),
    [("KOSPI", "2026-07-24", "2026-07-23"), ("KOSDAQ", "2026-07-10", "2026-07-09")],
)
def test_breadth_and_movers_are_those_of_an_independent_computation(bars, market, session, before):
    (found,) = ask("/v1/market/overview", market=market).json()["markets"]
    assert (found["session"], found["previous_session"]) == (session, before)
    listed = Stock.objects.filter(market=market, is_active=True, kind="equity")
    names = set(listed.values_list("code", flat=True))
    # No action takes effect on the session, so the closes of the file can be compared as they are.
    assert not CorporateAction.objects.filter(stock__market=market, ex_date=session).exists()
    sound = bars[bars.code.isin(names) & _is_sound(bars)]
    of_day = sound[sound.date == session].set_index("code")
    of_day["before"] = sound[sound.date == before].set_index("code").close
    halted, traded = of_day[of_day.open == 0], of_day[of_day.open != 0]
    change = (traded.close / traded.before - 1) * 100
    breadth = found["breadth"]
    assert (breadth["advances"], breadth["declines"]) == (int((change > 0).sum()), int((change < 0).sum()))
    assert breadth["unchanged"] == int((change == 0).sum())
    assert breadth["unknown"] == int(change.isna().sum())
    assert breadth["halted"] == len(halted)
    assert breadth["stocks"] == len(names)
    assert breadth["missing"] == len(names) - len(of_day)
    assert breadth["advances"] + breadth["declines"] > 500

    order = pd.DataFrame({"change": change.dropna()}).rename_axis("code").reset_index()
    up = order.sort_values(["change", "code"], ascending=[False, True]).head(10)
    assert [one["code"] for one in found["movers"]["up"]] == up.code.tolist()
    assert [one["change_pct"] for one in found["movers"]["up"]] == pytest.approx(up.change.tolist(), abs=6e-5)
    # The exchange lets no price rise by more in a session.
    assert up.change.max() <= 30.01
    down = order.sort_values(["change", "code"]).head(10)
    assert [one["code"] for one in found["movers"]["down"]] == down.code.tolist()
    value = (traded.close * traded.volume).sort_values(ascending=False)
    assert [one["code"] for one in found["most_active"]["traded_value"]] == value.index[:10].tolist()
    assert [one["traded_value"] for one in found["most_active"]["traded_value"]] == value[:10].tolist()
    assert found["traded_value"] == value.sum()
    assert found["volume"] == traded.volume.sum()


def _is_sound(bars: pd.DataFrame) -> pd.Series:
    """What the loader takes in: the high and the low hold the close, and all of a day is zero or none."""
    halted = (bars.open == 0) & (bars.high == 0) & (bars.low == 0)
    held = (bars.high >= bars.close) & (bars.low <= bars.close) & (bars.open > 0)
    return halted | held


def test_the_range_of_a_year_is_that_of_the_files(market_data_dir):
    parts = [pd.read_csv(market_data_dir / name, dtype={"code": str}) for name in BARS]
    (found,) = ask("/v1/market/overview", market="KOSPI").json()["markets"]
    rebased = set(CorporateAction.objects.values_list("stock__code", flat=True))
    listed = set(Stock.objects.filter(market="KOSPI", is_active=True).values_list("code", flat=True))
    table = pd.concat(parts).drop_duplicates(["code", "date"], keep="last").sort_values(["code", "date"])
    newest = table.date.max()
    reached = 0
    for _, rows in table[table.code.isin(listed - rebased)].groupby("code"):
        year = rows.tail(252)
        if len(year) == 252 and year.date.iloc[-1] == newest and year.open.iloc[-1] != 0:
            highs = year.high.where(year.open != 0, year.close)
            reached += bool(highs.iloc[-1] >= highs.max())
    # Those whose files had to be joined are left out of the independent count.
    assert 0 <= found["breadth"]["new_highs_52w"] - reached <= len(listed & rebased)
    assert found["breadth"]["ranged"] > 0.8 * found["breadth"]["stocks"]
