"""One market's last session, worked out by hand: which session it is, and what its stocks did in it"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stocks.overview import (
    DayBar,
    Overview,
    SeenQuote,
    Standing,
    YearRange,
    figure,
    last_session,
    overview,
    session_before,
)
from stocks.types import Action, ActionKind

WED, THU, FRI, MON = date(2024, 11, 6), date(2024, 11, 7), date(2024, 11, 8), date(2024, 11, 11)


def bar(day, close, *, high=None, low=None, volume=100, halted=False) -> DayBar:
    close = Decimal(str(close))
    top, bottom = (None, None) if halted else (Decimal(str(high or close)), Decimal(str(low or close)))
    return DayBar(day, top, bottom, close, 0 if halted else volume, "test")


def quote(price, *, session=MON, previous=None, volume=50, high=None, low=None) -> SeenQuote:
    moment = datetime(2024, 11, 11, 1, tzinfo=UTC)
    numbers = (None if value is None else Decimal(str(value)) for value in (previous, high, low))
    before, top, bottom = numbers
    return SeenQuote(session, Decimal(str(price)), before, top, bottom, volume, moment, moment, "feed")


def stock(code, *bars, sector="", currency="KRW", **more) -> Standing:
    """Bars are given newest first."""
    return Standing(code=code, name=code, sector=sector, currency=currency, bars=bars, **more)


def friday(*standings) -> Overview:
    return overview(standings, session=FRI, listed_before=THU, currency="KRW")


def of(one, session, before):
    """How a stock did where the calendar and the bars agree on the session before."""
    return figure(one, session, before=before, listed_before=before)


def changes(figures) -> list[tuple[str, str]]:
    return [(one.standing.code, str(one.change_pct)) for one in figures]


def test_it_works():
    found = friday(
        stock("UP", bar(FRI, 110, volume=3), bar(THU, 100), sector="Tech"),
        stock("UP2", bar(FRI, 105, volume=7), bar(THU, 100), sector="Tech"),
        stock("DOWN", bar(FRI, 90, volume=5), bar(THU, 100), sector="Energy"),
        stock("FLAT", bar(FRI, 100, volume=9), bar(THU, 100), sector="Energy"),
        stock("HALT", bar(FRI, 100, halted=True), bar(THU, 100), sector="Energy"),
        stock("NEW", bar(FRI, 50, volume=1)),
        stock("GONE", bar(THU, 100), bar(WED, 50)),
        stock("BARE"),
    )
    breadth = found.breadth
    assert (breadth.advances, breadth.declines, breadth.unchanged) == (2, 1, 1)
    assert (breadth.halted, breadth.unknown, breadth.missing) == (1, 1, 2)
    assert breadth.lagging == 1  # the one without any price
    assert breadth.stocks == 8
    assert changes(found.up) == [("UP", "10.0000"), ("UP2", "5.0000")]
    assert changes(found.down) == [("DOWN", "-10.0000")]
    assert [one.standing.code for one in found.by_volume] == ["FLAT", "UP2", "DOWN", "UP", "NEW"]
    # 9 × 100, 7 × 105, 5 × 90, 3 × 110, 1 × 50
    assert [one.traded_value for one in found.by_value] == [900, 735, 450, 330, 50]
    assert found.volume == 25
    assert found.traded_value == Decimal(2465)
    assert [(one.name, one.stocks, one.average) for one in found.sectors] == [
        ("Tech", 2, Decimal("7.5000")),
        ("Energy", 2, Decimal("-5.0000")),
    ]


def test_a_stock_of_an_older_session_is_missing_and_moves_nowhere():
    found = friday(stock("OLD", bar(THU, 200), bar(WED, 100)), stock("A", bar(FRI, 101), bar(THU, 100)))
    assert changes(found.up) == [("A", "1.0000")]
    assert found.breadth.missing == 1


def test_a_split_on_the_day_of_the_session_is_no_fall():
    split = Action(ActionKind.SPLIT, FRI, ratio=Decimal(2))
    found = friday(stock("SPLIT", bar(FRI, 51), bar(THU, 100), splits=[split]))
    assert changes(found.up) == [("SPLIT", "2.0000")]
    assert found.down == []


def test_a_split_over_the_weekend_counts_and_one_that_is_only_announced_does_not():
    past = Action(ActionKind.BONUS, date(2024, 11, 9), ratio=Decimal(2))
    coming = Action(ActionKind.SPLIT, date(2024, 11, 12), ratio=Decimal(10))
    one = stock("S", bar(MON, 51), bar(FRI, 100), splits=[past, coming])
    assert of(one, MON, FRI).change_pct == 2


@pytest.mark.parametrize("previous", [100, 50, None], ids=["not adjusted", "adjusted", "unknown"])
def test_a_quote_on_the_day_of_a_split_is_compared_with_our_own_close(previous):
    split = Action(ActionKind.SPLIT, MON, ratio=Decimal(2))
    one = stock("S", bar(FRI, 100), quote=quote(51, previous=previous), splits=[split])
    found = of(one, MON, FRI)
    assert (found.previous_close, found.change_pct) == (50, 2)


def test_a_quote_on_the_day_of_a_split_is_compared_with_nothing_where_bars_lag():
    split = Action(ActionKind.SPLIT, MON, ratio=Decimal(2))
    one = stock("S", bar(THU, 100), quote=quote(51, previous=100), splits=[split])
    assert of(one, MON, FRI).growth is None


def test_a_quote_is_compared_with_the_close_it_states_or_else_with_the_bar_of_the_session_before():
    assert of(stock("S", bar(FRI, 99), quote=quote(102, previous=100)), MON, FRI).change_pct == 2
    assert of(stock("S", bar(FRI, 100), quote=quote(102)), MON, FRI).change_pct == 2
    assert of(stock("S", bar(THU, 100), quote=quote(102)), MON, FRI).change_pct is None


def test_the_bar_of_a_session_is_its_last_word():
    one = stock("S", bar(MON, 103), bar(FRI, 100), quote=quote(102, previous=100))
    found = of(one, MON, FRI)
    assert (found.price, found.basis, found.source) == (103, "close", "test")


def test_a_quote_without_volume_traded_is_halted():
    found = overview(
        [stock("S", bar(FRI, 100), quote=quote(100, previous=100, volume=0))],
        session=MON,
        listed_before=FRI,
        currency="KRW",
    )
    assert (found.breadth.halted, found.breadth.unchanged) == (1, 0)
    assert found.sectors == []


def test_amounts_hold_only_the_currency_of_the_market():
    found = friday(
        stock("WON", bar(FRI, 110, volume=10), bar(THU, 100), sector="Tech"),
        stock("DOLLAR", bar(FRI, 200, volume=1000), bar(THU, 100), sector="Tech", currency="USD"),
    )
    assert changes(found.up) == [("DOLLAR", "100.0000"), ("WON", "10.0000")]
    assert [one.standing.code for one in found.by_value] == ["WON"]
    assert found.traded_value == 1100
    assert found.sectors[0].traded_value == 1100
    assert found.other_currencies == 1
    assert found.volume == 1010


def test_a_sector_is_weighted_by_market_value_before_the_session():
    def sized(code, close, cap, day):
        year = YearRange(day, cap, None, None)
        return stock(code, bar(FRI, close), bar(THU, 100), sector="Tech", year=year)

    # Before the session 300 and 100: (300 × 1 % + 100 × 9 %) / 400 = 3 %.
    found = friday(
        sized("BIG", 101, 303.0, FRI), sized("SMALL", 109, 100.0, THU), sized("OLD", 150, 1e9, WED)
    )
    sector = found.sectors[0]
    assert sector.weighted == Decimal("3.0000")
    assert (sector.weighed, sector.stocks) == (2, 3)
    assert sector.average == Decimal("20.0000")


def test_a_sector_without_any_market_value_has_no_weighted_change():
    assert friday(stock("A", bar(FRI, 101), bar(THU, 100), sector="Tech")).sectors[0].weighted is None


def test_stocks_without_a_sector_stand_last():
    found = friday(
        stock("A", bar(FRI, 150), bar(THU, 100)),
        stock("B", bar(FRI, 99), bar(THU, 100), sector="Tech"),
    )
    assert [one.name for one in found.sectors] == ["Tech", ""]


@pytest.mark.parametrize(
    ("day", "high", "low", "expected"),
    [
        (FRI, 120, 100, (True, False)),  # the range holds the session itself
        (FRI, 119, 80, (False, True)),
        (THU, 121, 100, (True, False)),
        (THU, 110, 79, (False, True)),
        (WED, 500, 1, (None, None)),  # of another session: nothing is known
    ],
)
def test_the_ends_of_a_year_are_reached_where_the_range_is_known(day, high, low, expected):
    year = YearRange(day, None, 120.0, 80.0)
    one = stock("A", bar(FRI, 100, high=high, low=low), bar(THU, 100), year=year)
    found = of(one, FRI, THU)
    assert (found.at_high, found.at_low) == expected


def test_a_range_from_before_a_split_is_brought_to_the_new_basis():
    year = YearRange(THU, None, 120.0, 80.0)
    split = Action(ActionKind.SPLIT, FRI, ratio=Decimal(2))
    one = stock("A", bar(FRI, 50, high=61, low=45), bar(THU, 100), year=year, splits=[split])
    found = of(one, FRI, THU)
    assert (found.at_high, found.at_low) == (True, False)


def test_a_running_session_reaches_a_high_by_its_quote_and_not_where_the_basis_is_in_doubt():
    year = YearRange(FRI, 1000.0, 120.0, 80.0)
    sure = stock("A", bar(FRI, 100), quote=quote(119, previous=100, high=125), year=year)
    assert of(sure, MON, FRI).at_high is True
    # A split that nobody told us of: the close stated is half of the one on file.
    doubtful = stock("A", bar(FRI, 100), quote=quote(51, previous=50), year=year)
    found = of(doubtful, MON, FRI)
    assert (found.at_high, found.at_low, found.change_pct) == (None, None, 2)


def test_a_halted_stock_reaches_nothing():
    year = YearRange(FRI, None, 100.0, 100.0)
    found = friday(stock("A", bar(FRI, 100, halted=True), bar(THU, 100), year=year))
    assert (found.breadth.new_highs, found.breadth.new_lows, found.breadth.ranged) == (0, 0, 0)


def test_a_bar_from_months_ago_is_nothing_to_compare_with():
    lame = stock("GAP", bar(FRI, 300), bar(date(2024, 6, 3), 100))
    found = friday(lame, stock("A", bar(FRI, 101), bar(THU, 100)))
    assert changes(found.up) == [("A", "1.0000")]
    assert (found.breadth.unknown, found.before) == (1, THU)


def test_a_holiday_that_the_calendar_does_not_know_is_stepped_over():
    # The calendar lists Friday; nobody traded on it.
    standings = [stock(f"S{at}", bar(MON, 110), bar(THU, 100)) for at in range(3)]
    found = overview(standings, session=MON, listed_before=FRI, currency="KRW")
    assert (found.breadth.advances, found.before) == (3, THU)


def test_a_single_stray_bar_makes_no_session():
    standings = [stock(f"S{at:02}", bar(MON, 110), bar(THU, 100)) for at in range(20)]
    stray = stock("X", bar(MON, 50), bar(date(2024, 11, 10), 40))
    assert session_before([*standings, stray], MON) == THU


# --- Which session ---


def test_the_newest_session_is_shown_once_half_of_the_stocks_have_it():
    old = [stock(f"O{at}", bar(FRI, 1), bar(THU, 1)) for at in range(2)]
    new = [stock(f"N{at}", bar(MON, 1), bar(FRI, 1)) for at in range(2)]
    assert last_session([*old, *new]) == MON
    assert last_session([*old, new[0]]) == FRI


def test_quotes_of_a_running_session_count_as_bars_do():
    quoted = [stock(f"Q{at}", bar(FRI, 1), quote=quote(1)) for at in range(3)]
    rest = [stock(f"O{at}", bar(FRI, 1)) for at in range(3)]
    assert last_session([*quoted, *rest]) == MON
    assert last_session([*quoted[:1], *rest]) == FRI


def test_one_that_stopped_long_ago_has_no_say():
    dead = [stock(f"D{at}", bar(date(2024, 1, 5), 1)) for at in range(5)]
    assert last_session([*dead, stock("A", bar(FRI, 1))]) == FRI


def test_a_stock_that_is_ahead_still_counts_for_the_session_that_is_shown():
    ahead = stock("A", bar(MON, 300), bar(FRI, 110), bar(THU, 100))
    rest = [stock(f"O{at}", bar(FRI, 100), bar(THU, 100)) for at in range(3)]
    assert last_session([ahead, *rest]) == FRI
    assert changes(friday(ahead, *rest).up) == [("A", "10.0000")]


def test_no_price_no_session():
    assert last_session([]) is None
    assert last_session([stock("A")]) is None
    found = overview([stock("A")], session=None, listed_before=None, currency="KRW")
    assert (found.breadth.stocks, found.breadth.missing, found.session) == (1, 1, None)
    assert found.traded_value is None


def test_among_equals_the_order_is_by_code():
    found = friday(*(stock(code, bar(FRI, 110), bar(THU, 100)) for code in "CBA"))
    assert [one.standing.code for one in found.up] == ["A", "B", "C"]


def test_lists_hold_ten():
    found = friday(*(stock(f"S{at:02}", bar(FRI, 101 + at), bar(THU, 100)) for at in range(30)))
    assert [one.standing.code for one in found.up] == [f"S{at:02}" for at in range(29, 19, -1)]


prices = st.integers(1, 500)


# On a machine that is busy with other tests, drawing a few numbers can take a second.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(prices, prices, st.booleans(), st.sampled_from([FRI, THU])), max_size=30))
def test_the_six_counts_add_up_and_no_mover_is_on_the_wrong_side(rows):
    standings = [
        stock(f"S{at}", bar(day, close, halted=halted), bar(WED, before))
        for at, (close, before, halted, day) in enumerate(rows)
    ]
    found = friday(*standings)
    breadth = found.breadth
    assert (
        breadth.stocks
        == len(rows)
        == (
            breadth.advances
            + breadth.declines
            + breadth.unchanged
            + breadth.halted
            + breadth.unknown
            + breadth.missing
        )
    )
    assert all(one.change is not None and one.change > 0 for one in found.up)
    assert all(one.change is not None and one.change < 0 for one in found.down)
    assert len(found.up) == min(breadth.advances, 10)
    assert len(found.down) == min(breadth.declines, 10)
    assert sum(sector.stocks for sector in found.sectors) == (
        breadth.advances + breadth.declines + breadth.unchanged
    )
